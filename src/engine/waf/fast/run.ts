import { evaluateRule } from '../evaluate/rule.ts'
import { isOpen } from '../evaluate/phase.ts'
import { isTaken, removedTargets, select, type Item } from '../evaluate/select.ts'
import type { Source } from '../evaluate/source.ts'
import type { State } from '../evaluate/state.ts'
import type { Phase, Plan, Rule, Target } from '../plan.ts'
import { entry, type Values } from '../variables/entry.ts'
import type { MessageVariable } from '../variables/names.ts'
import { Parts, selectFrom } from './parts.ts'
import { glanceAt, type Branch } from './branch.ts'
import { programOf, type PhaseProgram, type Program } from './program.ts'
import { Texts, type Text, type View } from './text.ts'

/**
 * Goes through the phases of one request as `runPhase` does, to the same result: rules that no text of the request can match are not even
 * looked at, values are selected and transformed once, and what no request changes has been worked out before.
 */
export class FastRun implements Source {
  private readonly program: Program
  private readonly known: Texts
  private parts = new Parts()
  private selected: (readonly Item[] | undefined)[] = []
  /** By part, the collection it was last taken from, and its values. */
  private readonly wholes: (Values | undefined)[]
  private readonly values: (Values | undefined)[]

  constructor(plan: Plan) {
    this.program = programOf(plan)
    const { touches, slots, screen, recurring, parts } = this.program
    this.wholes = Array<Values | undefined>(parts.length)
    this.values = Array<Values | undefined>(parts.length)
    this.known = new Texts(touches, slots, screen, recurring)
  }

  items(state: State, rule: Rule): readonly Item[] {
    const number = this.program.selectionOf[rule.index]!
    if (number < 0) return this.live(state, rule)
    if (this.program.screen.bitOf[rule.index]! >= 0) return this.screened(state, rule)
    if (this.isTouched(state, rule, 'remove-target')) return select(state, rule)
    while (this.selected.length <= number) this.selected.push(undefined)
    return (this.selected[number] ??= selectFrom(state, rule, this.parts))
  }

  /** Those of the rule's values that it may match. */
  private screened(state: State, rule: Rule): readonly Item[] {
    const out: Item[] = []
    const bit = this.program.screen.bitOf[rule.index]!
    const word = bit >>> 5
    const flag = 1 << (bit & 31)
    const gone = this.isTouched(state, rule, 'remove-target') ? removedTargets(state, rule) : NO_TARGETS
    const slots = this.program.slotsOf[rule.index]!
    for (let n = 0; n < slots.length; n++) {
      const target = rule.targets[n]!
      // Before anything is computed of it: a target that was taken away must cost nothing, however large.
      if (gone.some((other) => takesWhole(other, target))) continue
      const values = this.valuesOf(state, slots[n]!)
      if (values.length === 0) continue
      const view = this.known.view(slots[n]!, values)
      if (!rule.multiMatch && (this.known.marksOf(view)[word]! & flag) === 0) continue
      for (let i = 0; i < values.length; i++) {
        const text = view.texts[i]!
        if (!rule.multiMatch && (this.known.marks(text)[word]! & flag) === 0) continue
        const entry = values[i]!
        if (rule.multiMatch && this.texts(rule, { target, entry }).length === 0) continue
        if (rule.exclusions.some((other) => isTaken(other, target, entry))) continue
        if (gone.some((other) => isTaken(other, target, entry))) continue
        out.push(rule.multiMatch ? { target, entry } : { target, entry, text: text.value })
      }
    }
    return out
  }

  /** The values of a slot's part. A control may put another collection in place of one in the middle of a phase. */
  private valuesOf({ collections }: State, slot: number): Values {
    const { part } = this.program.slots[slot]!
    const target = this.program.parts[part]!
    const all = collections[target.collection as MessageVariable]
    if (this.wholes[part] === all) return this.values[part]!
    const values = this.parts.of(all, target)
    this.wholes[part] = all
    this.values[part] = values
    return values
  }

