import { parseAddress } from '../../engine/waf/operator/address.ts'
import type { RateLimit, Route, Site } from '../contract.ts'
import { accountMark } from './account.ts'
import type { RawHeaders } from './limits.ts'

/** A limit as it is kept: one request costs `step` ms, and `tolerance` ms of requests may come at once. */
export type LiveLimit = {
  readonly id: string
  /** Whose it is; `route` is empty for the site's own. */
  readonly of?: { readonly site: string; readonly route: string; readonly name: string }
  readonly per: RateLimit['per']
  readonly step: number
  readonly tolerance: number
}

export function liveLimits(site: Site, route: Route | undefined): LiveLimit[] {
  const own = (limits: readonly RateLimit[], path: string): LiveLimit[] =>
    limits.map(({ name, per, requests, seconds, burst = requests }): LiveLimit => {
      const step = (seconds * 1_000) / requests
      return {
        id: `${site.name}${path}/${name}`,
        of: { site: site.name, route: path, name },
        per,
        step,
        tolerance: step * burst,
      }
    })
  return [...own(site.rateLimits, ''), ...own(route?.rateLimits ?? [], route?.path ?? '')]
}

/** One request costs `step` ms; `tolerance` ms of them may come at once. */
export type Bucket = Pick<LiveLimit, 'step' | 'tolerance'>

export type Sender = { readonly address: string; readonly account: string | undefined; readonly headers: RawHeaders }

/**
 * Whose bucket a request is counted in; undefined when the limit is for accounts and there is none. A line of IPv6 is its /64. Behind one
 * IPv4 address there may be thousands of people, so there the account, or else the kind of browser, tells them apart.
 */
export function keyFor(limit: LiveLimit, sender: Sender): string | undefined {
  if (limit.per === 'route') return limit.id
  const { address, account } = sender
  if (limit.per === 'account') return account && `${INVENTED}${limit.id} ${account}`
  const who = address.includes(':') ? (account ?? '') : (account ?? browserMark(sender.headers))
  return `${INVENTED}${limit.id} ${lineOf(address)} ${who}`
}

/** Before a key of which a client may write as many as it likes: by another browser, by another account. */
export const INVENTED = '~'

/**
 * Keys are let go among their like: those a client can invent, those of addresses, and those that cost a solved check or a good log-in
 * or are as many as the settings have; names of accounts, which are invented too, push nobody out but their like. Inventing never makes us forget what somebody has used up of his own.
 */
const classOf = (key: string): 0 | 1 | 2 | 3 =>
  key.startsWith(INVENTED)
    ? / name \S+/.test(key)
      ? 3
      : 0
    : / (?:line|net|work|waiting|earned) \S+$/.test(key)
      ? 1
      : 2

const TELLING = new Set([
  'user-agent',
  'accept-language',
  'accept-encoding',
  'accept',
  'sec-ch-ua',
  'sec-ch-ua-platform',
])
/** What stands for the kind of browser: 132 bits of the headers that tell it. */
export const browserMark = (headers: RawHeaders): string =>
  accountMark(
    headers
      .filter(([name]) => TELLING.has(name.toLowerCase()))
      .flat()
      .join('\n'),
  )

/** What stands for one line: an IPv4 address, or the first 64 bits of an IPv6 address. */
export const lineOf = (address: string): string =>
  address.includes(':') ? (parseAddress(address)?.slice(0, 8).join('.') ?? address) : address

/**
 * Token buckets by the generic cell rate algorithm (ITU-T I.371): of each key only the theoretical arrival time is kept. At most `most`
 * keys of each class; past that the one of it not seen for longest is let go, and counted.
 */
export class Buckets {
  private readonly classes = Array.from({ length: 4 }, () => new Map<string, number>())
  private readonly most: number
  evicted = 0

  constructor(most: number) {
    this.most = most
  }

  get size(): number {
    return this.classes.reduce((sum, { size }) => sum + size, 0)
  }

  /** How much of a bucket is taken, ms. */
  level(key: string, now: number): number {
    return Math.max(0, (this.classes[classOf(key)]!.get(key) ?? 0) - now)
  }

  /** The milliseconds until there is room for one more request; 0: now. Takes nothing. */
  early(key: string, { step, tolerance }: Bucket, now: number): number {
    return Math.max(0, this.level(key, now) + step - tolerance)
  }

  /** Takes `cost` ms, by whoever it was; what is negative is given back. */
  add(key: string, cost: number, now: number): void {
    const arrivals = this.classes[classOf(key)]!
    const arrival = Math.max(arrivals.get(key) ?? 0, now) + cost
    arrivals.delete(key)
    // What was given back leaves nothing behind.
    if (arrival <= now) return
    arrivals.set(key, arrival)
    if (arrivals.size <= this.most) return
    arrivals.delete(arrivals.keys().next().value!)
    this.evicted++
  }
}
