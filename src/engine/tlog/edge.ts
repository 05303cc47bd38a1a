import { foldFrontier, HASH_SIZE, type TreeHash } from './merkle.ts'
import { edgeTiles, type Tile, TILE_WIDTH } from './tile.ts'

export type TileFile = { readonly tile: Tile; readonly bytes: Uint8Array }

/**
 * The growing right edge of a tiled tree: all that is needed to append, some 8 KB a level. Appending hands out the
 * tiles that became full; `partials()` gives the ones that are not (C2SP tlog-tiles).
 */
export type Edge = {
  readonly size: number
  /** Adds one leaf hash; returns the tiles it filled, lowest level first. */
  append(leaf: Uint8Array): TileFile[]
  /** The partial tiles of the present size, lowest level first. */
  partials(): TileFile[]
  root(): Uint8Array
  /** An independent copy, so that a batch can be tried and dropped. */
  copy(): Edge
}

/**
 * An edge of `size` leaves out of its partial tiles (`edgeTiles(size)` lists which, lowest first).
 * Throws when a tile is not `width × 32` bytes long.
 */
export function edgeOf(hash: TreeHash, size: number, partials: readonly Uint8Array[]): Edge {
  const levels: Uint8Array[][] = []
  for (const [i, tile] of edgeTiles(size).entries()) {
    const bytes = partials[i]
    if (bytes?.length !== tile.width * HASH_SIZE) throw new RangeError('a partial tile has the wrong length')
    levels[tile.level as number] = cut(bytes)
  }
  return makeEdge(hash, size, levels)
}

export const emptyEdge = (hash: TreeHash): Edge => makeEdge(hash, 0, [])

function makeEdge(hash: TreeHash, start: number, levels: Uint8Array[][]): Edge {
  let size = start
  return {
    get size() {
      return size
    },
    append(leaf) {
      const full: TileFile[] = []
      let carry: Uint8Array | undefined = leaf
      for (let level = 0; carry !== undefined; level++) {
        const row: Uint8Array[] = (levels[level] ??= [])
        row.push(carry)
        if (row.length < TILE_WIDTH) break
        const index = Math.floor(size / TILE_WIDTH ** (level + 1))
        full.push({ tile: { level, index, width: TILE_WIDTH }, bytes: glue(row) })
        carry = perfectRoots(hash, row)[0]
        levels[level] = []
      }
      size++
      return full
    },
    partials: () => edgeTiles(size).map((tile) => ({ tile, bytes: glue(levels[tile.level as number]!) })),
    root() {
      const frontier: Uint8Array[] = []
      for (let level = levels.length - 1; level >= 0; level--) {
        frontier.push(...perfectRoots(hash, levels[level] ?? []))
      }
      return foldFrontier(hash, frontier)
    },
    copy: () =>
      makeEdge(
        hash,
        size,
        Array.from(levels, (row) => [...(row ?? [])]),
      ),
  }
}

/** Roots of the perfect subtrees that a row of hashes falls into, largest first; one root for a full tile. */
export function perfectRoots(hash: TreeHash, row: readonly Uint8Array[]): Uint8Array[] {
  const roots: Uint8Array[] = []
  let from = 0
  for (let span = TILE_WIDTH; span >= 1; span /= 2) {
    if ((row.length & span) === 0) continue
    roots.push(perfectRoot(hash, row.slice(from, from + span)))
    from += span
  }
  return roots
}

/** The root over 2^k hashes, pair by pair. */
export function perfectRoot(hash: TreeHash, hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes
  while (row.length > 1) {
    const above: Uint8Array[] = []
    for (let i = 0; i < row.length; i += 2) above.push(hash.node(row[i]!, row[i + 1]!))
    row = above
  }
  return row[0]!
}

/** A tile's bytes as its hashes. */
export function cut(bytes: Uint8Array): Uint8Array[] {
  const row: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += HASH_SIZE) row.push(bytes.slice(at, at + HASH_SIZE))
  return row
}

function glue(row: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(row.length * HASH_SIZE)
  for (const [i, hash] of row.entries()) out.set(hash, i * HASH_SIZE)
  return out
}
