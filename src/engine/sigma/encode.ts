import { toBase64 } from '../bytes/base64.ts'

export type Utf16 = 'utf16le' | 'utf16be' | 'utf16'

/** UTF-8, as `base64` takes a text (modifiers appendix, Encoding). */
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** `utf16le`, its alias `wide`, `utf16be`; `utf16` is little-endian behind a byte order mark. */
export function utf16(text: string, as: Utf16): Uint8Array {
  const bom = as === 'utf16' ? 2 : 0
  const bytes = new Uint8Array(text.length * 2 + bom)
  const view = new DataView(bytes.buffer)
  if (bom > 0) view.setUint16(0, 0xfeff, true)
  for (let i = 0; i < text.length; i++) view.setUint16(bom + i * 2, text.charCodeAt(i), as !== 'utf16be')
  return bytes
}

/** Characters at the start that also depend on the bytes before, by their number modulo 3. */
const HEAD = [0, 2, 3] as const
/** Characters at the end that also depend on the bytes after, padding included, by the whole length modulo 3. */
const TAIL = [0, 3, 2] as const

/** `base64offset`: what stays the same of the base64 of bytes in the middle of others, for each of the three places. */
export function base64Offsets(bytes: Uint8Array): string[] {
  return [0, 1, 2].map((shift) => {
    const shifted = new Uint8Array(bytes.length + shift)
    shifted.set(bytes, shift)
    const text = toBase64(shifted)
    return text.slice(HEAD[shift], text.length - TAIL[shifted.length % 3]!)
  })
}
