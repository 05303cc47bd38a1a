import type { ByteSet } from '../../bytes/byte-set.ts'
import { WORD } from './classes.ts'
import type { Edge } from './ast.ts'

/** What an assertion asks of the byte before and the byte after a place. */
export type Assertion = {
  readonly what: Edge | 'next' | 'not-next' | 'previous' | 'not-previous'
  readonly set: ByteSet
}

/** No byte: before the start, after the end. */
export const OUTSIDE = -1

const isIn = (set: ByteSet, byte: number): boolean => byte !== OUTSIDE && set[byte] === 1

/**
 * Does the assertion hold between `before` and `after`? `last`: `after` is the last byte of the text (pcre2pattern(3): a
 * circumflex in multiline mode does not stand behind a newline that ends the text).
 */
export function holdsBetween({ what, set }: Assertion, before: number, after: number, last: boolean): boolean {
  switch (what) {
    case 'start':
      return before === OUTSIDE
    case 'very-end':
      return after === OUTSIDE
    case 'end':
      return after === OUTSIDE || (after === 10 && last)
    case 'line-start':
      return before === OUTSIDE || (before === 10 && after !== OUTSIDE)
    case 'line-end':
      return after === OUTSIDE || after === 10
    case 'word-edge':
      return isIn(WORD, before) !== isIn(WORD, after)
    case 'no-word-edge':
      return isIn(WORD, before) === isIn(WORD, after)
    case 'next':
      return isIn(set, after)
    case 'not-next':
      return !isIn(set, after)
    case 'previous':
      return isIn(set, before)
    case 'not-previous':
      return !isIn(set, before)
  }
}

export function holdsAt(assertion: Assertion, text: string, at: number): boolean {
  const before = at > 0 ? text.charCodeAt(at - 1) : OUTSIDE
  const after = at < text.length ? text.charCodeAt(at) : OUTSIDE
  return holdsBetween(assertion, before, after, at === text.length - 1)
}
