import { growthOf, type Growth } from './cost.ts'
import { emit } from './emit.ts'
import { parsePattern } from './parse.ts'

export type Pattern = { readonly regexp: RegExp; readonly growth: Growth }

/**
 * PCRE source → a JavaScript RegExp for latin1 strings that means exactly the same on bytes.
 * Throws `ConstructError` naming what is not supported, or that the pattern could take too long.
 */
export function compilePattern(source: string): Pattern {
  const tree = parsePattern(source)
  const growth = growthOf(tree)
  return { regexp: new RegExp(emit(tree)), growth }
}
