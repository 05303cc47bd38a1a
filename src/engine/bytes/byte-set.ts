/** A set of bytes: one flag per value 0–255. Treated as immutable once made. */
export type ByteSet = Uint8Array

/** The set of the given bytes and inclusive ranges: `byteSet(9, [48, 57])`. */
export function byteSet(...parts: readonly (number | readonly [number, number])[]): ByteSet {
  const set = new Uint8Array(256)
  for (const part of parts) {
    const [from, to] = typeof part === 'number' ? [part, part] : part
    for (let byte = from; byte <= to; byte++) set[byte] = 1
  }
  return set
}

export const ANY_BYTE: ByteSet = byteSet([0, 255])

export function unite(sets: readonly ByteSet[]): ByteSet {
  const out = new Uint8Array(256)
  for (const set of sets) for (let byte = 0; byte < 256; byte++) if (set[byte] === 1) out[byte] = 1
  return out
}

export const invert = (set: ByteSet): ByteSet => set.map((flag) => 1 - flag)
export const meet = (a: ByteSet, b: ByteSet): ByteSet => a.map((flag, byte) => flag & (b[byte] ?? 0))
export const overlaps = (a: ByteSet, b: ByteSet): boolean => a.some((flag, byte) => flag === 1 && b[byte] === 1)
export const sizeOf = (set: ByteSet): number => set.reduce((sum, flag) => sum + flag, 0)

/** Adds the other case of every ASCII letter; bytes above 0x7F have no case. */
export function foldCase(set: ByteSet): ByteSet {
  const out = set.slice()
  for (let upper = 65; upper <= 90; upper++)
    if (set[upper] === 1 || set[upper + 32] === 1) out[upper] = out[upper + 32] = 1
  return out
}

/** Inclusive runs of members, in order. */
export function rangesOf(set: ByteSet): [number, number][] {
  const out: [number, number][] = []
  for (let byte = 0; byte < 256; byte++) {
    if (set[byte] !== 1) continue
    const last = out.at(-1)
    if (last !== undefined && last[1] === byte - 1) last[1] = byte
    else out.push([byte, byte])
  }
  return out
}
