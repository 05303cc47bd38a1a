import type { ByteSet } from '../../bytes/byte-set.ts'
import { ConstructError } from '../error.ts'
import { ipMatch } from './address.ts'
import * as digits from './digits.ts'
import { injections } from './injection.ts'
import { lists } from './lists.ts'
import * as number from './number.ts'
import * as pattern from './rx.ts'
import * as text from './text.ts'
import type { Pattern } from './rx.ts'
import * as validate from './validate.ts'

/**
 * What matched: `groups` go to TX:0 and on when the rule captures (a group that took no part is undefined and leaves its TX as it is);
 * `text` is what to show when nothing is captured.
 */
export type Hit = { readonly groups: readonly (string | undefined)[]; readonly text?: string }
/** Value (latin1) → hit or nothing. Pure, bounded time. What it looks for lies open to a prefilter: a pattern, or words in any case. */
export type Operator = ((value: string) => Hit | undefined) & {
  readonly pattern?: Pattern
  readonly words?: readonly string[]
  /** Bytes of which a hit needs one. */
  readonly bytes?: ByteSet
}
/** Parameter → operator. Throws `ConstructError` for a parameter it does not understand. */
export type OperatorFactory = (param: string) => Operator

/** Answers from outside that the caller has at hand. */
export type Lookups = {
  /** Whether the block list knows the address. */
  readonly rbl?: (zone: string, address: string) => boolean
  /** Members of GEO for an address: COUNTRY_CODE and the like; undefined when unknown. */
  readonly geo?: (address: string) => ReadonlyMap<string, string> | undefined
}
export type OperatorContext = {
  readonly data: ReadonlyMap<string, string>
  readonly lookups: Lookups | 'absent' | undefined
  readonly note: (what: string) => void
  readonly file: string
  readonly line: number
}
const ALONE: OperatorContext = { data: new Map(), lookups: undefined, note: () => undefined, file: '', line: 0 }

const { toNumber: _, ...comparisons } = number
const { compilePattern: __, ...patterns } = pattern
const BY_NAME = new Map<string, OperatorFactory>(
  Object.entries({
    ...text,
    ...comparisons,
    ...validate,
    ...digits,
    ...patterns,
    ...injections,
    ipMatch,
    strmatch: text.contains,
  }).map(([name, make]) => [name.toLowerCase(), make]),
)

const OUTSIDE: Readonly<Record<string, string>> = {
  geolookup: 'it asks a file of places',
  rbl: 'it asks a name server',
  gsblookup: 'it asks a service',
  inspectfile: 'it would run a program',
  fuzzyhash: 'it reads a file of hashes',
  validatedtd: 'it reads a file',
  validateschema: 'it reads a file',
  validatehash: 'answers are not changed, so links hold no hash',
  rsub: 'answers are not changed',
}

/** The operator of that SecLang name, any case. Throws `ConstructError` for one that is not there. */
export function operatorOf(written: string, context: OperatorContext = ALONE): OperatorFactory {
  const key = written.toLowerCase()
  const found = BY_NAME.get(key) ?? lists(context)[key] ?? lookup(key, written, context)
  if (found !== undefined) return found
  const why = OUTSIDE[key]
  throw new ConstructError(`operator @${written} is not supported${why === undefined ? '' : `: ${why}`}`)
}

function lookup(
  name: string,
  written: string,
  { lookups, note, file, line }: OperatorContext,
): OperatorFactory | undefined {
  if (name !== 'rbl' && name !== 'geolookup') return undefined
  if (lookups === 'absent') {
    note(`${file}:${line}: @${written} never matches: ${OUTSIDE[name]}`)
    return () => () => undefined
  }
  const { rbl, geo } = lookups ?? {}
  if (name === 'rbl' && rbl !== undefined)
    return (zone) => (value) => (rbl(zone, value) ? { groups: [value] } : undefined)
  if (name === 'geolookup' && geo !== undefined)
    return () => (value) => (geo(value) === undefined ? undefined : { groups: [], text: value })
  return undefined
}
