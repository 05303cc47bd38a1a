/** A range of addresses of one family, from its first to its last. */
export type Range = {
  readonly family: 4 | 6
  readonly first: bigint
  readonly last: bigint
  readonly prefix: number
  /** Canonical text: `203.0.113.0/24`, `2001:db8::1` (RFC 5952). */
  readonly text: string
}

const BITS = { 4: 32, 6: 128 } as const

/** The range of `address` or `address/prefix`; undefined when malformed or when bits stand after the prefix. */
export function parseRange(text: string): Range | undefined {
  const [address = '', length, more] = text.length <= 64 ? text.split('/') : ['']
  if (more !== undefined) return undefined
  const family = address.includes(':') ? 6 : 4
  const first = family === 4 ? parse4(address) : parse6(address)
  if (first === undefined || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined
  const prefix = length === undefined ? BITS[family] : Number(length)
  if (prefix > BITS[family]) return undefined
  const size = 1n << BigInt(BITS[family] - prefix)
  if (first % size !== 0n) return undefined
  const shown = family === 4 ? print4(first) : print6(address)
  return {
    family,
    first,
    last: first + size - 1n,
    prefix,
    text: prefix === BITS[family] ? shown : `${shown}/${prefix}`,
  }
}

export const overlaps = (a: Range, b: Range): boolean => a.family === b.family && a.first <= b.last && b.first <= a.last
export const contains = (whole: Range, part: Range): boolean =>
  whole.family === part.family && whole.first <= part.first && part.last <= whole.last

function parse4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0n
  for (const part of parts) {
    // No leading zeros: some readers take them for octal.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    value = (value << 8n) | BigInt(part)
  }
  return value
}

const print4 = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')

function parse6(text: string): bigint | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const embedded = tail === null ? undefined : parse4(tail[2]!)
  if (tail !== null && embedded === undefined) return undefined
  const plain =
    embedded === undefined ? text : `${tail![1]}${(embedded >> 16n).toString(16)}:${(embedded & 65_535n).toString(16)}`
  const halves = plain.split('::')
  if (halves.length > 2) return undefined
  const [head = [], rest = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const gap = 8 - head.length - rest.length
  if (halves.length === 1 ? gap !== 0 : gap < 1) return undefined
  let value = 0n
  for (const part of [...head, ...Array<string>(halves.length === 1 ? 0 : gap).fill('0'), ...rest]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined
    value = (value << 16n) | BigInt(`0x${part}`)
  }
  return value
}

/** The URL parser writes IPv6 as RFC 5952 wants it, save for embedded IPv4, which nobody lists. */
const print6 = (text: string): string => new URL(`http://[${text}]/`).hostname.slice(1, -1)