  /** Values that change as rules run: mostly one variable of TX. */
  private live(state: State, rule: Rule): readonly Item[] {
    const [target] = rule.targets
    const selector = target!.selector
    if (
      target!.collection !== 'TX' ||
      selector === undefined ||
      !('name' in selector) ||
      rule.targets.length > 1 ||
      rule.exclusions.length > 0 ||
      this.isTouched(state, rule, 'remove-target')
    )
      return select(state, rule)
    const found = state.tx.get(selector.name)
    if (target!.count) return [{ target: target!, entry: found === undefined ? ZERO : ONE }]
    return found === undefined ? NO_ITEMS : [{ target: target!, entry: found }]
  }

  texts(rule: Rule, { entry, text }: Item): readonly string[] {
    if (text !== undefined) return [text]
    const whole = this.known.of(entry.value)
    if (rule.multiMatch) return this.everyStep(whole, rule)
    return [this.known.after(whole, rule.chain).value]
  }

  missed(rule: Rule, text: string): void {
    const bit = this.program.screen.bitOf[rule.index]!
    if (bit >= 0) this.known.clear(text, bit)
  }

  run(state: State, phase: Phase): void {
    if (state.engine === 'off' || (phase !== 5 && !isOpen(state, phase))) return
    // Bodies have brought new values since the phase before.
    this.selected = []
    this.parts = new Parts()
    const { phases, unfolded } = this.program
    const from = this.isUpset(state) ? 0 : this.runFrom(state, phase, phases[phase]!, 0)
    if (from >= 0) this.runFrom(state, phase, unfolded[phase]!, from)
  }

  /** A control has taken out the rule, or a target of it, for the rest of this request. */
  private isTouched({ removals }: State, rule: Rule, how: 'remove-rule' | 'remove-target'): boolean {
    for (let i = 0; i < removals.length; i++) {
      const control = removals[i]!
      if (control.kind === how && this.program.chosen.get(control)![rule.index] === 1) return true
    }
    return false
  }

  /** A rule that was worked out beforehand has been taken out of this request. */
  private isUpset({ removals }: State): boolean {
    return removals.some((control) => this.program.upsets.has(control))
  }

  /** Goes on from a step to the end of the phase; gives the step to go on from when the program no longer holds, -1 when done. */
  private runFrom(state: State, phase: Phase, program: PhaseProgram, start: number): number {
    let due = this.due(state, program)
    let { collections } = state
    const { steps, target, preludes } = program
    let prelude = 0
    /** The step from which on none has been passed. */
    let from = start
    for (let at = nextBit(due, from); at >= 0; at = nextBit(due, from)) {
      prelude = this.pass(state, program, prelude, from, at)
      const rule = steps[at] as Rule
      from = at + 1
      if (this.isTouched(state, rule, 'remove-rule') || !evaluateRule(state, rule, this)) continue
      from = target[at]!
      if (state.collections !== collections) {
        // A control has put another value in place of one: what was chosen of it, and what was marked for it, no longer holds.
        collections = state.collections
        this.selected = []
        due = this.due(state, program)
      }
      while (prelude < preludes.length && preludes[prelude]!.at < from) prelude++
      if (phase !== 5 && (state.outcome !== undefined || state.allowed !== undefined)) return -1
      if ((state.engine as string) === 'off') return -1
      if (rule.controls.length > 0 && program !== this.program.unfolded[phase] && this.isUpset(state)) return from
    }
    this.pass(state, program, prelude, from, steps.length)
    return -1
  }

  /** What happens between the steps `from` and `to`, none of which is run: known changes, and rules that do not match. */
  private pass(state: State, program: PhaseProgram, first: number, from: number, to: number): number {
    const { preludes, passes, steps } = program
    let next = first
    let at = to - 1
    // The last rule on the way that did not match leaves MATCHED_VARS empty; those known to match add to it.
    while (at >= from && (passes[at] === 0 || this.isTouched(state, steps[at] as Rule, 'remove-rule'))) at--
    if (at >= from) state.matched = []
    for (; next < preludes.length && preludes[next]!.at < to; next++) {
      const prelude = preludes[next]!
      for (const { key, entry } of prelude.changes) {
        if (entry === undefined) state.tx.delete(key)
        else state.tx.set(key, entry)
      }
      if (prelude.at > at) state.matched.push(...prelude.matched)
    }
    return next
  }

