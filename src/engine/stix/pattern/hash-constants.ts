import { hashFault } from '../hashes.ts'
import type { PropertyTest } from './ast.ts'

/** What is wrong with the constants of a test on `….hashes.<algorithm>`: a wrong length can never match (§2.7). */
export function checkHashes(test: PropertyTest): string | undefined {
  const [before, last] = test.path.steps.slice(-2)
  if (before?.kind !== 'key' || before.name !== 'hashes' || last?.kind !== 'key') return undefined
  if (!['=', '!=', 'IN'].includes(test.operator)) return undefined
  const constants = test.operator === 'IN' ? test.value : [test.value]
  for (const constant of constants) {
    if (constant.type === 'string' && hashFault(last.name, constant.value)) {
      return `'${constant.value.slice(0, 140)}' is not a ${last.name} hash`
    }
  }
  return undefined
}
