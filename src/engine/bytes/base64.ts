const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const VALUE = new Int8Array(128).fill(-1)
for (let i = 0; i < 64; i++) VALUE[ALPHABET.charCodeAt(i)] = i

/** Bytes to standard base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const bits = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    out += ALPHABET[bits >>> 18]! + ALPHABET[(bits >>> 12) & 63]!
    out += left > 1 ? ALPHABET[(bits >>> 6) & 63]! : '='
    out += left > 2 ? ALPHABET[bits & 63]! : '='
  }
  return out
}

/**
 * Standard base64 to bytes, or undefined. Strict: padding present, no white space, unused bits zero, so that one value
 * has exactly one text and a signed file cannot be respelt (RFC 4648 §3.5).
 */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const out = new Uint8Array((text.length / 4) * 3 - padding)
  const signs = text.length - padding
  let held = 0
  let at = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const value = i >= signs ? 0 : code < 128 ? VALUE[code]! : -1
    if (value < 0) return undefined
    held = (held << 6) | value
    if (i % 4 !== 3) continue
    for (const shift of [16, 8, 0]) {
      const byte = (held >>> shift) & 255
      if (at < out.length) out[at++] = byte
      else if (byte !== 0) return undefined
    }
    held = 0
  }
  return out
}
