/** Classes of bytes that transformations care for; a text's classes are the union of those of its bytes. */
const UPPER = 1
const LOWER = 2
const SPACE = 4
/** Tab to carriage return, and A0. */
const OTHER_SPACE = 8
/** A white space right after another. */
const SPACES = 16
const NUL = 32
const PERCENT_PLUS = 64
const BACKSLASH = 128
const AMPERSAND = 256
const QUOTE_CARET = 512
const SLASH_DOT = 1024
const STAR = 2048
const HASH_DASH_LESS = 4096
const HIGH = 8192
const COMMA_SEMICOLON = 16384
/** Of every text, the empty one too: for transformations that leave none as it is. */
const ANY = 32768

const CLASS = Uint16Array.from({ length: 256 }, (_, byte) => classOf(byte))

function classOf(byte: number): number {
  const sign = String.fromCharCode(byte)
  if (byte === 0) return NUL
  if (byte === 0xa0) return OTHER_SPACE | HIGH
  if (byte >= 0x80) return HIGH
  if (sign >= 'A' && sign <= 'Z') return UPPER
  if (sign >= 'a' && sign <= 'z') return LOWER
  if (byte >= 9 && byte <= 13) return OTHER_SPACE
  const groups: readonly (readonly [string, number])[] = [
    [' ', SPACE],
    ['%+', PERCENT_PLUS],
    ['\\', BACKSLASH],
    ['&', AMPERSAND],
    ['"\'^', QUOTE_CARET],
    ['/.', SLASH_DOT],
    ['*', STAR],
    ['#-<', HASH_DASH_LESS],
    [',;', COMMA_SEMICOLON],
  ]
  return groups.find(([signs]) => signs.includes(sign))?.[1] ?? 0
}

/** One pass over a latin1 text. */
export function classesOf(text: string): number {
  let classes = ANY
  let before = 0
  for (let at = 0; at < text.length; at++) {
    const own = CLASS[text.charCodeAt(at) & 255]!
    if ((own & before & SPACE) !== 0 || ((own | before) & OTHER_SPACE) !== 0) classes |= SPACES
    classes |= own
    before = own
  }
  return classes
}

/**
 * By transformation, the classes without any of which a text is left as it is; a transformation that is not here may change any text. Held
 * to by a property test over every transformation.
 */
const TOUCHES: Readonly<Record<string, number>> = {
  lowercase: UPPER,
  uppercase: LOWER,
  urldecode: PERCENT_PLUS,
  urldecodeuni: PERCENT_PLUS,
  htmlentitydecode: AMPERSAND,
  jsdecode: BACKSLASH,
  cssdecode: BACKSLASH,
  escapeseqdecode: BACKSLASH,
  removenulls: NUL,
  replacenulls: NUL,
  removewhitespace: SPACE | OTHER_SPACE,
  compresswhitespace: OTHER_SPACE | SPACES,
  trim: SPACE | OTHER_SPACE,
  trimleft: SPACE | OTHER_SPACE,
  trimright: SPACE | OTHER_SPACE,
  cmdline: UPPER | SPACE | OTHER_SPACE | BACKSLASH | QUOTE_CARET | COMMA_SEMICOLON,
  normalizepath: SLASH_DOT,
  normalisepath: SLASH_DOT,
  normalizepathwin: SLASH_DOT | BACKSLASH,
  normalisepathwin: SLASH_DOT | BACKSLASH,
  replacecomments: STAR,
  removecomments: STAR | HASH_DASH_LESS,
  removecommentschar: STAR | HASH_DASH_LESS,
  utf8tounicode: HIGH,
}

/** Classes that transformation (lower case) may change; all when not known. */
export const touchedBy = (name: string): number => TOUCHES[name] ?? 0xffff
/** What becomes of a text's classes when the transformation changes nothing but case; undefined for any other. */
export function caseOf(name: string): ((classes: number) => number) | undefined {
  if (name === 'lowercase') return (classes) => (classes & ~UPPER) | LOWER
  return name === 'uppercase' ? (classes) => (classes & ~LOWER) | UPPER : undefined
}
