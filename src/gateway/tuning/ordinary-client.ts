import { parseAddress } from '../../engine/waf/operator/address.ts'
import type { Refusal } from '../refusals.ts'
import { liveTakings, outcomeOf, takingsFor } from './proposal.ts'

/** The one rule without which a refusal would have gone through; undefined when several decided. */
export function decidedAlone(refusal: Refusal): number | undefined {
  const rules = new Set(takingsFor(refusal).map(({ rule }) => rule))
  const [rule] = rules
  if (rule === undefined || rules.size > 1) return undefined
  // Another rule of the same weight would have been enough too.
  const others = refusal.matches.some(({ ruleId, score }) => ruleId !== rule && score > 0)
  const alone = liveTakings([{ path: '/**', rule, target: null }])
  return !others && outcomeOf(refusal, alone).outcome === 'through' ? rule : undefined
}

/**
 * The line it came over: an IPv4 address, or the first 64 bits of an IPv6 address. Never the account: a client says that of itself, and may
 * invent another for each request.
 */
export function lineOf({ clientAddress }: Pick<Refusal, 'clientAddress'>): string {
  const bytes = clientAddress.includes(':') ? parseAddress(clientAddress.replace(/%.*$/, '')) : undefined
  if (bytes === undefined) return clientAddress
  return [0, 2, 4, 6].map((at) => (bytes[at]! * 256 + bytes[at + 1]!).toString(16)).join(':')
}
