import { parseAddress } from '../../../engine/waf/operator/address.ts'
import type { Entropy } from '../../../kit/ids.ts'
import type { Limiter } from '../limiter.ts'
import { browserMark, INVENTED, lineOf, type Bucket } from '../rate-limits.ts'
import { accountGate, type Named } from './accounts.ts'
import { broughtBy, cookie, COOKIES } from './brought.ts'
import { A_DAY, type Charge, type Counted, DAY, type Demand, type Gate, gatekeeper, HOUR, MINUTE, MOST_BITS, once, type Permit, scopeOf, within } from './gate.ts' // prettier-ignore
import { readToken, writeToken, type Token } from './token.ts'

export type Challenges = {
  ask(counted: Counted, now: number): Permit | Demand
  /** The same by the account that the body names, on a route whose check counts by account. */
  askAccount(named: Named, now: number): Permit | Demand
}

const SEEN_MS = 90 * DAY
const RENEWED_MS = 30 * DAY
/** One who has behaved is no newcomer any more after so long: who earns that by the thousand needs the thousand log-ins first. */
const RIPE_MS = HOUR
const EARNED_AN_HOUR = 600
/** A newcomer's kind of browser may use up half of what its address has: then others there are still free. */
const KINDS = 2
/** An IPv6 /48 has 65,536 lines, and one owner. */
const LINES = 10
/** Of all newcomers to a route, whatever their addresses. */
const EVERYBODY = 100
const WAITING: Bucket = { step: 2_000, tolerance: 10_000 }
/** Everybody who waits for a route. */
const ALL_WAITING: Bucket = { step: 500, tolerance: 10_000 }
/** What a solved check adds to the line's work, which wears off at ten a minute. */
const WORK_MS = 6_000

/**
 * Who may go on without more ado. Nobody is judged by an IPv4 address alone: one who has behaved before (a signed cookie, given with a good
 * answer, at least an hour old) has room of its own; newcomers share what their address has, and past that show work or wait.
 */
export function challenges(secret: Uint8Array, limiter: Limiter, entropy: Entropy): Challenges {
  const { fresh, pass, permit } = gatekeeper(secret, limiter, entropy)
  const byAccount = accountGate(secret, limiter, fresh)

  function roomOf(counted: Counted, seen: Token | undefined, now: number): Charge[] {
    const { challenge, address, headers } = counted
    const scope = scopeOf(counted)
    const window = challenge.minutes * MINUTE
    const per = (times: number): Bucket => within(window, times)
    const own: Charge[] =
      seen === undefined
        ? []
        : [
            [`${scope} seen ${seen.id}`, per(challenge.free)],
            [`${scope} day ${seen.id}`, within(DAY, challenge.free * A_DAY)],
          ]
    if (seen !== undefined && now - seen.at >= RIPE_MS) return own
    const line = lineOf(address)
    return [
      ...own,
      [`${INVENTED}${scope} kind ${line} ${browserMark(headers)}`, per(Math.ceil(challenge.newcomers / KINDS))],
      [`${scope} line ${line}`, per(challenge.newcomers)],
      ...(address.includes(':')
        ? [[`${scope} net ${networkOf(address)}`, per(challenge.newcomers * LINES)] as const]
        : []),
      [`${scope} all`, per(challenge.newcomers * EVERYBODY)],
    ]
  }

  /** The cookie of one who behaved: for the site, or, where no answer tells good from bad, for the route alone. */
  function earned(counted: Counted, seen: Token | undefined, now: number): readonly string[] {
    const { site, address, secure, challenge } = counted
    const kind = challenge.counts === 'all' ? 'met' : 'seen'
    if (seen !== undefined && now - seen.at < RENEWED_MS) return []
    const mint = `${site} earned ${lineOf(address)}`
    const bucket = { step: HOUR / EARNED_AN_HOUR, tolerance: HOUR }
    if (seen === undefined && limiter.early(mint, bucket, now) > 0) return []
    if (seen === undefined) limiter.take(mint, bucket.step, now)
    const token: Token = {
      kind,
      id: seen?.id ?? fresh(),
      at: seen === undefined ? now : now - RIPE_MS,
      bits: 0,
    }
    const scope = kind === 'met' ? scopeOf(counted) : site
    return ['Set-Cookie', cookie(COOKIES[kind], writeToken(secret, scope, token), SEEN_MS, secure)]
  }

  function lineGate(counted: Counted, seen: Token | undefined, now: number): Gate {
    const { challenge, address } = counted
    const scope = scopeOf(counted)
    const work = `${scope} work ${lineOf(address)}`
    // Harder, the more checks were solved on this line of late.
    const solved = limiter.level(work, now) / WORK_MS
    return {
      room: roomOf(counted, seen, now),
      solved: (id) => [`${scope} solved ${id}`, once(challenge.free)],
      leastBits: 0,
      works: [work],
      workMs: WORK_MS,
      bits: Math.min(MOST_BITS, challenge.bits + Math.floor(Math.log2(1 + solved / (challenge.free * 10)))),
      queues: [
        [`${scope} waiting ${lineOf(address)}`, WAITING],
        [`${scope} waiting`, ALL_WAITING],
      ],
      waited: (id) => [`${scope} waited ${id}`, once(1)],
    }
  }

  return {
    ask(counted, now) {
      const brought = broughtBy(counted.headers)
      const seen =
        readToken(secret, counted.site, 'seen', brought.seen, now, SEEN_MS) ??
        (counted.challenge.counts === 'all'
          ? readToken(secret, scopeOf(counted), 'met', brought.met, now, SEEN_MS)
          : undefined)
      const found = pass(counted, lineGate(counted, seen, now), now)
      return found.by === 'demand' ? found : permit(counted, found, now, () => earned(counted, seen, now))
    },
    askAccount(named, now) {
      const { gate, earned } = byAccount(named, now)
      const found = pass(named, gate, now)
      return found.by === 'demand' ? found : permit(named, found, now, earned)
    },
  }
}

/** The first 48 bits of an IPv6 address. */
const networkOf = (address: string): string => parseAddress(address)?.slice(0, 6).join('.') ?? address
