import { ANY_BYTE, byteSet, foldCase, invert, unite, type ByteSet } from '../../bytes/byte-set.ts'
import { ConstructError } from '../error.ts'
import type { Node } from './ast.ts'

const DIGIT = byteSet([48, 57])
const WORD = byteSet([48, 57], [65, 90], 95, [97, 122])
// PCRE2 without UCP: JavaScript's \s would also take 0xA0, the second byte of "à".
const SPACE = byteSet([9, 13], 32)
const HORIZONTAL = byteSet(9, 32, 0xa0)
const VERTICAL = byteSet([10, 13], 0x85)
const CLASSES: Readonly<Record<string, ByteSet>> = {
  d: DIGIT,
  D: invert(DIGIT),
  w: WORD,
  W: invert(WORD),
  s: SPACE,
  S: invert(SPACE),
  h: HORIZONTAL,
  H: invert(HORIZONTAL),
  v: VERTICAL,
  V: invert(VERTICAL),
  N: invert(byteSet(10)),
}
const POSIX: Readonly<Record<string, ByteSet>> = {
  alnum: byteSet([48, 57], [65, 90], [97, 122]),
  alpha: byteSet([65, 90], [97, 122]),
  ascii: byteSet([0, 127]),
  blank: byteSet(9, 32),
  cntrl: byteSet([0, 31], 127),
  digit: DIGIT,
  graph: byteSet([33, 126]),
  lower: byteSet([97, 122]),
  print: byteSet([32, 126]),
  punct: byteSet([33, 47], [58, 64], [91, 96], [123, 126]),
  space: SPACE,
  upper: byteSet([65, 90]),
  word: WORD,
  xdigit: byteSet([48, 57], [65, 70], [97, 102]),
}
const ESCAPES: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 }
const MAX_REPEAT = 1000
const MAX_DEPTH = 60

type Flags = { readonly i: boolean; readonly s: boolean; readonly m: boolean }

/**
 * PCRE source (latin1) → tree. SecLang compiles with DOTALL; `$` is PCRE's default (the end, or before a final newline).
 * Throws `ConstructError` for whatever is not understood exactly: back references, possessive and atomic groups,
 * lookbehind, Unicode properties, recursion, comments, the x flag.
 */
export function parsePattern(source: string): Node {
  const parser = new Parser(source)
  return parser.whole()
}

class Parser {
  private at = 0
  private depth = 0
  private readonly source: string

  constructor(source: string) {
    this.source = source
  }

  whole(): Node {
    const node = this.choice({ i: false, s: true, m: false })
    if (this.at < this.source.length) throw this.unsupported("an unmatched ')'")
    return node
  }

  private unsupported(what: string): ConstructError {
    return new ConstructError(`regular expression uses ${what} at offset ${this.at}, which is not supported`)
  }

