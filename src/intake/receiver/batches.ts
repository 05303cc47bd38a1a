import { createHash, createHmac } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../kit/clock.ts'
import { KhienError, badRequest } from '../../kit/errors.ts'
import { base32 } from '../../kit/ids.ts'
import type { BatchHeader, Segment, SegmentLog } from '../../storage/segments/index.ts'
import { MOST_LINES, type BatchAnswer, type IntakeEvent } from '../contract.ts'
import type { Known, LedgerFile } from './ledger.ts'
import { parseLine } from './parse-line.ts'
import type { EventStream } from './stream.ts'

export type BatchContext = {
  readonly folder: string
  readonly segments: SegmentLog
  readonly ledger: LedgerFile
  readonly stream: EventStream | undefined
  readonly clock: Clock
  /** Segments that are not yet in the event store. */
  readonly pending: () => readonly Segment[]
  readonly maxPendingBytes: number
  readonly minFreeBytes: number
}
export type Batch = {
  readonly source: string
  readonly batch: string
  readonly tokenKey: Uint8Array | undefined
  readonly body: Buffer
}

const SHOWN = 100
/** Lines between two turns of the event loop. */
const SLICE = 500
const STATFS_MS = 1_000
const NAME = /^[a-z][A-Za-z0-9_.:-]{0,79}$/
const BATCH = /^[\x21-\x7e]{1,64}$/

/** Takes batches: checked, masked, durable, then answered; a batch that was taken before is answered the same. */
export class Batches {
  readonly #ctx: BatchContext
  readonly #inFlight = new Map<string, { readonly digest: string; readonly answer: Promise<BatchAnswer> }>()
  /** Acknowledged, and their segment not yet in the ledger. */
  readonly #pending = new Map<string, Known>()
  #free = { at: Number.NEGATIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }
  /** Batches answered 503. */
  refused = 0

  constructor(ctx: BatchContext) {
    this.#ctx = ctx
    for (const segment of ctx.pending())
      for (const { header } of segment.frames) this.#pending.set(nameOf(header), knownOf(header))
  }

  /** After a segment is in the ledger, which remembers its batches from then on. */
  forget(segment: Segment): void {
    for (const { header } of segment.frames) this.#pending.delete(nameOf(header))
  }

  /**
   * Errors: `intake/batch` for a bad name, `http/key-reused` (409) when the id was used for another body, `events/full`
   * (503) when segments or disk are full, `events/disk`.
   */
  async take(batch: Batch): Promise<BatchAnswer> {
    if (!NAME.test(batch.source))
      throw badRequest('intake/batch', 'source: expected a name of at most 80 signs', 'source')
    if (!BATCH.test(batch.batch))
      throw badRequest('intake/batch', 'batch: expected 1 to 64 visible ASCII signs', 'batch')
    const name = nameOf(batch)
    const digest = digestOf(batch)
    const running = this.#inFlight.get(name)
    if (running) {
      refuseOther(digest, running.digest)
      const { batch: id, accepted, rejectedTotal } = await running.answer
      return { batch: id, accepted, rejected: [], rejectedTotal, duplicate: true }
    }
    const known = this.#pending.get(name) ?? this.#ctx.ledger.batch(batch)
    if (known) {
      refuseOther(digest, known.digest)
      return {
        batch: batch.batch,
        accepted: known.accepted,
        rejected: [],
        rejectedTotal: known.rejected,
        duplicate: true,
      }
    }
    const taken = this.#take(batch, digest)
    this.#inFlight.set(name, { digest, answer: taken })
    try {
      return await taken
    } catch (error) {
      if (error instanceof KhienError && error.status === 503) this.refused++
      throw error
    } finally {
      this.#inFlight.delete(name)
    }
  }

  async #take({ source, batch, tokenKey, body }: Batch, digest: string): Promise<BatchAnswer> {
    await this.#checkRoom(body.length)
    const lines = linesOf(body)
    const received = this.#ctx.clock()
    const prefix = `e_${base32(sha256(`${source}\n${batch}`).subarray(0, 10))}`
    const sender = base32(sha256(source).subarray(0, 5))
    const kept: string[] = []
    const events: IntakeEvent[] = []
    const rejected: BatchAnswer['rejected'] = []
    const reasons: Record<string, number> = {}
    for (let i = 0; i < lines.length; i++) {
      if (i > 0 && i % SLICE === 0) await turn()
      const parsed = parseLine(lines[i]!, { now: received, sender, fallbackId: `${prefix}-${i + 1}`, tokenKey })
      if ('event' in parsed) {
        kept.push(JSON.stringify(parsed.event))
        if (this.#ctx.stream) events.push(Object.assign(parsed.event, { received, source }) as unknown as IntakeEvent)
      } else {
        reasons[parsed.rejected.reason] = (reasons[parsed.rejected.reason] ?? 0) + 1
        if (rejected.length < SHOWN) rejected.push({ line: i + 1, ...parsed.rejected })
      }
    }
    const answer = {
      batch,
      accepted: kept.length,
      rejected,
      rejectedTotal: lines.length - kept.length,
      duplicate: false,
    }
    if (lines.length === 0) return answer
    const counts = { lines: lines.length, events: kept.length, rejected: reasons }
    const header: BatchHeader = { batch, source, digest, received, ...counts }
    const { segment, placed } = await this.#ctx.segments.append(header, kept.join('\n'))
    this.#pending.set(nameOf(header), knownOf(header))
    this.#ctx.stream?.push(segment, placed, events)
    return answer
  }

  async #checkRoom(bytes: number): Promise<void> {
    const { pending, maxPendingBytes, minFreeBytes, folder } = this.#ctx
    const waiting = pending().reduce((sum, segment) => sum + segment.bytes, 0)
    if (waiting + bytes > maxPendingBytes)
      throw full('Too many events wait for the event store; they are taken again when it has caught up.')
    if (performance.now() - this.#free.at > STATFS_MS) {
      const { bavail, bsize } = await statfs(folder)
      this.#free = { at: performance.now(), bytes: bavail * bsize }
    }
    if (this.#free.bytes < minFreeBytes) throw full('The disk of the event folder is nearly full; free space on it.')
  }
}

const full = (detail: string): KhienError => new KhienError('events/full', detail, { status: 503, retryAfter: 5 })
const nameOf = ({ source, batch }: Pick<BatchHeader, 'source' | 'batch'>): string => `${source}\n${batch}`
const knownOf = ({ lines, events, digest }: BatchHeader): Known => ({
  accepted: events,
  rejected: lines - events,
  digest: digest ?? null,
})
const sha256 = (of: string | Uint8Array): Buffer => createHash('sha256').update(of).digest()
/** Under the sender's key: of a batch of one line a plain digest would let its account be guessed. */
const digestOf = ({ tokenKey, body }: Batch): string =>
  createHmac('sha256', tokenKey ?? '')
    .update(body)
    .digest()
    .toString('base64url', 0, 16)

/** A repeat is the same body; another one under its id would be dropped unseen. */
function refuseOther(digest: string, first: string | null): void {
  if (first !== null && first !== digest)
    throw new KhienError('http/key-reused', 'This Idempotency-Key was used before with another batch.', {
      status: 409,
      field: 'header.idempotency-key',
    })
}

/** Lines of NDJSON; a line end after the last is no further line. Errors: `intake/too-many-lines`. */
function linesOf(body: Buffer): string[] {
  const text = body.toString('utf8')
  if (text === '') return []
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  if (lines.length > MOST_LINES)
    throw new KhienError('intake/too-many-lines', `A batch holds at most ${MOST_LINES} lines.`, {
      status: 413,
      field: 'body',
    })
  return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
}
