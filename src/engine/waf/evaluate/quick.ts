import type { Chain, Plan, Rule } from '../plan.ts'
import { mayHold, needsOf, signsOf, type Needs, type Signs } from '../regex/needs.ts'
import type { Entry } from '../variables/entry.ts'
import { plainSource, type Source } from './source.ts'

const NO_NEEDS: Needs = []
const needsByPlan = new WeakMap<Plan, readonly Needs[]>()

/** Transformations run once a value, and an operator only where every byte it needs is there. For one request. */
export function quickSource(plan: Plan): Source {
  const needs = needsByPlan.get(plan) ?? plan.rules.map(needsOfRule)
  needsByPlan.set(plan, needs)
  const seen = new Map<Entry, { texts: (string | undefined)[]; signs: { text: string; signs: Signs } | undefined }>()

  return {
    texts(rule, entry) {
      if (rule.multiMatch) return plainSource.texts(rule, entry)
      let known = seen.get(entry)
      if (known === undefined) seen.set(entry, (known = { texts: [], signs: undefined }))
      const text = transformed(rule.chain, entry.value, known.texts)
      const needed = needs[rule.index]!
      if (needed.length === 0) return [text]
      if (known.signs?.text !== text) known.signs = { text, signs: signsOf(text) }
      const { low, high, rest } = known.signs.signs
      return mayHold(low, high, rest, needed) ? [text] : []
    },
  }
}

function transformed(chain: Chain | undefined, value: string, texts: (string | undefined)[]): string {
  if (chain === undefined) return value
  while (texts.length <= chain.index) texts.push(undefined)
  return (texts[chain.index] ??= chain.run(transformed(chain.before, value, texts)))
}

function needsOfRule({ test: { name, negated, run } }: Rule): Needs {
  if (negated || typeof run !== 'function' || name !== 'rx' || run.pattern === undefined) return NO_NEEDS
  return needsOf(run.pattern.tree)
}
