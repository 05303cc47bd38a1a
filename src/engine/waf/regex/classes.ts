import { byteSet, invert, type ByteSet } from '../../bytes/byte-set.ts'

const DIGIT = byteSet([48, 57])
export const WORD = byteSet([48, 57], [65, 90], 95, [97, 122])
// PCRE2 without UCP: JavaScript's \s would also take 0xA0, the second byte of "à".
const SPACE = byteSet([9, 13], 32)
const HORIZONTAL = byteSet(9, 32, 0xa0)
const VERTICAL = byteSet([10, 13], 0x85)
const NEWLINE = byteSet(10)
const ALPHA = byteSet([65, 90], [97, 122])

/** What stands behind a backslash for a set of bytes. */
export const CLASSES: Readonly<Record<string, ByteSet>> = {
  d: DIGIT,
  D: invert(DIGIT),
  w: WORD,
  W: invert(WORD),
  s: SPACE,
  S: invert(SPACE),
  h: HORIZONTAL,
  H: invert(HORIZONTAL),
  v: VERTICAL,
  V: invert(VERTICAL),
}
export const NO_NEWLINE = invert(NEWLINE)

const POSIX: Readonly<Record<string, ByteSet>> = {
  alnum: byteSet([48, 57], [65, 90], [97, 122]),
  alpha: ALPHA,
  ascii: byteSet([0, 127]),
  blank: byteSet(9, 32),
  cntrl: byteSet([0, 31], 127),
  digit: DIGIT,
  graph: byteSet([33, 126]),
  lower: byteSet([97, 122]),
  print: byteSet([32, 126]),
  punct: byteSet([33, 47], [58, 64], [91, 96], [123, 126]),
  space: SPACE,
  upper: byteSet([65, 90]),
  word: WORD,
  xdigit: byteSet([48, 57], [65, 70], [97, 102]),
}

/** `[:name:]`; without regard to case, upper and lower mean every letter, before any negation. */
export function posixClass(name: string, caseless: boolean): ByteSet | undefined {
  return caseless && (name === 'upper' || name === 'lower') ? ALPHA : POSIX[name]
}

/** Bytes spelt by a backslash and one letter. */
export const ESCAPES: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 }
