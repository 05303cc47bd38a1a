import type { RuleExclusion } from '../contract.ts'

/** Ids of the rules that exclusions are written as; whoever reads a rule list knows them by these. */
export const EXCLUSION_IDS = 999_000_000

/** `/orders/*` → a pattern for REQUEST_FILENAME, which the engine has decoded. Anchored at both ends. */
const patternOf = (path: string): string => {
  const below = path.endsWith('/**')
  const parts = (below ? path.slice(0, -3) : path).split(/(\*\*|\*)/)
  const written = parts.map((part) =>
    part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[.$()+*^|[\]{}?]/g, (sign) => `\\${sign}`),
  )
  return `^${written.join('')}${below ? '(?:/|$)' : '$'}`
}

/**
 * One exclusion as SecLang, to stand before the rules: on these paths, until this time, this rule no longer looks at this place. Phase 1, because
 * a rule of phase 1 may be the one. It logs without a message, so that its id tells that it applied.
 */
export function secLangOf({ number, path, rule, target, until }: Omit<RuleExclusion, 'id'>): string {
  const what = target === null ? `ctl:ruleRemoveById=${rule}` : `ctl:ruleRemoveTargetById=${rule};${target}`
  const where = path.includes('*') ? `@rx ${patternOf(path)}` : `@streq ${path}`
  const head = `id:${EXCLUSION_IDS + number},phase:1,pass,log`
  if (until === undefined) return `SecRule REQUEST_FILENAME "${where}" "${head},${what}"\n`
  const ends = Math.floor(Date.parse(until) / 1_000)
  return `SecRule REQUEST_FILENAME "${where}" "${head},chain"\n    SecRule TIME_EPOCH "@lt ${ends}" "${what}"\n`
}
