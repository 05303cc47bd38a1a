import { ANY_BYTE, meet, sizeOf, unite, type ByteSet } from '../../bytes/byte-set.ts'
import { isRegular, lower } from './lower.ts'
import { isNullable, type Node } from './ast.ts'

/** Copies of a body that are laid out one by one; a longer repeat is treated as a loop of that bound. */
const UNROLL = 3
const MAX_POSITIONS = 1000
/** Pairs of positions compared: a few milliseconds. What takes longer to judge is called steep. */
const MAX_WORK = 20_000
const MAX_LOOP = 300
/** Pairs of positions followed to count ways; what needs more is taken for more than any factor allows. */
const MAX_PAIRS = 60_000

/** Worst growth of the time of one search by a backtracking matcher with the length of the value. */
export type Growth = 'linear' | 'quadratic' | 'steep'
/** `factor`: how often one byte may be looked at again where the growth is linear. */
export type Cost = { readonly growth: Growth; readonly factor: number }

const STEEP: Cost = { growth: 'steep', factor: Infinity }
/** Inside only: the judgement is over, and it is `steep`. */
class Steep extends Error {}

/**
 * How badly a backtracking matcher can do on this pattern, judged without running it: a Glushkov automaton whose ambiguity
 * bounds the backtracking (Weideman et al., CIAA 2016). Two ways around one loop on the same bytes → exponential. Loops that
 * feed each other on the same bytes → one more power of the length each; searching from every offset is such a loop. Beyond the
 * square it is `steep`, as is whatever is too large to be judged. Conservative: a harmless pattern may be called steep, a harmful
 * one never linear.
 */
export function costOf(root: Node): Cost {
  const tree = lower(root)
  if (!isRegular(tree)) return STEEP
  try {
    const automaton = build(tree)
    const components = componentsOf(automaton)
    const loops = components.filter((one) => isLoop(automaton, one)).map((one) => asLoop(automaton, one))
    for (const loop of loops) refuseTwoWaysAround(automaton, loop)
    const { powers, product } = longestChain(automaton, loops, startsAnywhere(tree))
    if (powers > 2) return STEEP
    const factor = product * mostWays(automaton, components)
    return { growth: powers === 2 ? 'quadratic' : 'linear', factor }
  } catch (error) {
    if (error instanceof Steep) return STEEP
    throw error
  }
}

type Automaton = {
  readonly sets: ByteSet[]
  /** follow[p] maps each next position to the number of ways that lead there. */
  readonly follow: Map<number, number>[]
  /** Bound of the loop that made an edge, where one did. */
  readonly bounds: Map<string, number>
  first: readonly number[]
  work: number
}
type Piece = { readonly first: readonly number[]; readonly last: readonly number[]; readonly nullable: boolean }
const NOTHING: Piece = { first: [], last: [], nullable: true }

function build(root: Node): Automaton {
  const automaton: Automaton = { sets: [], follow: [], bounds: new Map(), first: [], work: 0 }
  automaton.first = piece(root, automaton).first
  return automaton
}

function connect(a: Automaton, from: readonly number[], to: readonly number[], bound?: number): void {
  if ((a.work += from.length * to.length) > MAX_WORK) throw new Steep()
  for (const p of from) {
    for (const q of to) {
      a.follow[p]!.set(q, (a.follow[p]!.get(q) ?? 0) + 1)
      if (bound !== undefined) a.bounds.set(`${p}>${q}`, bound)
    }
  }
}

function joined(a: Automaton, left: Piece, right: Piece): Piece {
  connect(a, left.last, right.first)
  return {
    first: left.nullable ? [...left.first, ...right.first] : left.first,
    last: right.nullable ? [...left.last, ...right.last] : right.last,
    nullable: left.nullable && right.nullable,
  }
}

function piece(node: Node, a: Automaton): Piece {
  switch (node.kind) {
    case 'set': {
      if (a.sets.length >= MAX_POSITIONS) throw new Steep()
      a.sets.push(node.set)
      a.follow.push(new Map())
      return { first: [a.sets.length - 1], last: [a.sets.length - 1], nullable: false }
    }
    case 'sequence':
      return node.items.reduce<Piece>((left, item) => joined(a, left, piece(item, a)), NOTHING)
    case 'choice': {
      const options = node.options.map((option) => piece(option, a))
      return {
        first: options.flatMap((o) => o.first),
        last: options.flatMap((o) => o.last),
        nullable: options.some((o) => o.nullable),
      }
    }
    case 'repeat':
      return repeat(node, a)
    case 'capture':
      return piece(node.body, a)
    case 'look':
    case 'assert':
      return NOTHING
    case 'atomic':
    case 'back':
      throw new Steep()
  }
}

