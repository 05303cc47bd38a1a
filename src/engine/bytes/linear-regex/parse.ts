import { RegexError } from './error.ts'
import { any, type CharSet, escapeClass, not, posixClass, propertyClass, range, withoutCase } from './class.ts'

export type Edge = 'start' | 'end' | 'line-start' | 'line-end' | 'last-line-end' | 'word' | 'not-word'
export type Regex =
  | { readonly kind: 'char'; readonly set: CharSet }
  | { readonly kind: 'edge'; readonly edge: Edge }
  | { readonly kind: 'all' | 'one-of'; readonly parts: readonly Regex[] }
  | { readonly kind: 'repeat'; readonly of: Regex; readonly least: number; readonly most: number }

const REGEX_LIMIT = 10_000
const DEPTH_LIMIT = 100
const REPEAT_LIMIT = 1000

/** Without case, dot matches line ends, `^` and `$` at every line. */
export type RegexFlags = { readonly i: boolean; readonly s: boolean; readonly m: boolean }
type Flags = { i: boolean; s: boolean; m: boolean }

/**
 * The part of PCRE that a linear-time matcher can answer: characters, classes, groups, alternation, quantifiers, edges,
 * `(?ims)`. Look-around, back-references, atomic
 * groups, possessive quantifiers, recursion and conditions are refused with RegexError: they change what
 * matches or need backtracking.
 */
export function parseRegex(text: string, flags: RegexFlags): Regex {
  const parser = new RegexParser(text, flags)
  return parser.whole()
}

const isEmpty = (regex: Regex): boolean =>
  regex.kind === 'all' ? regex.parts.length === 0 : regex.kind === 'repeat' && (regex.most === 0 || isEmpty(regex.of))

class RegexParser {
  readonly #chars: readonly string[]
  #at = 0
  #depth = 0
  #flags: Flags

  constructor(text: string, flags: RegexFlags) {
    this.#flags = flags
    if (text.length > REGEX_LIMIT) throw new RegexError('unsupported', 'the regular expression is too long')
    this.#chars = [...text]
  }

