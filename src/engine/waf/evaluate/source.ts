import type { Chain, Rule } from '../plan.ts'
import { select, type Item } from './select.ts'
import type { State } from './state.ts'

/** How an evaluator comes by what a rule's operator runs on. The plain one computes; a fast one may know better. */
export type Source = {
  /** The values the rule looks at now. */
  items(state: State, rule: Rule): readonly Item[]
  /** The value after the rule's transformations; with multiMatch before, between and after them; none when it cannot match. */
  texts(rule: Rule, item: Item): readonly string[]
  /** The rule was not true of one of those texts. */
  missed?(rule: Rule, text: string): void
}

/** Every operator on every value, each transformation run each time: the plain meaning. */
export const plainSource: Source = {
  items: select,
  texts: (rule, { entry: { value } }) =>
    rule.multiMatch ? everyStep(rule.chain, value) : [transformed(rule.chain, value)],
}

function transformed(chain: Chain | undefined, value: string): string {
  return chain === undefined ? value : chain.run(transformed(chain.before, value))
}

/** The value before the chain and after each of its steps, each different text once in a row. */
function everyStep(chain: Chain | undefined, value: string): string[] {
  if (chain === undefined) return [value]
  const before = everyStep(chain.before, value)
  const last = before.at(-1)!
  const next = chain.run(last)
  return next === last ? before : [...before, next]
}
