import { evaluateRule } from '../evaluate/rule.ts'
import { plainSource } from '../evaluate/source.ts'
import { newState, type Matched, type State } from '../evaluate/state.ts'
import { isChosenRule } from '../evaluate/removal.ts'
import type { Template } from '../macro.ts'
import type { Control, Plan, Rule, SetVar, Step, Target } from '../plan.ts'
import type { Entry } from '../variables/entry.ts'

/** A change of TX that every request makes at the same place. */
export type Assignment = { readonly key: string; readonly entry: Entry | undefined }

/**
 * What is known of a step before any request: it has to be run; it never matches; it always matches, makes these changes and leaves these
 * values in MATCHED_VARS; or no request reaches it.
 */
export type Known =
  | { readonly kind: 'run' }
  | { readonly kind: 'false' }
  | { readonly kind: 'true'; readonly changes: readonly Assignment[]; readonly matched: readonly Matched[] }
  | { readonly kind: 'dead' }

const RUN: Known = { kind: 'run' }
const FALSE: Known = { kind: 'false' }
const DEAD: Known = { kind: 'dead' }

/**
 * Runs beforehand what depends on nothing that a request brings: set-up actions, defaults, and the skips of paranoia levels that are not in
 * use. By phase and step. A rule is left to be run when anything it reads may have been changed by a rule that has to be run, or when it does
 * more than setvar and skip. Holds as long as no control has taken out a rule that is not run: see `upsets`.
 */
export function foldPlan(plan: Plan): readonly (readonly Known[])[] {
  return new Folding(plan).fold()
}

class Folding {
  private readonly plan: Plan
  private readonly state: State
  private readonly changed = new Set<string>()
  private readonly changedBeginnings: string[] = []
  private anyChanged = false
  /** A rule that has to be run may refuse, or allow all the rest: what is set after it may be unset in phase 5. */
  private mayEnd = false
  private readonly setLate = new Set<string>()
  /** A rule that has to be run may let what is left of phases 1 and 2 pass. */
  private mayAllowRequest = false

  constructor(plan: Plan) {
    this.plan = plan
    this.state = newState(plan, NO_REQUEST, {})
    // Captures write TX:0 to TX:9.
    if (plan.rules.some(({ capture }) => capture)) for (let i = 0; i < 10; i++) this.changed.add(String(i))
  }

  fold(): Known[][] {
    const out: Known[][] = []
    for (const [phase, steps] of this.plan.phases.entries()) {
      if (phase === 5) for (const key of this.setLate) this.changed.add(key)
      out.push(this.foldPhase(steps, phase))
    }
    return out
  }

  private foldPhase(steps: readonly Step[], phase: number): Known[] {
    const out: Known[] = steps.map(() => RUN)
    /** Up to here a rule that has to be run may skip. */
    let perhapsSkipped = phase <= 2 && this.mayAllowRequest ? steps.length : -1
    for (let at = 0; at < steps.length; at++) {
      const rule = steps[at]!
      if ('marker' in rule || out[at] === DEAD) continue
      const known = this.known(rule, at <= perhapsSkipped)
      if (known.kind === 'true' && (rule.skipAfter !== undefined || rule.skip > 0)) {
        const to = targetOf(steps, at, rule)
        if (this.isEntered(steps, at, to)) {
          this.taint(rule)
          perhapsSkipped = Math.max(perhapsSkipped, to)
          continue
        }
        for (let skipped = at + 1; skipped < to; skipped++) out[skipped] = DEAD
      }
      out[at] = known
      if (known.kind === 'true' && this.mayEnd) for (const { key } of known.changes) this.setLate.add(key)
      if (known.kind !== 'run') continue
      this.taint(rule)
      if (rule.skipAfter !== undefined || rule.skip > 0)
        perhapsSkipped = Math.max(perhapsSkipped, targetOf(steps, at, rule))
      if (rule.disruption.kind === 'pass') continue
      this.mayEnd = true
      if (rule.disruption.kind === 'allow' && rule.disruption.until !== 'end') perhapsSkipped = steps.length
      if (rule.disruption.kind === 'allow' && rule.disruption.until === 'request') this.mayAllowRequest = true
    }
    return out
  }

  /** Whether a rule before a region that is always skipped may jump to a marker inside of it. */
  private isEntered(steps: readonly Step[], from: number, to: number): boolean {
    const inside = new Set(steps.slice(from + 1, to - 1).flatMap((step) => ('marker' in step ? [step.marker] : [])))
    if (inside.size === 0) return steps.slice(0, from).some((step) => 'id' in step && step.skip > 0)
    return steps
      .slice(0, from)
      .some((step) => 'id' in step && (step.skip > 0 || (step.skipAfter !== undefined && inside.has(step.skipAfter))))
  }

