/** An address as four 32-bit words; IPv4 in its mapped form (RFC 4291 §2.5.5.2), so that both families share one shape. */
export type Words = readonly [number, number, number, number]
/** The first address of a range and how many leading bits all of it share (0–128; an IPv4 /24 has 120). */
export type AddressRange = { readonly words: Words; readonly bits: number }

const MAPPED = 0xffff
const LONGEST = 49

/** `198.18.0.7` → its 32 bits; -1 when it is no IPv4 address in the usual spelling (no leading zeros). */
export function readIpv4(text: string): number {
  const length = text.length
  if (length < 7 || length > 15) return -1
  let value = 0
  let part = -1
  let dots = 0
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === 46) {
      if (part < 0 || ++dots > 3) return -1
      value = (value << 8) | part
      part = -1
    } else {
      const digit = code - 48
      if (digit < 0 || digit > 9 || part === 0) return -1
      part = part < 0 ? digit : part * 10 + digit
      if (part > 255) return -1
    }
  }
  return dots === 3 && part >= 0 ? ((value << 8) | part) >>> 0 : -1
}

/** An IPv4 or IPv6 address → its words; undefined when it is none. An IPv4-mapped one is the IPv4 address it carries. */
export function readAddress(text: string): Words | undefined {
  const v4 = readIpv4(text)
  if (v4 >= 0) return [0, 0, MAPPED, v4]
  if (text.length < 2 || text.length > 45 || !text.includes(':')) return undefined
  return readIpv6(text)
}

function readIpv6(text: string): Words | undefined {
  const lastColon = text.lastIndexOf(':')
  const tail = text.slice(lastColon + 1)
  const v4 = tail.includes('.') ? readIpv4(tail) : undefined
  if (v4 === -1) return undefined
  const hex = (value: number): string => value.toString(16)
  const plain = v4 === undefined ? text : `${text.slice(0, lastColon + 1)}${hex(v4 >>> 16)}:${hex(v4 & 0xffff)}`
  const halves = plain.split('::')
  if (halves.length > 2) return undefined
  const [head, rest] = halves.map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[]?]
  const given = head.length + (rest?.length ?? 0)
  if (rest === undefined ? given !== 8 : given > 7) return undefined
  const groups = [...head, ...Array<string>(8 - given).fill('0'), ...(rest ?? [])]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  const word = (at: number): number => parseInt(groups[at]!, 16) * 65_536 + parseInt(groups[at + 1]!, 16)
  return [word(0), word(2), word(4), word(6)]
}

/** `address` or `address/prefix` → range; undefined when malformed or when bits stand after the prefix. */
export function readRange(text: string): AddressRange | undefined {
  if (text.length > LONGEST) return undefined
  const [address, prefix, more] = text.split('/')
  const words = readAddress(address!)
  if (words === undefined || more !== undefined) return undefined
  if (prefix === undefined) return { words, bits: 128 }
  if (!/^\d{1,3}$/.test(prefix)) return undefined
  const bits = Number(prefix) + (address!.includes(':') ? 0 : 96)
  if (bits > 128) return undefined
  const range = { words, bits }
  return maskWords(words, bits).every((word, i) => word === words[i]) ? range : undefined
}

/** The first address of the range of so many leading bits that `words` lies in. */
export function maskWords(words: Words, bits: number): Words {
  const mask = (at: number): number => {
    const kept = Math.max(0, Math.min(32, bits - at * 32))
    return kept === 0 ? 0 : (words[at]! & (0xffffffff << (32 - kept))) >>> 0
  }
  return [mask(0), mask(1), mask(2), mask(3)]
}

/** An IPv4 address: no IPv6 range holds one, although its mapped form lies in `::/0`. */
export const isIpv4 = (words: Words): boolean => words[0] === 0 && words[1] === 0 && words[2] === MAPPED

export const isWithin = (words: Words, { words: first, bits }: AddressRange): boolean =>
  (bits >= 96 || !isIpv4(words)) && maskWords(words, bits).every((word, i) => word === first[i])
