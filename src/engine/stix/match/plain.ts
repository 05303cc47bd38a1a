import type { Pattern } from '../pattern/ast.ts'
import { MatchError } from './error.ts'
import type { Observation } from './observation.ts'
import { passing, type PlanNode, planPattern } from './plan.ts'

/** More bindings than this are not enumerated. */
const BINDINGS_LIMIT = 100_000

/** Which observations a match uses, by number: an observed-data seen three times is three uses. */
type Binding = readonly number[]

/**
 * The meaning of observation expressions written down as directly as it goes: every binding of every part is enumerated
 * and combined (STIX 2.1 §9.5). It exists to check `matchPattern`; throws MatchError (`match/too-complex`) early.
 *
 * - AND: both, with no observation in common; OR: either; REPEATS n: n bindings with none in common.
 * - An observed-data seen `number_observed` times counts that often, each at some instant of [first, last].
 * - FOLLOWEDBY: instants can be chosen so that no left one is after a right one; WITHIN n: so that all lie within n
 *   seconds; START–STOP: so that each lies in [start, stop). Each demand is met by itself. The edge of WITHIN counts,
 *   as in the OASIS matcher and its vectors, though §9.5.1 words it as strictly less.
 */
export function matchesPlainly(pattern: Pattern, observations: readonly Observation[]): boolean {
  const plan = planPattern(pattern)
  const places = passing(plan, observations)
  const uses = observations.flatMap(({ count }, place) => Array.from({ length: Math.min(count, 64) }, () => place))
  let left = BINDINGS_LIMIT
  const keep = (bindings: Binding[], binding: Binding): void => {
    if (--left < 0) throw new MatchError('match/too-complex', 'there are too many bindings')
    bindings.push(binding)
  }
  const first = (use: number): number => observations[uses[use]!]!.first
  const last = (use: number): number => observations[uses[use]!]!.last

  function combine(left: readonly Binding[], right: readonly Binding[], fits: (a: Binding, b: Binding) => boolean) {
    const out: Binding[] = []
    for (const a of left) {
      for (const b of right) if (b.every((use) => !a.includes(use)) && fits(a, b)) keep(out, [...a, ...b])
    }
    return out
  }

  function bindings(node: PlanNode): Binding[] {
    const out: Binding[] = []
    switch (node.kind) {
      case 'observation':
        for (const [use, place] of uses.entries()) if (places[node.test]!.includes(place)) keep(out, [use])
        return out
      case 'or':
        return node.parts.flatMap((part) => bindings(part))
      case 'and':
        return node.parts.map((part) => bindings(part)).reduce((a, b) => combine(a, b, () => true))
      case 'followedby':
        return node.parts
          .map((part) => bindings(part))
          .reduce((a, b) => combine(a, b, (a, b) => Math.max(...a.map(first)) <= Math.min(...b.map(last))))
      case 'repeats': {
        const once = bindings(node.of)
        let all = once
        for (let i = 1; i < node.times && all.length > 0; i++) all = combine(all, once, () => true)
        return all
      }
      case 'within':
        return bindings(node.of).filter(
          (binding) => Math.max(...binding.map(first)) - Math.min(...binding.map(last)) <= node.micros,
        )
      default:
        return bindings(node.of).filter((binding) =>
          // An empty stretch of time holds no instant.
          binding.every((use) => node.start < node.stop && first(use) < node.stop && last(use) >= node.start),
        )
    }
  }
  return bindings(plan.root).length > 0
}
