import type { Pattern } from '../pattern/ast.ts'
import type { Observation } from './observation.ts'
import { passing, planPattern } from './plan.ts'
import { search } from './search.ts'

/** Places, in the list given, of the observations one match uses; any other match is as right. */
export type Match = { readonly places: readonly number[] }
export type Matcher = (observations: readonly Observation[]) => Match | undefined

/**
 * A pattern made ready for many lists of observations (STIX 2.1 §9). Throws MatchError for WITHIN 0 and the like, mixed
 * sets, and regular expressions outside the supported part; the matcher throws it for data that cannot be decided and
 * at its bounds on work.
 */
export function compilePattern(pattern: Pattern): Matcher {
  const plan = planPattern(pattern)
  return (observations) => {
    const places = search(plan.root, passing(plan, observations), observations)
    return places === undefined ? undefined : { places }
  }
}

/** `compilePattern` and one question. */
export function matchPattern(pattern: Pattern, observations: readonly Observation[]): Match | undefined {
  return compilePattern(pattern)(observations)
}
