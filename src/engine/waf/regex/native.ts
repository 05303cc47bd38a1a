import type { Edge, Node } from './ast.ts'
import { holds } from './ast.ts'
import { costOf } from './cost.ts'
import { emit, hasSameGroups } from './emit.ts'
import { isRegular } from './lower.ts'
import type { Match } from './pattern.ts'

/** A (lowered) pattern as V8 searches for it, in linear time. */
export type Native = {
  test(text: string): boolean
  /** Undefined where JavaScript would tell other groups than PCRE. */
  readonly exec: ((text: string, from: number) => Match | undefined) | undefined
}

/** A search by V8 may look at one byte this often. */
const MAX_FACTOR = 64

/** Undefined for a pattern that could take V8 longer than linear time, or that no automaton could decide. */
export function nativeOf(tree: Node, groups: number, { growth, factor } = costOf(tree)): Native | undefined {
  if (!isRegular(tree)) return undefined
  if (growth !== 'linear' || factor > MAX_FACTOR) return undefined
  const bare = new RegExp(emit(tree, false).source)
  return { test: (text) => bare.test(text), exec: hasSameGroups(tree) ? execOf(tree, groups) : undefined }
}

function execOf(tree: Node, groups: number): NonNullable<Native['exec']> {
  const { source, groupOf } = emit(tree, true)
  const full = new RegExp(source, 'g')
  return (text, from) => {
    full.lastIndex = from
    const found = full.exec(text)
    if (found === null) return undefined
    const out: (string | undefined)[] = []
    for (let group = 0; group <= groups; group++) out.push(found[groupOf[group]!])
    return { index: found.index, groups: out }
  }
}

/** What the edges mean in a text without a newline, as nearly all are. */
const EDGES: Readonly<Partial<Record<Edge, Edge>>> = {
  'line-start': 'start',
  'line-end': 'very-end',
  end: 'very-end',
}

/** Whether the pattern asks where lines begin or end. */
export const asksLines = (tree: Node): boolean =>
  holds(tree, (node) => node.kind === 'assert' && EDGES[node.what] !== undefined)

/** The same matches in any text without a newline: there a pattern that begins at a line begins in one place only, and is seldom steep. */
export function oneLine(node: Node): Node {
  switch (node.kind) {
    case 'sequence':
      return { ...node, items: node.items.map(oneLine) }
    case 'choice':
      return { ...node, options: node.options.map(oneLine) }
    case 'repeat':
    case 'capture':
    case 'atomic':
    case 'look':
      return { ...node, body: oneLine(node.body) }
    case 'assert':
      return { ...node, what: EDGES[node.what] ?? node.what }
    default:
      return node
  }
}
