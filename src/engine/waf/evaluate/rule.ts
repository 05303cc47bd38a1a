import { entry } from '../variables/entry.ts'
import type { Disruption, Rule } from '../plan.ts'
import type { Hit } from '../operator/index.ts'
import { applyControl, applyEffect, setVariable } from './effects.ts'
import { expand } from './values.ts'
import { tell } from './report.ts'
import type { Item } from './select.ts'
import type { Source } from './source.ts'
import type { State } from './state.ts'

/** A value of which a rule came true. */
export type Found = Item & { readonly text: string; readonly hit: Hit | undefined }

/** Most rule ids told of one request. */
const MOST_IDS = 1_000
/** Most values that a rule keeps of one request in MATCHED_VARS. */
const MOST_MATCHED = 10_000

/** Runs one rule with its chain; true when all of it matched. The order of effects is ModSecurity v3's. */
export function evaluateRule(state: State, first: Rule, source: Source): boolean {
  const before = state.gained
  let shown: Found | undefined
  for (let link: Rule | undefined = first; link !== undefined; link = link.next) {
    const found = matchLink(state, link, first, source)
    if (found === undefined) {
      state.matched = []
      return false
    }
    shown ??= found
  }
  // Without a chain every value that matched has told of itself; a chain is told once, by its first.
  if (first.next !== undefined) tell(state, first, shown!, state.gained - before)
  for (let link: Rule | undefined = first; link !== undefined; link = link.next) complete(state, link)
  if (first.logged && (!first.multiMatch || first.next !== undefined)) note(state, first.id)
  if (first.severityLevel < state.highestSeverity) state.highestSeverity = first.severityLevel
  disrupt(state, first.disruption, first)
  return true
}

/** Runs one link on all its values; the first that matched. */
function matchLink(state: State, link: Rule, first: Rule, source: Source): Found | undefined {
  let shown: Found | undefined
  const { negated, run } = link.test
  const operator = typeof run === 'function' ? run : run.make(expand(state, run.param, first))
  for (const item of source.items(state, link)) {
    for (const text of source.texts(link, item)) {
      const hit = operator(text)
      if ((hit !== undefined) === negated) {
        source.missed?.(link, text)
        continue
      }
      const found = { ...item, text, hit }
      const before = state.gained
      act(state, link, first, found)
      if (first.next === undefined) tell(state, first, found, state.gained - before)
      if (link.multiMatch && first.logged && first.next === undefined) note(state, first.id)
      shown ??= found
    }
  }
  return shown
}

function act(state: State, link: Rule, first: Rule, { target, entry: value, text, hit }: Found): void {
  if (link.capture && hit !== undefined) capture(state, hit.groups)
  if (state.matched.length < MOST_MATCHED)
    state.matched.push({
      name: value.key === '' ? target.collection : `${target.collection}:${value.key}`,
      value: text,
    })
  for (const change of link.setVars) setVariable(state, change, first)
}

/** TX:0 to TX:9; a group that took no part leaves what was there, as in ModSecurity v3. */
function capture(state: State, groups: Hit['groups']): void {
  for (let i = 0; i < 10 && i < groups.length; i++) {
    const group = groups[i]
    if (group !== undefined) state.tx.set(String(i), entry(String(i), group))
  }
}

function complete(state: State, link: Rule): void {
  for (const control of link.controls) applyControl(state, control)
  for (const effect of link.effects) applyEffect(state, effect, link)
}

function note({ ruleIds }: State, id: number): void {
  if (ruleIds.length < MOST_IDS) ruleIds.push(id)
}

function disrupt(state: State, disruption: Disruption, rule: Rule): void {
  if (state.engine !== 'on' || disruption.kind === 'pass') return
  if (disruption.kind === 'allow') state.allowed = disruption.until
  else if (disruption.kind === 'redirect')
    state.outcome = { action: 'redirect', status: disruption.status, redirect: expand(state, disruption.to, rule) }
  else state.outcome = { action: disruption.kind, status: disruption.status }
}
