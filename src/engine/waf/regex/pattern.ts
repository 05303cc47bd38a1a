import { memory } from '../../bytes/memory.ts'
import type { Node } from './ast.ts'
import { backtrackExec } from './backtrack.ts'
import { costOf, type Growth } from './cost.ts'
import { LazyDfa, type Effort } from './dfa.ts'
import { isRegular, lower, widen } from './lower.ts'
import { asksLines, nativeOf, oneLine, type Native } from './native.ts'
import { parseRegex } from './parse.ts'
import { pikeExec } from './pike.ts'
import { compileProgram, type Program } from './program.ts'

/** Group 0 is the whole match; a group that took no part is undefined. */
export type Match = { readonly index: number; readonly groups: readonly (string | undefined)[] }

export type Pattern = {
  readonly source: string
  readonly tree: Node
  /** How a backtracking matcher would do; nothing here takes longer than linear time but `backtrack`, which has a limit. */
  readonly growth: Growth
  /**
   * For any text, native: V8's own; automaton: lazy DFA and Pike; backtrack: own, at most `STEPS` steps. A text without a newline may be searched
   * by V8 where others are not.
   */
  readonly engine: 'native' | 'automaton' | 'backtrack'
  /** Count of groups, and numbers of the named ones. */
  readonly groups: number
  readonly names: ReadonlyMap<string, number>
  /** Searches given up because they took too long; each answered "no match", as ModSecurity does at SecPcreMatchLimit. */
  readonly exceeded: number
  /** What its automaton has done so far, when it has one. */
  readonly effort: Effort | undefined
  /** The older way to ask `test`. */
  readonly regexp: { test(text: string): boolean }
  /** Does it match anywhere in the text (latin1)? */
  test(text: string): boolean
  /**
   * The first match at or after `from`, in PCRE's order of preference. In a text beyond 4 KB that needs more than a glance the
   * groups are those of the 4 KB on either side of the place where a first match is known to end.
   */
  exec(text: string, from?: number): Match | undefined
}

/** Of a search that backtracks: 5 to 20 ms. */
const STEPS = 100_000
/** Before Pike's machine takes over. */
const FEW_STEPS = 20_000
/** Once a match is known to exist its groups are looked for this far around the place it is known from. */
const WINDOW = 4096

/**
 * PCRE2 source (latin1) → a matcher over latin1 strings that decides as ModSecurity v3 does, in time linear in the text or
 * bounded by a limit. Throws `ConstructError` naming what is not supported and where.
 */
export function compilePattern(source: string): Pattern {
  return remembered(source, () => makePattern(source))
}

/** One plan is made for each way a site is set, and anew with every change; its patterns are nearly always the same. */
const remembered = memory<Pattern>(4_000)

function makePattern(source: string): Pattern {
  const { tree, groups, names } = parseRegex(source)
  const lowered = lower(tree)
  const cost = costOf(lowered)
  const regular = isRegular(lowered)
  const native = nativeOf(lowered, groups, cost)
  const engine = !regular ? 'backtrack' : native !== undefined ? 'native' : 'automaton'
  const asks = asksLines(lowered)
  /** Made when it is first asked for: most patterns of a rule set never are. */
  let inLine: { readonly native: Native | undefined } | undefined
  const nativeFor = (text: string): Native | undefined => {
    if (!asks || text.includes('\n')) return native
    inLine ??= { native: nativeOf(oneLine(lowered), groups) }
    return inLine.native ?? native
  }

  let program: Program | undefined
  const programOf = (): Program => (program ??= compileProgram([lowered], groups))
  let dfa: LazyDfa | undefined
  const dfaOf = (): LazyDfa => (dfa ??= new LazyDfa(regular ? programOf() : compileProgram([widen(lowered)], groups)))
  let exceeded = 0

  function slots(text: string, from: number): Int32Array | undefined {
    // Cheap, and says no to most texts: the automaton of a pattern that matches wherever this one does.
    const end = dfaOf().endOf(text, from)
    if (end < 0) return undefined
    if (!regular) {
      const found = backtrackExec(programOf(), text, from, STEPS)
      if (found !== 'too-complex') return found
      exceeded++
      return undefined
    }
    const found = backtrackExec(programOf(), text, from, FEW_STEPS)
    if (found !== 'too-complex') return found
    const start = Math.max(from, end - WINDOW)
    return pikeExec(programOf(), text, start, Math.min(text.length, end + WINDOW))
  }

  function exec(text: string, from = 0): Match | undefined {
    const fast = nativeFor(text)?.exec
    if (fast !== undefined) return fast(text, from)
    const found = slots(text, from)
    if (found === undefined) return undefined
    const group = (i: number): string | undefined =>
      found[i * 2]! < 0 || found[i * 2 + 1]! < 0 ? undefined : text.slice(found[i * 2], found[i * 2 + 1])
    return { index: found[0]!, groups: Array.from({ length: groups + 1 }, (_, i) => group(i)) }
  }

  const test = (text: string): boolean =>
    nativeFor(text)?.test(text) ?? (regular ? dfaOf().test(text) : slots(text, 0) !== undefined)
  if (engine !== 'native') programOf()
  return {
    source,
    tree,
    growth: cost.growth,
    engine,
    groups,
    names,
    get exceeded() {
      return exceeded
    },
    get effort() {
      return dfa?.effort
    },
    regexp: { test },
    test,
    exec,
  }
}
