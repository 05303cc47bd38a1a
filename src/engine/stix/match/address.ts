/** A CIDR block: 4 or 16 bytes and how many leading bits count. */
export type Block = { readonly bytes: Uint8Array; readonly bits: number }

/** IPv4 or IPv6 address or CIDR text, or undefined. Strict: no leading zeros in IPv4, no zone (RFC 4632, RFC 4291). */
export function readBlock(text: string): Block | undefined {
  if (text.length > 64) return undefined
  const [address = '', prefix, ...more] = text.split('/')
  const bytes = address.includes(':') ? readV6(address) : readV4(address)
  if (bytes === undefined || more.length > 0) return undefined
  const most = bytes.length * 8
  if (prefix === undefined) return { bytes, bits: most }
  const bits = /^(?:0|[1-9][0-9]{0,2})$/.test(prefix) ? Number(prefix) : Number.NaN
  return bits <= most ? { bytes, bits } : undefined
}

/** True when every address of `inner` is in `outer`; blocks of different families have nothing in common. */
export function within(inner: Block, outer: Block): boolean {
  if (inner.bytes.length !== outer.bytes.length || inner.bits < outer.bits) return false
  for (let bit = 0; bit < outer.bits; bit += 8) {
    const mask = outer.bits - bit >= 8 ? 0xff : (0xff << (8 - (outer.bits - bit))) & 0xff
    if (((inner.bytes[bit >> 3]! ^ outer.bytes[bit >> 3]!) & mask) !== 0) return false
  }
  return true
}

function readV4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined
  }
  return Uint8Array.from(parts, Number)
}

function readV6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half) => groups(half))
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  const rest = tail ?? []
  const missing = 16 - head.length - rest.length
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined
  return Uint8Array.from([...head, ...Array.from({ length: missing }, () => 0), ...rest])
}

/** Colon-separated groups to bytes; the last may be an IPv4 address. */
function groups(text: string): number[] | undefined {
  if (text === '') return []
  const out: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    const v4 = i === parts.length - 1 && part.includes('.') ? readV4(part) : undefined
    if (v4 !== undefined) out.push(...v4)
    else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) out.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 0xff)
    else return undefined
  }
  return out
}
