import { ConstructError } from '../error.ts'
import { ipMatch } from './address.ts'
import * as number from './number.ts'
import * as text from './text.ts'
import * as validate from './validate.ts'

/** What matched: the whole and its captures; empty when the operator matches as such. */
export type Hit = { readonly groups: readonly string[] }
/** Value (latin1) → hit or nothing. Pure, bounded time. */
export type Operator = (value: string) => Hit | undefined
/** Parameter → operator. Throws `ConstructError` for a parameter it does not understand. */
export type OperatorFactory = (param: string) => Operator

const { toNumber: _, ...comparisons } = number
const BY_NAME = new Map<string, OperatorFactory>(
  Object.entries({ ...text, ...comparisons, ...validate, ipMatch, strmatch: text.contains }).map(([name, make]) => [
    name.toLowerCase(),
    make,
  ]),
)
/** Those whose parameter is a list or a pattern made ready once, so that no %{macro} can stand in it. */
export const FIXED: ReadonlySet<string> = new Set(['rx', 'pm', 'ipmatch', 'validatebyterange'])

/** The operator of that SecLang name. Throws `ConstructError` for one that is not there (detectSQLi, geoLookup, …). */
export function operatorOf(name: string): OperatorFactory {
  const found = BY_NAME.get(name.toLowerCase())
  if (found === undefined) throw new ConstructError(`operator @${name} is not supported`)
  return found
}
