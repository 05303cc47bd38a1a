import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../kit/clock.ts'
import { badRequest } from '../../kit/errors.ts'
import type { Entropy } from '../../kit/ids.ts'
import type { Log } from '../../kit/log.ts'
import { segmentLoader, serveSocket, type SocketRequest } from '../../storage/events/index.ts'
import { SegmentLog, syncFolder, type Segment } from '../../storage/segments/index.ts'
import { LARGEST_BATCH, type Ledger } from '../contract.ts'
import { Batches } from './batches.ts'
import { LedgerFile } from './ledger.ts'
import { Loader } from './loader.ts'
import { EventStream, type OnEvents } from './stream.ts'

/** What the intake process is told; bounds have defaults that fit one machine. */
export type IntakeConfig = {
  /** The role's folder: events lie in `events/`, sockets in `run/`. */
  readonly folder: string
  readonly nodeSocket: string
  /** Acknowledged but not yet in the event store; beyond it batches are answered 503. Default 2 GiB. */
  readonly maxPendingBytes?: number
  /** Free space that must remain on the disk. Default 256 MiB. */
  readonly minFreeBytes?: number
  /** Loaded segments kept so that detection can resume after a restart. Default 15 minutes, at most 256 MiB. */
  readonly lookbackMs?: number
  readonly lookbackBytes?: number
  /** Age at which a small segment is loaded. Default 1 s. */
  readonly sealMs?: number
}
export type IntakeDeps = {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly onEvents?: OnEvents
}
export type RunningIntake = AsyncDisposable & { ledger(): Promise<Ledger> }

const MIB = 1024 * 1024
/** Bodies held at once: 24 × 4 MiB. */
const MOST_REQUESTS = 24

/** Opens segments and ledger, replays what is retained to `onEvents`, then serves `run/intake.sock`. */
export async function startIntake(
  config: IntakeConfig,
  { clock, entropy, log, onEvents }: IntakeDeps,
): Promise<RunningIntake> {
  const folder = join(config.folder, 'events')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  mkdirSync(join(config.folder, 'run'), { recursive: true, mode: 0o700 })
  await using stack = new AsyncDisposableStack()
  const ledger = stack.use(new LedgerFile(folder))
  const segments = stack.use(
    await SegmentLog.open({
      folder: join(folder, 'segments'),
      lastSeq: ledger.lastSeq,
      entropy,
      log,
      broken: endProcess,
    }),
  )
  await syncFolder(config.folder)
  const stream = onEvents && stack.use(new EventStream(onEvents, log))
  const store = stack.use(segmentLoader(join(config.folder, 'run', 'store.sock')))
  for (const segment of segments.sealed)
    for (const placed of segment.frames) stream?.push(segment, placed, undefined, true)
  const loader = stack.use(
    new Loader({
      segments,
      ledger,
      store,
      stream,
      clock,
      log,
      sealMs: config.sealMs ?? 1_000,
      lookbackMs: config.lookbackMs ?? 15 * 60_000,
      lookbackBytes: config.lookbackBytes ?? 256 * MIB,
      loaded: (segment) => batches.forget(segment),
    }),
  )
  const batches: Batches = new Batches({
    folder,
    segments,
    ledger,
    stream,
    clock,
    pending: () => loader.pending(),
    maxPendingBytes: config.maxPendingBytes ?? 2_048 * MIB,
    minFreeBytes: config.minFreeBytes ?? 256 * MIB,
  })

  async function figures(): Promise<Ledger> {
    const inStore = await loader.inStore()
    // From here to the end nothing is awaited: one moment.
    const { totals } = ledger
    const pending = loader.pending()
    const sum = (of: (segment: Segment) => number): number => pending.reduce((total, segment) => total + of(segment), 0)
    const rejected: Record<string, number> = { ...totals.rejected }
    for (const { frames } of pending)
      for (const { header } of frames)
        for (const [reason, n] of Object.entries(header.rejected)) rejected[reason] = (rejected[reason] ?? 0) + n
    const received = totals.received + sum(({ lines }) => lines)
    const waiting = sum(({ events }) => events)
    const gap = inStore === null ? null : inStore - totals.stored
    const oldest = pending.find(({ events }) => events > 0)
    const allRejected = Object.values(rejected).reduce((total, n) => total + n, 0)
    return {
      received,
      stored: totals.stored,
      summarised: 0,
      rejected,
      pending: waiting,
      inStore,
      balanced:
        received === totals.stored + allRejected + waiting && (gap === null || gap === 0) && segments.damaged === 0,
      gap,
      segments: {
        pending: pending.length,
        loaded: totals.segments,
        retained: loader.retained().length,
        bytes: [...pending, ...loader.retained()].reduce((total, { bytes }) => total + bytes, 0),
        damaged: segments.damaged,
        torn: segments.torn,
      },
      lagMs: oldest ? Math.max(0, clock() - oldest.since) : 0,
      refusedBatches: batches.refused,
      stream: stream ? { ...stream.counts } : { behind: 0, skipped: 0, failed: 0 },
    }
  }

  stack.use(
    await serveSocket(
      join(config.folder, 'run', 'intake.sock'),
      {
        'POST /batches': {
          maxBody: LARGEST_BATCH,
          answer: (request) =>
            batches.take({
              source: request.query.get('source') ?? '',
              batch: request.query.get('batch') ?? '',
              tokenKey: tokenKeyOf(request),
              body: request.body,
            }),
        },
        'GET /ledger': { maxBody: 0, answer: figures },
      },
      {
        maxRequests: MOST_REQUESTS,
        overloaded: (row) => {
          if (row === 'POST /batches') batches.refused++
        },
      },
    ),
  )
  const owned = stack.move()
  return { ledger: figures, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function tokenKeyOf(request: SocketRequest): Uint8Array | undefined {
  const text = request.header('x-token-key')
  if (text === undefined) return undefined
  const key = Buffer.from(text, 'base64url')
  if (key.length !== 32)
    throw badRequest('intake/token-key', 'x-token-key: expected 32 bytes in base64url', 'x-token-key')
  return key
}

/** The supervisor starts the next life, which reads what the disk really holds. */
function endProcess(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
