import { open } from 'node:fs/promises'
import type { Log } from '../../kit/log.ts'
import { eventsOf, frameAt, type Placed, type Segment } from '../../storage/segments/index.ts'
import type { IntakeEvent } from '../contract.ts'

/** Detection hangs here. Called in order, each batch after its sync; `replay` after a restart, for what lies in the segments. */
export type OnEvents = (events: readonly IntakeEvent[], how: { readonly replay: boolean }) => void | Promise<void>

type Entry = {
  readonly segment: Segment
  readonly placed: Placed
  readonly replay: boolean
  events: readonly IntakeEvent[] | undefined
}

/** Events held in memory for a slow reader; what is beyond is read from its segment again. */
const HELD = 50_000

/** Hands acknowledged batches to one reader, at its own pace. Nothing is skipped while its segment exists. */
export class EventStream {
  readonly #onEvents: OnEvents
  readonly #log: Log
  #entries: Entry[] = []
  #held = 0
  #pumping: Promise<void> | undefined
  #closed = false
  readonly counts = { behind: 0, skipped: 0, failed: 0 }

  constructor(onEvents: OnEvents, log: Log) {
    this.#onEvents = onEvents
    this.#log = log
  }

  push(segment: Segment, placed: Placed, events: readonly IntakeEvent[] | undefined, replay = false): void {
    if (placed.header.events === 0) return
    const hold = events !== undefined && this.#held + events.length <= HELD
    if (hold) this.#held += events.length
    this.counts.behind += placed.header.events
    this.#entries.push({ segment, placed, replay, events: hold ? events : undefined })
    this.#pumping ??= this.#pump()
  }

  /** Whether the reader has not yet read all of a segment. */
  needs(segment: Segment): boolean {
    return this.#entries.length > 0 && this.#entries[0]!.segment.seq <= segment.seq
  }

  /** Stops after the batch in hand. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#pumping
  }

  async #pump(): Promise<void> {
    // Not in the turn of the push: the acknowledgement goes first.
    await Promise.resolve()
    let next = 0
    while (next < this.#entries.length && !this.#closed) {
      const entry = this.#entries[next++]!
      await this.#pass(entry)
      this.counts.behind -= entry.placed.header.events
      if (next < 1_000 && next < this.#entries.length) continue
      this.#entries = this.#entries.slice(next)
      next = 0
    }
    this.#pumping = undefined
  }

  async #pass(entry: Entry): Promise<void> {
    const { events: n } = entry.placed.header
    let events = entry.events
    if (events) {
      this.#held -= n
      entry.events = undefined
    } else events = await read(entry).catch(() => undefined)
    if (!events) {
      this.counts.skipped += n
      this.#log.error('stream-skipped', { segment: entry.segment.id, events: n })
      return
    }
    try {
      await this.#onEvents(events, { replay: entry.replay })
    } catch (error) {
      this.counts.failed += n
      this.#log.error('stream-reader-failed', { error: (error as Error)?.name, events: n })
    }
  }
}

async function read({ segment, placed }: Entry): Promise<IntakeEvent[]> {
  await using file = await open(segment.path, 'r')
  const bytes = Buffer.allocUnsafe(placed.length)
  await file.read(bytes, 0, placed.length, placed.offset)
  return eventsOf<IntakeEvent>(frameAt(bytes, 0)!)
}
