import type { Hit, Reading } from './reading.ts'

/** Signs before a value that are looked at for a word that tells what it is. */
const LOOK = 48

/** The last word before `at` that means one of the set `among`; `until` is its end. Undefined: there is none near. */
export function wordBefore(
  { hits }: Reading,
  at: number,
  among: number,
): { readonly set: number; readonly until: number } | undefined {
  for (let i = lastHitBefore(hits, at); i >= 0 && hits[i]!.end >= at - LOOK; i--) {
    const { set, end } = hits[i]!
    if ((set & among) !== 0) return { set, until: end }
  }
  return undefined
}

/** Index of the last hit that ends at or before `at`, or -1. */
export function lastHitBefore(hits: readonly Hit[], at: number): number {
  let low = 0
  let high = hits.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (hits[middle]!.end <= at) low = middle + 1
    else high = middle
  }
  return low - 1
}
