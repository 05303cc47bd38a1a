import { createHmac } from 'node:crypto'
import type { Limiter } from '../limiter.ts'
import { INVENTED, lineOf, type Bucket } from '../rate-limits.ts'
import { broughtBy, cookie, COOKIES } from './brought.ts'
import { A_DAY, type Charge, type Counted, DAY, type Gate, MINUTE, MOST_BITS, once, scopeOf, within } from './gate.ts'
import { readToken, type Token, writeToken } from './token.ts'

/** A request and the accounts it may be about: one, none, or several where applications could read it differently. */
export type Named = Counted & { readonly names: readonly string[] }

const OWN_MS = 90 * DAY
const RENEWED_MS = 30 * DAY
/** Requests that name no account that can be read, or more than two, share what ten accounts have. */
const NAMELESS = 10
const MOST_NAMES = 2
/** What a solved check adds to an account's work, which wears off at one a minute. */
const WORK_MS = MINUTE
/** The account's work may have grown while the sum was worked out. */
const LENIENT = 2
/** Who waits for an account, from one line and all together. */
const WAITING: Bucket = { step: 30_000, tolerance: 30_000 }
const ALL_WAITING: Bucket = { step: 10_000, tolerance: 60_000 }

/**
 * Tries of one account, whatever addresses and browsers they come from: past what is free each of them needs a check of
 * its own. A browser that was in the account before (a signed cookie) has tries of its own.
 */
export function accountGate(secret: Uint8Array, limiter: Limiter, fresh: () => string) {
  /** 132 bits that say nothing of a name to whoever has not the secret. */
  const markOf = (name: string): string =>
    createHmac('sha256', secret)
      .update(`account ${plainOf(name)}`)
      .digest('base64url')
      .slice(0, 22)

  return (named: Named, now: number): { readonly gate: Gate; readonly earned: () => readonly string[] } => {
    const { challenge, headers, secure, site, address } = named
    const scope = scopeOf(named)
    const all = [...new Set(named.names.filter((name) => name.trim() !== '').map(markOf))]
    const marks = all.length > MOST_NAMES ? [] : all
    const { own } = broughtBy(headers)
    const ownOf = (mark: string): Token | undefined => readToken(secret, `${site} own ${mark}`, 'own', own, now, OWN_MS)
    const free = challenge.account?.tries ?? Infinity
    const tries = (key: string, times: number): Charge[] => [
      [key, within(challenge.minutes * MINUTE, times)],
      [`${key} day`, within(DAY, times * A_DAY)],
    ]
    const room = marks.flatMap((mark) => {
      const token = ownOf(mark)
      return token === undefined
        ? tries(`${INVENTED}${scope} name ${mark}`, free)
        : tries(`${scope} own ${token.id}`, challenge.free)
    })
    const keys = marks.length === 0 ? [`${scope} nameless`] : marks.map((mark) => `${INVENTED}${scope} name ${mark}`)
    const works = keys.map((key) => `${key} work`)
    const solved = Math.max(...works.map((work) => limiter.level(work, now))) / WORK_MS
    const bits = Math.min(MOST_BITS, challenge.bits + Math.floor(Math.log2(1 + solved / free)))
    const gate: Gate = {
      room: marks.length === 0 ? tries(keys[0]!, free * NAMELESS) : room,
      solved: (id) => [`${scope} for-name ${id}`, once(1)],
      leastBits: bits - LENIENT,
      works,
      workMs: WORK_MS,
      bits,
      queues: keys.flatMap((key): Charge[] => [
        [`${key} waiting`, ALL_WAITING],
        [`${key} waiting ${lineOf(address)}`, WAITING],
      ]),
      waited: (id) => [`${scope} waited-name ${id}`, once(1)],
    }
    return {
      gate,
      earned() {
        // Only a log-in that tells right from wrong shows whose account it is, and only where it can be read in one way.
        const [mark] = marks
        if (challenge.counts === 'all' || all.length !== 1 || mark === undefined) return []
        const token = ownOf(mark)
        if (token !== undefined && now - token.at < RENEWED_MS) return []
        const next = writeToken(secret, `${site} own ${mark}`, { kind: 'own', id: token?.id ?? fresh(), at: now, bits: 0 }) // prettier-ignore
        return ['Set-Cookie', cookie(COOKIES.own, next, OWN_MS, secure)]
      },
    }
  }
}

/** One spelling of what applications and the collations of databases take for the same name. */
const plainOf = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/[\p{M}\p{C}\p{Default_Ignorable_Code_Point}]/gu, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()
    .replaceAll('đ', 'd')
