/** Stands for a letter that is not Latin, and for a sign that is none of ASCII. */
export const OTHER_LETTER = '\u0001'
export const OTHER_SIGN = '\u0002'

const NOTHING = /^[\p{M}\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]$/u

/**
 * One UTF-16 unit as it is looked at: Latin letters without marks and with their case, full-width signs as ASCII, every
 * space as one, every dash as a hyphen; nothing for marks and for signs without width that hide a number from a search.
 */
export function foldUnit(code: number): string {
  if (code < 0x80) return code === 10 || (code >= 32 && code < 127) ? String.fromCharCode(code) : asciiControl(code)
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0)
  if (code >= 0x3400 && code < 0xd800) return OTHER_LETTER
  if (code >= 0xd800 && code < 0xf900) return OTHER_SIGN
  const sign = String.fromCharCode(code)
  if (NOTHING.test(sign)) return ''
  if (sign === 'đ' || sign === 'Đ') return sign === 'đ' ? 'd' : 'D'
  if (/\s/.test(sign)) return ' '
  if (/[\u2010-\u2015\u2212]/.test(sign)) return '-'
  if (!/[\p{L}\p{N}]/u.test(sign)) return OTHER_SIGN
  const base = sign.normalize('NFD')[0]!
  return /[A-Za-z]/.test(base) ? base : OTHER_LETTER
}

const asciiControl = (code: number): string =>
  code === 9 || code === 13 || code === 11 || code === 12 ? ' ' : OTHER_SIGN

let table: Uint8Array | undefined
/** `foldUnit` of every unit as a character code, 0 for nothing. */
export function foldTable(): Uint8Array {
  if (table !== undefined) return table
  const made = new Uint8Array(0x10000)
  for (let code = 0; code < made.length; code++) made[code] = foldUnit(code).charCodeAt(0) || 0
  table = made
  return made
}
