import { compileCidr } from './cidr.ts'
import { changeValue, type Placeholders } from './change.ts'
import { SigmaError } from './error.ts'
import { textOf } from './event.ts'
import type { Modifiers } from './modifiers.ts'
import { compileRegex } from './regex.ts'
import type { ValueTest } from './rule.ts'
import { compileWildcard, MANY } from './wildcard.ts'

const NUMBER = /^[+-]?(?:[0-9]{1,30})(?:\.[0-9]{1,30})?$/
const COMPARE = {
  lt: (a: number, b: number) => a < b,
  lte: (a: number, b: number) => a <= b,
  gt: (a: number, b: number) => a > b,
  gte: (a: number, b: number) => a >= b,
} as const

/**
 * One value of a rule to a test of one value of an event. Keywords are looked for anywhere in a text. Throws SigmaError
 * `value/…` or `modifier/…`. Null, `exists` and `fieldref` need the event and are not made here.
 */
export function compileValue(
  value: unknown,
  modifiers: Modifiers,
  options: { readonly placeholders?: Placeholders | undefined; readonly keyword: boolean },
): ValueTest {
  switch (modifiers.type) {
    case 're': {
      const test = compileRegex(text(value, 're'), modifiers.regex)
      return onText((text) => test(text))
    }
    case 'cidr': {
      const test = compileCidr(text(value, 'cidr'))
      return onText((text) => test(text))
    }
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return compare(value, modifiers.type)
    default:
      return plain(value, modifiers, options)
  }
}

function plain(
  value: unknown,
  { cased, changes }: Modifiers,
  { placeholders, keyword }: { readonly placeholders?: Placeholders | undefined; readonly keyword: boolean },
): ValueTest {
  if (typeof value !== 'string') {
    if (changes.length > 0) throw new SigmaError('value/type', '', `${changes[0]} takes a string`)
    return scalar(value, keyword)
  }
  const placed = changes.some((change) => change === 'contains' || change === 'startswith' || change === 'endswith')
  const variants = changeValue(value, changes, placeholders).map((parts) =>
    keyword && !placed ? [MANY, ...parts, MANY] : parts,
  )
  const tests = variants.map((parts) => compileWildcard(parts, cased))
  const [only, ...more] = tests
  const test = more.length === 0 ? only! : (text: string) => tests.some((each) => each(text))
  return cased
    ? onText((text) => test(text))
    : (value, view) => {
        const text = textOf(value)
        return text !== undefined && test(view.folded(text))
      }
}

/** Numbers and truth values also equal their text: logs write both ways. */
function scalar(value: unknown, keyword: boolean): ValueTest {
  if (typeof value !== 'boolean' && !(typeof value === 'number' && Number.isFinite(value))) {
    throw new SigmaError('value/type', '', `${describe(value)} is no value to look for`)
  }
  const wanted = String(value)
  if (keyword) return onText((text) => text.includes(wanted))
  if (typeof value === 'boolean') return onText((text) => text.toLowerCase() === wanted)
  return (given) => given === value || textOf(given) === wanted
}

function compare(value: unknown, how: keyof typeof COMPARE): ValueTest {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new SigmaError('value/type', '', `${how} takes a number, not ${describe(value)}`)
  }
  const test = COMPARE[how]
  return (given) => {
    if (typeof given === 'number') return test(given, value)
    return typeof given === 'string' && NUMBER.test(given) && test(Number(given), value)
  }
}

function onText(test: (text: string) => boolean): ValueTest {
  return (value) => {
    const text = textOf(value)
    return text !== undefined && test(text)
  }
}

function text(value: unknown, modifier: string): string {
  if (typeof value === 'string') return value
  throw new SigmaError('value/type', '', `${modifier} takes a string, not ${describe(value)}`)
}

/** For messages: what kind of thing a value is, without quoting it. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`
}
