import type { Entropy } from '../../../kit/ids.ts'
import type { Challenge } from '../../contract.ts'
import type { RawHeaders } from '../limits.ts'
import type { Limiter } from '../limiter.ts'
import { lineOf, type Bucket } from '../rate-limits.ts'
import { broughtBy } from './brought.ts'
import { readAnswer } from './puzzle.ts'
import { readToken, writeToken } from './token.ts'

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

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const MOST_BITS = 20
/** In a day so many times what is free within the minutes. */
export const A_DAY = 3
/** So many tries that were turned away keep a full bucket full. */
const HELD_SHUT = 10
const WAIT_MS = 15_000

export type Charge = readonly [key: string, bucket: Bucket]
/** `times` in `ms`, evenly, all of them at once at most. */
export const within = (ms: number, times: number): Bucket => ({ step: ms / times, tolerance: ms })
export const once = (times: number): Bucket => ({ step: DAY, tolerance: DAY * times })
export const scopeOf = ({ site, route }: Counted): string => `check ${site}${route}`

/** What stands between one request and the application. */
export type Gate = {
  /** What going on without more ado takes. */
  readonly room: readonly Charge[]
  /** What a solved check takes; checks of fewer bits than `leastBits` are not accepted. */
  solved(id: string): Charge
  readonly leastBits: number
  /** What a solved check adds to, `workMs` each: the more of it, the harder the next. */
  readonly works: readonly string[]
  readonly workMs: number
  /** Of the next check. */
  readonly bits: number
  /** All of them have to have room for one who waits. */
  readonly queues: readonly Charge[]
  /** What the end of a wait takes. */
  waited(id: string): Charge
}

/** Room, or a solved check, or a wait that is over; otherwise the demand for one. Whoever goes on has paid the charges. */
export function gatekeeper(secret: Uint8Array, limiter: Limiter, entropy: Entropy) {
  const fresh = (): string => Buffer.from(entropy(12)).toString('base64url')
  const fits = (charges: readonly Charge[], now: number): boolean =>
    charges.every(([key, bucket]) => limiter.early(key, bucket, now) === 0)
  const take = (charges: readonly Charge[], now: number): void => {
    for (const [key, { step }] of charges) limiter.take(key, step, now)
  }

  function pass(
    counted: Counted,
    gate: Gate,
    now: number,
  ): { readonly by: Permit['by']; readonly paid: readonly Charge[] } | Demand {
    const { challenge, address, headers } = counted
    const { room } = gate
    const scope = scopeOf(counted)
    const brought = broughtBy(headers)
    const goOn = (by: Permit['by'], paid: readonly Charge[]) => {
      take(paid, now)
      return { by, paid }
    }
    if (fits(room, now)) return goOn('room', room)

    const answer = readAnswer(brought.check)
    const check = readToken(secret, scope, 'check', answer?.token, now, Math.max(challenge.minutes, 10) * MINUTE)
    if (check !== undefined && answer!.worth >= check.bits && check.bits >= gate.leastBits) {
      const paid = [gate.solved(check.id)]
      if (fits(paid, now)) {
        for (const work of gate.works) limiter.take(work, gate.workMs, now)
        return goOn('check', paid)
      }
    }
    const { queues } = gate
    const queued = `${scope} ${lineOf(address)}`
    const wait = readToken(secret, queued, 'wait', brought.wait, now, HOUR)
    const place = wait && gate.waited(wait.id)
    const held = place !== undefined && fits([place], now) ? wait : undefined
    if (held !== undefined && now - held.at >= WAIT_MS && fits(queues, now)) {
      take(queues, now)
      return goOn('wait', [place!])
    }
    // Room comes back when the tries stop, not while they go on. What has room is not filled by tries that reach nobody.
    for (const [key, bucket] of room) {
      const { step, tolerance } = bucket
      if (limiter.early(key, bucket, now) > 0 && limiter.level(key, now) < tolerance + HELD_SHUT * step)
        limiter.take(key, step, now)
    }
    const early = queues.map(([key, bucket]) => limiter.early(key, bucket, now))
    const left = Math.max(held === undefined ? WAIT_MS : held.at + WAIT_MS - now, ...early, 1_000)
    return {
      by: 'demand',
      bits: gate.bits,
      token: writeToken(secret, scope, { kind: 'check', id: fresh(), at: now, bits: gate.bits }),
      waitToken: writeToken(secret, queued, held ?? { kind: 'wait', id: fresh(), at: now, bits: 0 }),
      waitSeconds: Math.ceil(left / 1_000) + 1,
    }
  }

  /** A permit for what was paid: tries that were good, or nobody's guess, are given back. `earned` by a good answer. */
  function permit(
    { challenge }: Counted,
    { by, paid }: { readonly by: Permit['by']; readonly paid: readonly Charge[] },
    now: number,
    earned: () => readonly string[],
  ): Permit {
    return {
      by,
      answered(status) {
        const { counts, failures } = challenge
        const good = status >= 200 && status < 400 && !failures.includes(status)
        // What broke in the application is nobody's guess.
        if ((good && counts === 'failures') || status >= 500)
          for (const [key, { step }] of paid) limiter.take(key, -step, now)
        return good ? earned() : []
      },
    }
  }

  return { fresh, pass, permit }
}
