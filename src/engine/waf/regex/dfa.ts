import { alphabetOf, type Alphabet } from './alphabet.ts'
import { holdsBetween, OUTSIDE } from './edge.ts'
import { ASSERT, MATCH, SET, SPLIT, type Program } from './program.ts'

/** Table entries, and instructions held by states, for one pattern: together at most 1 MB. */
const MAX_ENTRIES = 1 << 16
const MAX_HELD = 1 << 17
/** A cache filled again within this many bytes a state is not worth filling. */
const WORTH = 10

const UNKNOWN = -1
/** Rows of the table: nothing can match any more; a match was found. */
const DEAD = 0

/** What the automata of this process did so far: states made, caches emptied, texts walked without a cache. */
export type Effort = { states: number; flushes: number; walks: number }

/** Instead of an answer: this text needs more new states than it may add. */
export const GAVE_UP = -2

type State = { readonly pcs: Int32Array; readonly trace: number }

/**
 * A deterministic automaton made while it runs (Cox, "Regular Expression Matching in the Wild"): every state is a set of
 * instructions, each byte of a text is one look-up once its transition is known. The cache is bounded; when it fills up faster
 * than it pays the rest of the text is walked state by state, so that no text takes longer than program × text.
 */
export class LazyDfa {
  readonly effort: Effort = { states: 0, flushes: 0, walks: 0 }
  private readonly program: Program
  private readonly alphabet: Alphabet
  private readonly anchored: boolean
  private readonly patience: number
  private readonly matched: number
  private readonly most: number
  private readonly hasAssertions: boolean
  private table: Int32Array
  private states: State[] = []
  private readonly rows = new Map<string, number>()
  private held = 0
  private first = 0
  private later = 0
  /** One mark an instruction, for the closure being taken. */
  private readonly seen: Int32Array
  private stamp = 0
  private readonly list: Int32Array
  private count = 0
  private matching = false
  private readonly open: number[] = []

  /** `patience`: states one text may add before `endOf` gives up on it. */
  constructor(program: Program, patience = Infinity) {
    this.program = program
    this.patience = patience
    this.alphabet = alphabetOf(program)
    this.anchored = startsAtStart(program)
    this.hasAssertions = program.assertions.length > 0
    this.matched = this.alphabet.width
    this.most = Math.max(16, Math.floor(MAX_ENTRIES / this.alphabet.width))
    this.seen = new Int32Array(program.op.length)
    this.list = new Int32Array(program.op.length)
    this.table = new Int32Array(0)
    this.flush()
    this.effort.flushes = 0
  }

  /** Does the pattern match anywhere in the text? */
  test(text: string): boolean {
    return this.endOf(text, 0) >= 0
  }

  /** One byte past the place where it is sure that something matches at or after `from`; -1 when nothing does; `GAVE_UP`. */
  endOf(text: string, from: number): number {
    const { classOf, width } = this.alphabet
    const { matched } = this
    const stop = text.length - 1
    if (from > 0) this.enter(text, from)
    let row = from > 0 ? this.later : this.first
    let { table } = this
    let since = from
    const most = this.effort.states + this.patience
    for (let at = from; at <= text.length; at++) {
      // bench/regex.ts: this inner loop is where texts are read; all else is once a state.
      for (; at < stop; at++) {
        const to = table[row + classOf[text.charCodeAt(at) & 255]!]!
        if (to <= matched) break
        row = to
      }
      const column = this.columnAt(text, at)
      let to = table[row + column]!
      if (to === UNKNOWN) {
        const states = this.states.length
        const { flushes } = this.effort
        to = this.step(row / width, column)
        if (this.effort.states > most) return GAVE_UP
        if (this.effort.flushes > flushes) {
          if (at - since < WORTH * states && to > matched) return this.walk(this.states[to / width]!, text, at + 1)
          since = at
        }
        ;({ table } = this)
      }
      if (to === matched) return at + 1
      if (to === DEAD) return -1
      row = to
    }
    return -1
  }

  /** The row of a search that begins at `from`, into `later`. */
  private enter(text: string, from: number): void {
    this.begin()
    this.reach(this.program.start)
    if (this.matching) this.later = this.matched
    else {
      this.list.subarray(0, this.count).sort()
      this.later = this.find(this.traceAfter(this.columnAt(text, from - 1)))
    }
  }

  private columnAt(text: string, at: number): number {
    const { classOf, lastNewline, end } = this.alphabet
    if (at >= text.length) return end
    const code = text.charCodeAt(at)
    return code === 10 && at === text.length - 1 ? lastNewline : classOf[code & 255]!
  }

  /** The rest of a text without the cache. */
  private walk(from: State, text: string, start: number): number {
    this.effort.walks++
    let state: State = from
    for (let at = start; at <= text.length; at++) {
      const column = this.columnAt(text, at)
      this.advance(state, column)
      if (this.matching) return at + 1
      if (this.count === 0) return -1
      state = { pcs: this.list.slice(0, this.count), trace: this.traceAfter(column) }
    }
    return -1
  }

