import { GAVE_UP, LazyDfa } from './dfa.ts'
import { lower, widen } from './lower.ts'
import type { Pattern } from './pattern.ts'
import { compileProgram, MAX_SIZE } from './program.ts'

/** Several patterns asked in one pass over a text. */
export type RegexSet = {
  /** Calls `mark` with the index of each pattern that matches, in the order of the patterns. */
  each(text: string, mark: (index: number) => void): void
  /** Texts that needed too many new states in one of the passes and were put to its patterns one by one. */
  readonly gaveUp: number
}

/** Patterns of one pass: what is tried one by one when one of them matches. */
const MAX_MEMBERS = 24
/** New states for one text: some milliseconds at most. Ordinary text needs a hundred or so in all. */
const PATIENCE = 128

type Pass = { readonly dfa: LazyDfa; readonly members: readonly number[] }

/**
 * Patterns → one search for all of them. Ordinary text matches none, and then each byte is one look-up for two dozen patterns;
 * where one of a pass does match its members are tried singly. bench/regex.ts: 4 to 7 times the speed of a search for
 * their literals followed by the patterns that remain.
 */
export function compileSet(patterns: readonly Pattern[]): RegexSet {
  const passes: Pass[] = []
  const trees = patterns.map(({ tree }) => widen(lower(tree)))
  const sizes = trees.map((tree) => compileProgram([tree], 0).op.length)
  for (let from = 0, to = 0; from < trees.length; from = to) {
    let size = 0
    while (to < trees.length && to - from < MAX_MEMBERS && (to === from || size + sizes[to]! < MAX_SIZE))
      size += sizes[to++]! + 1
    const dfa = new LazyDfa(compileProgram(trees.slice(from, to), 0), PATIENCE)
    passes.push({ dfa, members: Array.from({ length: to - from }, (_, i) => from + i) })
  }
  let gaveUp = 0
  return {
    get gaveUp() {
      return gaveUp
    },
    each(text, mark) {
      for (const { dfa, members: own } of passes) {
        const end = dfa.endOf(text, 0)
        if (end === GAVE_UP) gaveUp++
        else if (end < 0) continue
        for (const index of own) if (patterns[index]!.test(text)) mark(index)
      }
    },
  }
}
