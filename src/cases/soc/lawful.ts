import { z } from 'zod'
import type { Alert } from '../../detection/index.ts'

/**
 * What may leave a platform towards its security operations centre: time, addresses and ports of the attack, the host,
 * the rule and its class. Never an account, a cookie, a value, a body, or the id of a person (design §1).
 */
export const LawfulAlert = z.strictObject({
  id: z.string().regex(/^alr_[0-9A-Z]{26}$/),
  rule: z.string().max(200),
  title: z.string().max(300),
  level: z.enum(['informational', 'low', 'medium', 'high', 'critical']),
  first: z.iso.datetime(),
  last: z.iso.datetime(),
  count: z.int().min(1),
  observables: z
    .array(
      z.strictObject({
        kind: z.enum(['address', 'domain']),
        value: z.string().min(1).max(300),
        port: z.int().min(0).max(65_535).nullable(),
        role: z.enum(['attacker', 'callback', 'target', 'seen']),
      }),
    )
    .max(20),
})
export type LawfulAlert = z.output<typeof LawfulAlert>

/** The platform's gate: everything the law does not name for this channel stays. Says what was held back, by kind. */
export function passGate(alert: Alert): { readonly out: LawfulAlert; readonly held: readonly string[] } {
  const { id, rule, title, level, first, last, count } = alert
  const observables = alert.observables.flatMap(({ kind, value, port, role }) =>
    (kind === 'address' && role !== 'seen') || kind === 'domain' ? [{ kind, value, port, role } as const] : [],
  )
  const passed = new Set(observables.map((o) => o.value))
  const held = alert.observables.filter((o) => !passed.has(o.value)).map((o) => o.kind)
  return { out: { id, rule, title, level, first, last, count, observables }, held: [...new Set(held)] }
}
