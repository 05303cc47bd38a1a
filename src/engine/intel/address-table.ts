import { isIpv4, maskWords, readAddress, readIpv4, readRange, type AddressRange, type Words } from './address.ts'
import { NOTHING } from './wanted.ts'

const V4_BITS = 96

type Listed = { readonly range: AddressRange; readonly port: number | undefined; readonly ordinal: number }
export type AddressTable = {
  readonly bytes: number
  readonly size: number
  find(address: string, port: number | null): readonly number[]
}

/**
 * IPv4: the ends of all ranges cut the space into disjoint intervals, sorted, each with the list of those that cover it;
 * the first 16 bits say where to begin. IPv6: a hash a prefix length.
 */
export function addressTable(
  wanted: readonly { readonly range: string; readonly port: number | undefined; readonly ordinal: number }[],
): AddressTable {
  const listed = wanted.flatMap(({ range, port, ordinal }): Listed[] => {
    const read = readRange(range)
    return read === undefined ? [] : [{ range: read, port, ordinal }]
  })
  const isV4 = ({ range: { words, bits } }: Listed): boolean => bits >= V4_BITS && isIpv4(words)
  const ports = new Map<number, number>()
  for (const { port, ordinal } of listed) if (port !== undefined) ports.set(ordinal, port)
  const v4 = intervals(listed.filter(isV4))
  const v6 = prefixes(listed.filter((one) => !isV4(one)))

  function open(found: readonly number[], port: number | null): readonly number[] {
    if (ports.size === 0 || found.length === 0) return found
    const left = found.filter((ordinal) => (ports.get(ordinal) ?? port) === port)
    return left.length === 0 ? NOTHING : left
  }
  return {
    bytes: v4.bytes,
    size: listed.length,
    find(address, port) {
      const value = readIpv4(address)
      if (value >= 0) return open(v4.find(value), port)
      const words = readAddress(address)
      if (words === undefined) return NOTHING
      if (isIpv4(words)) return open(v4.find(words[3]), port)
      return open(v6(words), port)
    },
  }
}

function intervals(listed: readonly Listed[]): { bytes: number; find(value: number): readonly number[] } {
  const size = (bits: number): number => 2 ** (128 - bits)
  const sorted = listed.toSorted((x, y) => x.range.words[3] - y.range.words[3] || x.range.bits - y.range.bits)
  const starts: number[] = [0]
  const lists: (readonly number[])[] = [NOTHING]
  /** Ranges that cover the place, the widest first; ranges are nested or apart, never crossing. */
  const open: { end: number; list: readonly number[] }[] = []
  const cut = (at: number, list: readonly number[]): void => {
    if (at > 0xffffffff) return
    if (starts.at(-1) === at) lists[lists.length - 1] = list
    else {
      starts.push(at)
      lists.push(list)
    }
  }
  const close = (until: number): void => {
    while (open.length > 0 && open.at(-1)!.end <= until) {
      const { end } = open.pop()!
      cut(end, open.at(-1)?.list ?? NOTHING)
    }
  }
  for (const { range, ordinal } of sorted) {
    const start = range.words[3]
    close(start)
    const list = [...(open.at(-1)?.list ?? NOTHING), ordinal].toSorted((x, y) => x - y)
    open.push({ end: start + size(range.bits), list })
    cut(start, list)
  }
  close(Infinity)

  const bounds = Uint32Array.from(starts)
  const counts = new Uint32Array(bounds.length + 1)
  for (const [i, list] of lists.entries()) counts[i + 1] = counts[i]! + list.length
  const ordinals = new Uint32Array(counts.at(-1)!)
  for (const [i, list] of lists.entries()) ordinals.set(list, counts[i]!)
  const buckets = new Uint32Array(65_537)
  for (let bucket = 0, i = 0; bucket <= 65_536; bucket++) {
    while (i < bounds.length && bounds[i]! < bucket * 65_536) i++
    buckets[bucket] = i
  }
  return {
    bytes: bounds.byteLength + counts.byteLength + ordinals.byteLength + buckets.byteLength,
    find(value) {
      const bucket = value >>> 16
      // The last interval that begins at or before the value.
      let low = Math.max(1, buckets[bucket]!) - 1
      let high = buckets[bucket + 1]! - 1
      while (low < high) {
        const middle = (low + high + 1) >>> 1
        if (bounds[middle]! <= value) low = middle
        else high = middle - 1
      }
      const [from, to] = [counts[low]!, counts[low + 1]!]
      return from === to ? NOTHING : Array.from(ordinals.subarray(from, to))
    },
  }
}

function prefixes(listed: readonly Listed[]): (words: Words) => readonly number[] {
  const keyOf = (words: Words): string => words.join(' ')
  const tables = [...Map.groupBy(listed, (one) => one.range.bits)].map(([bits, group]) => {
    const table = new Map<string, number[]>()
    for (const { range, ordinal } of group) {
      const here = table.get(keyOf(range.words))
      if (here) here.push(ordinal)
      else table.set(keyOf(range.words), [ordinal])
    }
    return { bits, table }
  })
  return (words) => {
    let found: number[] | undefined
    for (const { bits, table } of tables) {
      const here = table.get(keyOf(maskWords(words, bits)))
      if (here) (found ??= []).push(...here)
    }
    return found === undefined ? NOTHING : found.sort((x, y) => x - y)
  }
}
