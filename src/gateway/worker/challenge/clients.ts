import { parseAddress } from '../../../engine/waf/operator/address.ts'
import type { Entropy } from '../../../kit/ids.ts'
import type { Challenge } from '../../contract.ts'
import type { RawHeaders } from '../limits.ts'
import type { Limiter } from '../limiter.ts'
import { browserMark, INVENTED, lineOf, type Bucket } from '../rate-limits.ts'
import { readAnswer } from './puzzle.ts'
import { readToken, writeToken, type Token } from './token.ts'

/** One request that counts, on a route that asks for checks. */
export type Counted = {
  readonly site: string
  readonly route: string
  readonly challenge: Challenge
  readonly address: string
  readonly headers: RawHeaders
  /** Over TLS: cookies are marked so. */
  readonly secure: boolean
}
/** It goes on. `answered` is told the application's status, once, and says which headers to add, as flat pairs. */
export type Permit = {
  readonly by: 'room' | 'check' | 'wait'
  answered(status: number): readonly string[]
}
/** It does not, before a check is solved or the wait is over. */
export type Demand = {
  readonly by: 'demand'
  readonly token: string
  readonly bits: number
  readonly waitToken: string
  readonly waitSeconds: number
}
export type Challenges = { ask(counted: Counted, now: number): Permit | Demand }

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
export const COOKIES = { check: 'khien_check', wait: 'khien_wait', seen: 'khien_seen', met: 'khien_met' } as const
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
/** So many tries that were turned away keep a full bucket full. */
const HELD_SHUT = 10
const WAIT_MS = 15_000
const WAITING: Bucket = { step: 2_000, tolerance: 10_000 }
/** Everybody who waits for a route. */
const ALL_WAITING: Bucket = { step: 500, tolerance: 10_000 }
const MOST_BITS = 20
/** What a solved check adds to the line's work, which wears off at ten a minute. */
const WORK_MS = 6_000
const once = (times: number): Bucket => ({ step: DAY, tolerance: DAY * times })

type Charge = readonly [key: string, bucket: Bucket]

/**
 * Who may go on without more ado. Nobody is judged by an IPv4 address alone: one who has behaved before (a signed cookie, given with a good
 * answer, at least an hour old) has room of its own; newcomers share what their address has, and past that show work or wait.
 */