  private known(rule: Rule, perhapsSkipped: boolean): Known {
    if (!this.isDecided(rule)) return RUN
    const tried: State = { ...this.state, tx: new Map(this.state.tx), matched: [], removals: [], records: new Map() }
    const matched = evaluateRule(tried, rule, plainSource)
    if (!matched) return FALSE
    if (!isSimple(rule) || !setVarsOf(rule).every((change) => this.isKnownChange(change))) return RUN
    const keys = setVarsOf(rule).map(({ key }) => String(key[0]).toLowerCase())
    if (perhapsSkipped && (keys.length > 0 || rule.skipAfter !== undefined || rule.skip > 0)) return RUN
    // All that it sets, changed or not: a request may have come by with another value.
    const changes = keys.map((key) => ({ key, entry: tried.tx.get(key) }))
    for (const { key, entry } of changes) {
      if (entry === undefined) this.state.tx.delete(key)
      else this.state.tx.set(key, entry)
    }
    return { kind: 'true', changes, matched: [...tried.matched] }
  }

  /** Whether it is known which of the rule's links match. */
  private isDecided(first: Rule): boolean {
    for (let link: Rule | undefined = first; link !== undefined; link = link.next) {
      if (link.multiMatch || link.exclusions.length > 0) return false
      if (!link.targets.every((target) => this.isKnownTarget(link!, target))) return false
      if (typeof link.test.run !== 'function' && !this.isKnownTemplate(link.test.run.param)) return false
      // What a link writes the next may read, and stays written when that one does not match.
      if (link.next !== undefined && (link.setVars.length > 0 || link.capture)) return false
    }
    return true
  }

  private isKnownTarget({ test }: Rule, { collection, selector, count }: Target): boolean {
    if (collection === 'REMOTE_ADDR') return count && test.name === 'unconditionalmatch'
    return collection === 'TX' && selector !== undefined && 'name' in selector && this.isKnown(selector.name)
  }
  private isKnownTemplate(template: Template): boolean {
    return template.every(
      (part) => typeof part === 'string' || (part.from === 'TX' && part.key !== undefined && this.isKnown(part.key)),
    )
  }
  private isKnownChange({ collection, key, value, how }: SetVar): boolean {
    const [name] = key
    if (collection !== 'TX' || key.length !== 1 || typeof name !== 'string' || !this.isKnownTemplate(value))
      return false
    return how === 'set' || how === 'remove' || this.isKnown(name.toLowerCase())
  }

  private isKnown(key: string): boolean {
    const lower = key.toLowerCase()
    return (
      !this.anyChanged && !this.changed.has(lower) && !this.changedBeginnings.some((start) => lower.startsWith(start))
    )
  }

  /** What the rule may write is no longer known, from here on. */
  private taint(first: Rule): void {
    for (let link: Rule | undefined = first; link !== undefined; link = link.next) {
      for (const { collection, key } of link.setVars) {
        if (collection !== 'TX') continue
        const [start] = key
        if (typeof start !== 'string') this.anyChanged = true
        else if (key.length === 1) this.changed.add(start.toLowerCase())
        else this.changedBeginnings.push(start.toLowerCase())
      }
    }
  }
}

const NO_REQUEST = {
  method: 'GET',
  target: '/',
  httpVersion: '1.1',
  headers: [],
  clientAddress: '',
  clientPort: 0,
}
/** Whether a match does no more than setvar and skip, and leaves no trace else. */
function isSimple(first: Rule): boolean {
  if (first.disruption.kind !== 'pass' || first.severityLevel !== 255 || first.logged) return false
  for (let link: Rule | undefined = first; link !== undefined; link = link.next)
    if (link.controls.length > 0 || link.effects.length > 0 || link.capture) return false
  return true
}

/**
 * Controls of the plan that take out, or change, a rule which is known to match: after one, nothing that was worked out may be used. A rule
 * that never matches, or is never reached, stays so without a target, or without itself.
 */
export function upsets(plan: Plan, known: readonly (readonly Known[])[]): ReadonlySet<Control> {
  const folded = plan.phases.flatMap((steps, phase) =>
    steps.filter((step, at): step is Rule => 'id' in step && known[phase]![at]!.kind === 'true'),
  )
  const controls = plan.rules.flatMap((rule) => rule.controls)
  return new Set(
    controls.filter(
      (control) =>
        (control.kind === 'remove-rule' || control.kind === 'remove-target') &&
        folded.some((rule) => isChosenRule(control.rules, rule)),
    ),
  )
}

function setVarsOf(first: Rule): SetVar[] {
  const out: SetVar[] = []
  for (let link: Rule | undefined = first; link !== undefined; link = link.next) out.push(...link.setVars)
  return out
}

/** Index of the step to go on with once the rule at `at` matched. */
export function targetOf(steps: readonly Step[], at: number, { skipAfter, skip }: Rule): number {
  let to = at + 1
  if (skipAfter !== undefined) {
    while (to < steps.length) {
      const step = steps[to++]!
      if ('marker' in step && step.marker === skipAfter) break
    }
  }
  for (let left = skip; left > 0 && to < steps.length; to++) if ('id' in steps[to]!) left--
  return to
}
