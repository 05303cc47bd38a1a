import { rangesOf, invert, sizeOf, type ByteSet } from '../../bytes/byte-set.ts'
import { holds, isNullable, type Edge, type Node } from './ast.ts'

const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`
const sign = (byte: number): string => {
  const text = String.fromCharCode(byte)
  return /[A-Za-z0-9 _,;:'"<>=&%#@!~`]/.test(text) ? text : hex(byte)
}
const inside = (set: ByteSet): string =>
  rangesOf(set)
    .map(([low, high]) => (low === high ? hex(low) : `${hex(low)}-${hex(high)}`))
    .join('')

function emitSet(set: ByteSet): string {
  const size = sizeOf(set)
  if (size === 256) return '[^]'
  if (size === 0) return '[]'
  if (size === 1) return sign(set.indexOf(1))
  const other = invert(set)
  return rangesOf(set).length <= rangesOf(other).length ? `[${inside(set)}]` : `[^${inside(other)}]`
}

// No flag is ever set on the RegExp: every meaning is spelled out, over characters 0–255 only.
const EDGES: Readonly<Record<Edge, string>> = {
  start: '^',
  end: '(?=\\x0a?$)',
  'very-end': '$',
  // Not behind a newline that ends the text.
  'line-start': '(?:^|(?<=\\x0a)(?=[^]))',
  'line-end': '(?=\\x0a|$)',
  'word-edge': '\\b',
  'no-word-edge': '\\B',
}

function quantifier(min: number, max: number, lazy: boolean): string {
  const bare =
    max === Infinity
      ? min === 0
        ? '*'
        : min === 1
          ? '+'
          : `{${min},}`
      : min === 0 && max === 1
        ? '?'
        : min === max
          ? `{${min}}`
          : `{${min},${max}}`
  return lazy ? `${bare}?` : bare
}

/** A JavaScript RegExp source to be compiled without flags, and where it keeps each PCRE group. */
export type Emission = { readonly source: string; readonly groupOf: readonly number[] }

/**
 * Tree → RegExp. Atomic groups become `(?=(…))\n`, which JavaScript never re-enters. `captures: false` leaves the groups out, for
 * a bare test. A reference to a group that is not set matches in JavaScript and fails in PCRE: patterns with references are
 * not for this.
 */
export function emit(root: Node, captures: boolean): Emission {
  let count = 0
  const groupOf: number[] = [0]

  function atom(node: Node): string {
    return node.kind === 'set' || (node.kind === 'capture' && captures) ? write(node) : `(?:${write(node)})`
  }
  function write(node: Node): string {
    switch (node.kind) {
      case 'set':
        return emitSet(node.set)
      case 'sequence':
        return node.items.map((item) => (item.kind === 'choice' ? atom(item) : write(item))).join('')
      case 'choice':
        return node.options.map(write).join('|')
      case 'repeat':
        return atom(node.body) + quantifier(node.min, node.max, node.lazy)
      case 'capture': {
        if (!captures) return atom(node.body)
        groupOf[node.group] = ++count
        return `(${write(node.body)})`
      }
      case 'atomic': {
        const own = ++count
        return `(?=(${write(node.body)}))\\${own}(?:)`
      }
      case 'look':
        return `(?${node.behind ? '<' : ''}${node.negative ? '!' : '='}${write(node.body)})`
      case 'back':
        return `\\${groupOf[node.group]}(?:)`
      case 'assert':
        return EDGES[node.what]
    }
  }
  return { source: write(root), groupOf }
}

/**
 * Does JavaScript report the same groups, and prefer the same match? Not where a loop holds a group (it forgets it at each
 * turn) or can turn without taking a byte (it refuses the turn, PCRE takes it as the last).
 */
export const hasSameGroups = (root: Node): boolean =>
  !holds(
    root,
    (node) =>
      node.kind === 'back' ||
      (node.kind === 'look' && node.body.kind !== 'set') ||
      (node.kind === 'repeat' &&
        ((node.min < node.max && isNullable(node.body)) ||
          (node.max > 1 && holds(node.body, (inner) => inner.kind === 'capture')))),
  )
