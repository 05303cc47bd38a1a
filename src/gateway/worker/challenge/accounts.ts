import { accountMark } from '../account.ts'
import type { Limiter } from '../limiter.ts'
import { INVENTED, type Bucket } from '../rate-limits.ts'
import { broughtBy, cookie, COOKIES } from './brought.ts'
import { type Charge, type Counted, DAY, type Gate, MINUTE, MOST_BITS, once, scopeOf } from './gate.ts'
import { readToken, writeToken } from './token.ts'

/** A request whose body names the accounts it would enter: one, none, or several where a field stands more than once. */
export type Named = Counted & { readonly names: readonly string[] }

const OWN_MS = 90 * DAY
/** In a day so many times what is free within the minutes. */
const A_DAY = 3
/** Requests that name no account that can be read share what ten accounts have. */
const NAMELESS = 10
/** What a solved check adds to an account's work, which wears off at one a minute. */
const WORK_MS = MINUTE
/** The account's work may have grown while the sum was worked out. */
const LENIENT = 2
const WAITING: Bucket = { step: 30_000, tolerance: 60_000 }

/**
 * Tries of one account, whatever addresses and browsers they come from: past what is free each of them needs a check of
 * its own. Nobody is kept out by it, and a browser that was in the account before (a signed cookie) is not counted.
 */
export function accountGate(secret: Uint8Array, limiter: Limiter, fresh: () => string) {
  const scopeOfOwn = ({ site }: Named, mark: string): string => `${site} own ${mark}`

  return (named: Named, now: number): { readonly gate: Gate; readonly earned: () => readonly string[] } => {
    const { challenge, headers, secure } = named
    const scope = scopeOf(named)
    const marks = [...new Set(named.names.map((name) => accountMark(plainOf(name))))]
    const { own } = broughtBy(headers)
    const foreign = marks.filter(
      (mark) => readToken(secret, scopeOfOwn(named, mark), 'own', own, now, OWN_MS) === undefined,
    )
    const window = challenge.minutes * MINUTE
    const free = challenge.account?.tries ?? Infinity
    const of = (key: string, times: number): Charge[] => [
      [key, { step: window / times, tolerance: window }],
      [`${key} day`, { step: DAY / (times * A_DAY), tolerance: DAY }],
    ]
    const keys = marks.length === 0 ? [`${scope} nameless`] : foreign.map((mark) => `${INVENTED}${scope} name ${mark}`)
    const work = `${keys[0] ?? scope} work`
    const solved = limiter.level(work, now) / WORK_MS
    const bits = Math.min(MOST_BITS, challenge.bits + Math.floor(Math.log2(1 + solved / free)))
    const gate: Gate = {
      room: keys.flatMap((key) => of(key, marks.length === 0 ? free * NAMELESS : free)),
      solved: (id) => [`${scope} for-name ${id}`, once(1)],
      leastBits: bits - LENIENT,
      work: [work, WORK_MS],
      bits,
      queues: keys.map((key) => [`${key} waiting`, WAITING]),
      waited: (id) => [`${scope} waited-name ${id}`, once(1)],
    }
    return {
      gate,
      earned() {
        // Only a log-in that tells right from wrong shows whose account it is.
        if (challenge.counts === 'all' || marks.length !== 1 || foreign.length === 0) return []
        const token = writeToken(secret, scopeOfOwn(named, marks[0]!), { kind: 'own', id: fresh(), at: now, bits: 0 })
        return ['Set-Cookie', cookie(COOKIES.own, token, OWN_MS, secure)]
      },
    }
  }
}

/** One spelling of what applications take for the same name. */
const plainOf = (name: string): string => name.normalize('NFKC').trim().toLowerCase()
