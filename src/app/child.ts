import { KhienError } from '../kit/errors.ts'
import { jsonLog, type Log } from '../kit/log.ts'
import type { FromChild, ToChild } from './protocol.ts'

export type Running = AsyncDisposable & { readonly note?: Readonly<Record<string, string | number | boolean>> }

const GRACE_MS = 4_000

/**
 * The child side of the supervisor: configure → start → ready, or failed with one sentence. A stop message, SIGTERM or
 * the parent's death (the channel closes) disposes what was started, for a bounded time, and ends the process.
 */
export function runChild(start: (config: unknown) => Promise<Running>, log: Log = stderrLog()): void {
  let starting: Promise<Running> | undefined
  let stopping = false

  const say = (message: FromChild): Promise<void> =>
    new Promise((resolve) => {
      if (process.connected && process.send) process.send(message, undefined, {}, () => resolve())
      else resolve()
    })

  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), GRACE_MS).unref()
    try {
      const running = await starting
      await running?.[Symbol.asyncDispose]()
      process.exit(0)
    } catch (error) {
      log.error('stop-failed', described(error))
      process.exit(1)
    }
  }

  const configure = async (config: unknown): Promise<void> => {
    try {
      starting = start(config)
      const { note } = await starting
      if (!stopping) await say(note === undefined ? { type: 'ready' } : { type: 'ready', note })
    } catch (error) {
      if (stopping) return
      if (error instanceof KhienError) await say({ type: 'failed', code: error.code, detail: error.message })
      else log.error('start-failed', described(error))
      process.exit(1)
    }
  }

  // State after an unforeseen error is not to be trusted: say which kind, without values, and begin anew.
  const broken = (error: unknown): void => {
    log.error('unforeseen', described(error))
    process.exit(1)
  }
  process.on('uncaughtException', broken)
  process.on('unhandledRejection', broken)
  // Ctrl-C reaches the whole process group; the parent decides the order of the end.
  process.on('SIGINT', () => {})
  process.on('SIGHUP', () => {})
  process.on('SIGTERM', () => void stop())
  process.on('disconnect', () => void stop())
  process.on('message', (message: ToChild) => {
    if (message.type === 'stop') void stop()
    else if (starting === undefined) void configure(message.config)
  })
}

/** Name, code and the first place in our own files. The message is left out: it may hold a value. */
function described(error: unknown): Record<string, string | undefined> {
  if (!(error instanceof Error)) return { error: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const at = /((?:src|examples|test)\/[\w./-]+:\d+)/.exec(
    error.stack?.split('\n    at ').slice(1).join('\n') ?? '',
  )?.[1]
  return { error: error.name, code, at }
}

const stderrLog = (): Log => jsonLog((line) => process.stderr.write(line), { pid: process.pid })
