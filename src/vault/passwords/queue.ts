import { KhienError } from '../../kit/errors.ts'

/**
 * So many pieces of work at once, so many that wait, in order; one more is told to come again (`vault/busy`, 429). A
 * storm of log-ins must not take the cores from those who read.
 */
export function workQueue({ atOnce, waiting: most }: { readonly atOnce: number; readonly waiting: number }) {
  const waiting: (() => void)[] = []
  let running = 0
  let turnedAway = 0

  async function run<T>(work: () => Promise<T>): Promise<T> {
    if (running >= atOnce) {
      if (waiting.length >= most) {
        turnedAway++
        throw new KhienError('vault/busy', 'Too many passwords are being checked; try again in a second.', {
          status: 429,
          retryAfter: 1,
        })
      }
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else running++
    try {
      return await work()
    } finally {
      // Whoever waits takes this place over, so that nobody who comes now slips in before.
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }

  return { run, figures: () => ({ running, waiting: waiting.length, turnedAway }) }
}
export type WorkQueue = ReturnType<typeof workQueue>
