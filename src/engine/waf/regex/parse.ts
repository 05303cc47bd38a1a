import { ANY_BYTE, byteSet, foldCase } from '../../bytes/byte-set.ts'
import { widthOf, type Edge, type Node } from './ast.ts'
import { parseBracket } from './bracket.ts'
import { CLASSES, NO_NEWLINE } from './classes.ts'
import { asByte, Cursor, escapedByte } from './cursor.ts'

const MAX_REPEAT = 65_535
const MAX_DEPTH = 250
const EDGES: Readonly<Record<string, Edge>> = {
  b: 'word-edge',
  B: 'no-word-edge',
  A: 'start',
  Z: 'end',
  z: 'very-end',
}
type Letter = 'i' | 's' | 'm' | 'x' | 'n' | 'U'
type Flags = { readonly [letter in Letter]: boolean }
/** Flags set inside a group hold to its end, through its later alternatives too. */
type Scope = { flags: Flags }

/**
 * ModSecurity v3 compiles with PCRE2_DOTALL and PCRE2_MULTILINE (src/utils/regex.cc; seen at work in 3.0.9): `.` takes a
 * newline, `^` and `$` stand at the edges of lines.
 */
const SECLANG: Flags = { i: false, s: true, m: true, x: false, n: false, U: false }

/** A tree, the number of its groups, and their names where they have one. */
export type Parsed = { readonly tree: Node; readonly groups: number; readonly names: ReadonlyMap<string, number> }

/** `parseRegex` for those who want the tree only. */
export const parsePattern = (source: string): Node => parseRegex(source).tree

/**
 * PCRE2 source (latin1) → tree, as pcre2pattern(3) of 10.42 describes it. Throws `ConstructError` with the position for
 * whatever is not understood exactly: conditions, recursion, verbs, `\K`, `\G`, `\X`, Unicode properties, branch resets.
 */
export function parseRegex(source: string): Parsed {
  const parser = new Parser(source)
  return parser.whole()
}

class Parser {
  private readonly cursor: Cursor
  private readonly names = new Map<string, number>()
  private readonly references: { readonly at: number; readonly group: () => number | undefined }[] = []
  private readonly open = new Set<number>()
  private groups = 0
  private depth = 0

  constructor(source: string) {
    this.cursor = new Cursor(source)
  }

  whole(): Parsed {
    const tree = this.choice({ flags: SECLANG })
    if (!this.cursor.done) throw this.cursor.fail('a lone )')
    for (const { at, group } of this.references) {
      const number = group()
      this.cursor.at = at
      if (number === undefined || number > this.groups || number === 0)
        throw this.cursor.fail('a back reference to no group')
    }
    return { tree, groups: this.groups, names: this.names }
  }

  private choice(scope: Scope): Node {
    if (++this.depth > MAX_DEPTH) throw this.cursor.fail('such deep nesting')
    const options = [this.sequence(scope)]
    while (this.cursor.take('|')) options.push(this.sequence(scope))
    this.depth--
    return options.length === 1 ? options[0]! : { kind: 'choice', options }
  }

  private sequence(scope: Scope): Node {
    const items: Node[] = []
    for (;;) {
      this.skip(scope.flags)
      const { sign } = this.cursor
      if (sign === undefined || sign === '|' || sign === ')') break
      if (this.cursor.take('\\Q')) {
        this.quoted(scope.flags, items)
        continue
      }
      const atom = this.atom(scope)
      if (atom !== undefined) items.push(this.repeated(atom, scope.flags))
    }
    return items.length === 1 ? items[0]! : { kind: 'sequence', items }
  }

