import { open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StartError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import { framesOf, nextFrame, type BatchHeader } from './frame.ts'

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

/** What was set aside at a start: whole segments that are damaged, and tails that a crash had torn. */
export const DAMAGED = '.damaged'
export const TORN = '.torn'

/**
 * A segment as a crash left it: whole frames stay, a torn tail of the newest is moved into a file of its own; undefined
 * when no frame is left. Errors: `events/damaged-segment` for any other, and for the newest when whole frames stand behind
 * the tear: they may have been acknowledged. The file is set aside.
 */
export async function recover(path: string, name: string, last: boolean, log: Log): Promise<Segment | undefined> {
  const id = name.slice(0, -'.seg'.length)
  const bytes = await readFile(path)
  const { frames, end } = framesOf(bytes)
  if (end < bytes.length) {
    // Only the newest can be torn by a crash, and only at its end; all else is damage.
    if (!last || nextFrame(bytes, end) !== undefined) {
      await rename(path, `${path}${DAMAGED}`)
      await syncFolder(dirname(path))
      throw new StartError(
        'events/damaged-segment',
        `The segment ${id} is damaged at byte ${end}; it was set aside as ${id}.seg${DAMAGED}. Restore it from a backup or remove it, then start again.`,
      )
    }
    log.warn('segment-tail-cut', { segment: id, bytes: bytes.length - end })
    // A tear and a broken last frame look alike: nothing that may have been acknowledged is thrown away.
    if (frames.length === 0) {
      await rename(path, `${path}${TORN}`)
      return undefined
    }
    await keep(`${path}${TORN}`, bytes.subarray(end))
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

async function keep(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, 'w', 0o600)
  await file.writeFile(bytes)
  await file.sync()
}

/** A name in a folder outlives a power cut only when the folder is synced. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}
