import { mkdir } from 'node:fs/promises'
import { KhienError } from '../kit/errors.ts'
import type { Database } from '../storage/sql/index.ts'
import { logFiles, type LogFiles } from './files.ts'
import { type Depth, loadState, type Reconciliation } from './reconcile.ts'
import type { logSigner } from './tree.ts'
import { appendBatch, BATCH, type LogState, type Writer } from './writer.ts'

export type Integration = { readonly size: number; readonly appended: number }

/** The one writer of a log folder. */
export type Publisher = {
  integrate(): Promise<Integration>
  reconcile(depth: Depth): Promise<Reconciliation>
  /** What is published now, read from the folder if need be. */
  published(): Promise<LogState & { readonly read: LogFiles['read'] }>
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>
  /** Set for good once the log was found altered. */
  readonly broken: KhienError | undefined
}

export function publisher(options: {
  readonly db: Database
  /** The log's own folder. */
  readonly folder: string
  readonly signer: ReturnType<typeof logSigner>
  readonly copy?: boolean | undefined
  readonly step?: ((name: string) => void) | undefined
}): Publisher {
  const { folder } = options
  let held: { writer: Writer; state: LogState } | undefined
  let broken: KhienError | undefined
  let last: Promise<unknown> = Promise.resolve()

  // One at a time: two writers would sign two different futures.
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const run = last.then(async () => {
      if (broken !== undefined) throw broken
      try {
        return await work()
      } catch (error) {
        // Whatever failed half-way, the files decide: the next call reads them afresh.
        held = undefined
        if (error instanceof KhienError && error.code === 'audit/log-altered') broken = error
        throw error
      }
    })
    last = run.catch(() => undefined)
    return run
  }
  const load = async (depth: Depth): Promise<{ checked: number; now: { writer: Writer; state: LogState } }> => {
    await mkdir(folder, { recursive: true })
    const writer = { ...options, files: await logFiles(folder) }
    const { state, checked } = await loadState(writer, folder, depth)
    held = { writer, state }
    return { checked, now: held }
  }
  const current = async () => held ?? (await load('edge')).now
  const drain = async (now: { writer: Writer; state: LogState }): Promise<Integration> => {
    const before = now.state.head.size
    for (;;) {
      const size = now.state.head.size
      now.state = (await appendBatch(now.writer, now.state)) ?? now.state
      if (now.state.head.size - size < BATCH)
        return { size: now.state.head.size, appended: now.state.head.size - before }
    }
  }
  return {
    get broken() {
      return broken
    },
    integrate: () => alone(async () => drain(await current())),
    reconcile: (depth) =>
      alone(async () => {
        const { checked, now } = await load(depth)
        return { checked, ...(await drain(now)) }
      }),
    async published() {
      const { writer, state } = held ?? (await alone(current))
      return { ...state, read: writer.files.read }
    },
    async idle() {
      await last
    },
  }
}
