import { open, readdir, unlink, type FileHandle } from 'node:fs/promises'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { KhienError } from '../../kit/errors.ts'
import { base32, type Entropy } from '../../kit/ids.ts'
import type { Log } from '../../kit/log.ts'
import { encodeFrame, type BatchHeader } from './frame.ts'
import { add, DAMAGED, recover, syncFolder, type Placed, type Segment } from './segment.ts'

export type SegmentLogOptions = {
  readonly folder: string
  /** No segment of this number or a smaller one was ever deleted after it: numbers go on from here. */
  readonly lastSeq: number
  readonly maxBytes?: number
  readonly maxEvents?: number
  readonly entropy: Entropy
  readonly log: Log
  /** Called once when nobody knows any more what is on the disk: the process must start anew and read it. */
  readonly broken?: (error: unknown) => void
}

const MAX_BYTES = 64 * 1024 * 1024
const MAX_EVENTS = 500_000
/** What one sync covers at most. */
const GROUP_BYTES = 8 * 1024 * 1024
const NAME = /^\d{10}-[0-9A-Z]{8}\.seg$/
const ASIDE = /^(\d{10})-[0-9A-Z]{8}\.seg(\.damaged|\.torn)$/
export const SEGMENT_ID = /^\d{10}-[0-9A-Z]{8}$/

type Waiting = {
  readonly frame: Buffer
  readonly header: BatchHeader
  readonly done: (at: { segment: Segment; placed: Placed }) => void
  readonly failed: (error: unknown) => void
}

/** Append-only files of CRC-framed batches; an append resolves after fdatasync, of a new file after its folder's fsync. */
export class SegmentLog {
  /** Files that lay aside when it was opened: damaged segments, which may hold acknowledged batches, and torn tails. */
  readonly damaged: number
  readonly torn: number
  readonly #options: SegmentLogOptions
  readonly #waiting: Waiting[] = []
  #sealed: Segment[]
  #current: Segment | undefined
  #file: FileHandle | undefined
  #seq: number
  #turn: Promise<void> = Promise.resolve()
  #writing = false
  #broken = false

  private constructor(options: SegmentLogOptions, sealed: Segment[], aside: readonly (readonly [number, string])[]) {
    this.#options = options
    this.#sealed = sealed
    // Also of what was set aside: restored from a backup it must not share its number with another.
    this.#seq = Math.max(options.lastSeq, ...sealed.map(({ seq }) => seq), ...aside.map(([seq]) => seq))
    this.damaged = aside.filter(([, kind]) => kind === DAMAGED).length
    this.torn = aside.length - this.damaged
  }