export function challenges(secret: Uint8Array, limiter: Limiter, entropy: Entropy): Challenges {
  const fresh = (): string => Buffer.from(entropy(12)).toString('base64url')

  function roomOf(counted: Counted, seen: Token | undefined, now: number): Charge[] {
    const { challenge, address, headers } = counted
    const scope = scopeOf(counted)
    const window = challenge.minutes * MINUTE
    const per = (times: number): Bucket => ({ step: window / times, tolerance: window })
    const own: Charge[] =
      seen === undefined
        ? []
        : [
            [`${scope} seen ${seen.id}`, per(challenge.free)],
            [`${scope} day ${seen.id}`, { step: DAY / (challenge.free * 3), tolerance: DAY }],
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

  function permit(by: Permit['by'], counted: Counted, seen: Token | undefined, charges: Charge[], now: number): Permit {
    for (const [key, { step }] of charges) limiter.take(key, step, now)
    return {
      by,
      answered(status) {
        const { counts, failures } = counted.challenge
        const good = status >= 200 && status < 400 && !failures.includes(status)
        // What broke in the application is nobody's guess.
        if ((good && counts === 'failures') || status >= 500)
          for (const [key, { step }] of charges) limiter.take(key, -step, now)
        return good ? earned(counted, seen, now) : []
      },
    }
  }

  /** Harder, the more checks were solved on this line of late. */
  function bitsFor(counted: Counted, now: number): number {
    const { challenge, address } = counted
    const solved = limiter.level(`${scopeOf(counted)} work ${lineOf(address)}`, now) / WORK_MS
    return Math.min(MOST_BITS, challenge.bits + Math.floor(Math.log2(1 + solved / (challenge.free * 10))))
  }

  return {
    ask(counted, now) {
      const { site, challenge, address } = counted
      const scope = scopeOf(counted)
      const brought = broughtBy(counted.headers)
      const seen =
        readToken(secret, site, 'seen', brought.seen, now, SEEN_MS) ??
        (challenge.counts === 'all' ? readToken(secret, scope, 'met', brought.met, now, SEEN_MS) : undefined)
      const room = roomOf(counted, seen, now)
      const fits = (charges: Charge[]): boolean =>
        charges.every(([key, bucket]) => limiter.early(key, bucket, now) === 0)
      if (fits(room)) return permit('room', counted, seen, room, now)

      const answer = readAnswer(brought.check)
      const check = readToken(secret, scope, 'check', answer?.token, now, Math.max(challenge.minutes, 10) * MINUTE)
      if (check !== undefined && answer!.worth >= check.bits) {
        const charges: Charge[] = [[`${scope} solved ${check.id}`, once(challenge.free)]]
        if (fits(charges)) {
          limiter.take(`${scope} work ${lineOf(address)}`, WORK_MS, now)
          return permit('check', counted, seen, charges, now)
        }
      }
      const queues: Charge[] = [
        [`${scope} waiting ${lineOf(address)}`, WAITING],
        [`${scope} waiting`, ALL_WAITING],
      ]
      const queued = `${scope} ${lineOf(address)}`
      const wait = readToken(secret, queued, 'wait', brought.wait, now, HOUR)
      const place: Charge | undefined = wait && [`${scope} waited ${wait.id}`, once(1)]
      const held = place !== undefined && fits([place]) ? wait : undefined
      if (held !== undefined && now - held.at >= WAIT_MS && fits(queues)) {
        for (const [key, { step }] of queues) limiter.take(key, step, now)
        return permit('wait', counted, seen, [place!], now)
      }
      // Room comes back when the tries stop, not while they go on.
      for (const [key, { step, tolerance }] of room)
        if (limiter.level(key, now) < tolerance + HELD_SHUT * step) limiter.take(key, step, now)
      const bits = bitsFor(counted, now)
      const early = queues.map(([key, bucket]) => limiter.early(key, bucket, now))
      const left = Math.max(held === undefined ? WAIT_MS : held.at + WAIT_MS - now, ...early, 1_000)
      return {
        by: 'demand',
        bits,
        token: writeToken(secret, scope, { kind: 'check', id: fresh(), at: now, bits }),
        waitToken: writeToken(secret, queued, held ?? { kind: 'wait', id: fresh(), at: now, bits: 0 }),
        waitSeconds: Math.ceil(left / 1_000) + 1,
      }
    },
  }
}

/** The first 48 bits of an IPv6 address. */
const networkOf = (address: string): string => parseAddress(address)?.slice(0, 6).join('.') ?? address
const scopeOf = ({ site, route }: Counted): string => `check ${site}${route}`

export const cookie = (name: string, value: string, ms: number, secure: boolean): string =>
  `${name}=${value}; Path=/; Max-Age=${Math.floor(ms / 1_000)}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`

/** What a request brings of ours; a solved check as a header too, for programs. */
function broughtBy(headers: RawHeaders): Readonly<Record<keyof typeof COOKIES, string | undefined>> {
  const found: Record<keyof typeof COOKIES, string | undefined> = {
    check: undefined,
    wait: undefined,
    seen: undefined,
    met: undefined,
  }
  for (const [rawName, value] of headers) {
    const name = rawName.toLowerCase()
    if (name === 'khien-check') found.check = value.slice(0, 200)
    if (name !== 'cookie' || !value.includes('khien_')) continue
    for (const part of value.split(';')) {
      const [key = '', text = ''] = part.trim().split('=', 2)
      for (const kind of ['check', 'wait', 'seen', 'met'] as const)
        if (key === COOKIES[kind]) found[kind] ??= text.slice(0, 200)
    }
  }
  return found
}
