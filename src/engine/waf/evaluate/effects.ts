import { MOST_KEPT, type KeptRecord } from '../persistent.ts'
import { toNumber } from '../operator/number.ts'
import type { Control, Effect, Rule, SetVar } from '../plan.ts'
import { entry, one } from '../variables/entry.ts'
import type { Persistent } from '../variables/names.ts'
import { expand } from './values.ts'
import type { State } from './state.ts'

/** Variables of TX in one request; setvar beyond it is dropped. */
const MOST_TX = 5_000
const SCORE = /^(?:anomaly_score|(?:in|out)bound_anomaly_score_pl[1-4]|anomaly_score_pl[1-4])$/

const secondsOf = (state: State): number => Math.floor((state.around.at ?? 0) / 1000)

/** setvar of one match. */
export function setVariable(state: State, change: SetVar, rule: Rule): void {
  const name = expand(state, change.key, rule)
  const key = name.toLowerCase()
  const { collection, how } = change
  if (collection !== 'TX') return setKept(state, collection, key, change, rule)
  if (how === 'remove') return void state.tx.delete(key)
  const before = state.tx.get(key)
  const text = expand(state, change.value, rule)
  const value = how === 'set' ? text : summed(before?.value, text, how)
  if (how === 'add' && SCORE.test(key)) state.gained += toNumber(text)
  if (before === undefined && state.tx.size >= MOST_TX) return
  state.tx.set(key, entry(before?.key ?? name, value))
}

const summed = (before: string | undefined, text: string, how: 'add' | 'subtract'): string =>
  String(toNumber(before ?? '0') + (how === 'add' ? toNumber(text) : -toNumber(text)))

function setKept(state: State, collection: Persistent, key: string, { how, value }: SetVar, rule: Rule): void {
  const kept = state.records.get(collection)?.kept
  if (kept === undefined) return
  if (how === 'remove') return void kept.delete(key)
  const before = kept.get(key)
  if (before === undefined && kept.size >= MOST_KEPT) return
  const text = expand(state, value, rule)
  const now = secondsOf(state)
  kept.set(key, {
    value: how === 'set' ? text : summed(before?.value, text, how),
    changed: now,
    expires: before?.expires ?? expiry(state, now),
  })
}

const expiry = (state: State, now: number): number =>
  state.plan.collectionTimeout === 0 ? Number.POSITIVE_INFINITY : now + state.plan.collectionTimeout

export function applyEffect(state: State, effect: Effect, rule: Rule): void {
  if (effect.kind === 'env') {
    if (state.environment.size < MOST_KEPT)
      state.environment.set(expand(state, effect.name, rule), expand(state, effect.value, rule))
    return
  }
  if (effect.kind === 'init') return open(state, effect.collection, expand(state, effect.key, rule))
  const kept = state.records.get(effect.collection)?.kept
  if (kept === undefined) return
  if (effect.kind === 'expire') expire(state, kept, effect, rule)
  else deprecate(state, kept, effect)
}

function open(state: State, collection: Persistent, key: string): void {
  const kept = state.around.collections?.open(collection, key, secondsOf(state)) ?? new Map()
  state.records.set(collection, { key, kept })
}

function expire(state: State, kept: KeptRecord, effect: Extract<Effect, { kind: 'expire' }>, rule: Rule): void {
  const key = expand(state, effect.key, rule).toLowerCase()
  const known = kept.get(key)
  if (known === undefined) return
  const seconds = toNumber(expand(state, effect.seconds, rule))
  kept.set(key, { ...known, expires: secondsOf(state) + Math.max(0, seconds) })
}

function deprecate(state: State, kept: KeptRecord, effect: Extract<Effect, { kind: 'deprecate' }>): void {
  const known = kept.get(effect.key)
  if (known === undefined) return
  const now = secondsOf(state)
  const periods = Math.floor((now - known.changed) / effect.seconds)
  if (periods <= 0) return
  const value = String(Math.max(0, toNumber(known.value) - periods * effect.amount))
  kept.set(effect.key, { ...known, value, changed: now })
}

export function applyControl(state: State, control: Control): void {
  switch (control.kind) {
    case 'remove-rule':
    case 'remove-target':
      state.removals.push(control)
      return
    case 'engine':
      state.engine = control.mode
      return
    case 'processor':
      state.processor = control.name
      state.collections = { ...state.collections, REQBODY_PROCESSOR: one(control.name) }
      return
    case 'request-body':
      state.requestBody = control.on
      return
    case 'response-body':
      state.responseBody = control.on
      return
    case 'force-request-body':
      state.forceBody = control.on
  }
}
