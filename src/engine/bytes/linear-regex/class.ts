import { RegexError } from './error.ts'

/** Whether a code point belongs. */
export type CharSet = (code: number) => boolean

export const range =
  (from: number, to: number): CharSet =>
  (code) =>
    code >= from && code <= to
export const any = (sets: readonly CharSet[]): CharSet =>
  sets.length === 1 ? sets[0]! : (code) => sets.some((set) => set(code))
export const not =
  (set: CharSet): CharSet =>
  (code) =>
    !set(code)

const digit = range(48, 57)
const upper = range(65, 90)
const lower = range(97, 122)
const letter = any([upper, lower])
const space: CharSet = (code) => code === 32 || (code >= 9 && code <= 13)
const horizontal: CharSet = (code) => code === 9 || code === 32 || code === 0xa0
export const word: CharSet = any([letter, digit, (code) => code === 95])

/** PCRE's classes as they are by default: ASCII only. */
const CLASSES: Readonly<Record<string, CharSet>> = {
  d: digit,
  D: not(digit),
  w: word,
  W: not(word),
  s: space,
  S: not(space),
  h: horizontal,
  H: not(horizontal),
  v: range(10, 13),
  V: not(range(10, 13)),
  N: (code) => code !== 10,
}
const POSIX: Readonly<Record<string, CharSet>> = {
  alpha: letter,
  digit,
  alnum: any([letter, digit]),
  upper,
  lower,
  space,
  blank: (code) => code === 32 || code === 9,
  punct: any([range(33, 47), range(58, 64), range(91, 96), range(123, 126)]),
  xdigit: any([digit, range(65, 70), range(97, 102)]),
  cntrl: any([range(0, 31), range(127, 127)]),
  print: range(32, 126),
  graph: range(33, 126),
  word,
  ascii: range(0, 127),
}

/** The class behind `\d` and its like, or undefined for other letters. */
export const escapeClass = (letter: string): CharSet | undefined =>
  Object.hasOwn(CLASSES, letter) ? CLASSES[letter] : undefined

/** The class behind `[:alpha:]` inside brackets. */
export function posixClass(name: string): CharSet {
  const set = Object.hasOwn(POSIX, name) ? POSIX[name] : undefined
  if (set === undefined) throw new RegexError('unsupported', `[:${name}:] is not a character class`)
  return set
}

/** `\p{Lu}`: asked of the platform one character at a time, which takes constant time. */
export function propertyClass(name: string): CharSet {
  const fault = new RegexError('unsupported', `\\p{${name}} is not a Unicode property`)
  if (!/^[A-Za-z_]{1,40}(?:=[A-Za-z_]{1,40})?$/.test(name)) throw fault
  let one: RegExp
  try {
    one = new RegExp(`^\\p{${name}}$`, 'u')
  } catch {
    throw fault
  }
  return (code) => one.test(String.fromCodePoint(code))
}

/** Both cases of every member. */
export function withoutCase(set: CharSet): CharSet {
  return (code) => {
    if (set(code)) return true
    const char = String.fromCodePoint(code)
    return [char.toLowerCase(), char.toUpperCase()].some((other) => {
      const [first = '', ...more] = other
      return more.length === 0 && first !== char && set(first.codePointAt(0)!)
    })
  }
}
