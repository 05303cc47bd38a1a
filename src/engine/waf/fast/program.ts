import { isChosenRule } from '../evaluate/removal.ts'
import type { Matched } from '../evaluate/state.ts'
import type { Chain, Control, Plan, Rule, Step, Target } from '../plan.ts'
import { isLive, type MessageVariable } from '../variables/names.ts'
import { branchesOf, type Branch, type Look } from './branch.ts'
import { foldPlan, targetOf, upsets, type Assignment, type Known } from './fold.ts'
import { cluesOf, Screen } from './screen.ts'
import { Recurring } from './recurring.ts'
import { touchesOf } from './text.ts'

/** One collection, or part of it, after one chain. */
export type Slot = {
  /** Which part, see `Program.parts`. */
  readonly part: number
  readonly chain: Chain | undefined
  /** The slot of the same part a step earlier; -1 for the part as it is. */
  readonly before: number
}

/** Changes of TX that come before a step, and what they leave in MATCHED_VARS. */
export type Prelude = {
  readonly at: number
  readonly changes: readonly Assignment[]
  readonly matched: readonly Matched[]
}

export type PhaseProgram = {
  readonly steps: readonly Step[]
  /** By step: where to go on once it matched. */
  readonly target: Int32Array
  /** Steps that are run for every request, as bits. */
  readonly always: Int32Array
  /** Where screened rules look. */
  readonly branches: readonly Branch[]
  /** Room for the steps of one request, no longer than a call. */
  readonly due: Int32Array
  /** By bit of the screen, the step of its rule; -1 in other phases. */
  readonly stepOf: Int32Array
  readonly preludes: readonly Prelude[]
  /** By step: 1 when a request that comes by it has a rule there that did not match, unless it is run or taken out. */
  readonly passes: Uint8Array
}

export type Program = {
  readonly phases: readonly PhaseProgram[]
  /** The same with nothing worked out beforehand, and the controls after which only that holds. */
  readonly unfolded: readonly PhaseProgram[]
  readonly upsets: ReadonlySet<Control>
  /** By control that takes out rules or targets: 1 at the index of each rule it means. */
  readonly chosen: ReadonlyMap<Control, Uint8Array>
  /** The same as bits of the screen. */
  readonly chosenBits: ReadonlyMap<Control, Int32Array>
  readonly screen: Screen
  readonly recurring: Recurring
  readonly touches: readonly number[]
  /** Room for the bits of one request, no longer than a call. */
  readonly hit: Int32Array
  /** By rule index, the number of its selection; -1 when its values change as rules run. */
  readonly selectionOf: Int32Array
  readonly selections: number
  /** Collections and parts of them that screened rules look at. */
  readonly parts: readonly Target[]
  readonly slots: readonly Slot[]
  /** By index of a screened rule, the slot of each of its targets. */
  readonly slotsOf: readonly (readonly number[] | undefined)[]
}

const programs = new WeakMap<Plan, Program>()

