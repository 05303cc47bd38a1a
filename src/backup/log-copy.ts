import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  decodeBundle,
  encodeBundle,
  HASH_SIZE,
  hashesAtLevel,
  TILE_WIDTH,
  tilePath,
  widthIn,
} from '../engine/tlog/index.ts'
import { KhienError } from '../kit/errors.ts'
import type { Packed } from './archive.ts'

/**
 * The files of the evidence log exactly as long as `size`, under the checkpoint `note`: what has been written behind it
 * meanwhile is cut off, so that the log is never newer than the rows beside it.
 */
export async function* logFiles(folder: string, note: string, size: number): AsyncGenerator<Packed> {
  for (let level = 0; hashesAtLevel(size, level) > 0; level++)
    for (let index = 0; widthIn(size, level, index) > 0; index++) {
      const width = widthIn(size, level, index)
      const bytes = await longest(folder, { level, index, width })
      if (bytes.length < width * HASH_SIZE) throw damaged(tilePath({ level, index, width }))
      yield packed(tilePath({ level, index, width }), bytes.subarray(0, width * HASH_SIZE))
    }
  for (let index = 0; widthIn(size, 0, index) > 0; index++) {
    const tile = { level: 'entries', index, width: widthIn(size, 0, index) } as const
    const entries = decodeBundle(await longest(folder, tile))
    if (entries === undefined || entries.length < tile.width) throw damaged(tilePath(tile))
    yield packed(tilePath(tile), encodeBundle(entries.slice(0, tile.width)))
  }
  yield packed('log.vkey', await readFile(join(folder, 'log.vkey')))
  yield packed('checkpoint', Buffer.from(note))
}

/** The tile as it was, or the full one that has taken its place since. */
async function longest(folder: string, tile: { level: number | 'entries'; index: number; width: number }) {
  for (const width of [tile.width, TILE_WIDTH])
    try {
      return await readFile(join(folder, tilePath({ ...tile, width })))
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  throw damaged(tilePath(tile))
}

export const packed = (path: string, bytes: Uint8Array): Packed => ({
  path,
  size: bytes.length,
  content: (async function* () {
    yield bytes
  })(),
})

const damaged = (path: string): KhienError =>
  new KhienError('audit/log-altered', `The log file ${path} is missing or damaged; no backup can be made of this log.`)