  /**
   * Opens the folder: every file is read, a tail torn by a crash is set aside (nothing of it was acknowledged).
   * Errors: `events/damaged-segment`.
   */
  static async open(options: SegmentLogOptions): Promise<SegmentLog> {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 })
    const names = (await readdir(options.folder)).filter((name) => NAME.test(name)).sort()
    const sealed: Segment[] = []
    for (const name of names) {
      const segment = await recover(join(options.folder, name), name, name === names.at(-1), options.log)
      if (segment) sealed.push(segment)
    }
    const aside = (await readdir(options.folder)).flatMap((name) => {
      const [, seq, kind] = ASIDE.exec(name) ?? []
      return seq === undefined ? [] : [[Number(seq), kind!] as const]
    })
    await syncFolder(options.folder)
    await syncFolder(dirname(options.folder))
    return new SegmentLog(options, sealed, aside)
  }

  /** Sealed segments, oldest first. */
  get sealed(): readonly Segment[] {
    return this.#sealed
  }

  /** The one that is being written, if it holds anything. */
  get current(): Segment | undefined {
    return this.#current
  }

  /** Frames that wait for their sync. */
  get queued(): number {
    return this.#waiting.length
  }

  /** Durable when it resolves. Errors: `events/disk` when the disk takes no more; nothing of the batch is kept then. */
  append(header: BatchHeader, body: string): Promise<{ segment: Segment; placed: Placed }> {
    if (this.#broken) return Promise.reject(diskError())
    const frame = encodeFrame(header, body)
    return new Promise((done, failed) => {
      this.#waiting.push({ frame, header, done, failed })
      if (this.#writing) return
      this.#writing = true
      this.#turn = this.#turn.then(() => this.#write())
    })
  }

  /** No further frame goes into the current segment. */
  seal(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#seal())
    return this.#turn
  }

  /** Removes the file of a sealed segment that is no longer needed. */
  async remove(segment: Segment): Promise<void> {
    this.#sealed = this.#sealed.filter((one) => one !== segment)
    await unlink(segment.path)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.seal()
  }

  async #write(): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#group()
    } finally {
      this.#writing = false
    }
  }

  async #group(): Promise<void> {
    const group: Waiting[] = []
    try {
      const now = this.#current
      if (now && (now.bytes >= this.#maxBytes || now.events >= this.#maxEvents)) await this.#seal()
      const segment = this.#current ?? (await this.#begin())
      let bytes = 0
      let events = segment.events
      for (const next of this.#waiting) {
        const full =
          segment.bytes + bytes + next.frame.length > this.#maxBytes || events + next.header.events > this.#maxEvents
        if (group.length > 0 && (bytes >= GROUP_BYTES || full)) break
        if (full && segment.frames.length > 0) break
        group.push(next)
        bytes += next.frame.length
        events += next.header.events
      }
      if (group.length === 0) return await this.#seal()
      this.#waiting.splice(0, group.length)
      await this.#sync(segment, group)
    } catch (error) {
      if (group.length === 0) group.push(...this.#waiting.splice(0))
      this.#options.log.error('segment-write', { code: (error as NodeJS.ErrnoException).code, batches: group.length })
      for (const { failed } of group) failed(diskError())
    }
  }

  async #sync(segment: Segment, group: readonly Waiting[]): Promise<void> {
    const file = this.#file!
    const bytes = group.length === 1 ? group[0]!.frame : Buffer.concat(group.map(({ frame }) => frame))
    try {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await file.write(bytes, at, bytes.length - at, segment.bytes + at)
        at += bytesWritten
      }
    } catch (error) {
      // A full disk may have taken a part: away with it, so that the next frame follows a whole one.
      await file.truncate(segment.bytes).catch((failed: unknown) => this.#break(failed))
      throw error
    }
    try {
      await file.datasync()
    } catch (error) {
      // After a failed sync nobody knows what is on the disk; only a new start, which reads it, may go on.
      this.#break(error)
      throw error
    }
    for (const { header, frame, done } of group) {
      const placed = { offset: segment.bytes, length: frame.length, header }
      add(segment, placed)
      done({ segment, placed })
    }
  }

  #break(error: unknown): void {
    this.#broken = true
    this.#options.broken?.(error)
    for (const { failed } of this.#waiting.splice(0)) failed(diskError())
  }

  async #begin(): Promise<Segment> {
    const seq = this.#seq + 1
    const id = `${String(seq).padStart(10, '0')}-${base32(this.#options.entropy(5))}`
    const path = join(this.#options.folder, `${id}.seg`)
    this.#file = await open(path, 'wx', 0o600)
    this.#seq = seq
    await syncFolder(this.#options.folder)
    return (this.#current = { id, seq, path, bytes: 0, events: 0, lines: 0, since: 0, frames: [] })
  }

  async #seal(): Promise<void> {
    const segment = this.#current
    const file = this.#file
    // In one turn from current to sealed: whoever counts meanwhile must find it in one of them.
    this.#current = this.#file = undefined
    if (segment && segment.frames.length > 0) this.#sealed = [...this.#sealed, segment]
    await file?.close()
    if (segment?.frames.length === 0) await unlink(segment.path)
  }

  get #maxBytes(): number {
    return this.#options.maxBytes ?? MAX_BYTES
  }
  get #maxEvents(): number {
    return this.#options.maxEvents ?? MAX_EVENTS
  }
}

const diskError = (): KhienError =>
  new KhienError('events/disk', 'The disk of the event folder takes no more; free space or replace it.', {
    status: 503,
    retryAfter: 5,
  })
