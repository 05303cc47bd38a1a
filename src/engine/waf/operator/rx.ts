import { compilePattern, type Pattern } from '../regex/index.ts'
import type { OperatorFactory } from './index.ts'

export { compilePattern, type Pattern }

/** Regular expression, unanchored. `SecRule ARGS "@rx (?i)union\s+select"`. Groups are the match and its captures. */
export const rx: OperatorFactory = (param) => {
  const pattern = compilePattern(param)
  return Object.assign((value: string) => pattern.exec(value), { pattern })
}

const MOST_GROUPS = 100

/** As @rx, going on after each match: groups are those of all matches, one after the other. */
export const rxGlobal: OperatorFactory = (param) => {
  const pattern = compilePattern(param)
  const find = (value: string): ReturnType<ReturnType<OperatorFactory>> => {
    const groups: (string | undefined)[] = []
    for (let at = 0; at <= value.length && groups.length < MOST_GROUPS;) {
      const found = pattern.exec(value, at)
      if (found === undefined) break
      // Later empty matches say nothing new.
      if (groups.length === 0 || found.groups[0] !== '') groups.push(...found.groups)
      at = found.index + Math.max(found.groups[0]!.length, 1)
    }
    return groups.length === 0 ? undefined : { groups }
  }
  return Object.assign(find, { pattern })
}
