import { SigmaError } from './error.ts'
import { fold } from './fold.ts'

/** A value longer than this is refused; the longest published ones have some hundred characters. */
const VALUE_LIMIT = 10_000

/** `one` is `?`, `many` is `*`; text has its escapes resolved. */
export type Part = { readonly kind: 'one' | 'many' } | { readonly kind: 'text'; readonly text: string }
export const MANY: Part = { kind: 'many' }

/**
 * A value's text to its parts (rules specification, Escaping): a backslash before `*`, `?` or a backslash takes their
 * meaning away; before anything else it is itself. Throws SigmaError `value/too-large`.
 */
export function parseValue(value: string): Part[] {
  if (value.length > VALUE_LIMIT) {
    throw new SigmaError('value/too-large', '', `a value has at most ${VALUE_LIMIT} characters`)
  }
  const parts: Part[] = []
  let text = ''
  const put = (part: Part): void => {
    if (text !== '') parts.push({ kind: 'text', text })
    text = ''
    parts.push(part)
  }
  for (let i = 0; i < value.length; i++) {
    const char = value[i]!
    const next = value[i + 1]
    if (char === '\\' && (next === '*' || next === '?' || next === '\\')) {
      text += next
      i++
    } else if (char === '*') put(MANY)
    else if (char === '?') put({ kind: 'one' })
    else text += char
  }
  if (text !== '') parts.push({ kind: 'text', text })
  return parts
}

/** The text of parts without wildcards, or undefined when there are some. */
export function plainText(parts: readonly Part[]): string | undefined {
  let text = ''
  for (const part of parts) {
    if (part.kind !== 'text') return undefined
    text += part.text
  }
  return text
}

/** A test of the whole text. Unless `cased`, the text must come folded. Linear for all but `?`, see `matchPieces`. */
export function compileWildcard(parts: readonly Part[], cased: boolean): (text: string) => boolean {
  const pieces: Part[][] = [[]]
  for (const part of parts) {
    if (part.kind === 'many') pieces.push([])
    else pieces.at(-1)!.push(part.kind === 'text' && !cased ? { kind: 'text', text: fold(part.text) } : part)
  }
  if (parts.some(({ kind }) => kind === 'one')) {
    const wanted = pieces.map(characters)
    return (text) => matchPieces(wanted, Array.from(text))
  }
  const texts = pieces.map((piece) => plainText(piece)!)
  if (texts.length === 1) return (text) => text === texts[0]
  const [first, last] = [texts[0]!, texts.at(-1)!]
  const middle = texts.slice(1, -1).filter((text) => text !== '')
  if (middle.length === 1 && first === '' && last === '') return (text) => text.includes(middle[0]!)
  return (text) => matchTexts(first, middle, last, text)
}

function matchTexts(first: string, middle: readonly string[], last: string, text: string): boolean {
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  for (const piece of middle) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return at <= text.length - last.length
}

/** A character, or undefined for any one. */
type Piece = readonly (string | undefined)[]

const characters = (parts: readonly Part[]): Piece =>
  parts.flatMap((part) => (part.kind === 'text' ? Array.from(part.text) : [undefined]))

/** Greedy: each piece between stars takes its first place; at most text × pattern steps. */
function matchPieces(pieces: readonly Piece[], text: readonly string[]): boolean {
  const fits = (piece: Piece, at: number): boolean =>
    piece.every((char, i) => char === undefined || char === text[at + i])
  const [first, last] = [pieces[0]!, pieces.at(-1)!]
  if (pieces.length === 1) return text.length === first.length && fits(first, 0)
  const end = text.length - last.length
  if (first.length > end || !fits(first, 0) || !fits(last, end)) return false
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    while (at + piece.length <= end && !fits(piece, at)) at++
    if (at + piece.length > end) return false
    at += piece.length
  }
  return true
}
