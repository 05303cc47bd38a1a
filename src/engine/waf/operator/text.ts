import { ConstructError } from '../error.ts'
import { compilePattern } from '../regex/index.ts'
import type { OperatorFactory } from './index.ts'

const HIT = { groups: [] as readonly string[] }

/** Runs longer than this are searched in overlapping windows when the pattern is quadratic, so that no value can hold the loop. */
const WINDOW = 4096
const OVERLAP = 1024

/** Regular expression, unanchored. `SecRule ARGS "@rx (?i)union\s+select"`. Groups are the match and its captures. */
export const rx: OperatorFactory = (param) => {
  const { regexp, growth } = compilePattern(param)
  const find = (text: string): readonly string[] | undefined => {
    const found = regexp.exec(text)
    return found === null ? undefined : found.map((group) => group ?? '')
  }
  if (growth === 'linear')
    return (value) => {
      const groups = find(value)
      return groups === undefined ? undefined : { groups }
    }
  return (value) => {
    for (let at = 0; ; at += WINDOW - OVERLAP) {
      const groups = find(at === 0 && value.length <= WINDOW ? value : value.slice(at, at + WINDOW))
      if (groups !== undefined) return { groups }
      if (at + WINDOW >= value.length) return undefined
    }
  }
}

const escaped = (text: string): string =>
  text.replace(/[^A-Za-z0-9]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`)

/** Any of the phrases, parted by spaces, ASCII case ignored; `|41 42|` spells bytes. */
export const pm: OperatorFactory = (param) => {
  const spelled = param.replace(/\|([0-9A-Fa-f ]+)\|/g, (_, digits: string) =>
    digits
      .trim()
      .split(/\s+/)
      .map((digit) => String.fromCharCode(Number.parseInt(digit, 16)))
      .join(''),
  )
  const phrases = spelled.split(' ').filter((phrase) => phrase !== '')
  if (phrases.length === 0) throw new ConstructError('operator @pm has no phrases')
  const { regexp } = compilePattern(`(?i)${phrases.map(escaped).join('|')}`)
  return (value) => {
    const found = regexp.exec(value)
    return found === null ? undefined : { groups: [found[0]] }
  }
}

const literal =
  (test: (value: string, param: string) => boolean): OperatorFactory =>
  (param) =>
  (value) =>
    test(value, param) ? { groups: [param] } : undefined

export const contains = literal((value, param) => value.includes(param))
export const beginsWith = literal((value, param) => value.startsWith(param))
export const endsWith = literal((value, param) => value.endsWith(param))
export const streq = literal((value, param) => value === param)

const isLetter = (sign: string | undefined): boolean => sign !== undefined && /[A-Za-z]/.test(sign)

/** The text with no ASCII letter beside it (a digit is a boundary, as in ModSecurity). */
export const containsWord = literal((value, param) => {
  if (param === '') return true
  for (let at = value.indexOf(param); at >= 0; at = value.indexOf(param, at + 1)) {
    if (!isLetter(value[at - 1]) && !isLetter(value[at + param.length])) return true
  }
  return false
})

/** The value stands somewhere inside the parameter: `SecRule REQUEST_METHOD "!@within GET HEAD POST"`. */
export const within: OperatorFactory = (param) => (value) => (param.includes(value) ? { groups: [value] } : undefined)

export const unconditionalMatch: OperatorFactory = () => () => HIT
export const noMatch: OperatorFactory = () => () => undefined
