import { splitActions } from '../directive/actions.ts'
import { readTargets } from '../directive/targets.ts'
import { ConstructError } from '../error.ts'
import type { RuleChoice } from '../plan.ts'
import { applyAction } from './actions.ts'
import { idsOf } from './controls.ts'
import type { Links } from './draft.ts'

/** What SecRuleRemove… and SecRuleUpdate… do to the rules of the whole plan, wherever in the files they stand. */
export type Change = { readonly rules: readonly RuleChoice[]; readonly apply: (links: Links) => 'keep' | 'remove' }

const NAME = /^secrule(remove|updatetarget|updateaction)by(id|tag|msg)$/

/** The change a directive asks for; undefined when it is none. Throws `ConstructError`. */
export function changeOf(name: string, words: readonly string[]): Change | undefined {
  const found = NAME.exec(name.toLowerCase())
  if (found === null) return undefined
  const [, what, by] = found
  if (what === 'remove') {
    if (words.length === 0) throw new ConstructError(`${name} names no rule`)
    const rules =
      by === 'id'
        ? words.flatMap((word) => word.split(/[\s,]+/).filter((part) => part !== '')).map(idsOf)
        : words.map((text) => ({ by: by as 'tag' | 'msg', text }))
    return { rules, apply: () => 'remove' }
  }
  if (words.length !== 2) throw new ConstructError(`${name} takes rules and what to change, two words`)
  const rules: RuleChoice[] = by === 'id' ? [idsOf(words[0]!)] : [{ by: by as 'tag' | 'msg', text: words[0]! }]
  return { rules, apply: what === 'updatetarget' ? newTargets(words[1]!) : newActions(words[1]!) }
}

function newTargets(text: string): Change['apply'] {
  const targets = readTargets(text)
  // An exclusion is meant for the whole chain: a link that went on looking would still match. An addition for its head.
  return (links) => {
    for (const link of links) link.targets.push(...targets.filter(({ excluded }) => excluded))
    links[0].targets.push(...targets.filter(({ excluded }) => !excluded))
    return 'keep'
  }
}

function newActions(text: string): Change['apply'] {
  const actions = splitActions(text)
  if (actions.some(({ name }) => name === 'id' || name === 'phase' || name === 'chain'))
    throw new ConstructError('id, phase and chain of a rule cannot be updated')
  return ([first]) => {
    for (const action of actions) applyAction(first, action, false)
    return 'keep'
  }
}

export function isChosen(
  rules: readonly RuleChoice[],
  rule: { id: number; tags: readonly string[]; message: string },
): boolean {
  return rules.some((choice) =>
    choice.by === 'id'
      ? rule.id >= choice.from && rule.id <= choice.to
      : choice.by === 'tag'
        ? rule.tags.includes(choice.text)
        : rule.message === choice.text,
  )
}
