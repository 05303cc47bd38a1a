import type { Rule, Target } from '../plan.ts'
import { entry, type Entry, type Values } from '../variables/entry.ts'
import { isLive } from '../variables/names.ts'
import { isChosenRule } from './removal.ts'
import { liveValues } from './values.ts'
import type { State } from './state.ts'

/** `text`: what the rule's transformations have made of the value, where that is known already. */
export type Item = { readonly target: Target; readonly entry: Entry; readonly text?: string }

/** What a rule looks at now: its targets without its exclusions and without what controls have taken away. */
export function select(state: State, rule: Rule): Item[] {
  const gone = removedTargets(state, rule)
  const out: Item[] = []
  for (const target of rule.targets) {
    const chosen: Entry[] = []
    for (const value of valuesOf(state, target, rule)) {
      if (!isSelected(target, value)) continue
      if (rule.exclusions.some((other) => isTaken(other, target, value))) continue
      if (gone.some((other) => isTaken(other, target, value))) continue
      chosen.push(value)
    }
    if (target.count) out.push({ target, entry: entry('', String(chosen.length)) })
    else for (const value of chosen) out.push({ target, entry: value })
  }
  return out
}

function valuesOf(state: State, { collection, selector }: Target, rule: Rule): Values {
  // bench/gateway.ts: rules ask TX for one name far more often than for all.
  if (collection === 'TX' && selector !== undefined && 'name' in selector) {
    const found = state.tx.get(selector.name)
    return found === undefined ? [] : [found]
  }
  return isLive(collection) ? liveValues(state, collection, rule) : state.collections[collection]
}

/** Whether a value of the target is one of those that `by` means. */
export const isTaken = (by: Target, target: Target, value: Entry): boolean =>
  by.collection === target.collection && isSelected(by, value)

function isSelected({ selector }: Target, { key }: Entry): boolean {
  if (selector === undefined) return true
  return 'name' in selector ? key.toLowerCase() === selector.name : selector.pattern.test(key)
}

const NONE: readonly Target[] = []

/** Targets that controls have taken away from the rule for the rest of the request. */
export function removedTargets(state: State, rule: Rule): readonly Target[] {
  if (state.removals.length === 0) return NONE
  return state.removals.flatMap((c) => (c.kind === 'remove-target' && isChosenRule(c.rules, rule) ? [c.target] : []))
}
