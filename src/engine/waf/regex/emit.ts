import { rangesOf, invert, sizeOf, type ByteSet } from '../../bytes/byte-set.ts'
import type { Assertion, Node } from './ast.ts'

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
const ASSERTIONS: Readonly<Record<Assertion, string>> = {
  start: '^',
  end: '(?=\\x0a?$)',
  'very-end': '$',
  'line-start': '(?<=^|\\x0a)',
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

/** Tree → source of a JavaScript RegExp to be made without flags. */
export function emit(node: Node): string {
  switch (node.kind) {
    case 'set':
      return emitSet(node.set)
    case 'sequence':
      return node.items.map((item) => (item.kind === 'choice' ? `(?:${emit(item)})` : emit(item))).join('')
    case 'choice':
      return node.options.map(emit).join('|')
    case 'repeat': {
      const body = node.body.kind === 'set' || node.body.kind === 'capture' ? emit(node.body) : `(?:${emit(node.body)})`
      return body + quantifier(node.min, node.max, node.lazy)
    }
    case 'capture':
      return `(${emit(node.body)})`
    case 'ahead':
      return `(?${node.negative ? '!' : '='}${emit(node.body)})`
    case 'assert':
      return ASSERTIONS[node.what]
  }
}