  /** Steps of the phase that may match this request; good until the next call. */
  private due(state: State, { always, branches, stepOf, due }: PhaseProgram): Int32Array {
    const { hit } = this.program
    due.set(always)
    hit.fill(0)
    for (let i = 0; i < branches.length; i++) {
      const root = branches[i]!
      const values = this.valuesOf(state, root.slot)
      if (values.length === 0) continue
      const gone = this.gone(state, root)
      // Before anything is computed of it: what was taken away from all who look must cost nothing, however large.
      if (gone === undefined || isLeft(root.all, gone))
        this.look(root, values, this.known.view(root.slot, values), gone, hit)
    }
    for (let word = 0; word < hit.length; word++) {
      for (let left = hit[word]!; left !== 0; left &= left - 1) {
        const step = stepOf[(word << 5) + 31 - Math.clz32(left & -left)]!
        due[step >>> 5]! |= 1 << (step & 31)
      }
    }
    return due
  }

  /** Marks the rules that may match the values at a branch or further on, except those from whom they have been taken. */
  private look(branch: Branch, values: Values, view: View, gone: Int32Array | undefined, hit: Int32Array): void {
    const { mask, spots, changed } = glanceAt(branch, view.classes)
    if (spots.length > 0 && (gone === undefined || isLeft(mask, gone))) {
      const marks = this.known.marksOf(view)
      for (let i = 0; i < spots.length; i++) {
        const word = spots[i]!
        hit[word]! |= marks[word]! & mask[word]! & ~(gone === undefined ? 0 : gone[word]!)
      }
    }
    for (let i = 0; i < changed.length; i++) {
      const next = changed[i]!
      if (gone !== undefined && !isLeft(next.all, gone)) continue
      this.look(next, values, this.known.further(next.slot, values, view), gone, hit)
    }
  }

  /** Bits of the rules from whom controls have taken the whole collection; undefined for none. */
  private gone({ removals }: State, { collection }: Branch): Int32Array | undefined {
    let gone: Int32Array | undefined
    for (let i = 0; i < removals.length; i++) {
      const control = removals[i]!
      if (control.kind !== 'remove-target' || control.target.selector !== undefined) continue
      if (control.target.collection !== collection) continue
      gone ??= new Int32Array(this.program.screen.words)
      const bits = this.program.chosenBits.get(control)!
      for (let word = 0; word < gone.length; word++) gone[word]! |= bits[word]!
    }
    return gone
  }

  /** The value and what each step of the chain makes of it, each different text once in a row; of these what the rule may match. */
  private everyStep(whole: Text, rule: Rule): string[] {
    const steps: Text[] = []
    for (let chain = rule.chain; chain !== undefined; chain = chain.before) steps.push(this.known.after(whole, chain))
    steps.push(whole)
    const bit = this.program.screen.bitOf[rule.index]!
    const out: string[] = []
    for (let i = steps.length - 1, before: Text | undefined; i >= 0; before = steps[i--]) {
      const text = steps[i]!
      if (text === before) continue
      if (bit < 0 || (this.known.marks(text)[bit >>> 5]! & (1 << (bit & 31))) !== 0) out.push(text.value)
    }
    return out
  }
}

const takesWhole = (by: Target, target: Target): boolean =>
  by.collection === target.collection && by.selector === undefined

const isLeft = (mask: Int32Array, gone: Int32Array): boolean => mask.some((word, i) => (word & ~gone[i]!) !== 0)

const NO_ITEMS: readonly Item[] = []
const NO_TARGETS: readonly Target[] = []
const ZERO = entry('', '0')
const ONE = entry('', '1')

/** The first bit set at or after `from`, -1 when none is. */
function nextBit(bits: Int32Array, from: number): number {
  let word = from >>> 5
  if (word >= bits.length) return -1
  let left = bits[word]! & (-1 << (from & 31))
  while (left === 0) {
    if (++word >= bits.length) return -1
    left = bits[word]!
  }
  return (word << 5) + 31 - Math.clz32(left & -left)
}
