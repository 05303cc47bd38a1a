import { getCompileCacheDir } from 'node:module'
import { SETTINGS } from '../app/settings.ts'
import { parseConfig } from '../app/parse-config.ts'
import { planStart } from '../app/plan.ts'
import { checkPorts, claimFolder } from '../app/preflight.ts'
import { specsOf } from '../app/specs.ts'
import { supervise } from '../app/supervisor.ts'
import { StartError } from '../kit/errors.ts'
import { inLanguage } from '../kit/i18n.ts'
import { jsonLog } from '../kit/log.ts'
import { startMessages } from './start-messages.ts'
import { startSummary } from './start-summary.ts'
import { buildConsoleOrSay } from './console.ts'
import type { Verb } from './verb.ts'

/** A Ctrl-C comes twice through npm (terminal and forwarding); only a later one means "now". */
const SAME_WISH_MS = 1_000

export const start: Verb = {
  summary: 'run Khiên: one role, or all three with an example marketplace',
  usage: startUsage(),
  async run(args, io) {
    const began = performance.now()
    const config = parseConfig(args, io.env, { root: io.root, cwd: process.cwd() })
    const plan = planStart(config, io.stdin.isTTY === true)
    const say = inLanguage(startMessages, io.language)

    using wish = stopWish()
    using _held = claimFolder(config.data)
    await checkPorts(plan.listeners)
    io.err(`${say.starting(config.data)}\n`)

    const cache = getCompileCacheDir()
    // Beside the processes: both take seconds, and neither needs the other before somebody opens a page.
    const built = buildConsoleOrSay(io, wish.signal)
    try {
      await using running = await supervise(specsOf(plan, io.root), {
        out: (line) => io.err(`khien: ${line}\n`),
        log: jsonLog(io.err, { process: 'supervisor' }),
        root: io.root,
        signal: wish.signal,
        ...(cache === undefined ? {} : { compileCache: cache }),
      })
      await built
      const look = { language: io.language, color: process.stdout.isTTY && !io.env['NO_COLOR'] }
      io.out(startSummary(plan, running.notes, (performance.now() - began) / 1000, look))
      await wish.made
      wish.again(() => running.kill())
      io.err(`\n${say.stopping}\n`)
    } catch (error) {
      if (!(error instanceof StartError && error.code === 'stopped')) throw error
    }
    io.err(`${say.stopped}\n`)
    return 0
  },
}

type Wish = Disposable & { signal: AbortSignal; made: Promise<void>; again(act: () => void): void }

function stopWish(): Wish {
  const controller = new AbortController()
  const { promise, resolve } = Promise.withResolvers<void>()
  let since = Infinity
  let insist = (): void => {}
  const wish = (): void => {
    if (performance.now() - since > SAME_WISH_MS) insist()
    if (since === Infinity) since = performance.now()
    controller.abort()
    resolve()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, wish)
  return {
    signal: controller.signal,
    made: promise,
    again: (act) => (insist = act),
    [Symbol.dispose]: () => signals.forEach((signal) => process.off(signal, wish)),
  }
}

function startUsage(): string {
  const lines = Object.values(SETTINGS).map((setting) => {
    const env = 'env' in setting ? ` (${setting.env})` : ''
    return `  --${`${setting.name} ${setting.argument}`.padEnd(34)} ${setting.help}${env}\n${' '.repeat(39)}default: ${setting.otherwise}`
  })
  return `khien start [flags]

${lines.join('\n')}
  --${'config FILE'.padEnd(34)} JSON with the same names; flags and environment win

DATABASE_URL and KEYS_DATABASE_URL (PostgreSQL) come from the environment alone.
`
}
