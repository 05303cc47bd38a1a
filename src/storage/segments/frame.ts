import { crc32 } from 'node:zlib'

/** What one acknowledged batch says about itself; its events follow as NDJSON. */
export type BatchHeader = {
  readonly batch: string
  readonly source: string
  /** What tells the batch, as it came, from another of its id; frames of older versions have none. */
  readonly digest?: string
  /** Milliseconds, UTC. */
  readonly received: number
  /** Lines of the batch = events + all rejected. */
  readonly lines: number
  readonly events: number
  readonly rejected: Readonly<Record<string, number>>
}
export type Frame = {
  /** Where it begins in its segment, and how long it is with its head. */
  readonly offset: number
  readonly length: number
  readonly header: BatchHeader
  /** NDJSON, one event a line, no line end after the last. */
  readonly body: Buffer
}

const SIGN = 'KSF1'
const MAGIC = Buffer.from(SIGN).readUInt32LE()
/** Magic, length of the payload, CRC-32 of the payload, each 4 bytes, little-endian. */
const HEAD = 12
export const LONGEST_FRAME = 32 * 1024 * 1024
const NEWLINE = 10

/** head ‖ header as one line of JSON ‖ events. */
export function encodeFrame(header: BatchHeader, body: string): Buffer {
  const payload = Buffer.from(`${JSON.stringify(header)}\n${body}`, 'utf8')
  if (payload.length > LONGEST_FRAME) throw new RangeError('A frame is longer than 32 MiB.')
  const head = Buffer.allocUnsafe(HEAD)
  head.writeUInt32LE(MAGIC, 0)
  head.writeUInt32LE(payload.length, 4)
  head.writeUInt32LE(crc32(payload), 8)
  return Buffer.concat([head, payload])
}

/** The frame at `offset`, or undefined where the bytes end, are torn or do not match their CRC. */
export function frameAt(bytes: Buffer, offset: number): Frame | undefined {
  if (bytes.length - offset < HEAD || bytes.readUInt32LE(offset) !== MAGIC) return undefined
  const length = bytes.readUInt32LE(offset + 4)
  const start = offset + HEAD
  if (length > LONGEST_FRAME || bytes.length - start < length) return undefined
  const payload = bytes.subarray(start, start + length)
  if (crc32(payload) !== bytes.readUInt32LE(offset + 8)) return undefined
  const end = payload.indexOf(NEWLINE)
  if (end < 0) return undefined
  const header = JSON.parse(payload.toString('utf8', 0, end)) as BatchHeader
  return { offset, length: HEAD + length, header, body: payload.subarray(end + 1) }
}

/** All whole frames from the beginning; `end` is where the first that is not whole would begin. */
export function framesOf(bytes: Buffer): { frames: Frame[]; end: number } {
  const frames: Frame[] = []
  let end = 0
  for (let frame = frameAt(bytes, 0); frame; frame = frameAt(bytes, end)) {
    frames.push(frame)
    end += frame.length
  }
  return { frames, end }
}

/** Where the first whole frame at or behind `offset` begins; undefined when there is none. */
export function nextFrame(bytes: Buffer, offset: number): number | undefined {
  // Cheap: the length that follows a false magic in JSON text is always beyond the longest frame.
  for (let at = bytes.indexOf(SIGN, offset); at >= 0; at = bytes.indexOf(SIGN, at + 1))
    if (frameAt(bytes, at)) return at
  return undefined
}

/** The events of a frame, in order, with the header's `received` and `source`. */
export function eventsOf<T>(frame: Pick<Frame, 'header' | 'body'>): T[] {
  if (frame.header.events === 0) return []
  const { received, source } = frame.header
  return frame.body
    .toString('utf8')
    .split('\n')
    .map((line) => Object.assign(JSON.parse(line) as object, { received, source }) as T)
}