function repeat(node: Node & { kind: 'repeat' }, a: Automaton): Piece {
  if (node.max === 0) return NOTHING
  if (node.max <= UNROLL) {
    // x{1,3} as x(x(x)?)?: leaving is only possible at the end of a copy, entering only at the first.
    let all = NOTHING
    const lasts: number[] = []
    for (let i = 0; i < node.max; i++) {
      all = joined(a, all, piece(node.body, a))
      if (i + 1 >= node.min) lasts.push(...all.last)
    }
    return { first: all.first, last: [...new Set(lasts)], nullable: node.min === 0 || all.nullable }
  }
  const body = piece(node.body, a)
  if (body.nullable || isNullable(node.body)) throw new Steep()
  connect(a, body.last, body.first, node.max)
  return { ...body, nullable: node.min === 0 }
}

function startsAnywhere(node: Node): boolean {
  if (node.kind === 'assert') return node.what !== 'start'
  if (node.kind === 'sequence') return node.items.length === 0 || startsAnywhere(node.items[0]!)
  if (node.kind === 'choice') return node.options.some(startsAnywhere)
  if (node.kind === 'capture') return startsAnywhere(node.body)
  return true
}

function share(a: Automaton, p: ByteSet, q: ByteSet): boolean {
  if (++a.work > MAX_WORK) throw new Steep()
  for (let byte = 0; byte < 256; byte++) if ((p[byte]! & q[byte]!) === 1) return true
  return false
}

type Loop = { readonly members: readonly number[]; readonly bytes: ByteSet; readonly bound: number }

/** Strongly connected components (Tarjan), in topological order. */
function componentsOf(a: Automaton): number[][] {
  const index = new Map<number, number>()
  const low = new Map<number, number>()
  const stack: number[] = []
  const onStack = new Set<number>()
  const out: number[][] = []
  const visit = (p: number): void => {
    index.set(p, index.size)
    low.set(p, index.get(p)!)
    stack.push(p)
    onStack.add(p)
    for (const q of a.follow[p]!.keys()) {
      if (!index.has(q)) visit(q)
      if (onStack.has(q)) low.set(p, Math.min(low.get(p)!, low.get(q)!))
    }
    if (low.get(p) !== index.get(p)) return
    const members = stack.splice(stack.indexOf(p))
    for (const q of members) onStack.delete(q)
    out.push(members)
  }
  for (let p = 0; p < a.sets.length; p++) if (!index.has(p)) visit(p)
  return out.reverse()
}

const isLoop = (a: Automaton, members: readonly number[]): boolean =>
  members.length > 1 || a.follow[members[0]!]!.has(members[0]!)

function asLoop(a: Automaton, members: readonly number[]): Loop {
  const own = new Set(members)
  const bounds = new Set<number>()
  for (const p of members)
    for (const q of a.follow[p]!.keys()) if (own.has(q)) bounds.add(a.bounds.get(`${p}>${q}`) ?? 1)
  return {
    members,
    bytes: unite(members.map((p) => a.sets[p]!)),
    bound: [...bounds].reduce((product, bound) => product * bound, 1),
  }
}

function refuseTwoWaysAround(a: Automaton, loop: Loop): void {
  const refuse = (): never => {
    throw new Steep()
  }
  if (loop.members.length > MAX_LOOP) throw new Steep()
  const own = new Set(loop.members)
  const next = new Map(loop.members.map((p) => [p, [...a.follow[p]!.keys()].filter((q) => own.has(q))]))
  for (const p of loop.members) for (const q of next.get(p)!) if (a.follow[p]!.get(q)! > 1) refuse()
  const pairs = loop.members.map((p) => p * MAX_POSITIONS + p)
  const seen = new Set(pairs)
  const back = new Map<number, number[]>()
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    for (const p of next.get(Math.floor(pair / MAX_POSITIONS))!) {
      for (const q of next.get(pair % MAX_POSITIONS)!) {
        if (!share(a, a.sets[p]!, a.sets[q]!)) continue
        const to = p * MAX_POSITIONS + q
        const from = back.get(to)
        if (from === undefined) back.set(to, [pair])
        else from.push(pair)
        if (!seen.has(to)) {
          seen.add(to)
          pairs.push(to)
        }
      }
    }
  }
  // A pair of different positions that also leads back to one position: two ways around.
  const queue = loop.members.map((p) => p * MAX_POSITIONS + p)
  const reaches = new Set(queue)
  for (let pair = queue.pop(); pair !== undefined; pair = queue.pop()) {
    for (const from of back.get(pair) ?? []) {
      if (Math.floor(from / MAX_POSITIONS) !== from % MAX_POSITIONS) refuse()
      if (!reaches.has(from)) {
        reaches.add(from)
        queue.push(from)
      }
    }
  }
}

