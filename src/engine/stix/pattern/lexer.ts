import { PatternError } from './error.ts'

/** A pattern longer than this many UTF-16 units is refused: the longest published ones have a few thousand. */
export const PATTERN_LIMIT = 100_000

export type TokenKind =
  | 'word'
  | 'hyphenated'
  | 'keyword'
  | 'int'
  | 'float'
  | 'string'
  | 'hex'
  | 'binary'
  | 'timestamp'
  | 'sign'
  | 'end'

/** `text` is the meaning: a string without quotes and escapes, a number as written. */
export type Token = { readonly kind: TokenKind; readonly text: string; readonly at: number }

const KEYWORDS = new Set(
  'AND OR NOT FOLLOWEDBY LIKE MATCHES ISSUPERSET ISSUBSET EXISTS LAST IN START STOP SECONDS true false WITHIN REPEATS TIMES'.split(
    ' ',
  ),
)
const SIGNS = ['==', '!=', '<>', '<=', '>=', '=', '<', '>', '[', ']', '(', ')', ',', ':', '.', '*']
const SPACE = /\s/u
const WORD_START = /[A-Za-z_]/
const DIGIT = /[0-9]/

/** YYYY-MM-DDTHH:MM:SS[.s+]Z; months, days, hours… in their ranges, the calendar not asked (§9.2 takes RFC 3339's form). */
export const TIMESTAMP =
  /^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?Z$/
const HEX = /^(?:[0-9A-Fa-f]{2})*$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?$/

/** Text to tokens, the last one `end`. Throws PatternError. Comments (`//…`, `/*…*\/`) count as space. */
export function tokens(text: string): Token[] {
  if (text.length > PATTERN_LIMIT) {
    throw new PatternError('pattern/too-large', `a pattern has at most ${PATTERN_LIMIT} characters`, '', 0)
  }
  const out: Token[] = []
  let at = skipSpace(text, 0)
  while (at < text.length) {
    const token = tokenAt(text, at)
    out.push(token.token)
    at = skipSpace(text, token.next)
  }
  out.push({ kind: 'end', text: '', at: text.length })
  return out
}

function skipSpace(text: string, from: number): number {
  let at = from
  for (;;) {
    while (at < text.length && SPACE.test(text[at]!)) at++
    if (text.startsWith('//', at)) {
      const end = text.slice(at).search(/[\r\n]/)
      at = end < 0 ? text.length : at + end
    } else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2)
      if (end < 0) throw new PatternError('pattern/token', 'a comment has no end', text, at)
      at = end + 2
    } else return at
  }
}

type Step = { token: Token; next: number }

function tokenAt(text: string, at: number): Step {
  const char = text[at]!
  if (char === "'") return quoted(text, at)
  if (text[at + 1] === "'" && 'tbh'.includes(char)) return typed(text, at, char as 't' | 'b' | 'h')
  if (WORD_START.test(char)) return wordAt(text, at)
  const number = numberAt(text, at)
  if (number !== undefined) return number
  const sign = SIGNS.find((each) => text.startsWith(each, at))
  if (sign === undefined) throw new PatternError('pattern/token', `unexpected ${JSON.stringify(char)}`, text, at)
  const meaning = sign === '==' ? '=' : sign === '<>' ? '!=' : sign
  return { token: { kind: 'sign', text: meaning, at }, next: at + sign.length }
}

/** A backslash escapes the quote and itself, nothing else. */
function quoted(text: string, at: number): Step {
  let value = ''
  let i = at + 1
  for (; i < text.length && text[i] !== "'"; i++) {
    if (text[i] === '\\') {
      i++
      if (text[i] !== "'" && text[i] !== '\\') {
        throw new PatternError('pattern/token', "only \\' and \\\\ may follow a backslash", text, i - 1)
      }
    }
    value += text[i]!
  }
  if (i >= text.length) throw new PatternError('pattern/token', 'the text has no closing quote', text, at)
  return { token: { kind: 'string', text: value, at }, next: i + 1 }
}

function typed(text: string, at: number, letter: 't' | 'b' | 'h'): Step {
  const end = text.indexOf("'", at + 2)
  const value = text.slice(at + 2, end < 0 ? undefined : end)
  const fine = letter === 't' ? TIMESTAMP : letter === 'h' ? HEX : BASE64
  if (end < 0 || !fine.test(value) || (letter === 'b' && value === '')) {
    const name = letter === 't' ? 'time stamp (YYYY-MM-DDTHH:MM:SSZ)' : letter === 'h' ? 'hexadecimal' : 'base64'
    throw new PatternError('pattern/token', `not a ${name} constant`, text, at)
  }
  const kind = letter === 't' ? 'timestamp' : letter === 'h' ? 'hex' : 'binary'
  return { token: { kind, text: value, at }, next: end + 1 }
}

function wordAt(text: string, at: number): Step {
  let end = at
  while (end < text.length && /[A-Za-z0-9_-]/.test(text[end]!)) end++
  const word = text.slice(at, end)
  const kind = KEYWORDS.has(word) ? 'keyword' : word.includes('-') ? 'hyphenated' : 'word'
  return { token: { kind, text: word, at }, next: end }
}

function numberAt(text: string, at: number): Step | undefined {
  let i = at
  if (text[i] === '+' || text[i] === '-') i++
  const start = i
  while (i < text.length && DIGIT.test(text[i]!)) i++
  const whole = i - start
  if (text[i] === '.' && DIGIT.test(text[i + 1] ?? '')) {
    i++
    while (i < text.length && DIGIT.test(text[i]!)) i++
    return { token: { kind: 'float', text: text.slice(at, i), at }, next: i }
  }
  if (whole === 0) return undefined
  if (whole > 1 && text[start] === '0') throw new PatternError('pattern/token', 'a number starts with 0', text, at)
  return { token: { kind: 'int', text: text.slice(at, i), at }, next: i }
}
