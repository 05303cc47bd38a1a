import type { Pattern } from '../pattern/ast.ts'
import { readInstant } from '../time.ts'
import { MatchError } from './error.ts'
import type { Observation } from './observation.ts'
import { compileTest, type ObjectTest } from './test.ts'

/** A pattern ready to be asked: constants read, tests compiled, each `[…]` with a number. Times are microseconds. */
export type Plan = { readonly root: PlanNode; readonly tests: readonly ObjectTest[] }
export type PlanNode =
  | { readonly kind: 'observation'; readonly test: number }
  | { readonly kind: 'and' | 'or' | 'followedby'; readonly parts: readonly PlanNode[] }
  | { readonly kind: 'within'; readonly of: PlanNode; readonly micros: number }
  | { readonly kind: 'repeats'; readonly of: PlanNode; readonly times: number }
  | { readonly kind: 'startstop'; readonly of: PlanNode; readonly start: number; readonly stop: number }

/** Throws MatchError for constants without a meaning (STIX 2.1 §9.5.1: WITHIN and REPEATS take positive numbers). */
export function planPattern(pattern: Pattern): Plan {
  const tests: ObjectTest[] = []
  return { root: planNode(pattern, tests), tests }
}

function planNode(pattern: Pattern, tests: ObjectTest[]): PlanNode {
  if (pattern.kind === 'observation') return { kind: 'observation', test: tests.push(compileTest(pattern.test)) - 1 }
  if (pattern.kind !== 'qualified') {
    return { kind: pattern.kind, parts: pattern.parts.map((part) => planNode(part, tests)) }
  }
  const of = planNode(pattern.of, tests)
  const { qualifier } = pattern
  switch (qualifier.kind) {
    case 'within':
      if (!(qualifier.seconds > 0)) throw new MatchError('match/constant', 'WITHIN needs more than 0 seconds')
      return { kind: 'within', of, micros: Math.floor(qualifier.seconds * 1_000_000 + 1e-6) }
    case 'repeats':
      if (!(qualifier.times > 0)) throw new MatchError('match/constant', 'REPEATS needs at least 1 time')
      return { kind: 'repeats', of, times: qualifier.times }
    default:
      return { kind: 'startstop', of, start: micros(qualifier.start), stop: micros(qualifier.stop) }
  }
}

function micros(text: string): number {
  const instant = readInstant(text)
  if (instant === undefined) throw new MatchError('match/constant', `${text} is not a time stamp`)
  return instant.micros
}

/** For each `[…]`, the places of the observations one of whose objects passes. Throws MatchError on unreadable data. */
export function passing(plan: Plan, observations: readonly Observation[]): number[][] {
  return plan.tests.map((test) => {
    const out: number[] = []
    for (const [place, observation] of observations.entries()) {
      if (observation.roots.some((root) => test(root, observation))) out.push(place)
    }
    return out
  })
}
