import { cut, perfectRoot } from './edge.ts'
import { foldFrontier, HASH_SIZE, splitPoint, type TreeHash } from './merkle.ts'
import { type Tile, TILE_HEIGHT, TILE_WIDTH, widthIn } from './tile.ts'

/** Gives a tile's bytes, at least `tile.width × 32`; a full tile may stand in for a partial one. */
export type ReadTile = (tile: Tile) => Promise<Uint8Array>

/**
 * The inclusion proof of leaf `index` in the tree of `size`, leaf's sibling first (RFC 6962 §2.1.1), read from tiles.
 * Throws RangeError unless 0 ≤ index < size, and when a tile is too short.
 */
export async function proveInclusion(
  hash: TreeHash,
  index: number,
  size: number,
  read: ReadTile,
): Promise<Uint8Array[]> {
  if (!Number.isSafeInteger(size) || !(index >= 0 && index < size)) throw new RangeError('no such leaf in this tree')
  const ranges: Range[] = []
  let [lo, hi] = [0, size]
  while (hi - lo > 1) {
    const middle = lo + splitPoint(hi - lo)
    if (index < middle) {
      ranges.push([middle, hi])
      hi = middle
    } else {
      ranges.push([lo, middle])
      lo = middle
    }
  }
  return rangeHashes(hash, ranges.reverse(), size, read)
}

/** The proof that the tree of `size` extends the tree of `oldSize` (RFC 6962 §2.1.2); 0 < oldSize ≤ size. */
export async function proveConsistency(
  hash: TreeHash,
  oldSize: number,
  size: number,
  read: ReadTile,
): Promise<Uint8Array[]> {
  if (!Number.isSafeInteger(size) || !(oldSize > 0 && oldSize <= size)) throw new RangeError('no such older tree')
  const ranges: Range[] = []
  let [lo, hi] = [0, size]
  let complete = true
  while (oldSize !== hi) {
    const middle = lo + splitPoint(hi - lo)
    if (oldSize <= middle) {
      ranges.push([middle, hi])
      hi = middle
    } else {
      ranges.push([lo, middle])
      lo = middle
      complete = false
    }
  }
  if (!complete) ranges.push([lo, hi])
  return rangeHashes(hash, ranges.reverse(), size, read)
}

/** The root that the tree had at `oldSize`, read from the tiles of the tree of `size`. */
export async function rootAt(hash: TreeHash, oldSize: number, size: number, read: ReadTile): Promise<Uint8Array> {
  if (oldSize === 0) return hash.empty()
  return (await rangeHashes(hash, [[0, oldSize]], size, read))[0]!
}

/** Leaves `from` up to but not including `to`, a subtree that RFC 6962 gives a hash. */
type Range = readonly [from: number, to: number]

async function rangeHashes(hash: TreeHash, ranges: readonly Range[], size: number, read: ReadTile) {
  const held = new Map<string, Promise<Uint8Array[]>>()
  const row = (level: number, index: number): Promise<Uint8Array[]> => {
    const key = `${level}/${index}`
    let tile = held.get(key)
    if (tile === undefined) {
      const width = widthIn(size, level, index)
      tile = read({ level, index, width }).then((bytes) => {
        if (bytes.length < width * HASH_SIZE) throw new RangeError('a tile is shorter than the tree needs')
        return cut(bytes.subarray(0, width * HASH_SIZE))
      })
      held.set(key, tile)
    }
    return tile
  }
  return Promise.all(
    ranges.map(async ([from, to]) => {
      const roots: Uint8Array[] = []
      for (let lo = from; lo < to;) {
        const height = perfectHeight(lo, to)
        const level = Math.floor(height / TILE_HEIGHT)
        const at = lo / TILE_WIDTH ** level
        const hashes = await row(level, Math.floor(at / TILE_WIDTH))
        const first = at % TILE_WIDTH
        roots.push(perfectRoot(hash, hashes.slice(first, first + 2 ** (height % TILE_HEIGHT))))
        lo += 2 ** height
      }
      return foldFrontier(hash, roots)
    }),
  )
}

/** The height of the largest perfect subtree that starts at `from` and ends by `to`. */
function perfectHeight(from: number, to: number): number {
  let height = 0
  while (from % 2 ** (height + 1) === 0 && from + 2 ** (height + 1) <= to) height++
  return height
}
