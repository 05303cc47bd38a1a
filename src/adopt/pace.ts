import { setTimeout as sleep } from 'node:timers/promises'

/** A step this many times slower than the quickest means that others need the machine. */
const SLOW = 4
const LONGEST_REST_MS = 2_000

/** Keeps to `rate` rows a second at most, and rests as long as a step took when steps become slow. */
export function pacer(rate: number) {
  let free = performance.now()
  let least = Infinity
  return async function after(rows: number, tookMs: number, signal: AbortSignal): Promise<void> {
    const each = tookMs / Math.max(1, rows)
    least = Math.min(least * 1.01, each)
    const now = performance.now()
    free = Math.max(free, now - 1_000) + (rows * 1_000) / rate
    const rest = Math.max(free - now, each > SLOW * least ? Math.min(LONGEST_REST_MS, tookMs) : 0)
    if (rest > 1) await sleep(rest, undefined, { signal }).catch(() => {})
  }
}
