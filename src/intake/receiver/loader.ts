import type { Clock } from '../../kit/clock.ts'
import { KhienError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import type { SegmentLoader } from '../../storage/events/index.ts'
import type { Segment, SegmentLog } from '../../storage/segments/index.ts'
import type { LedgerFile } from './ledger.ts'
import type { EventStream } from './stream.ts'

export type LoaderContext = {
  readonly segments: SegmentLog
  readonly ledger: LedgerFile
  readonly store: SegmentLoader
  readonly stream: EventStream | undefined
  readonly clock: Clock
  readonly log: Log
  /** Age at which a segment is closed and loaded although it is small, ms. */
  readonly sealMs: number
  readonly lookbackMs: number
  readonly lookbackBytes: number
  /** Told when a segment is in the event store and in the ledger. */
  readonly loaded: (segment: Segment) => void
}

const TICK_MS = 50
const BACKOFF_MS = [100, 200, 400, 800, 1_500]
const SWEEP_MS = 600_000
const COUNT_MS = 3_000

/**
 * Segments → event store → ledger → away with the file. While a load is under way the next segment grows, so many small
 * batches become few large parts; when it is quiet a segment is closed after `sealMs`.
 */
export class Loader {
  readonly #ctx: LoaderContext
  readonly #timer: NodeJS.Timeout
  readonly #done = new Set<Segment>()
  #turn: Promise<unknown> = Promise.resolve()
  #running: Promise<void> | undefined
  #seen: { id: string; at: number } | undefined
  /** Tried and not confirmed: it may be in the store or not, wholly or in part. */
  #doubt: Segment | undefined
  #failures = 0
  #nextTry = 0
  #nextSweep = 0
  #closed = false

  constructor(ctx: LoaderContext) {
    this.#ctx = ctx
    for (const segment of ctx.segments.sealed) if (ctx.ledger.has(segment)) this.#done.add(segment)
    this.#doubt = this.#next()
    this.#timer = setInterval(() => (this.#running ??= this.#run()), TICK_MS)
  }

  /** Not yet in the event store, oldest first; the one being written is the last. */
  pending(): Segment[] {
    const { sealed, current } = this.#ctx.segments
    return [...sealed.filter((segment) => !this.#done.has(segment)), ...(current ? [current] : [])]
  }

  retained(): Segment[] {
    return [...this.#done]
  }

  /** What the store itself counts, between two loads; null while it is away or while a load is in doubt. */
  inStore(): Promise<number | null> {
    const asked = this.#exclusive(async () => {
      if (this.#doubt) await this.#load(this.#doubt)
      return this.#ctx.store.count()
    }).catch(() => null)
    let timer: NodeJS.Timeout
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), COUNT_MS)
    })
    return Promise.race([asked, late]).finally(() => clearTimeout(timer))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      while (!this.#closed && performance.now() >= this.#nextTry) {
        if (!this.#next() && !(await this.#sealIfDue())) break
        await this.#exclusive(async () => {
          const next = this.#next()
          if (next) await this.#load(next)
        })
        if (this.#failures > 0) this.#ctx.log.info('event-store-is-back', { pending: this.pending().length })
        this.#failures = 0
      }
      await this.#forget()
    } catch (error) {
      if (this.#failures++ === 0)
        this.#ctx.log.warn('event-store-is-away', {
          code: error instanceof KhienError ? error.code : (error as Error)?.name,
        })
      this.#nextTry = performance.now() + BACKOFF_MS[Math.min(this.#failures, BACKOFF_MS.length) - 1]!
    } finally {
      this.#running = undefined
    }
  }

  #next(): Segment | undefined {
    return this.#ctx.segments.sealed.find((segment) => !this.#done.has(segment))
  }

  async #sealIfDue(): Promise<boolean> {
    const { current } = this.#ctx.segments
    if (!current || current.frames.length === 0) return false
    if (this.#seen?.id !== current.id) this.#seen = { id: current.id, at: performance.now() }
    if (performance.now() - this.#seen.at < this.#ctx.sealMs) return false
    await this.#ctx.segments.seal()
    return true
  }

  async #load(segment: Segment): Promise<void> {
    const { ledger, store, log, clock } = this.#ctx
    if (segment.events > 0) {
      this.#doubt = segment
      const { rows, added } = await store.load(segment.id)
      if (rows !== segment.events)
        throw new KhienError(
          'events/segment',
          `The event store read ${rows} of ${segment.events} events of ${segment.id}.`,
        )
      // A kill between the parts of two months leaves some of them; the repeat adds the others.
      if (added !== rows) log.info('segment-repeated', { segment: segment.id, rows, added })
    }
    ledger.add(segment, clock())
    this.#done.add(segment)
    this.#doubt = undefined
    this.#ctx.loaded(segment)
  }

  /** Deletes loaded segments that detection needs no more, and beyond the byte cap also those it still needs. */
  async #forget(): Promise<void> {
    const { segments, stream, clock, ledger, lookbackMs, lookbackBytes } = this.#ctx
    let bytes = this.retained().reduce((sum, segment) => sum + segment.bytes, 0)
    for (const segment of this.retained().sort((a, b) => a.seq - b.seq)) {
      const last = segment.frames.at(-1)!.header.received
      const kept = stream !== undefined && (stream.needs(segment) || clock() - last <= lookbackMs)
      if (kept && bytes <= lookbackBytes) break
      await segments.remove(segment)
      this.#done.delete(segment)
      bytes -= segment.bytes
    }
    if (performance.now() < this.#nextSweep) return
    this.#nextSweep = performance.now() + SWEEP_MS
    ledger.sweep(clock())
  }

  #exclusive<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act)
    this.#turn = result.catch(() => {})
    return result
  }
}
