import { SigmaError } from './error.ts'
import type { Utf16 } from './encode.ts'

/** What the modifiers behind a field name ask for (modifiers appendix), checked for company and order. */
export type Modifiers = {
  readonly all: boolean
  readonly neq: boolean
  readonly cased: boolean
  /** How the value is read; `text` is a string with wildcards. */
  readonly type: 'text' | 're' | 'cidr' | 'lt' | 'lte' | 'gt' | 'gte' | 'exists' | 'fieldref'
  readonly regex: { readonly i: boolean; readonly m: boolean; readonly s: boolean }
  /** Changes of the text, in the order given. */
  readonly changes: readonly Change[]
}
export type Change = 'contains' | 'startswith' | 'endswith' | 'windash' | 'base64' | 'base64offset' | 'expand' | Utf16

const TYPES = ['re', 'cidr', 'lt', 'lte', 'gt', 'gte', 'exists', 'fieldref'] as const
const PLACES = ['contains', 'startswith', 'endswith'] as const
const UTF16 = ['utf16le', 'utf16be', 'utf16'] as const
const CHANGES: readonly Change[] = [...PLACES, ...UTF16, 'windash', 'base64', 'base64offset', 'expand']
const TIMES: ReadonlySet<string> = new Set(['minute', 'hour', 'day', 'week', 'month', 'year'])

/** Throws SigmaError `modifier/…`. */
export function readModifiers(names: readonly string[]): Modifiers {
  const repeated = names.find((name, i) => names.indexOf(name) !== i)
  if (repeated !== undefined) throw wrong(`${repeated} stands twice`)
  const has = (name: string): boolean => names.includes(name)
  const changes: Change[] = []
  let type: Modifiers['type'] = 'text'
  for (const name of names.map((each) => (each === 'wide' ? 'utf16le' : each))) {
    const asType = TYPES.find((each) => each === name)
    const change = CHANGES.find((each) => each === name)
    if (asType !== undefined) {
      if (type !== 'text') throw wrong(`${type} and ${name} exclude each other`)
      type = asType
    } else if (change !== undefined) changes.push(change)
    else if (!['all', 'neq', 'cased', 'i', 'm', 's'].includes(name)) throw unknown(name)
  }
  const flag = ['i', 'm', 's'].find(has)
  if (flag !== undefined && (type !== 're' || names.indexOf(flag) < names.indexOf('re'))) {
    throw wrong(`${flag} belongs behind re`)
  }
  checkCompany(type, changes, has)
  checkOrder(changes)
  const regex = { i: has('i'), m: has('m'), s: has('s') }
  return { all: has('all'), neq: has('neq'), cased: has('cased'), type, regex, changes }
}

function checkCompany(type: Modifiers['type'], changes: readonly Change[], has: (name: string) => boolean): void {
  const places = changes.filter((change) => PLACES.some((each) => each === change))
  if (places.length > 1) throw wrong(`${places.join(' and ')} exclude each other`)
  if (type === 'exists' && (has('all') || has('neq'))) throw wrong('exists stands alone')
  if (type !== 'text' && type !== 'fieldref' && has('cased')) throw wrong(`cased has no meaning for ${type}`)
  // A field reference may be looked for inside the field, but its text is known only with the event.
  const allowed: readonly Change[] = type === 'text' ? CHANGES : type === 'fieldref' ? PLACES : []
  const stray = changes.find((change) => !allowed.includes(change))
  if (stray !== undefined) throw wrong(`${stray} has no meaning for ${type}`)
}

function checkOrder(changes: readonly Change[]): void {
  const bases = changes.filter((change) => change === 'base64' || change === 'base64offset')
  const wide = changes.findIndex((change) => UTF16.some((each) => each === change))
  if (bases.length > 1) throw wrong('base64 and base64offset exclude each other')
  if (changes.filter((change) => UTF16.some((each) => each === change)).length > 1) throw wrong('one UTF-16 at a time')
  const base = bases[0] === undefined ? -1 : changes.indexOf(bases[0])
  // Bytes have no text to compare; published rules put base64 right behind.
  if (wide >= 0 && base !== wide + 1) throw wrong(`${changes[wide]} needs base64 or base64offset right behind it`)
  const before = base < 0 ? [] : changes.slice(0, wide >= 0 ? wide : base)
  const early = before.find((change) => change !== 'windash' && change !== 'expand')
  if (early !== undefined) throw wrong(`${early} must stand behind ${bases[0]}`)
  const late = changes.slice(base + 1).find((change) => base >= 0 && (change === 'windash' || change === 'expand'))
  if (late !== undefined) throw wrong(`${late} must stand before ${bases[0]}`)
}

function unknown(name: string): SigmaError {
  return TIMES.has(name)
    ? new SigmaError('modifier/unsupported', '', `the time modifier ${name} is not supported`)
    : new SigmaError('modifier/unknown', '', `${JSON.stringify(name.slice(0, 60))} is not a modifier`)
}

const wrong = (what: string): SigmaError => new SigmaError('modifier/combination', '', what)
