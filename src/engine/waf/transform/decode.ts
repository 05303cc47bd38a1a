import { latin1Of } from '../../bytes/latin1.ts'

const hexAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** The byte written as two hexadecimal digits at `at`, -1 when they are not. */
export function hexByteAt(text: string, at: number): number {
  const high = hexAt(text, at)
  const low = high < 0 ? -1 : hexAt(text, at + 1)
  return low < 0 ? -1 : high * 16 + low
}

// A full-width form (U+FF01–U+FF5E) written as %uFFxx means the ASCII sign 0x20 above its low byte.
const narrowed = (high: number, low: number): number => (high === 0xff && low > 0 && low < 0x5f ? low + 0x20 : low)

const [PLUS, SPACE, PERCENT] = [43, 32, 37]
/** Written to by one call at a time: a string that grows by single signs costs twice as much. */
const MOST_ROOM = 65_536
let room: Uint8Array = new Uint8Array(MOST_ROOM)

function percentDecode(text: string, unicode: boolean): string {
  if (!text.includes('%')) return text.includes('+') ? text.replaceAll('+', ' ') : text
  if (room.length < text.length) room = new Uint8Array(text.length * 2)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === PLUS) room[length++] = SPACE
    else if (code !== PERCENT) room[length++] = code
    else {
      const byte = hexByteAt(text, at + 1)
      const wide = unicode && (text.charCodeAt(at + 1) | 32) === 117
      const high = wide ? hexByteAt(text, at + 2) : -1
      const low = high < 0 ? -1 : hexByteAt(text, at + 4)
      if (low >= 0) {
        room[length++] = narrowed(high, low)
        at += 5
      } else if (byte >= 0) {
        room[length++] = byte
        at += 2
      } else room[length++] = PERCENT
    }
  }
  const out = latin1Of(room, length)
  if (room.length > MOST_ROOM) room = new Uint8Array(MOST_ROOM)
  return out
}

/** `%41+b` → `A b`; what is not an escape stays as it is. */
export const urlDecode = (text: string): string => percentDecode(text, false)
/** As urlDecode, also `%u0041` (IIS): its low byte, full-width forms made narrow. */
export const urlDecodeUni = (text: string): string => percentDecode(text, true)

const ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({ quot: '"', amp: '&', lt: '<', gt: '>', nbsp: '\xa0' }),
)

/** Numeric references (low byte) and the five named ones of ModSecurity; the semicolon may be missing, as browsers allow. */
export function htmlEntityDecode(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#[xX]([0-9a-fA-F]+)|#([0-9]+)|([a-zA-Z0-9]+));?/g,
    (whole: string, hex: string | undefined, decimal: string | undefined, name: string | undefined) => {
      if (name !== undefined) return ENTITIES.get(name.toLowerCase()) ?? whole
      // Only the last digits can matter to a byte; a long run of zeros is an old evasion.
      const value = hex === undefined ? Number(BigInt(decimal!.slice(-18)) & 255n) : Number.parseInt(hex.slice(-2), 16)
      return String.fromCharCode(value)
    },
  )
}

const C_ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** JavaScript string escapes: \uHHHH (low byte), \xHH, octal, one-letter; any other backslash goes. */
export function jsDecode(text: string): string {
  if (!text.includes('\\')) return text
  let out = ''
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '\\' || at + 1 >= text.length) {
      out += text[at]
      continue
    }
    const next = text[++at]!
    const low =
      next === 'u' && hexByteAt(text, at + 1) >= 0
        ? hexByteAt(text, at + 3)
        : next === 'x'
          ? hexByteAt(text, at + 1)
          : -1
    const octal = /^(?:[0-3][0-7]{0,2}|[0-7]{1,2})/.exec(text.slice(at, at + 3))
    if (low >= 0) {
      out += String.fromCharCode(next === 'u' ? narrowed(hexByteAt(text, at + 1), low) : low)
      at += next === 'u' ? 4 : 2
    } else if (octal !== null) {
      out += String.fromCharCode(Number.parseInt(octal[0], 8))
      at += octal[0].length - 1
    } else out += C_ESCAPES[next] ?? next
  }
  return out
}

/** ANSI C escapes of `$'…'`; a lone or unknown escape keeps its sign, a trailing backslash stays. */
export function escapeSeqDecode(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([^]))/g, (_, hex: string, octal: string, sign: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 255)
    return C_ESCAPES[sign] ?? sign
  })
}

/** CSS 2.1 escapes: up to six digits of which the last two count, one white space after them (or an escaped NUL) is eaten. */
export function cssDecode(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(
    /\\(?:([0-9a-fA-F]{1,6})[ \t\n\v\f\r]?|(\n)|(\0)[ \t]?|([^]))?/g,
    (_, hex: string, newline: string, nul: string, sign: string) => {
      if (hex === undefined) return newline === undefined ? (nul ?? sign ?? '') : ''
      const value = Number.parseInt(hex, 16)
      return String.fromCharCode(hex.length >= 4 ? narrowed(value >> 8, value & 255) : value & 255)
    },
  )
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function fromBase64(text: string, skip: boolean): string {
  let out = ''
  let held = 0
  let bits = 0
  for (const sign of text) {
    const value = BASE64.indexOf(sign)
    if (value < 0) {
      if (skip && sign !== '=') continue
      break
    }
    held = ((held << 6) | value) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      out += String.fromCharCode((held >> bits) & 255)
    }
  }
  return out
}

/** Up to the first sign outside the alphabet. */
export const base64Decode = (text: string): string => fromBase64(text, false)
/** Skips signs outside the alphabet, as PHP does. */
export const base64DecodeExt = (text: string): string => fromBase64(text, true)

// ModSecurity's x2c: a sign that is no digit is taken for a letter; the vectors hold it to that.
const looseDigit = (code: number): number => (code >= 65 ? (code & 0xdf) - 55 : code - 48)

/** Pairs of digits → bytes; an odd last digit is dropped. */
export function hexDecode(text: string): string {
  let out = ''
  for (let at = 0; at + 1 < text.length; at += 2) {
    out += String.fromCharCode((looseDigit(text.charCodeAt(at)) * 16 + looseDigit(text.charCodeAt(at + 1))) & 255)
  }
  return out
}

/** `0x414243` → `ABC`, wherever it stands (MySQL string literal). */
export const sqlHexDecode = (text: string): string =>
  text.replace(/0[xX]((?:[0-9a-fA-F]{2})+)/g, (_, digits: string) => hexDecode(digits))
