import { z } from 'zod'
import type { Detected, SigmaEvent } from '../engine/sigma/index.ts'
import { Level, Observable } from './contract.ts'
import { keyOf } from './rule-files.ts'

/** A rule came true, as the intake process tells the node. Told again after a crash; the node knows it by rule, group and time. */
export const Firing = z.strictObject({
  rule: z.string().min(1).max(200),
  title: z.string().min(1).max(300),
  level: Level,
  group: z.record(z.string().max(64), z.string().max(300)),
  from: z.number(),
  at: z.number(),
  /** How often, when the one who tells has counted already. */
  count: z.int().min(1).optional(),
  events: z.array(z.string().max(100)).max(50),
  observables: z.array(Observable).max(20),
})
export type Firing = z.output<typeof Firing>

/** What tells two firings of one single-event rule apart: who did it, and nothing that who did it may choose freely. */
const GROUP = ['clientAddress', 'account', 'actor'] as const

/** What a detector found, as a firing; `undecided` is none. `event` is the one that made it true. */
export function firingOf(found: Exclude<Detected, { kind: 'undecided' }>, event: SigmaEvent, at: number): Firing {
  const { rule } = found
  const from = found.kind === 'rule' ? at : found.alert.from
  const last = found.kind === 'rule' ? at : found.alert.at
  const group = found.kind === 'rule' ? pick(event, GROUP) : texts(found.alert.event)
  return {
    rule: keyOf(rule).slice(0, 200),
    title: rule.title.slice(0, 300),
    level: rule.level ?? 'medium',
    group,
    from,
    at: last,
    events: typeof event['id'] === 'string' ? [event['id']] : [],
    observables: observablesOf(event),
  }
}

const pick = (event: SigmaEvent, names: readonly string[]): Record<string, string> =>
  texts(Object.fromEntries(names.map((name) => [name, event[name]])))

const texts = (values: SigmaEvent): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
      .map(([name, value]) => [name, String(value).slice(0, 300)]),
  )

/** Who attacked, what was attacked, and what the attack wanted our side to contact. */
export function observablesOf(event: SigmaEvent): Observable[] {
  const out: Observable[] = []
  const text = (name: string): string | undefined =>
    typeof event[name] === 'string' && event[name] !== '' ? event[name].slice(0, 300) : undefined
  const port = (name: string): number | null => (typeof event[name] === 'number' ? event[name] : null)
  const callback = text('callbackHost')
  if (callback !== undefined)
    out.push({
      kind: /^[\d.]+$|:/.test(callback) ? 'address' : 'domain',
      value: callback,
      port: port('callbackPort'),
      role: 'callback',
    })
  const client = text('clientAddress')
  const hostile = event['kind'] === 'gateway.refused'
  if (client !== undefined)
    out.push({ kind: 'address', value: client, port: port('clientPort'), role: hostile ? 'attacker' : 'seen' })
  const account = text('account')
  if (account !== undefined) out.push({ kind: 'account', value: account, port: null, role: 'target' })
  const actor = text('actor')
  if (actor !== undefined) out.push({ kind: 'service-key', value: actor, port: null, role: 'seen' })
  return out
}
