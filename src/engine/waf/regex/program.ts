import type { ByteSet } from '../../bytes/byte-set.ts'
import { toLatin1 } from '../../bytes/latin1.ts'
import { ConstructError } from '../error.ts'
import { isNullable, widthOf, type Node } from './ast.ts'
import type { Assertion } from './edge.ts'

/** Instructions of one program. */
export const MAX_SIZE = 30_000

export const SET = 0
export const SPLIT = 1
export const SAVE = 2
export const ASSERT = 3
export const MATCH = 4
/** Remember the place a turn of a loop began; leave the loop when the turn took nothing. */
export const ENTER = 5
export const TURN = 6
/** Only a backtracking matcher can follow these. */
export const LOOK = 7
export const ATOMIC = 8
export const BACK = 9
export const LOOK_NOT = 10

/**
 * Instructions of a Thompson automaton in the order of PCRE's preferences. `next` is where each goes on; `other` is the second
 * way of a SPLIT, the way out of a TURN, the body of a LOOK or ATOMIC. `arg`: set, slot, assertion, pattern, register, group, or width.
 */
export type Program = {
  readonly op: Uint8Array
  readonly next: Int32Array
  readonly other: Int32Array
  readonly arg: Int32Array
  readonly sets: readonly ByteSet[]
  readonly assertions: readonly Assertion[]
  readonly start: number
  /** Two a group, group 0 is the whole match; registers of loops come after them. */
  readonly slots: number
  readonly registers: number
}

const NO_SET = new Uint8Array(256)

/** Patterns side by side → one program; `arg` of a MATCH is the index of its pattern. Throws `ConstructError` when it is too large. */
export function compileProgram(trees: readonly Node[], groups: number): Program {
  const builder = new Builder((groups + 1) * 2)
  const starts = trees.map((tree, index) => {
    const match = builder.add(MATCH, -1, -1, index)
    return builder.add(SAVE, builder.node(tree, builder.add(SAVE, match, -1, 1)), -1, 0)
  })
  const start = starts.reduceRight((rest, own) => (rest === -1 ? own : builder.add(SPLIT, own, rest)), -1)
  return builder.finish(start)
}

const keys = new WeakMap<ByteSet, string>()

/** One text for one set, made once: a repeat that is laid out asks for it at every copy. */
function keyOf(set: ByteSet): string {
  const known = keys.get(set)
  if (known !== undefined) return known
  const key = toLatin1(set)
  keys.set(set, key)
  return key
}

class Builder {
  private readonly rows: { op: number; next: number; other: number; arg: number }[] = []
  private readonly sets: ByteSet[] = []
  private readonly assertions: Assertion[] = []
  private readonly setIndex = new Map<string, number>()
  private readonly slots: number
  private registers = 0

  constructor(slots: number) {
    this.slots = slots
  }

  add(op: number, next: number, other = -1, arg = 0): number {
    if (this.rows.length >= MAX_SIZE)
      throw new ConstructError('regular expression is too large when its repeats are laid out')
    return this.rows.push({ op, next, other, arg }) - 1
  }

  /** Built from the end: returns where the node begins when it goes on at `next`. */
  node(node: Node, next: number): number {
    switch (node.kind) {
      case 'set':
        return this.add(SET, next, -1, this.setOf(node.set))
      case 'sequence':
        return node.items.reduceRight((to, item) => this.node(item, to), next)
      case 'choice': {
        const options = node.options.map((option) => this.node(option, next))
        return options.reduceRight((rest, own) => (rest === -1 ? own : this.add(SPLIT, own, rest)), -1)
      }
      case 'repeat':
        return this.repeat(node, next)
      case 'capture': {
        const close = this.add(SAVE, next, -1, node.group * 2 + 1)
        return this.add(SAVE, this.node(node.body, close), -1, node.group * 2)
      }
      case 'assert':
        return this.assertion({ what: node.what, set: NO_SET }, next)
      case 'atomic':
        return this.add(ATOMIC, next, this.node(node.body, this.add(MATCH, -1)))
      case 'back':
        return this.add(BACK, next, node.caseless ? 1 : 0, node.group)
      case 'look':
        return this.look(node, next)
    }
  }

  private look(node: Node & { kind: 'look' }, next: number): number {
    if (node.body.kind === 'set') {
      const side = node.behind ? 'previous' : 'next'
      return this.assertion({ what: node.negative ? `not-${side}` : side, set: node.body.set }, next)
    }
    const width = node.behind ? widthOf(node.body)! : 0
    const body = this.node(node.body, this.add(MATCH, -1))
    return this.add(node.negative ? LOOK_NOT : LOOK, next, body, width)
  }

  private repeat({ body, min, max, lazy }: Node & { kind: 'repeat' }, next: number): number {
    if (max === 0) return next
    let to = next
    if (max === Infinity) {
      to = this.loop(body, lazy, next)
      if (min === 0) return this.fork(to, next, lazy)
    } else for (let i = min; i < max; i++) to = this.fork(this.node(body, to), next, lazy)
    for (let i = max === Infinity ? 1 : 0; i < min; i++) to = this.node(body, to)
    return to
  }

  private fork(into: number, past: number, lazy: boolean): number {
    return lazy ? this.add(SPLIT, past, into) : this.add(SPLIT, into, past)
  }

  /** Once or more. As in PCRE a turn that took nothing is the last one. */
  private loop(body: Node, lazy: boolean, next: number): number {
    const again = this.add(SPLIT, -1, -1)
    const nullable = isNullable(body)
    const register = nullable ? this.registers++ : 0
    const turn = nullable ? this.add(TURN, again, next, register) : again
    const first = this.node(body, turn)
    const entry = nullable ? this.add(ENTER, first, -1, register) : first
    this.rows[again] = { op: SPLIT, next: lazy ? next : entry, other: lazy ? entry : next, arg: 0 }
    return entry
  }

  private setOf(set: ByteSet): number {
    const key = keyOf(set)
    const known = this.setIndex.get(key)
    if (known !== undefined) return known
    this.setIndex.set(key, this.sets.length)
    return this.sets.push(set) - 1
  }

  private assertion(assertion: Assertion, next: number): number {
    const key = keyOf(assertion.set)
    const known = this.assertions.findIndex((own) => own.what === assertion.what && keyOf(own.set) === key)
    return this.add(ASSERT, next, -1, known === -1 ? this.assertions.push(assertion) - 1 : known)
  }

  finish(start: number): Program {
    const column = (pick: (row: { op: number; next: number; other: number; arg: number }) => number): Int32Array =>
      Int32Array.from(this.rows, pick)
    return {
      op: Uint8Array.from(this.rows, (row) => row.op),
      next: column((row) => row.next),
      other: column((row) => row.other),
      arg: column((row) => row.arg),
      sets: this.sets,
      assertions: this.assertions,
      start,
      slots: this.slots,
      registers: this.registers,
    }
  }
}