  private take(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  private choice(outer: Flags): Node {
    if (++this.depth > MAX_DEPTH) throw this.unsupported('groups nested too deeply')
    const options: Node[] = []
    // A flag set by `(?i)` lasts to the end of the group, across '|'.
    const held = { flags: outer }
    do options.push(this.sequence(held))
    while (this.take('|'))
    this.depth--
    return options.length === 1 ? options[0]! : { kind: 'choice', options }
  }

  private sequence(held: { flags: Flags }): Node {
    const items: Node[] = []
    while (this.at < this.source.length && this.source[this.at] !== '|' && this.source[this.at] !== ')') {
      const atom = this.atom(held)
      if (atom !== undefined) items.push(this.repeated(atom))
    }
    return items.length === 1 ? items[0]! : { kind: 'sequence', items }
  }

  private repeated(atom: Node): Node {
    const bounds = this.bounds()
    if (bounds === undefined) return atom
    if (atom.kind === 'assert' || atom.kind === 'ahead') throw this.unsupported('a repeated assertion')
    const lazy = this.take('?')
    if (!lazy && this.take('+')) throw this.unsupported('a possessive quantifier')
    if (/^[*+?]/.test(this.source.slice(this.at)) || this.peekBounds()) throw this.unsupported('a doubled quantifier')
    return { kind: 'repeat', body: atom, min: bounds[0], max: bounds[1], lazy }
  }

  private peekBounds(): boolean {
    return /^\{\d+(?:,\d*)?\}/.test(this.source.slice(this.at, this.at + 24))
  }

  private bounds(): readonly [number, number] | undefined {
    if (this.take('*')) return [0, Infinity]
    if (this.take('+')) return [1, Infinity]
    if (this.take('?')) return [0, 1]
    const braces = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.source.slice(this.at, this.at + 24))
    if (braces === null) return undefined
    const min = Number(braces[1])
    const max = braces[2] === undefined ? min : braces[3] === '' ? Infinity : Number(braces[3])
    if (min > max || min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT))
      throw this.unsupported('such a repeat count')
    this.at += braces[0].length
    return [min, max]
  }

  private atom(held: { flags: Flags }): Node | undefined {
    const flags = held.flags
    const sign = this.source[this.at]!
    if (sign === '(') return this.group(held)
    if (sign === '[') return { kind: 'set', set: this.bracket(flags) }
    if (sign === '\\') return this.escape(flags)
    if (/[*+?]/.test(sign)) throw this.unsupported('a quantifier with nothing before it')
    this.at++
    if (sign === '.') return { kind: 'set', set: flags.s ? ANY_BYTE : invert(byteSet(10)) }
    if (sign === '^') return { kind: 'assert', what: flags.m ? 'line-start' : 'start' }
    if (sign === '$') return { kind: 'assert', what: flags.m ? 'line-end' : 'end' }
    return this.literal(sign.charCodeAt(0), flags)
  }

  private literal(code: number, flags: Flags): Node {
    if (code > 255) throw this.unsupported('a character that is not a byte')
    return { kind: 'set', set: flags.i ? foldCase(byteSet(code)) : byteSet(code) }
  }

  private group(held: { flags: Flags }): Node | undefined {
    this.at++
    const flags = held.flags
    if (this.source[this.at] === '*') throw this.unsupported('a backtracking verb')
    if (!this.take('?')) return { kind: 'capture', body: this.closed(flags) }
    if (this.take(':')) return this.closed(flags)
    if (this.take('=')) return { kind: 'ahead', body: this.closed(flags), negative: false }
    if (this.take('!')) return { kind: 'ahead', body: this.closed(flags), negative: true }
    if (/^<[=!]/.test(this.source.slice(this.at))) throw this.unsupported('a lookbehind')
    if (this.take('>')) throw this.unsupported('an atomic group')
    const name = /^P?<[A-Za-z_]\w*>/.exec(this.source.slice(this.at))
    if (name !== null) {
      this.at += name[0].length
      return { kind: 'capture', body: this.closed(flags) }
    }
    const letters = /^([ism]*)(?:-([ism]+))?([:)])/.exec(this.source.slice(this.at))
    if (letters === null) throw this.unsupported(`the group (?${this.source[this.at] ?? ''}`)
    this.at += letters[0].length
    const next: Record<'i' | 's' | 'm', boolean> = { ...flags }
    for (const letter of letters[1] ?? '') next[letter as 'i' | 's' | 'm'] = true
    for (const letter of letters[2] ?? '') next[letter as 'i' | 's' | 'm'] = false
    if (letters[3] === ':') return this.closed(next)
    held.flags = next
    return undefined
  }

  private closed(flags: Flags): Node {
    const node = this.choice(flags)
    if (!this.take(')')) throw this.unsupported('a group without its end')
    return node
  }

  private escape(flags: Flags): Node {
    this.at++
    const sign = this.source[this.at]
    if (sign === undefined) throw this.unsupported('a lone backslash')
    if (sign === 'b' || sign === 'B') {
      this.at++
      return { kind: 'assert', what: sign === 'b' ? 'word-edge' : 'no-word-edge' }
    }
    if (sign === 'A' || sign === 'Z' || sign === 'z') {
      this.at++
      return { kind: 'assert', what: sign === 'A' ? 'start' : sign === 'Z' ? 'end' : 'very-end' }
    }
    const set = CLASSES[sign]
    if (set !== undefined) {
      this.at++
      return { kind: 'set', set }
    }
    if (/[1-9]/.test(sign)) throw this.unsupported('a back reference')
    return this.literal(this.escapedByte(), flags)
  }

  /** After the backslash: one byte, outside and inside classes. */
  private escapedByte(): number {
    const sign = this.source[this.at]!
    this.at++
    if (sign === 'x') {
      const hex = /^(?:\{([0-9A-Fa-f]{1,2})\}|([0-9A-Fa-f]{1,2}))/.exec(this.source.slice(this.at, this.at + 6))
      if (hex === null) throw this.unsupported('\\x without one byte in hexadecimal')
      this.at += hex[0].length
      return Number.parseInt(hex[1] ?? hex[2]!, 16)
    }
    if (sign === '0') {
      const octal = /^[0-7]{0,2}/.exec(this.source.slice(this.at, this.at + 2))![0]
      this.at += octal.length
      return Number.parseInt(`0${octal}`, 8)
    }
    const known = ESCAPES[sign]
    if (known !== undefined) return known
    if (/[A-Za-z0-9]/.test(sign)) throw this.unsupported(`\\${sign}`)
    return sign.charCodeAt(0)
  }

  private bracket(flags: Flags): ByteSet {
    this.at++
    const negated = this.take('^')
    const parts: ByteSet[] = []
    let first = true
    while (this.source[this.at] !== ']' || first) {
      if (this.at >= this.source.length) throw this.unsupported('a class without its end')
      first = false
      const low = this.member()
      if (typeof low !== 'number') {
        parts.push(low)
        continue
      }
      if (this.source[this.at] === '-' && this.source[this.at + 1] !== ']' && this.at + 1 < this.source.length) {
        this.at++
        const high = this.member()
        if (typeof high !== 'number' || high < low) throw this.unsupported('a range without two ends in order')
        parts.push(byteSet([low, high]))
      } else parts.push(byteSet(low))
    }
    this.at++
    const set = flags.i ? foldCase(unite(parts)) : unite(parts)
    return negated ? invert(set) : set
  }

  private member(): number | ByteSet {
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.source.slice(this.at, this.at + 16))
    if (posix !== null) {
      const set = POSIX[posix[2]!]
      if (set === undefined) throw this.unsupported(`the class [:${posix[2]}:]`)
      this.at += posix[0].length
      return posix[1] === '^' ? invert(set) : set
    }
    if (/^\[[.=]/.test(this.source.slice(this.at))) throw this.unsupported('a collating element')
    const sign = this.source[this.at]!
    if (sign !== '\\') {
      this.at++
      if (sign.charCodeAt(0) > 255) throw this.unsupported('a character that is not a byte')
      return sign.charCodeAt(0)
    }
    this.at++
    const next = this.source[this.at]
    if (next === undefined) throw this.unsupported('a lone backslash')
    const set = CLASSES[next]
    if (set !== undefined && next !== 'N') {
      this.at++
      return set
    }
    if (next === 'b') {
      this.at++
      return 8
    }
    if (/[1-7]/.test(next)) {
      const octal = /^[0-7]{1,3}/.exec(this.source.slice(this.at, this.at + 3))![0]
      this.at += octal.length
      return Number.parseInt(octal, 8) & 255
    }
    return this.escapedByte()
  }
}
