import { ConstructError } from '../error.ts'
import type { OperatorFactory } from './index.ts'

/** An IPv4 or IPv6 address as its 4 or 16 bytes; undefined when it is not one (RFC 4291 §2.2). */
export function parseAddress(text: string): readonly number[] | undefined {
  if (!text.includes(':')) {
    const parts = text.split('.')
    if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined
    return parts.map(Number)
  }
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (dotted !== null) {
    const tail = parseAddress(dotted[2]!)
    if (tail === undefined) return undefined
    const [a, b, c, d] = tail as [number, number, number, number]
    return parseAddress(`${dotted[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`)
  }
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (!groups.flat().every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined
  const missing = 8 - groups.flat().length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const all = [...groups[0]!, ...Array.from({ length: missing }, () => '0'), ...(groups[1] ?? [])]
  return all.flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
}

type Range = { readonly bytes: readonly number[]; readonly bits: number }

/** `10.0.0.0/8`, `::1` → the range. Throws `ConstructError`. */
export function parseRange(text: string): Range {
  const [address = '', prefix] = text.split('/')
  const bytes = parseAddress(address)
  const bits = prefix === undefined ? (bytes?.length ?? 0) * 8 : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1
  if (bytes === undefined || bits < 0 || bits > bytes.length * 8)
    throw new ConstructError(`'${text}' is not an address range`)
  return { bytes, bits }
}

export function inRange(address: readonly number[], range: Range): boolean {
  if (address.length !== range.bytes.length) return false
  for (let i = 0, left = range.bits; left > 0; i++, left -= 8) {
    const mask = left >= 8 ? 255 : (0xff00 >> left) & 255
    if (((address[i]! ^ range.bytes[i]!) & mask) !== 0) return false
  }
  return true
}

/** Any of the addresses or ranges, parted by commas. */
export const ipMatch: OperatorFactory = (param) => {
  const ranges = param
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseRange)
  return (value) => {
    const address = parseAddress(value)
    return address !== undefined && ranges.some((range) => inRange(address, range)) ? { groups: [] } : undefined
  }
}
