import { inRange, parseAddress, parseRange } from '../../engine/waf/operator/address.ts'
import type { GatewaySettings } from '../contract.ts'
import { plainAddress } from './forwarding.ts'

type Banned = { readonly port: number | undefined; readonly account: string | undefined; readonly until: number }
/** Seconds until a ban of this sender ends, by whichever of the accounts it names; 0 when there is none. */
export type Bans = (address: string, port: number, accounts: readonly string[], now: number) => number

/** The list made quick to ask: addresses and accounts by themselves, ranges one after the other. */
export function liveBans(bans: GatewaySettings['bans']): Bans {
  if (bans.length === 0) return () => 0
  const byAddress = new Map<string, Banned[]>()
  const byAccount = new Map<string, Banned[]>()
  const ranges: (Banned & { readonly range: ReturnType<typeof parseRange> })[] = []
  for (const { address, port, account, until } of bans) {
    const banned: Banned = { port, account, until: Date.parse(until) }
    if (address === undefined) put(byAccount, account!, banned)
    else if (address.includes('/')) ranges.push({ ...banned, range: parseRange(address) })
    else put(byAddress, keyOf(address), banned)
  }
  return (address, port, accounts, now) => {
    let left = 0
    const see = (banned: Banned): void => {
      const fits =
        (banned.port === undefined || banned.port === port) &&
        (banned.account === undefined || accounts.includes(banned.account))
      if (fits && banned.until > now) left = Math.max(left, banned.until - now)
    }
    byAddress.get(keyOf(address))?.forEach(see)
    for (const account of accounts) byAccount.get(account)?.forEach(see)
    if (ranges.length > 0) {
      const bytes = parseAddress(address)
      if (bytes !== undefined) for (const banned of ranges) if (inRange(bytes, banned.range)) see(banned)
    }
    return Math.ceil(left / 1_000)
  }
}

function put(map: Map<string, Banned[]>, key: string, banned: Banned): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [banned])
  else list.push(banned)
}

/** One way of writing for each address: `2001:DB8::0:1` and `2001:db8::1` are one. */
const keyOf = (address: string): string => parseAddress(plainAddress(address))?.join('.') ?? address
