import { holdsAt } from './edge.ts'
import { ASSERT, ATOMIC, BACK, ENTER, LOOK, LOOK_NOT, MATCH, SAVE, SET, SPLIT, TURN, type Program } from './program.ts'

/** Thrown inside, reported outside: the steps allowed are used up. */
const SPENT = -2
const FAILED = -1

/**
 * PCRE's own way of matching, for what no automaton can decide. `exec` gives the slots of the first match from `from` on,
 * undefined when there is none, or 'too-complex' after `steps` instructions.
 */
export function backtrackExec(
  program: Program,
  text: string,
  from: number,
  steps: number,
): Int32Array | 'too-complex' | undefined {
  const run = new Run(program, text, steps)
  for (let at = from; at <= text.length; at++) {
    run.slots = run.fresh
    const end = run.match(program.start, at)
    if (end === SPENT) return 'too-complex'
    if (end !== FAILED) return run.slots.slice(0, program.slots)
  }
  return undefined
}

class Run {
  /** Never written in place: a choice kept for later keeps the slots of its time. */
  slots: Int32Array
  readonly fresh: Int32Array
  private readonly pcs: number[] = []
  private readonly ats: number[] = []
  private readonly kept: Int32Array[] = []
  private readonly program: Program
  private readonly text: string
  private steps: number

  constructor(program: Program, text: string, steps: number) {
    this.program = program
    this.text = text
    this.steps = steps
    this.fresh = new Int32Array(program.slots + program.registers).fill(-1)
    this.slots = this.fresh
  }

  /** Where a match from `start` at `from` ends. Choices left open above those of the caller are dropped. */
  match(start: number, from: number): number {
    const base = this.pcs.length
    const { op, next, other, arg, sets, assertions } = this.program
    let pc = start
    let at = from
    for (;;) {
      if (--this.steps < 0) return SPENT
      let ok = true
      switch (op[pc]) {
        case MATCH:
          this.cut(base)
          return at
        case SET:
          ok = at < this.text.length && sets[arg[pc]!]![this.text.charCodeAt(at)] === 1
          if (ok) at++
          break
        case SPLIT:
          this.pcs.push(other[pc]!)
          this.ats.push(at)
          this.kept.push(this.slots)
          break
        case SAVE:
          this.save(arg[pc]!, at)
          break
        case ENTER:
          this.save(this.program.slots + arg[pc]!, at)
          break
        case TURN:
          if (this.slots[this.program.slots + arg[pc]!] === at) {
            pc = other[pc]!
            continue
          }
          break
        case ASSERT:
          ok = holdsAt(assertions[arg[pc]!]!, this.text, at)
          break
        case BACK: {
          const end = this.again(arg[pc]!, at, other[pc] === 1)
          ok = end !== FAILED
          if (ok) at = end
          break
        }
        case ATOMIC: {
          const end = this.match(other[pc]!, at)
          if (end === SPENT) return SPENT
          ok = end !== FAILED
          if (ok) at = end
          break
        }
        case LOOK:
        case LOOK_NOT: {
          const before = this.slots
          const end = at < arg[pc]! ? FAILED : this.match(other[pc]!, at - arg[pc]!)
          if (end === SPENT) return SPENT
          ok = (end !== FAILED) === (op[pc] === LOOK)
          if (op[pc] === LOOK_NOT || !ok) this.slots = before
          break
        }
      }
      if (ok) {
        pc = next[pc]!
        continue
      }
      if (this.pcs.length === base) return FAILED
      pc = this.pcs.pop()!
      at = this.ats.pop()!
      this.slots = this.kept.pop()!
    }
  }

  private cut(base: number): void {
    this.pcs.length = this.ats.length = this.kept.length = base
  }

  private save(slot: number, at: number): void {
    this.slots = this.slots.slice()
    this.slots[slot] = at
  }

  /** A reference to a group that is not set fails, as in PCRE. */
  private again(group: number, at: number, caseless: boolean): number {
    const from = this.slots[group * 2]!
    const to = this.slots[group * 2 + 1]!
    if (from < 0 || to < 0 || to < from) return FAILED
    const end = at + to - from
    if (end > this.text.length) return FAILED
    this.steps -= to - from
    for (let i = 0; i < to - from; i++) {
      const a = this.text.charCodeAt(from + i)
      const b = this.text.charCodeAt(at + i)
      if (a !== b && !(caseless && lower(a) === lower(b))) return FAILED
    }
    return end
  }
}

const lower = (code: number): number => (code >= 65 && code <= 90 ? code + 32 : code)
