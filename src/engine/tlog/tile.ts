/** Hashes across a full tile, entries across a full bundle (C2SP tlog-tiles). */
export const TILE_WIDTH = 256
export const TILE_HEIGHT = 8

/** One file of a tiled log: `level` 0–63, or `entries` for a bundle of entries; `width` 1–256, 256 being full. */
export type Tile = { readonly level: number | 'entries'; readonly index: number; readonly width: number }

/** `tile/<L>/<N>[.p/<W>]`, for example `tile/0/x001/x234/067` (C2SP tlog-tiles, "Merkle Tree"). */
export function tilePath(tile: Tile): string {
  const digits = String(tile.index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g)!
  const name = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${tile.level}/${name}${tile.width === TILE_WIDTH ? '' : `.p/${tile.width}`}`
}

const PATH = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/

/** The tile a path names, or undefined. Only the one spelling that `tilePath` writes is accepted. */
export function parseTilePath(path: string): Tile | undefined {
  const match = PATH.exec(path)
  if (match === null) return undefined
  const index = Number(match[2]!.replaceAll(/[x/]/g, ''))
  const level = match[1] === 'entries' ? 'entries' : Number(match[1])
  const width = match[3] === undefined ? TILE_WIDTH : Number(match[3])
  const partial = match[3] !== undefined
  if (!Number.isSafeInteger(index) || (level !== 'entries' && level > 63) || (partial && width >= TILE_WIDTH)) {
    return undefined
  }
  const tile = { level, index, width } as const
  return tilePath(tile) === path ? tile : undefined
}

/** Every hash the tree of `size` has at this tile level: `floor(size / 256^level)`. */
export const hashesAtLevel = (size: number, level: number): number => Math.floor(size / TILE_WIDTH ** level)

/** How wide tile `index` at `level` is in the tree of `size`: 0 (absent) to 256 (full). */
export const widthIn = (size: number, level: number, index: number): number =>
  Math.min(TILE_WIDTH, Math.max(0, hashesAtLevel(size, level) - index * TILE_WIDTH))

/** The rightmost, partial tiles of the tree of `size`, lowest level first; none at a level without a remainder. */
export function edgeTiles(size: number): Tile[] {
  const tiles: Tile[] = []
  for (let level = 0; hashesAtLevel(size, level) > 0; level++) {
    const count = hashesAtLevel(size, level)
    if (count % TILE_WIDTH > 0) {
      tiles.push({ level, index: Math.floor(count / TILE_WIDTH), width: count % TILE_WIDTH })
    }
  }
  return tiles
}
