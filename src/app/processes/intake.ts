import type { Firing } from '../../detection/firing.ts'
import { openWatch } from '../../detection/watch.ts'
import { startIntake } from '../../intake/receiver/index.ts'
import { systemClock } from '../../kit/clock.ts'
import { systemEntropy } from '../../kit/ids.ts'
import { jsonLog } from '../../kit/log.ts'
import { openMatching } from '../../subscribers/matching.ts'
import { runChild } from '../child.ts'
import { nodeLink } from '../node-link.ts'
import type { WatchingIntake } from '../watching-intake.ts'

const TICK_MS = 500
const STATUS_MS = 1_000
/** A new indicator is to be live within a second. */
const FOLLOW_MS = 250
const A_BATCH = 500
const log = jsonLog((line) => process.stderr.write(line), { process: 'intake', pid: process.pid })

runChild(async (config) => {
  // Our own parent made it: checked before it crossed the channel.
  const told = config as WatchingIntake
  await using stack = new AsyncDisposableStack()
  const link = stack.use(nodeLink(told.nodeSocket, log))
  const tell = (firings: readonly Firing[]): void => {
    for (let at = 0; at < firings.length; at += A_BATCH)
      link.tell('firings', { firings: firings.slice(at, at + A_BATCH) })
  }
  const watch = openWatch({ folder: told.sigma, tell, clock: systemClock })
  const ticking = setInterval(() => watch.tick(), TICK_MS)
  const matching = told.matching
    ? openMatching({ tell: (body) => link.tell('matches', body), began: systemClock() })
    : undefined
  const reporting = setInterval(() => {
    void link.ask('watch-status', watch.status())
    if (matching) void link.ask('matching-status', matching.status())
  }, STATUS_MS)
  let following = false
  const follower = setInterval(() => {
    if (following || !matching) return
    following = true
    void matching.follow((body) => link.ask('indicators', body)).finally(() => (following = false))
  }, FOLLOW_MS)
  stack.defer(() => {
    for (const timer of [ticking, reporting, follower]) clearInterval(timer)
  })
  stack.use(
    await startIntake(told, {
      clock: systemClock,
      entropy: systemEntropy,
      log,
      onEvents: (events) => {
        watch.push(events)
        matching?.push(events)
      },
    }),
  )
  const owned = stack.move()
  return { [Symbol.asyncDispose]: () => owned.disposeAsync() }
}, log)
