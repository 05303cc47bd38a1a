/** 16 bytes of an address in canonical text (IPv4 as IPv4-mapped, RFC 4291 §2.5.5.2), or undefined. */
export function addressBytes(text: string): Uint8Array | undefined {
  const out = new Uint8Array(16)
  return putAddress(text, out, 0) ? out : undefined
}

/** Writes the 16 bytes of an address at `at`; false when the text is no address. */
export function putAddress(text: string, out: Uint8Array, at: number): boolean {
  if (!text.includes(':')) {
    out.fill(0, at, at + 10)
    out[at + 10] = out[at + 11] = 255
    return putDotted(text, out, at + 12)
  }
  const halves = text.split('::')
  if (halves.length > 2 || text.length > 45) return false
  const head = groupsOf(halves[0]!)
  const tail = halves.length === 2 ? groupsOf(halves[1]!) : []
  if (!head || !tail) return false
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return false
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail]
  for (let i = 0; i < 8; i++) {
    out[at + 2 * i] = groups[i]! >> 8
    out[at + 2 * i + 1] = groups[i]! & 255
  }
  return true
}

function putDotted(text: string, out: Uint8Array, at: number): boolean {
  let part = 0
  let value = -1
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 46
    if (code === 46) {
      if (value < 0 || part > 3) return false
      out[at + part++] = value
      value = -1
    } else {
      if (code < 48 || code > 57 || value === 0) return false
      value = (value < 0 ? 0 : value * 10) + code - 48
      if (value > 255) return false
    }
  }
  return part === 4
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return []
  const out: number[] = []
  for (const part of text.split(':')) {
    if (part.includes('.')) {
      const four = new Uint8Array(4)
      if (!putDotted(part, four, 0)) return undefined
      out.push((four[0]! << 8) | four[1]!, (four[2]! << 8) | four[3]!)
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) out.push(parseInt(part, 16))
    else return undefined
  }
  return out
}

/** First and last address of a network such as `198.18.0.0/15`, as the store compares them; undefined when it is none. */
export function networkRange(text: string): { from: string; to: string } | undefined {
  const [address, bits, ...more] = text.split('/')
  if (more.length > 0 || bits === undefined || !/^\d{1,3}$/.test(bits)) return undefined
  const first = addressBytes(address!)
  if (!first) return undefined
  const prefix = Number(bits) + (address!.includes(':') ? 0 : 96)
  if (prefix > 128) return undefined
  const last = first.slice()
  for (let i = 0; i < 16; i++) {
    const kept = Math.min(8, Math.max(0, prefix - 8 * i))
    const mask = (0xff << (8 - kept)) & 0xff
    first[i]! &= mask
    last[i] = first[i]! | (~mask & 0xff)
  }
  return { from: full(first), to: full(last) }
}

const full = (bytes: Uint8Array): string =>
  Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16)).join(':')

/** The canonical text (RFC 5952; IPv4 dotted) of an address as the store prints it. */
export function addressText(stored: string): string {
  if (stored.startsWith('::ffff:') && stored.includes('.')) return stored.slice(7)
  return URL.parse(`http://[${stored}]/`)?.hostname.slice(1, -1) ?? stored
}
