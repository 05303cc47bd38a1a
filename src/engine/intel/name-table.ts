import { isName, NOTHING } from './wanted.ts'

const SEED_A = 0x811c9dc5
const SEED_B = 0x9747b28c
const PRIME_A = 0x01000193
const PRIME_B = 0x5bd1e995
const DOT = 46
/** Bits of the filter a name: one in about fifty unknown names gets past it. */
const FILTER_BITS = 16

/** Names under one roof: which of them a name is, or is below. */
export type NameTable = { readonly bytes: number; find(name: string): readonly number[] }

/**
 * A name is hashed once, from its last sign to its first, and looked up at every dot it passes: two 32-bit hashes, a
 * filter of one word, a slot, and the bytes themselves. bench/matcher.ts: the Map needs a slice of the text a label.
 */
export function nameTable(names: readonly string[], ordinals: readonly number[]): NameTable {
  const total = names.reduce((sum, name) => sum + (isName(name) ? name.length : 0), 0)
  const count = names.length
  const slotCount = powerOfTwo(Math.max(16, count * 1.5))
  const slotMask = slotCount - 1
  /** Number of an entry plus one; 0 is free. */
  const slots = new Uint32Array(slotCount)
  const check = new Uint32Array(count)
  const starts = new Uint32Array(count + 1)
  const blob = new Uint8Array(total)
  /** Next entry of the same name plus one. */
  const same = new Uint32Array(count)
  const owners = Uint32Array.from(ordinals)
  const filterWords = powerOfTwo(Math.max(16, (count * FILTER_BITS) / 32))
  const filterMask = filterWords - 1
  const filter = new Uint32Array(filterWords)
  let fewest = Infinity
  let used = 0
  let entries = 0
  for (let i = 0; i < count; i++) {
    const name = names[i]!
    if (isName(name)) entries = insert(name, i)
  }

  function insert(name: string, at: number): number {
    let a = SEED_A
    let b = SEED_B
    let labels = 1
    for (let i = name.length - 1; i >= 0; i--) {
      const code = name.charCodeAt(i)
      if (code === DOT) labels++
      a = Math.imul(a ^ code, PRIME_A)
      b = Math.imul(b ^ code, PRIME_B)
    }
    a = mixed(a)
    b >>>= 0
    fewest = Math.min(fewest, labels)
    const entry = entries
    owners[entry] = ordinals[at]!
    check[entry] = b
    starts[entry] = used
    for (let slot = a & slotMask; ; slot = (slot + 1) & slotMask) {
      const there = slots[slot]!
      if (there === 0) {
        slots[slot] = entry + 1
        for (let i = 0; i < name.length; i++) blob[used++] = name.charCodeAt(i)
        filter[b & filterMask]! |= bitsOf(a)
        break
      }
      const known = there - 1
      if (check[known] === b && isHere(known, name, 0)) {
        // The bytes stand with the first; this one only follows it.
        let last = known
        while (same[last] !== 0) last = same[last]! - 1
        same[last] = entry + 1
        break
      }
    }
    starts[entry + 1] = used
    return entry + 1
  }

  function isHere(entry: number, name: string, from: number): boolean {
    const start = starts[entry]!
    const length = starts[entry + 1]! - start
    if (length !== name.length - from) return false
    for (let i = 0; i < length; i++) if (blob[start + i] !== name.charCodeAt(from + i)) return false
    return true
  }

  function look(a: number, b: number, name: string, from: number, found: number[] | undefined): number[] | undefined {
    for (let slot = a & slotMask; ; slot = (slot + 1) & slotMask) {
      const there = slots[slot]!
      if (there === 0) return found
      const entry = there - 1
      if (check[entry] !== b || !isHere(entry, name, from)) continue
      const all = found ?? []
      for (let next = there; next !== 0; next = same[next - 1]!) all.push(owners[next - 1]!)
      return all
    }
  }

  return {
    bytes: [slots, check, starts, blob, same, owners, filter].reduce((sum, array) => sum + array.byteLength, 0),
    find(name) {
      let a = SEED_A
      let b = SEED_B
      let labels = 1
      let found: number[] | undefined
      for (let i = name.length - 1; i >= 0; i--) {
        const code = name.charCodeAt(i)
        if (code === DOT) {
          if (labels >= fewest) {
            const mix = mixed(a)
            const bits = bitsOf(mix)
            if ((filter[b & filterMask]! & bits) === bits) found = look(mix, b >>> 0, name, i + 1, found)
          }
          labels++
        }
        a = Math.imul(a ^ code, PRIME_A)
        b = Math.imul(b ^ code, PRIME_B)
      }
      const mix = mixed(a)
      const bits = bitsOf(mix)
      if (name.length > 0 && (filter[b & filterMask]! & bits) === bits) found = look(mix, b >>> 0, name, 0, found)
      return found === undefined ? NOTHING : found.sort((x, y) => x - y)
    },
  }
}

/** The high bits of a multiplicative hash are the good ones; bring them down. */
function mixed(a: number): number {
  let x = a ^ (a >>> 15)
  x = Math.imul(x, 0x2c1b3c6d)
  return (x ^ (x >>> 13)) >>> 0
}
/** Two of the 32 bits of a filter word, from bits that do not choose the slot's beginning alone. */
const bitsOf = (mix: number): number => (1 << (mix >>> 27)) | (1 << ((mix >>> 22) & 31))
function powerOfTwo(least: number): number {
  let size = 1
  while (size < least) size *= 2
  return size
}
