import { overlaps, unite, type ByteSet } from '../../bytes/byte-set.ts'
import { EMPTY, holds, partsOf, type Node } from './ast.ts'

/** Longest possessive repeat of a set with an upper bound that is laid out byte by byte. */
const MAX_LADDER = 64

/**
 * The same matches with fewer atomic groups: a possessive repeat of a set is that repeat with a look at the byte behind it,
 * and a group whose alternatives begin with different bytes never had a second way. What is left cannot be an automaton.
 */
export function lower(node: Node): Node {
  switch (node.kind) {
    case 'sequence':
      return { ...node, items: node.items.map(lower) }
    case 'choice':
      return { ...node, options: node.options.map(lower) }
    case 'repeat':
    case 'capture':
      return { ...node, body: lower(node.body) }
    case 'look': {
      const body = lower(node.body)
      const set = singleByte(body)
      return { ...node, body: set === undefined ? body : { kind: 'set', set } }
    }
    case 'atomic':
      return lowerAtomic(lower(node.body))
    default:
      return node
  }
}

function lowerAtomic(body: Node): Node {
  if (hasOneWay(body)) return body
  const set = body.kind === 'repeat' && !body.lazy ? singleByte(body.body) : undefined
  if (body.kind !== 'repeat' || set === undefined || holds(body, (n) => n.kind === 'capture'))
    return { kind: 'atomic', body }
  const one: Node = { kind: 'set', set }
  const noMore: Node = { kind: 'look', body: one, behind: false, negative: true }
  if (body.max === Infinity) return { kind: 'sequence', items: [{ ...body, body: one }, noMore] }
  if (body.max - body.min > MAX_LADDER) return { kind: 'atomic', body }
  let more: Node = EMPTY
  for (let i = body.min; i < body.max; i++)
    more = { kind: 'choice', options: [{ kind: 'sequence', items: [one, more] }, noMore] }
  return { kind: 'sequence', items: [{ kind: 'repeat', body: one, min: body.min, max: body.min, lazy: false }, more] }
}

/** From any one place, at most one way to match: then being atomic changes nothing. */
function hasOneWay(node: Node): boolean {
  switch (node.kind) {
    case 'set':
    case 'assert':
    case 'look':
    case 'back':
      return true
    case 'sequence':
      return node.items.every(hasOneWay)
    case 'capture':
    case 'atomic':
      return hasOneWay(node.body)
    case 'repeat':
      return node.min === node.max && hasOneWay(node.body)
    case 'choice': {
      const firsts = node.options.map(firstByte)
      return (
        node.options.every(hasOneWay) &&
        firsts.every((a, i) => a !== undefined && firsts.slice(i + 1).every((b) => b !== undefined && !overlaps(a, b)))
      )
    }
  }
}

function firstByte(node: Node): ByteSet | undefined {
  if (node.kind === 'sequence') return node.items[0] === undefined ? undefined : firstByte(node.items[0])
  if (node.kind === 'capture') return firstByte(node.body)
  return singleByte(node)
}

/** The set, when the node takes exactly one byte whatever it is. */
export function singleByte(node: Node): ByteSet | undefined {
  if (node.kind === 'set') return node.set
  if (node.kind === 'sequence') return node.items.length === 1 ? singleByte(node.items[0]!) : undefined
  if (node.kind !== 'choice') return undefined
  const sets = node.options.map(singleByte)
  return sets.every((set) => set !== undefined) ? unite(sets) : undefined
}

/** Can an automaton decide the (lowered) pattern? Looks at one byte can be; wider ones, atomic groups and references cannot. */
export function isRegular(node: Node): boolean {
  if (node.kind === 'look') return node.body.kind === 'set'
  return node.kind !== 'atomic' && node.kind !== 'back' && partsOf(node).every(isRegular)
}

const ANYTHING: Node = {
  kind: 'repeat',
  body: { kind: 'set', set: new Uint8Array(256).fill(1) },
  min: 0,
  max: Infinity,
  lazy: false,
}

/** A regular pattern that matches wherever this one does, and maybe elsewhere. */
export function widen(node: Node): Node {
  switch (node.kind) {
    case 'sequence':
      return { ...node, items: node.items.map(widen) }
    case 'choice':
      return { ...node, options: node.options.map(widen) }
    case 'repeat':
    case 'capture':
      return { ...node, body: widen(node.body) }
    case 'atomic':
      return widen(node.body)
    case 'look':
      return node.body.kind === 'set' ? node : EMPTY
    case 'back':
      return ANYTHING
    default:
      return node
  }
}
