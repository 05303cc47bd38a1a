import { ConstructError } from '../error.ts'
import { ESCAPES } from './classes.ts'

/** A place in the source of a pattern. */
export class Cursor {
  at = 0
  readonly source: string

  constructor(source: string) {
    this.source = source
  }

  get sign(): string | undefined {
    return this.source[this.at]
  }

  get done(): boolean {
    return this.at >= this.source.length
  }

  take(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  /** Takes what a sticky expression finds here. */
  match(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.at
    const found = sticky.exec(this.source)
    if (found === null) return undefined
    this.at += found[0].length
    return found
  }

  fail(what: string): ConstructError {
    return new ConstructError(`regular expression: ${what} is not supported (at ${this.at + 1})`)
  }
}

/** One byte behind a backslash, in and outside of classes; the cursor is past the backslash (pcre2pattern(3), "Backslash"). */
export function escapedByte(cursor: Cursor): number {
  const sign = cursor.sign
  if (sign === undefined) throw cursor.fail('a lone backslash')
  if (sign === 'x') {
    const hex = cursor.match(/x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{0,2}))/y)!
    if (hex[1] === undefined && hex[2] === '' && cursor.sign === '{') throw cursor.fail('such an \\x{')
    return asByte(cursor, Number.parseInt(hex[1] ?? `0${hex[2]}`, 16))
  }
  const octal = cursor.match(/o\{([0-7]+)\}|(0[0-7]{0,2})/y)
  if (octal !== undefined) return asByte(cursor, Number.parseInt(octal[1] ?? octal[2]!, 8))
  const control = cursor.match(/c([\x20-\x7e])/y)
  if (control !== undefined) return control[1]!.toUpperCase().charCodeAt(0) ^ 64
  const known = ESCAPES[sign]
  if (known === undefined && /[A-Za-z0-9]/.test(sign)) throw cursor.fail(`\\${sign}`)
  cursor.at++
  return known ?? asByte(cursor, sign.charCodeAt(0))
}

export function asByte(cursor: Cursor, code: number): number {
  if (code > 255) throw cursor.fail('a character that is not a byte')
  return code
}
