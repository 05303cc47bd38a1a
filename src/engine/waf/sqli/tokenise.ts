import type { Token } from './token.ts'
import { wordKind } from './words.ts'

/** In which quotes the application put the text: none, or a quote that is still open where the text begins. */
export type Quote = '' | "'" | '"'
/** Whether `#` begins a comment and `--` needs a space after it (MySQL), or not (the standard). */
export type Dialect = 'standard' | 'mysql'

const WORD = /[A-Za-z_\x80-\xff$][A-Za-z0-9_$#\x80-\xff]*(?:\.[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*)*/y
const NUMBER = /0x[0-9a-f]+|0b[01]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?[fd]?(?![A-Za-z0-9_])|[0-9]+/iy
const VARIABLE = /@@?(?:`[^`]*`?|'[^']*'?|"[^"]*"?|[A-Za-z0-9_$.\x80-\xff]*)/y
const OPERATOR = /<=>|<>|<=|>=|!=|!<|!>|:=|::|\^=|\|\|\/|\|\/|~\*|!~|[=<>+\-*/%^~!|&]/y
const DOLLAR = /\$([A-Za-z_]*)\$/y
const PREFIXES = 'nbxeuqNBXEUQ'
const PREFIXED = /(?:[nbxe]|u&)'|n?q'/iy

/** At most `most` tokens of the text, in order, read as they are asked for. Linear in the text, whatever its bytes (latin1). */
export function* tokenise(text: string, quote: Quote, dialect: Dialect, most: number): Generator<Token, void, void> {
  let at = 0
  let left = most
  if (quote !== '') {
    const [token, end] = quoted(text, 0, quote, '')
    yield token
    left--
    at = end
  }
  while (at < text.length && left > 0) {
    if (isSpace(text.charCodeAt(at))) {
      at++
      continue
    }
    const [token, next] = tokenAt(text, at, dialect)
    yield token
    left--
    at = next
  }
}

const isSpace = (code: number): boolean => code <= 0x20 || code === 0x7f || code === 0xa0
const isLetter = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code >= 0x80

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

type Step = readonly [token: Token, end: number]

function tokenAt(text: string, at: number, dialect: Dialect): Step {
  const sign = text[at]!
  // Most of what is read is words: nothing else begins with a letter but a string of these.
  if (isLetter(text.charCodeAt(at)))
    return (PREFIXES.includes(sign) ? stringAt(text, at) : undefined) ?? wordAt(text, at)!
  return (
    commentAt(text, at, dialect) ??
    stringAt(text, at) ??
    numberAt(text, at) ??
    wordAt(text, at) ??
    variableAt(text, at) ??
    signAt(text, at, sign)
  )
}

function commentAt(text: string, at: number, dialect: Dialect): Step | undefined {
  const line = (from: number): Step => {
    const stop = text.indexOf('\n', from)
    const end = stop < 0 ? text.length : stop + 1
    return [{ kind: 'c', text: text.slice(at, end) }, end]
  }
  if (text[at] === '#' && dialect === 'mysql') return line(at)
  if (text.startsWith('--', at)) {
    const after = text.charCodeAt(at + 2)
    if (dialect === 'standard' || Number.isNaN(after) || after <= 32) return line(at)
  }
  if (!text.startsWith('/*', at)) return undefined
  const stop = text.indexOf('*/', at + 2)
  const end = stop < 0 ? text.length : stop + 2
  const whole = text.slice(at, end)
  // MySQL runs what stands in /*! */.
  return [{ kind: /^\/\*![0-9a-z]/i.test(whole) ? 'X' : 'c', text: whole }, end]
}

function stringAt(text: string, at: number): Step | undefined {
  const sign = text[at]!
  if (sign === "'" || sign === '"') return quoted(text, at + 1, sign, sign)
  if (sign === '`') {
    const stop = text.indexOf('`', at + 1)
    const end = stop < 0 ? text.length : stop + 1
    return [{ kind: 'n', text: text.slice(at + 1, stop < 0 ? end : stop).toLowerCase() }, end]
  }
  const dollar = match(DOLLAR, text, at)
  if (dollar > at) {
    const mark = text.slice(at, dollar)
    const stop = text.indexOf(mark, dollar)
    if (stop >= 0 || mark === '$$') {
      const end = stop < 0 ? text.length : stop + mark.length
      return [{ kind: 's', text: text.slice(dollar, stop < 0 ? end : stop), opened: '$', closed: '$' }, end]
    }
  }
  const prefixed = match(PREFIXED, text, at)
  return prefixed > at ? quoted(text, prefixed, "'", "'") : undefined
}

/** From after the opening quote: a doubled quote and one after an odd run of backslashes are part of the string. */
function quoted(text: string, from: number, quote: string, opened: string): Step {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === quote) {
      if (text[at + 1] !== quote) return [{ kind: 's', text: text.slice(from, at), opened, closed: quote }, at + 1]
      at++
    }
  }
  return [{ kind: 's', text: text.slice(from), opened, closed: '' }, text.length]
}

function numberAt(text: string, at: number): Step | undefined {
  const end = match(NUMBER, text, at)
  return end > at ? [{ kind: '1', text: text.slice(at, end) }, end] : undefined
}

function wordAt(text: string, at: number): Step | undefined {
  if (text[at] === '[') {
    const stop = text.indexOf(']', at + 1)
    if (stop > 0) return [{ kind: 'n', text: text.slice(at + 1, stop).toLowerCase() }, stop + 1]
    return [{ kind: '?', text: '[' }, at + 1]
  }
  const end = match(WORD, text, at)
  if (end === at) return undefined
  const word = text.slice(at, end).toLowerCase()
  const known = wordKind(word)
  if (known !== undefined) return [{ kind: known, text: word }, end]
  const dot = word.indexOf('.')
  // `select.1`: the first part may be a keyword by itself.
  if (dot > 0) {
    const first = wordKind(word.slice(0, dot))
    if (first !== undefined && first !== 'n') return [{ kind: first, text: word.slice(0, dot) }, at + dot]
  }
  return [{ kind: 'n', text: word }, end]
}

function variableAt(text: string, at: number): Step | undefined {
  const end = match(VARIABLE, text, at)
  return end > at ? [{ kind: 'v', text: text.slice(at, end).toLowerCase() }, end] : undefined
}

function signAt(text: string, at: number, sign: string): Step {
  if (text.startsWith('&&', at) || text.startsWith('||', at))
    return [{ kind: '&', text: text.slice(at, at + 2) }, at + 2]
  if (sign === '\\') {
    if (text[at + 1] === 'N') return [{ kind: '1', text: '\\n' }, at + 2]
    return [{ kind: '\\', text: sign }, at + 1]
  }
  const end = match(OPERATOR, text, at)
  if (end > at) return [{ kind: 'o', text: text.slice(at, end) }, end]
  switch (sign) {
    case '(':
    case ')':
    case '{':
    case '}':
    case ',':
    case ';':
    case '.':
    case ':':
      return [{ kind: sign, text: sign }, at + 1]
    default:
      return [{ kind: '?', text: sign }, at + 1]
  }
}
