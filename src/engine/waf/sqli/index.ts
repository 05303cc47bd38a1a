import { isInjection } from './decide.ts'
import { fold } from './fold.ts'
import { tokenise, type Dialect, type Quote } from './tokenise.ts'

/** Tokens read of a text, and left of it. */
const READ = 64
const LEFT = 6

/**
 * A text without any of these, in any case, is no SQL to us: no quote to close, nothing to call, cut off, join or begin. Looked for all at
 * once by a caller that has many texts.
 */
export const SQL_HINTS: readonly string[] =
  `' " ; ( @ # | & -- /* \\ $ or xor and union select insert update delete create drop alter replace trunc exec waitfor having limit offset fetch order group intersect into`.split(
    ' ',
  )
const HINT = new RegExp(SQL_HINTS.map((hint) => hint.replace(/[^a-z]/g, '\\$&')).join('|'), 'i')

/**
 * Whether a text (latin1) reads as the end of a value and the continuation of an SQL statement, in any of the places an application may have
 * put it: bare, in single or in double quotes; by the standard or by MySQL. Gives the shape that decided it (see `Kind`), undefined when
 * it reads as no SQL. Linear in the text. The idea is libinjection's (tokenise, fold, recognise the shape); rules and words are our own.
 */
export function detectSqli(text: string): { fingerprint: string } | undefined {
  if (!HINT.test(text)) return undefined
  for (const quote of ['', "'", '"'] as const) {
    if (quote !== '' && !text.includes(quote)) continue
    const fingerprint = readAs(text, quote)
    if (fingerprint !== undefined) return { fingerprint }
  }
  return undefined
}

function readAs(text: string, quote: Quote): string | undefined {
  const standard = shapeOf(text, quote, 'standard')
  if (standard !== undefined) return standard
  // The dialects differ only where a comment may begin.
  return text.includes('#') || text.includes('--') ? shapeOf(text, quote, 'mysql') : undefined
}

const shapeOf = (text: string, quote: Quote, dialect: Dialect): string | undefined =>
  isInjection(fold(tokenise(text, quote, dialect, READ), LEFT), quote)
