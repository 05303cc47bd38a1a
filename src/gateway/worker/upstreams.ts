import { Pool } from 'undici'
import { StartError } from '../../kit/errors.ts'
import type { Site } from '../contract.ts'
import type { Limits } from './limits.ts'
import { Places } from './places.ts'

/** One application, with what is known of its health from the requests that went there. */
export type Application = {
  readonly pool: Pool
  readonly origin: string
  /** Every dispatch needs one: what undici queued itself it would hold, body and all, though its client has left. */
  readonly places: Places
  busy: number
  /** Requests it has had, by which those with equally little to do take turns. */
  served: number
  /** Failures one after the other. */
  failures: number
  /** Not asked before this time, ms. */
  outUntil: number
}

const OUT_AFTER = 3
const OUT_MS = [2_000, 4_000, 8_000, 16_000, 30_000]

export type Applications = AsyncDisposable & {
  /** The one of a site's that has least to do for its weight, of those that are not out; of those tried already, none. */
  choose(site: Site, tried: readonly Application[], now: number): Application | undefined
  succeeded(application: Application): void
  failed(application: Application, now: number): void
  /** Lets go of connections to applications that no site names any more, once they are idle. */
  keep(sites: readonly Site[]): void
  counts(): { readonly applications: number; readonly out: number }
}

/** Pools of connections kept alive, one an origin, shared by the sites that name it. */
export function openApplications(limits: Limits, now: () => number): Applications {
  const open = new Map<string, Application>()

  function of(url: string): Application {
    const known = open.get(url)
    if (known !== undefined) return known
    const { origin } = new URL(url)
    const pool = new Pool(origin, {
      connections: limits.upstreamConnections,
      pipelining: 1,
      connect: { timeout: limits.upstreamConnectMs },
      headersTimeout: limits.upstreamHeadMs,
      bodyTimeout: limits.upstreamIdleMs,
      // Shorter than the five seconds after which Node servers close: a request must not meet a closing connection.
      keepAliveTimeout: 4_000,
    })
    const places = new Places(limits.upstreamConnections, limits.upstreamHeadMs)
    const made: Application = { pool, origin, places, busy: 0, served: 0, failures: 0, outUntil: 0 }
    open.set(url, made)
    return made
  }

  return {
    choose({ upstreams }, tried, at) {
      if (upstreams.length === 1) {
        const only = of(upstreams[0]!.url)
        return tried.includes(only) ? undefined : only
      }
      let best: Application | undefined
      let least = Infinity
      let soonest: Application | undefined
      for (const { url, weight } of upstreams) {
        const one = of(url)
        if (tried.includes(one)) continue
        if (soonest === undefined || one.outUntil < soonest.outUntil) soonest = one
        const load = one.busy / weight + Math.min(1, one.served / weight / 1e9)
        if (one.outUntil <= at && load < least) {
          least = load
          best = one
        }
      }
      // All are out: better to ask the one that is due first than nobody.
      return best ?? soonest
    },
    succeeded(application) {
      application.failures = 0
      application.outUntil = 0
    },
    failed(application, at) {
      const over = ++application.failures - OUT_AFTER
      if (over >= 0) application.outUntil = at + OUT_MS[Math.min(over, OUT_MS.length - 1)]!
    },
    keep(sites) {
      const named = new Set(sites.flatMap(({ upstreams }) => upstreams.map(({ url }) => url)))
      for (const [url, { pool }] of open) {
        if (named.has(url)) continue
        open.delete(url)
        void pool.close().catch(() => undefined)
      }
    },
    counts: () => ({
      applications: open.size,
      out: [...open.values()].filter(({ outUntil }) => outUntil > now()).length,
    }),
    async [Symbol.asyncDispose]() {
      await Promise.all([...open.values()].map(({ pool }) => pool.destroy()))
    },
  }
}

/** Scheme, host and port alone. Throws `StartError`. */
export function checkOrigin(origin: string): string {
  const url = URL.parse(origin)
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.username !== ''
  )
    throw new StartError('upstream', '--upstream must be an origin such as http://127.0.0.1:3000, without a path.')
  return url.origin
}