  private step(index: number, column: number): number {
    const { flushes } = this.effort
    this.advance(this.states[index]!, column)
    this.list.subarray(0, this.count).sort()
    const to = this.matching ? this.matched : this.count === 0 ? DEAD : this.find(this.traceAfter(column))
    // When the cache was emptied on the way, the row we came from is no more.
    if (this.effort.flushes === flushes) this.table[index * this.alphabet.width + column] = to
    return to
  }

  private traceAfter(column: number): number {
    const { traceOf, classOf, lastNewline, end } = this.alphabet
    return column === end ? 0 : traceOf[column === lastNewline ? classOf[10]! : column]!
  }

  /** From a state over one column: leaves the instructions reached in `list`, or sets `matching`. */
  private advance(state: State, column: number): void {
    const { program, alphabet } = this
    const classes = alphabet.sample.length
    const kind = column === alphabet.lastNewline ? alphabet.classOf[10]! : column
    const after = column === alphabet.end ? OUTSIDE : alphabet.sample[kind]!
    let from = state.pcs
    this.begin()
    if (this.hasAssertions && this.settle(state, after, column === alphabet.lastNewline))
      from = this.list.slice(0, this.count)
    this.begin(this.matching)
    if (this.matching || column === alphabet.end) return
    for (const pc of from) {
      if (program.op[pc] === SET && alphabet.member[program.arg[pc]! * classes + kind] === 1)
        this.reach(program.next[pc]!)
    }
    if (!this.anchored) this.reach(program.start)
  }

  private begin(matching = false): void {
    this.stamp++
    this.count = 0
    this.matching = matching
  }

  /** Lets the assertions of a state hold or fail, now that the byte behind them is known. False: it has none. */
  private settle(state: State, after: number, last: boolean): boolean {
    const { program } = this
    const before = this.alphabet.traceSample[state.trace]!
    let any = false
    for (const pc of state.pcs) {
      if (program.op[pc] === ASSERT) any = true
      this.reach(pc)
    }
    if (!any) return false
    for (let i = 0; i < this.count; i++) {
      const pc = this.list[i]!
      if (program.op[pc] === ASSERT && holdsBetween(program.assertions[program.arg[pc]!]!, before, after, last))
        this.reach(program.next[pc]!)
    }
    return true
  }

  /** Adds what can be reached without a byte; assertions wait for the byte behind them. */
  private reach(start: number): void {
    const { op, next, other } = this.program
    this.open.push(start)
    while (this.open.length > 0) {
      const pc = this.open.pop()!
      if (this.seen[pc] === this.stamp) continue
      this.seen[pc] = this.stamp
      if (op[pc] === SET || op[pc] === ASSERT) this.list[this.count++] = pc
      else if (op[pc] === MATCH) this.matching = true
      else {
        if (op[pc] === SPLIT) this.open.push(other[pc]!)
        this.open.push(next[pc]!)
      }
    }
  }

  private find(trace: number): number {
    const key = String.fromCharCode(trace, ...this.list.subarray(0, this.count))
    const known = this.rows.get(key)
    if (known !== undefined) return known
    if (this.states.length >= this.most || this.held + this.count > MAX_HELD) {
      const pcs = this.list.slice(0, this.count)
      this.flush()
      this.list.set(pcs)
      this.count = pcs.length
    }
    this.effort.states++
    this.held += this.count
    const row =
      this.states.push({ pcs: this.list.slice(0, this.count), trace }) * this.alphabet.width - this.alphabet.width
    if (row + this.alphabet.width > this.table.length) this.grow()
    this.rows.set(key, row)
    return row
  }

  private grow(): void {
    const bigger = new Int32Array(Math.max(this.table.length * 2, this.alphabet.width * 8)).fill(UNKNOWN)
    bigger.set(this.table)
    this.table = bigger
  }

  private flush(): void {
    this.effort.flushes++
    this.rows.clear()
    this.held = 0
    const none: State = { pcs: new Int32Array(0), trace: 0 }
    this.states = [none, none]
    this.table = new Int32Array(this.alphabet.width * 8).fill(UNKNOWN)
    this.begin()
    this.reach(this.program.start)
    const empty = this.matching
    this.list.subarray(0, this.count).sort()
    this.first = empty ? this.matched : this.find(0)
    if (empty) this.table.fill(this.matched)
  }
}

/** Every way in begins with `\A`, so that nothing can begin later. */
function startsAtStart({ op, next, other, arg, assertions, start }: Program): boolean {
  const open = [start]
  const seen = new Set<number>()
  for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
    if (seen.has(pc)) continue
    seen.add(pc)
    if (op[pc] === SET || op[pc] === MATCH) return false
    if (op[pc] === ASSERT && assertions[arg[pc]!]!.what === 'start') continue
    open.push(next[pc]!)
    if (op[pc] === SPLIT) open.push(other[pc]!)
  }
  return true
}
