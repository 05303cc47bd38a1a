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

export type Sender = { readonly address: string; readonly account: string | undefined; readonly headers: RawHeaders }

/**
 * Whose bucket a request is counted in; undefined when the limit is for accounts and there is none. A line of IPv6 is its /64. Behind one
 * IPv4 address there may be thousands of people, so there the account, or else the kind of browser, tells them apart.
 */
export function keyFor(limit: LiveLimit, sender: Sender): string | undefined {
  if (limit.per === 'route') return limit.id
  if (limit.per === 'account') return sender.account && `${limit.id} ${sender.account}`
  const { address } = sender
  if (address.includes(':')) return `${limit.id} ${networkOf(address)} ${sender.account ?? ''}`
  return `${limit.id} ${address} ${sender.account ?? browserMark(sender.headers)}`
}

const TELLING = new Set([
  'user-agent',
  'accept-language',
  'accept-encoding',
  'accept',
  'sec-ch-ua',
  'sec-ch-ua-platform',
])
const browserMark = (headers: RawHeaders): string =>
  accountMark(
    headers
      .filter(([name]) => TELLING.has(name.toLowerCase()))
      .flat()
      .join('\n'),
  )

/** The first 64 bits of an IPv6 address: one line. */
const networkOf = (address: string): string => parseAddress(address)?.slice(0, 8).join('.') ?? address

/**
 * Token buckets by the generic cell rate algorithm (ITU-T I.371): of each key only the theoretical arrival time is kept. At most `most`
 * keys; past that the one not seen for longest is let go, and counted.
 */
export class Buckets {
  private readonly arrivals = new Map<string, number>()
  private readonly most: number
  evicted = 0

  constructor(most: number) {
    this.most = most
  }

  get size(): number {
    return this.arrivals.size
  }

  /** Takes one request at `now` (ms). 0: it may go on; otherwise the milliseconds to wait, and nothing was taken. */
  take(key: string, { step, tolerance }: LiveLimit, now: number): number {
    const arrival = Math.max(this.arrivals.get(key) ?? 0, now)
    const early = arrival + step - now - tolerance
    if (early > 0) return early
    this.put(key, arrival + step)
    return 0
  }

  /** What another worker took of the same bucket: `cost` ms. */
  add(key: string, cost: number, now: number): void {
    this.put(key, Math.max(this.arrivals.get(key) ?? 0, now) + cost)
  }

  private put(key: string, arrival: number): void {
    this.arrivals.delete(key)
    this.arrivals.set(key, arrival)
    if (this.arrivals.size <= this.most) return
    this.arrivals.delete(this.arrivals.keys().next().value!)
    this.evicted++
  }
}
