import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sameBytes } from '../engine/bytes/join.ts'
import {
  type Checkpoint,
  decodeBundle,
  type Edge,
  emptyEdge,
  HASH_SIZE,
  type NoteVerifier,
  openCheckpoint,
  type Tile,
  TILE_WIDTH,
  tilePath,
  widthIn,
} from '../engine/tlog/index.ts'
import { altered, type LogFiles, readIfThere, tileReader } from './files.ts'
import { tree } from './tree.ts'

type Read = LogFiles['read']
/** Sees each bundle of entries as it is checked: the index of its first entry, and the entries. */
export type SeeBundle = (first: number, entries: readonly Uint8Array[]) => void | Promise<void>
export type WholeLog = { readonly edge: Edge; readonly tail: readonly Uint8Array[] }

/** The checkpoint of a log folder, its signature checked. Throws `audit/log-altered`. */
export async function readCheckpoint(read: Read, key: NoteVerifier): Promise<{ note: string; head: Checkpoint }> {
  const bytes = await read('checkpoint')
  if (bytes === undefined) throw altered('The log has no checkpoint.')
  const note = Buffer.from(bytes).toString()
  const head = openCheckpoint(note, [key])
  // Compared again as bytes: decoding forgives broken UTF-8, a signature must not.
  if (head === undefined || !sameBytes(Buffer.from(note), bytes)) {
    throw altered("The log's checkpoint is not signed by the log's key.")
  }
  return { note, head }
}

/**
 * Checks a whole log against its checkpoint: hashes every entry, compares every tile, full and partial, and the root.
 * Throws `audit/log-altered` naming the first file that is wrong. Some 200,000 entries a second.
 */
export async function verifyLog(read: Read, folder: string, head: Checkpoint, see?: SeeBundle): Promise<WholeLog> {
  const edge = emptyEdge(tree)
  let tail: readonly Uint8Array[] = []
  for (let index = 0; index * TILE_WIDTH < head.size; index++) {
    const width = widthIn(head.size, 0, index)
    const entries = await bundle(read, index, width)
    for (const entry of entries) {
      for (const file of edge.append(tree.leaf(entry))) {
        await compare(read, file.tile, file.bytes)
        await comparePartials(read, folder, file.tile, file.bytes)
      }
    }
    await comparePartialBundles(read, folder, index, width, entries)
    await see?.(index * TILE_WIDTH, entries)
    tail = width === TILE_WIDTH ? [] : entries
  }
  for (const file of edge.partials()) {
    await compare(read, file.tile, file.bytes)
    await comparePartials(read, folder, file.tile, file.bytes)
  }
  if (!sameBytes(edge.root(), head.root)) throw altered('The entries do not add up to the root in the checkpoint.')
  return { edge, tail }
}

/** The entries of one bundle, exactly `width` of them. */
export async function bundle(read: Read, index: number, width: number): Promise<Uint8Array[]> {
  const tile: Tile = { level: 'entries', index, width }
  const entries = decodeBundle(await tileReader(read)(tile))
  const fits = entries !== undefined && (entries.length === width || entries.length === TILE_WIDTH)
  if (!fits) throw altered(`The log file ${tilePath(tile)} is damaged.`)
  return entries.slice(0, width)
}

async function compare(read: Read, tile: Tile, bytes: Uint8Array): Promise<void> {
  const there = await tileReader(read)(tile)
  const whole = there.length === bytes.length || there.length === TILE_WIDTH * HASH_SIZE
  if (!whole || !sameBytes(there.subarray(0, bytes.length), bytes)) {
    throw altered(`The log file ${tilePath(tile)} does not fit the entries.`)
  }
}

// Partial tiles of earlier checkpoints stay until the full one is there: they too must be beginnings of it.
async function comparePartials(read: Read, folder: string, tile: Tile, bytes: Uint8Array): Promise<void> {
  for (const width of await partialWidths(folder, tile)) {
    if (width > tile.width) continue
    const there = await read(tilePath({ ...tile, width }))
    if (there !== undefined && !sameBytes(there, bytes.subarray(0, width * HASH_SIZE))) {
      throw altered(`The log file ${tilePath({ ...tile, width })} does not fit the entries.`)
    }
  }
}

async function comparePartialBundles(
  read: Read,
  folder: string,
  index: number,
  width: number,
  entries: readonly Uint8Array[],
): Promise<void> {
  for (const earlier of await partialWidths(folder, { level: 'entries', index, width: TILE_WIDTH })) {
    if (earlier > width) continue
    const tile: Tile = { level: 'entries', index, width: earlier }
    const there = decodeBundle((await read(tilePath(tile))) ?? new Uint8Array(0))
    const same = there?.length === earlier && there.every((entry, i) => sameBytes(entry, entries[i]!))
    if (!same) throw altered(`The log file ${tilePath(tile)} does not fit the entries.`)
  }
}

async function partialWidths(folder: string, tile: Tile): Promise<number[]> {
  const directory = join(folder, `${tilePath({ ...tile, width: TILE_WIDTH })}.p`)
  try {
    return (await readdir(directory)).map(Number).filter((width) => width > 0 && width < TILE_WIDTH)
  } catch {
    return []
  }
}

/** Reads the files of a log folder without writing to it. */
export const readOnly =
  (folder: string): Read =>
  (path) =>
    readIfThere(join(folder, path))
