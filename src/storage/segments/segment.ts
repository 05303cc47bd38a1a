import { open, readFile, rename, unlink } from 'node:fs/promises'
import { StartError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import { framesOf, type BatchHeader } from './frame.ts'

export type Placed = { readonly offset: number; readonly length: number; readonly header: BatchHeader }
/** A file of frames. Sealed ones no longer change. */
export type Segment = {
  readonly id: string
  /** Never used again, also after the file is gone. */
  readonly seq: number
  readonly path: string
  bytes: number
  events: number
  lines: number
  /** When its first batch was received, ms. */
  since: number
  frames: Placed[]
}
/** Takes a frame that was written behind the others. */
export function add(segment: Segment, placed: Placed): void {
  if (segment.frames.length === 0) segment.since = placed.header.received
  segment.bytes += placed.length
  segment.events += placed.header.events
  segment.lines += placed.header.lines
  segment.frames.push(placed)
}

/**
 * A segment as a crash left it: whole frames stay, a torn tail of the newest is cut off; undefined when nothing is left.
 * Errors: `events/damaged-segment` for any other, which is set aside.
 */
export async function recover(path: string, name: string, last: boolean, log: Log): Promise<Segment | undefined> {
  const id = name.slice(0, -'.seg'.length)
  const bytes = await readFile(path)
  const { frames, end } = framesOf(bytes)
  if (end < bytes.length) {
    if (!last) {
      // Only the newest can be torn by a crash; this is damage, and what lies behind it may have been acknowledged.
      await rename(path, `${path}.damaged`)
      throw new StartError(
        'events/damaged-segment',
        `The segment ${id} is damaged at byte ${end}; it was set aside as ${id}.seg.damaged. Restore it from a backup or remove it, then start again.`,
      )
    }
    log.warn('segment-tail-cut', { segment: id, bytes: bytes.length - end })
  }
  await using file = await open(path, 'r+')
  if (end < bytes.length) await file.truncate(end)
  await file.sync()
  if (frames.length === 0) {
    await unlink(path)
    return undefined
  }
  const segment: Segment = {
    id,
    seq: Number(id.slice(0, 10)),
    path,
    bytes: 0,
    events: 0,
    lines: 0,
    since: 0,
    frames: [],
  }
  for (const { offset, length, header } of frames) add(segment, { offset, length, header })
  return segment
}

/** A name in a folder outlives a power cut only when the folder is synced. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}