/** What can be known of a plan before any request; made once a plan. */
export function programOf(plan: Plan): Program {
  for (const steps = prepareProgram(plan); ;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** The same in steps, for a caller that has other things to do. */
export function* prepareProgram(plan: Plan): Generator<undefined, Program> {
  let program = programs.get(plan)
  if (program === undefined) programs.set(plan, (program = yield* makeProgram(plan)))
  return program
}

function* makeProgram(plan: Plan): Generator<undefined, Program> {
  const known = foldPlan(plan)
  const selectionOf = new Int32Array(plan.rules.length).fill(-1)
  const numbers = new Map<string, number>()
  for (const rule of plan.rules) {
    if (![...rule.targets, ...rule.exclusions].every(({ collection }) => !isLive(collection))) continue
    const key = JSON.stringify([rule.targets.map(keyOf), rule.exclusions.map(keyOf)])
    const number = numbers.get(key) ?? numbers.size
    numbers.set(key, number)
    selectionOf[rule.index] = number
  }
  const firsts = plan.phases.flatMap((steps, phase) =>
    steps.filter((step, at): step is Rule => 'id' in step && known[phase]![at]!.kind === 'run'),
  )
  const screened = firsts.filter((rule) => selectionOf[rule.index]! >= 0 && !rule.targets.some(({ count }) => count))
  for (const rule of screened) {
    yield
    cluesOf(rule)
  }
  const screen = new Screen(screened, plan.rules.length)
  yield
  const chosen = chosenBy(plan)
  const places = new Places()
  const slotsOf = plan.rules.map((rule) =>
    screen.bitOf[rule.index]! < 0 ? undefined : rule.targets.map((target) => places.of(target, rule.chain)),
  )
  const touches = touchesOf(
    plan.rules.flatMap(({ chain }) => (chain === undefined ? [] : [chain])),
    plan.chainCount,
  )
  const branches = (looks: readonly Look[]): Branch[] =>
    branchesOf(looks, places.slots, (part) => places.parts[part]!.collection as MessageVariable, touches, screen.words)
  return {
    phases: plan.phases.map((steps, phase) => makePhase(steps, known[phase]!, screen, slotsOf, branches)),
    unfolded: plan.phases.map((steps) =>
      makePhase(
        steps,
        steps.map(() => ({ kind: 'run' })),
        screen,
        slotsOf,
        branches,
      ),
    ),
    upsets: upsets(plan, known),
    chosen,
    chosenBits: new Map([...chosen].map(([control, rules]) => [control, bitsOf(rules, screen)])),
    screen,
    recurring: new Recurring(),
    touches,
    hit: new Int32Array(screen.words),
    selectionOf,
    selections: numbers.size,
    parts: places.parts,
    slots: places.slots,
    slotsOf,
  }
}

function chosenBy(plan: Plan): Map<Control, Uint8Array> {
  const out = new Map<Control, Uint8Array>()
  for (const control of plan.rules.flatMap(({ controls }) => controls)) {
    if (control.kind !== 'remove-rule' && control.kind !== 'remove-target') continue
    const { rules } = control
    out.set(
      control,
      Uint8Array.from(plan.rules, (rule) => (isChosenRule(rules, rule) ? 1 : 0)),
    )
  }
  return out
}

function bitsOf(rules: Uint8Array, screen: Screen): Int32Array {
  const out = new Int32Array(screen.words)
  for (const [index, isChosen] of rules.entries()) {
    const bit = screen.bitOf[index]!
    if (isChosen === 1 && bit >= 0) out[bit >>> 5]! |= 1 << (bit & 31)
  }
  return out
}

const keyOf = ({ collection, selector, count }: Target): readonly unknown[] => [
  collection,
  count,
  selector === undefined ? '' : 'name' in selector ? `n${selector.name}` : `p${selector.source}`,
]

/** Numbers parts of collections, and what chains make of them. */
class Places {
  readonly parts: Target[] = []
  readonly slots: Slot[] = []
  private readonly partOf = new Map<string, number>()
  private readonly slotOf = new Map<string, number>()

  of(target: Target, chain: Chain | undefined): number {
    const name = JSON.stringify(keyOf(target))
    let part = this.partOf.get(name)
    if (part === undefined) this.partOf.set(name, (part = this.parts.push(target) - 1))
    return this.slot(part, chain)
  }

  private slot(part: number, chain: Chain | undefined): number {
    const name = `${part} ${chain === undefined ? '' : chain.index}`
    const known = this.slotOf.get(name)
    if (known !== undefined) return known
    const before = chain === undefined ? -1 : this.slot(part, chain.before)
    const slot = this.slots.push({ part, chain, before }) - 1
    this.slotOf.set(name, slot)
    return slot
  }
}

function makePhase(
  steps: readonly Step[],
  known: readonly Known[],
  screen: Screen,
  slotsOf: Program['slotsOf'],
  branches: (looks: readonly Look[]) => Branch[],
): PhaseProgram {
  const always = new Int32Array((steps.length + 31) >>> 5)
  const looks = new Map<string, Look>()
  const stepOf = new Int32Array(screen.words * 32).fill(-1)
  const preludes: Prelude[] = []
  const passes = new Uint8Array(steps.length)
  const target = new Int32Array(steps.length)
  for (const [at, step] of steps.entries()) {
    if ('marker' in step) continue
    target[at] = targetOf(steps, at, step)
    const what = known[at]!
    if (what.kind === 'run' || what.kind === 'false') passes[at] = 1
    if (what.kind === 'true') preludes.push({ at, changes: what.changes, matched: what.matched })
    if (what.kind !== 'run') continue
    const bit = screen.bitOf[step.index]!
    if (bit < 0) {
      always[at >>> 5]! |= 1 << (at & 31)
      continue
    }
    stepOf[bit] = at
    for (const look of looksOf(step, slotsOf[step.index]!, screen.words, looks))
      look.mask[bit >>> 5]! |= 1 << (bit & 31)
  }
  const due = new Int32Array(always.length)
  return { steps, target, always, branches: branches([...looks.values()]), due, stepOf, preludes, passes }
}

// Exclusions are left aside: a rule that is looked at in vain costs little, and it leaves out what it must itself.
function looksOf(
  { targets, multiMatch }: Rule,
  slots: readonly number[],
  words: number,
  looks: Map<string, Look>,
): Look[] {
  return targets.map((_, i) => {
    const slot = slots[i]!
    const key = `${slot} ${multiMatch}`
    let look = looks.get(key)
    if (look === undefined) looks.set(key, (look = { slot, every: multiMatch, mask: new Int32Array(words) }))
    return look
  })
}
