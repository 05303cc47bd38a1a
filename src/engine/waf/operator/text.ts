import type { OperatorFactory } from './index.ts'
import { anyPhrase } from './lists.ts'

const HIT = { groups: [] as readonly string[] }

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
  return anyPhrase(phrases)
}

const literal =
  (test: (value: string, param: string) => boolean): OperatorFactory =>
  (param) =>
  (value) =>
    test(value, param) ? { groups: [], text: param } : undefined

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
export const within: OperatorFactory = (param) => (value) =>
  param.includes(value) ? { groups: [], text: value } : undefined

export const unconditionalMatch: OperatorFactory = () => () => HIT
export const noMatch: OperatorFactory = () => () => undefined
