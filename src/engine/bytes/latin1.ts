/** Bytes as a string of the same length whose character codes are the bytes. Cuts into pieces: `apply` has an argument limit. */
export function toLatin1(bytes: Uint8Array): string {
  let out = ''
  for (let at = 0; at < bytes.length; at += 8192) {
    out += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192) as unknown as number[])
  }
  return out
}

/** The first `length` bytes as such a string; for short ones, several at a time rather than one by one. */
export function latin1Of(bytes: Uint8Array, length: number): string {
  if (length > 4096) return toLatin1(bytes.subarray(0, length))
  let out = ''
  let at = 0
  for (; at + 8 <= length; at += 8)
    out += String.fromCharCode(
      bytes[at]!,
      bytes[at + 1]!,
      bytes[at + 2]!,
      bytes[at + 3]!,
      bytes[at + 4]!,
      bytes[at + 5]!,
      bytes[at + 6]!,
      bytes[at + 7]!,
    )
  for (; at < length; at++) out += String.fromCharCode(bytes[at]!)
  return out
}

/** The other way; characters above 0xFF lose their high bits, so give it latin1 only. */
export function fromLatin1(text: string): Uint8Array {
  const out = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) out[at] = text.charCodeAt(at)
  return out
}

const encoder = new TextEncoder()

/** UTF-16 text as the latin1 image of its UTF-8 bytes: `utf8('à')` is `'\xc3\xa0'`. */
export const utf8 = (text: string): string => toLatin1(encoder.encode(text))

const isContinuation = (code: number): boolean => (code & 0xc0) === 0x80

/** Length of the well-formed UTF-8 sequence at `at` of a latin1 string, 0 when it is malformed (RFC 3629, table 3-7 of Unicode). */
export function utf8SequenceAt(text: string, at: number): number {
  const lead = text.charCodeAt(at)
  if (lead < 0x80) return 1
  const length =
    lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0
  if (length === 0 || at + length > text.length) return 0
  const second = text.charCodeAt(at + 1)
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < least || second > most) return 0
  for (let i = 2; i < length; i++) if (!isContinuation(text.charCodeAt(at + i))) return 0
  return length
}
