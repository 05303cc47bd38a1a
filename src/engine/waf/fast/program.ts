import type { Matched } from '../evaluate/state.ts'
import type { Chain, Control, Plan, Rule, Step, Target } from '../plan.ts'
import { isLive } from '../variables/names.ts'
import { foldPlan, targetOf, upsets, type Assignment, type Known } from './fold.ts'
import { Screen } from './screen.ts'
import { touchesOf } from './text.ts'

/** Rules that look at the same values after the same transformations, all of them screened. */
export type Group = {
  readonly selection: number
  /** Any rule of the selection; they have the same targets. */
  readonly sample: Rule
  readonly chain: Chain | undefined
  /** Bits of the screen that these rules have, and by bit the step. */
  readonly mask: Uint32Array
  readonly stepOf: Int32Array
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
  readonly always: Uint32Array
  readonly groups: readonly Group[]
  readonly preludes: readonly Prelude[]
  /** By step: 1 when a request that comes by it has a rule there that did not match, unless it is run or taken out. */
  readonly passes: Uint8Array
}

export type Program = {
  readonly phases: readonly PhaseProgram[]
  /** The same with nothing worked out beforehand, and the controls after which only that holds. */
  readonly unfolded: readonly PhaseProgram[]
  readonly upsets: ReadonlySet<Control>
  readonly screen: Screen
  readonly touches: readonly number[]
  /** By rule index, the number of its selection; -1 when its values change as rules run. */
  readonly selectionOf: Int32Array
  readonly selections: number
}

const programs = new WeakMap<Plan, Program>()

/** What can be known of a plan before any request; made once a plan. */
export function programOf(plan: Plan): Program {
  let program = programs.get(plan)
  if (program === undefined) programs.set(plan, (program = makeProgram(plan)))
  return program
}

function makeProgram(plan: Plan): Program {
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
  const screen = new Screen(screened, plan.rules.length)
  const chains = plan.rules.flatMap(({ chain }) => (chain === undefined ? [] : [chain]))
  return {
    phases: plan.phases.map((steps, phase) => makePhase(steps, known[phase]!, screen, selectionOf)),
    unfolded: plan.phases.map((steps) =>
      makePhase(
        steps,
        steps.map(() => ({ kind: 'run' })),
        screen,
        selectionOf,
      ),
    ),
    upsets: upsets(plan, known),
    screen,
    touches: touchesOf(chains, plan.chainCount),
    selectionOf,
    selections: numbers.size,
  }
}

const keyOf = ({ collection, selector, count }: Target): readonly unknown[] => [
  collection,
  count,
  selector === undefined ? '' : 'name' in selector ? `n${selector.name}` : `p${selector.source}`,
]

function makePhase(
  steps: readonly Step[],
  known: readonly Known[],
  screen: Screen,
  selectionOf: Int32Array,
): PhaseProgram {
  const always = new Uint32Array((steps.length + 31) >>> 5)
  const groups = new Map<string, Group>()
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
    const selection = selectionOf[step.index]!
    // With multiMatch every step of the chain is looked at, so such rules are a group of their own.
    const key = `${selection}/${step.chain?.index}/${step.multiMatch}`
    let group = groups.get(key)
    if (group === undefined) {
      group = {
        selection,
        sample: step,
        chain: step.chain,
        mask: new Uint32Array(screen.words),
        stepOf: new Int32Array(screen.words * 32).fill(-1),
      }
      groups.set(key, group)
    }
    group.mask[bit >>> 5]! |= 1 << (bit & 31)
    group.stepOf[bit] = at
  }
  return { steps, target, always, groups: [...groups.values()], preludes, passes }
}
