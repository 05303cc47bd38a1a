import { Buckets, keyFor, type Bucket, type LiveLimit, type Sender } from './rate-limits.ts'

/** What a worker took since it last told the others: key → ms of the bucket. */
export type Taken = Readonly<Record<string, number>>

const KEYS = 100_000
const UNTOLD = 5_000
/** One who was told to wait and asks again within a second, this often, does not wait: a storm of retries. */
const STORM = 20

export type Limiter = {
  /** 0: go on. Otherwise seconds to wait, at least 1. */
  turn(limits: readonly LiveLimit[], sender: Sender, now: number): number
  /** The milliseconds until the bucket has room for one more; 0: now. Takes nothing. */
  early(key: string, bucket: Bucket, now: number): number
  /** How much of a bucket is taken, ms. */
  level(key: string, now: number): number
  /** Takes `cost` ms of a bucket; what is negative is given back. */
  take(key: string, cost: number, now: number): void
  /** What was taken here since the last call, for the other workers. */
  untold(): Taken
  /** Is called when there is something to tell, where before there was nothing. */
  whenTaken(call: () => void): void
  hear(taken: Taken, now: number): void
  counts(): { readonly keys: number; readonly evicted: number; readonly storms: number; readonly untold: number }
}

/** Rate limits of one worker, which hears what the others took. Times in ms. `told`: of each limit that turns a request away. */
export function limiter(told: (limit: LiveLimit) => void = () => undefined): Limiter {
  const buckets = new Buckets(KEYS)
  const turned = new Map<string, { n: number; until: number }>()
  let taken = new Map<string, number>()
  let storms = 0
  let lost = 0
  let begun: () => void = () => undefined

  function turnedAway(key: string, now: number): void {
    const seen = turned.get(key)
    if (seen === undefined || seen.until < now) {
      turned.delete(key)
      turned.set(key, { n: 1, until: now + 1_000 })
      if (turned.size > UNTOLD) turned.delete(turned.keys().next().value!)
    } else if (++seen.n === STORM) storms++
  }

  function take(key: string, cost: number, now: number): void {
    buckets.add(key, cost, now)
    if (taken.size === 0) begun()
    if (taken.has(key) || taken.size < UNTOLD) taken.set(key, (taken.get(key) ?? 0) + cost)
    else lost++
  }

  return {
    take,
    early: (key, bucket, now) => buckets.early(key, bucket, now),
    level: (key, now) => buckets.level(key, now),
    turn(limits, sender, now) {
      const asked = limits.flatMap((limit) => {
        const key = keyFor(limit, sender)
        return key === undefined ? [] : [{ limit, key, early: buckets.early(key, limit, now) }]
      })
      const wait = Math.max(0, ...asked.map(({ early }) => early))
      // Who is turned away uses up nothing: what a route has for everybody is not one sender's to empty.
      if (wait === 0) for (const { limit, key } of asked) take(key, limit.step, now)
      else
        for (const { limit, key, early } of asked)
          if (early > 0) {
            turnedAway(key, now)
            told(limit)
          }
      return wait === 0 ? 0 : Math.max(1, Math.ceil(wait / 1_000))
    },
    untold() {
      const out = Object.fromEntries(taken)
      taken = new Map()
      return out
    },
    whenTaken(call) {
      begun = call
    },
    hear(others, now) {
      for (const [key, cost] of Object.entries(others)) buckets.add(key, cost, now)
    },
    counts: () => ({ keys: buckets.size, evicted: buckets.evicted, storms, untold: lost }),
  }
}
