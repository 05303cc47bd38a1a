import { isIPv6 } from 'node:net'
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

/** Who sent it, told apart so that nobody counts twice: the account, or the address; of IPv6 the first 64 bits, one line. */
export function lineOf({ account, clientAddress }: Pick<Refusal, 'account' | 'clientAddress'>): string {
  if (account !== undefined) return account
  if (!isIPv6(clientAddress)) return clientAddress
  const { hostname } = new URL(`http://[${clientAddress.replace(/%.*$/, '')}]/`)
  const [head = '', tail] = hostname.slice(1, -1).split('::')
  const [front, back] = [head === '' ? [] : head.split(':'), tail ? tail.split(':') : []]
  const zeros = tail === undefined ? [] : Array<string>(8 - front.length - back.length).fill('0')
  return [...front, ...zeros, ...back].slice(0, 4).join(':')
}
