import { fromBase64, toBase64 } from '../bytes/base64.ts'
import { HASH_SIZE } from './merkle.ts'
import { openNote, type NoteVerifier } from './note.ts'

/** A signed tree head's body; `size` up to 2^53−1, `root` 32 bytes. */
export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Uint8Array }

/** Origin, size and root, a line each (C2SP tlog-checkpoint, "Note text"). */
export const printCheckpoint = (checkpoint: Checkpoint): string =>
  `${checkpoint.origin}\n${checkpoint.size}\n${toBase64(checkpoint.root)}\n`

/** The body of a checkpoint, or undefined. Extension lines are allowed and dropped, empty ones refused. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  if (!text.endsWith('\n')) return undefined
  const lines = text.slice(0, -1).split('\n')
  const [origin, digits, hash] = lines
  if (lines.some((line) => line === '') || origin === undefined || digits === undefined || hash === undefined) {
    return undefined
  }
  const size = /^(?:0|[1-9]\d{0,15})$/.test(digits) ? Number(digits) : Number.NaN
  const root = fromBase64(hash)
  return Number.isSafeInteger(size) && root?.length === HASH_SIZE ? { origin, size, root } : undefined
}

/** The body of a checkpoint note whose signature by one of `known` holds and whose origin is `origin`; else undefined. */
export function openCheckpoint(
  note: string,
  known: readonly NoteVerifier[],
  origin: string = known[0]?.name ?? '',
): Checkpoint | undefined {
  const opened = openNote(note, known)
  const checkpoint = opened === undefined ? undefined : parseCheckpoint(opened.text)
  return checkpoint?.origin === origin ? checkpoint : undefined
}