  whole(): Regex {
    const regex = this.#alternatives()
    if (this.#at < this.#chars.length) throw this.#wrong('unmatched )')
    return regex
  }

  #alternatives(): Regex {
    if (++this.#depth > DEPTH_LIMIT) throw this.#wrong('nested too deeply')
    // Flags set inside a group end with it.
    const outer = this.#flags
    const parts = [this.#sequence()]
    while (this.#take('|')) parts.push(this.#sequence())
    this.#flags = outer
    this.#depth--
    return parts.length === 1 ? parts[0]! : { kind: 'one-of', parts }
  }

  #sequence(): Regex {
    const parts: Regex[] = []
    for (;;) {
      const char = this.#chars[this.#at]
      if (char === undefined || char === '|' || char === ')') return { kind: 'all', parts }
      const atom = this.#atom()
      const regex = atom === undefined ? undefined : this.#quantified(atom)
      // What emits nothing must not be repeated a thousand times a thousand times.
      if (regex !== undefined && !isEmpty(regex)) parts.push(regex)
    }
  }

  #atom(): Regex | undefined {
    const char = this.#chars[this.#at++]!
    switch (char) {
      case '.':
        return { kind: 'char', set: this.#flags.s ? () => true : (code) => code !== 10 }
      case '^':
        return { kind: 'edge', edge: this.#flags.m ? 'line-start' : 'start' }
      case '$':
        return { kind: 'edge', edge: this.#flags.m ? 'line-end' : 'last-line-end' }
      case '(':
        return this.#group()
      case '[':
        return this.#char(this.#class())
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
        throw this.#wrong('nothing to repeat')
      default:
        return this.#char(range(char.codePointAt(0)!, char.codePointAt(0)!))
    }
  }

  #char(set: CharSet): Regex {
    return { kind: 'char', set: this.#flags.i ? withoutCase(set) : set }
  }

  #group(): Regex | undefined {
    const outer = this.#flags
    if (this.#take('?')) {
      if (this.#takeAll('P<') || (this.#peek() === '<' && /[A-Za-z_]/.test(this.#chars[this.#at + 1] ?? ''))) {
        while (this.#at < this.#chars.length && this.#peek() !== '>') this.#at++
        this.#expect('>')
      } else if (!this.#take(':')) {
        const ends = this.#readFlags()
        // `(?i)` goes on to the end of the group around it.
        if (ends) return undefined
      }
    } else if (this.#peek() === '*') throw this.#wrong('verbs are not supported')
    const inner = this.#alternatives()
    this.#expect(')')
    this.#flags = outer
    return inner
  }

  /** True for `(?i)`, false for `(?i:`. */
  #readFlags(): boolean {
    const flags = { ...this.#flags }
    let to = true
    for (;;) {
      const char = this.#chars[this.#at++]
      if (char === '-') to = false
      else if (char === 'i' || char === 's' || char === 'm') flags[char] = to
      else if (char === ')' || char === ':') {
        this.#flags = flags
        return char === ')'
      } else throw this.#wrong('look-around, atomic groups and conditions are not supported')
    }
  }

  #quantified(atom: Regex): Regex {
    let regex = atom
    const bounds = this.#bounds()
    if (bounds === undefined) return regex
    const [least, most] = bounds
    if (least > most || (most !== Infinity && most > REPEAT_LIMIT) || least > REPEAT_LIMIT) {
      throw this.#wrong('a repetition out of bounds')
    }
    // Laziness changes what is captured, never whether it matches.
    this.#take('?')
    if (this.#peek() === '+') throw this.#wrong('possessive quantifiers are not supported')
    regex = { kind: 'repeat', of: atom, least, most }
    if (this.#bounds() !== undefined) throw this.#wrong('nothing to repeat')
    return regex
  }

  #bounds(): [number, number] | undefined {
    if (this.#take('*')) return [0, Infinity]
    if (this.#take('+')) return [1, Infinity]
    if (this.#take('?')) return [0, 1]
    if (this.#peek() !== '{') return undefined
    const match = /^\{([0-9]{1,6})(,([0-9]{1,6})?)?\}/.exec(this.#chars.slice(this.#at, this.#at + 16).join(''))
    // `{` that opens no quantifier is itself.
    if (match === null) return undefined
    this.#at += match[0].length
    const least = Number(match[1])
    return [least, match[2] === undefined ? least : match[3] === undefined ? Infinity : Number(match[3])]
  }

  #escape(): Regex {
    const char = this.#peek()
    const edges: Readonly<Record<string, Edge>> = { b: 'word', B: 'not-word', A: 'start', z: 'end', Z: 'last-line-end' }
    if (char !== undefined && Object.hasOwn(edges, char)) {
      this.#at++
      return { kind: 'edge', edge: edges[char]! }
    }
    return this.#char(this.#escaped(false))
  }

  /** After a backslash, in or out of brackets. */
  #escaped(inClass: boolean): CharSet {
    const char = this.#chars[this.#at++]
    if (char === undefined) throw this.#wrong('a backslash at the end')
    const named = escapeClass(char)
    if (named !== undefined) return named
    if (char === 'p' || char === 'P') {
      const property = this.#take('{') ? this.#until('}') : (this.#chars[this.#at++] ?? '')
      const inverted = property.startsWith('^')
      const set = propertyClass(inverted ? property.slice(1) : property)
      return (char === 'P') !== inverted ? not(set) : set
    }
    const code = this.#escapedCode(char, inClass)
    return range(code, code)
  }

  #escapedCode(char: string, inClass: boolean): number {
    const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, a: 7, e: 27 }
    if (Object.hasOwn(controls, char)) return controls[char]!
    if (char === 'b' && inClass) return 8
    if (char === 'x')
      return this.#take('{') ? this.#hex(this.#until('}')) : this.#hex(this.#some(/[0-9A-Fa-f]/, 2) || '0')
    if (char === 'u') return this.#hex(this.#some(/[0-9A-Fa-f]/, 4))
    if (char === '0') return Number.parseInt(this.#some(/[0-7]/, 2) || '0', 8)
    if (/[A-Za-z0-9]/.test(char)) throw this.#wrong(`\\${char} is not supported`)
    return char.codePointAt(0)!
  }

  #hex(digits: string): number {
    const code = /^[0-9A-Fa-f]{1,6}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN
    if (!(code <= 0x10ffff)) throw this.#wrong('not a character code')
    return code
  }

  #class(): CharSet {
    const inverted = this.#take('^')
    const sets: CharSet[] = []
    for (let first = true; ; first = false) {
      const char = this.#peek()
      if (char === undefined) throw this.#wrong('unmatched [')
      if (char === ']' && !first) break
      sets.push(this.#classItem())
    }
    this.#at++
    return inverted ? not(any(sets)) : any(sets)
  }

  #classItem(): CharSet {
    if (this.#takeAll('[:')) {
      const inverted = this.#take('^')
      const name = this.#until(':')
      this.#expect(']')
      return inverted ? not(posixClass(name)) : posixClass(name)
    }
    const from = this.#classChar()
    if (typeof from !== 'number') return from
    if (this.#peek() !== '-' || [']', undefined].includes(this.#chars[this.#at + 1])) return range(from, from)
    this.#at++
    const to = this.#classChar()
    if (typeof to !== 'number' || to < from) throw this.#wrong('a range out of order')
    return range(from, to)
  }

  #classChar(): number | CharSet {
    const char = this.#chars[this.#at++]
    if (char === undefined) throw this.#wrong('unmatched [')
    if (char !== '\\') return char.codePointAt(0)!
    const letter = this.#peek() ?? ''
    if (escapeClass(letter) !== undefined || letter === 'p' || letter === 'P') return this.#escaped(true)
    this.#at++
    if (letter === '') throw this.#wrong('a backslash at the end')
    return this.#escapedCode(letter, true)
  }

  #some(wanted: RegExp, most: number): string {
    let out = ''
    while (out.length < most && wanted.test(this.#peek() ?? '')) out += this.#chars[this.#at++]!
    return out
  }

  #until(end: string): string {
    const at = this.#chars.indexOf(end, this.#at)
    if (at < 0) throw this.#wrong(`expected ${end}`)
    const text = this.#chars.slice(this.#at, at).join('')
    this.#at = at + 1
    return text
  }

  #peek(): string | undefined {
    return this.#chars[this.#at]
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false
    this.#at++
    return true
  }

  #takeAll(text: string): boolean {
    if ([...text].some((char, i) => this.#chars[this.#at + i] !== char)) return false
    this.#at += text.length
    return true
  }

  #expect(char: string): void {
    if (!this.#take(char)) throw this.#wrong(`expected ${char}`)
  }

  #wrong(what: string): RegexError {
    return new RegexError('unsupported', `regular expression, character ${this.#at + 1}: ${what}`)
  }
}