  /** Comments, `\E` without `\Q`, and what the x flag lets stand between the parts. */
  private skip(flags: Flags): void {
    while (
      this.cursor.take('\\E') ||
      this.cursor.match(/\(\?#[^)]*\)/y) !== undefined ||
      (flags.x && this.cursor.match(/[\t-\r ]+|#[^\n]*/y) !== undefined)
    );
  }

  private quoted(flags: Flags, items: Node[]): void {
    const { cursor } = this
    while (!cursor.done && !cursor.take('\\E')) {
      const byte = this.byte(cursor.source.charCodeAt(cursor.at++), flags)
      // A quantifier behind \E is one of the last byte.
      if (cursor.take('\\E')) {
        items.push(this.repeated(byte, flags))
        return
      }
      items.push(byte)
    }
  }

  private repeated(atom: Node, flags: Flags): Node {
    let node = atom
    for (;;) {
      this.skip(flags)
      const bounds = this.bounds()
      if (bounds === undefined) return node
      if (atom.kind === 'assert' || atom.kind === 'look') throw this.cursor.fail('a repeated assertion')
      if (node !== atom) throw this.cursor.fail('a doubled quantifier')
      const possessive = this.cursor.take('+')
      const lazy = !possessive && this.cursor.take('?') !== flags.U
      node = { kind: 'repeat', body: atom, min: bounds[0], max: bounds[1], lazy: lazy && !possessive }
      if (possessive) node = { kind: 'atomic', body: node }
    }
  }

  private bounds(): readonly [number, number] | undefined {
    if (this.cursor.take('*')) return [0, Infinity]
    if (this.cursor.take('+')) return [1, Infinity]
    if (this.cursor.take('?')) return [0, 1]
    const braces = this.cursor.match(/\{(\d+)(?:(,)(\d*))?\}/y)
    if (braces === undefined) return undefined
    const min = Number(braces[1])
    const max = braces[2] === undefined ? min : braces[3] === '' ? Infinity : Number(braces[3])
    if (min > max || min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT))
      throw this.cursor.fail('such a repeat count')
    return [min, max]
  }

  private atom(scope: Scope): Node | undefined {
    const { flags } = scope
    const sign = this.cursor.sign!
    if (sign === '(') return this.group(scope)
    if (sign === '[') return { kind: 'set', set: parseBracket(this.cursor, flags.i) }
    this.cursor.at++
    if (sign === '\\') return this.escape(flags)
    if (/[*+?]/.test(sign)) throw this.cursor.fail('a quantifier with nothing before it')
    if (sign === '.') return { kind: 'set', set: flags.s ? ANY_BYTE : NO_NEWLINE }
    if (sign === '^') return { kind: 'assert', what: flags.m ? 'line-start' : 'start' }
    if (sign === '$') return { kind: 'assert', what: flags.m ? 'line-end' : 'end' }
    return this.byte(sign.charCodeAt(0), flags)
  }

  private byte(code: number, flags: Flags): Node {
    const set = byteSet(asByte(this.cursor, code))
    return { kind: 'set', set: flags.i ? foldCase(set) : set }
  }

  private group(scope: Scope): Node | undefined {
    const { cursor } = this
    cursor.at++
    const { flags } = scope
    if (cursor.sign === '*') throw cursor.fail('a backtracking verb')
    if (!cursor.take('?')) return flags.n ? this.closed(flags) : this.capture(flags)
    if (cursor.take(':')) return this.grouped(flags)
    if (cursor.take('>')) return { kind: 'atomic', body: this.closed(flags) }
    const look = cursor.match(/(<?)([=!])/y)
    if (look !== undefined) return this.look(look[1] === '<', look[2] === '!', flags)
    const name = cursor.match(/P?<([A-Za-z_]\w{0,31})>|'([A-Za-z_]\w{0,31})'/y)
    if (name !== undefined) return this.capture(flags, name[1] ?? name[2]!)
    const again = cursor.match(/P=([A-Za-z_]\w*)\)/y)
    if (again !== undefined) return this.back(() => this.names.get(again[1]!), flags)
    return this.options(scope)
  }

  private options(scope: Scope): Node | undefined {
    const letters = this.cursor.match(/(\^?)([imsxnU]*)(?:-([imsxnU]*))?([:)])/y)
    if (letters === undefined) throw this.cursor.fail(`the group (?${this.cursor.sign ?? ''}`)
    const next: Record<Letter, boolean> = { ...scope.flags }
    if (letters[1] === '^') for (const letter of 'imsxn') next[letter as Letter] = false
    for (const letter of letters[2]!) next[letter as Letter] = true
    for (const letter of letters[3] ?? '') next[letter as Letter] = false
    if (letters[4] === ':') return this.grouped(next)
    scope.flags = next
    return undefined
  }

  private capture(flags: Flags, name?: string): Node {
    const group = ++this.groups
    if (name !== undefined) {
      if (this.names.has(name)) throw this.cursor.fail(`a second group named ${name}`)
      this.names.set(name, group)
    }
    this.open.add(group)
    const body = this.closed(flags)
    this.open.delete(group)
    return { kind: 'capture', body, group }
  }

  /** A group may be repeated, even when there is only an assertion in it. */
  private grouped(flags: Flags): Node {
    const node = this.closed(flags)
    return node.kind === 'assert' || node.kind === 'look' ? { kind: 'sequence', items: [node] } : node
  }

  private closed(flags: Flags): Node {
    const node = this.choice({ flags })
    if (!this.cursor.take(')')) throw this.cursor.fail('a group without its end')
    return node
  }

  /** Each alternative of a lookbehind has its own fixed width: they become lookbehinds of their own. */
  private look(behind: boolean, negative: boolean, flags: Flags): Node {
    const body = this.closed(flags)
    if (!behind) return { kind: 'look', body, behind, negative }
    const each = (body.kind === 'choice' ? body.options : [body]).map((option): Node => {
      if (widthOf(option) === undefined) throw this.cursor.fail('a lookbehind of no fixed width')
      return { kind: 'look', body: option, behind, negative }
    })
    if (each.length === 1) return each[0]!
    return negative ? { kind: 'sequence', items: each } : { kind: 'choice', options: each }
  }

  private escape(flags: Flags): Node {
    const { cursor } = this
    const sign = cursor.sign ?? ''
    const set = sign === 'N' && cursor.source[cursor.at + 1] !== '{' ? NO_NEWLINE : CLASSES[sign]
    const edge = EDGES[sign]
    if (set !== undefined || edge !== undefined || /[CR]/.test(sign)) {
      cursor.at++
      if (edge !== undefined) return { kind: 'assert', what: edge }
      return sign === 'R' ? NEWLINE_SEQUENCE : { kind: 'set', set: set ?? ANY_BYTE }
    }
    return this.reference(flags) ?? this.byte(escapedByte(cursor), flags)
  }

  private reference(flags: Flags): Node | undefined {
    const { cursor } = this
    const named = cursor.match(/k(?:<(\w+)>|\{(\w+)\}|'(\w+)')|g\{([A-Za-z_]\w*)\}/y)
    if (named !== undefined)
      return this.back(() => this.names.get(named[1] ?? named[2] ?? named[3] ?? named[4]!), flags)
    const counted = cursor.match(/g(?:([+-]?\d+)|\{([+-]?\d+)\})/y)
    if (counted !== undefined) {
      const text = counted[1] ?? counted[2]!
      const number = Number(text)
      const group = text.startsWith('-')
        ? this.groups + 1 + number
        : text.startsWith('+')
          ? this.groups + number
          : number
      return this.back(() => (group > 0 ? group : undefined), flags)
    }
    const digits = /[1-9]\d*/y
    digits.lastIndex = cursor.at
    const found = digits.exec(cursor.source)
    if (found === null) return undefined
    const number = Number(found[0])
    if (number < 10 || /^[89]/.test(found[0]) || number <= this.groups) {
      cursor.at += found[0].length
      return this.back(() => number, flags)
    }
    const octal = cursor.match(/[0-7]{1,3}/y)!
    return this.byte(Number.parseInt(octal[0], 8), flags)
  }

  /** The number of a group named later is known at the end, so it is looked up when it is read. */
  private back(group: () => number | undefined, flags: Flags): Node {
    this.references.push({ at: this.cursor.at, group })
    if (this.open.has(group() ?? 0)) throw this.cursor.fail('a back reference inside its own group')
    return {
      kind: 'back',
      get group() {
        return group() ?? 0
      },
      caseless: flags.i,
    }
  }
}

/** `\R`: atomic in PCRE, so a lone carriage return is one only when no newline follows. */
const NEWLINE_SEQUENCE: Node = {
  kind: 'choice',
  options: [
    {
      kind: 'sequence',
      items: [
        { kind: 'set', set: byteSet(13) },
        { kind: 'set', set: byteSet(10) },
      ],
    },
    {
      kind: 'sequence',
      items: [
        { kind: 'set', set: byteSet(13) },
        { kind: 'look', body: { kind: 'set', set: byteSet(10) }, behind: false, negative: true },
      ],
    },
    { kind: 'set', set: byteSet([10, 12], 0x85) },
  ],
}