/** Does some word stay in `from`, lead to `to` and stay in `to`? Then each split of a run of it is one more way. */
function feeds(a: Automaton, starts: readonly number[], bytes: ByteSet, to: Loop): boolean {
  const common = meet(bytes, to.bytes)
  if (sizeOf(common) === 0) return false
  const goal = new Set(to.members)
  const queue = starts.filter((p) => share(a, a.sets[p]!, common))
  const seen = new Set(queue)
  for (let p = queue.pop(); p !== undefined; p = queue.pop()) {
    if (goal.has(p)) return true
    for (const q of a.follow[p]!.keys()) {
      if (!seen.has(q) && share(a, a.sets[q]!, common)) {
        seen.add(q)
        queue.push(q)
      }
    }
  }
  return false
}

function longestChain(a: Automaton, loops: readonly Loop[], anywhere: boolean): { powers: number; product: number } {
  const best: { powers: number; product: number }[] = []
  let top = { powers: anywhere ? 1 : 0, product: 1 }
  for (const [i, loop] of loops.entries()) {
    let before = { powers: 0, product: 1 }
    if (anywhere && feeds(a, a.first, ANY_BYTE, loop)) before = { powers: 1, product: 1 }
    for (let j = 0; j < i; j++) {
      const starts = loops[j]!.members.flatMap((p) => [...a.follow[p]!.keys()])
      if (feeds(a, starts, loops[j]!.bytes, loop)) {
        before = {
          powers: Math.max(before.powers, best[j]!.powers),
          product: Math.max(before.product, best[j]!.product),
        }
      }
    }
    const own = Number.isFinite(loop.bound)
      ? { powers: before.powers, product: before.product * loop.bound }
      : { powers: before.powers + 1, product: before.product }
    best.push(own)
    top = { powers: Math.max(top.powers, own.powers), product: Math.max(top.product, own.product) }
  }
  return top
}

/**
 * At most in how many ways one word leads from one start to one position: each may be tried in turn before the search gives
 * up, whatever the length of the text. `(?:a|.)` sixteen times over has 65,536. A bound from above: ways into a position add
 * up where one word can take them at the same time, or, into a loop, one after the other.
 */
function mostWays(a: Automaton, components: readonly (readonly number[])[]): number {
  const together = pairsOf(a)
  if (together === undefined) return Infinity
  const before: [number, number][][] = a.sets.map(() => [])
  for (const [p, next] of a.follow.entries()) for (const [q, ways] of next) before[q]!.push([p, ways])
  const ways = new Float64Array(a.sets.length)
  const firsts = new Map<number, number>()
  for (const p of a.first) firsts.set(p, (firsts.get(p) ?? 0) + 1)
  let most = 1
  for (const members of components) {
    const own = new Set(members)
    const looped = isLoop(a, members)
    const entries = members.flatMap((q) => before[q]!.filter(([p]) => !own.has(p)))
    let sum = Math.max(0, ...members.map((q) => firsts.get(q) ?? 0))
    const late = ([p]: [number, number]): boolean => looped && members.some((m) => together(m, p))
    for (const entry of entries) {
      const [p] = entry
      let all = 0
      for (const other of entries)
        if (p === other[0] || together(p, other[0]) || late(other)) all += ways[other[0]]! * other[1]
      sum = Math.max(sum, all)
    }
    for (const q of members) ways[q] = sum
    most = Math.max(most, sum)
  }
  return most
}

/** Whether one word, read from one start, can stand at two different positions; undefined when there are too many such pairs. */
function pairsOf(a: Automaton): ((p: number, q: number) => boolean) | undefined {
  const seen = new Set<number>()
  const queue: number[] = []
  const add = (p: number, q: number): void => {
    const pair = Math.min(p, q) * MAX_POSITIONS + Math.max(p, q)
    if (p === q || seen.has(pair) || !overlap(a.sets[p]!, a.sets[q]!)) return
    seen.add(pair)
    queue.push(pair)
  }
  const between = (left: readonly number[], right: readonly number[]): void => {
    for (const p of left) for (const q of right) add(p, q)
  }
  const followers = a.follow.map((next) => [...next.keys()])
  let work = a.first.length ** 2
  if (work > MAX_PAIRS) return undefined
  between(a.first, a.first)
  // Two ways part where one position has several followers; together they go on from there.
  for (const next of followers) {
    work += next.length ** 2
    if (work > MAX_PAIRS) return undefined
    between(next, next)
  }
  for (let pair = queue.pop(); pair !== undefined; pair = queue.pop()) {
    const [left, right] = [followers[Math.floor(pair / MAX_POSITIONS)]!, followers[pair % MAX_POSITIONS]!]
    work += left.length * right.length + 1
    if (work > MAX_PAIRS) return undefined
    between(left, right)
  }
  return (p, q) => seen.has(Math.min(p, q) * MAX_POSITIONS + Math.max(p, q))
}

function overlap(p: ByteSet, q: ByteSet): boolean {
  for (let byte = 0; byte < 256; byte++) if ((p[byte]! & q[byte]!) === 1) return true
  return false
}
