import { compilePhrases, type Phrases } from '../../bytes/phrases.ts'
import type { Rule } from '../plan.ts'
import type { Node } from '../regex/ast.ts'
import { literalsOf, SHELL_JUNK, squeezedLiteralsOf, type Literals } from '../regex/literals.ts'
import { mayHold, needsOf, needsOfBytes, signsOf, type Needs } from '../regex/needs.ts'

/** Bits in words of 32. A plain array: a hundred are made a request, and a typed one takes V8 twice the room and more than that in time. */
export type Marks = readonly number[]

/** Tells, in one pass over a text, which of many rules may match it; never leaves out one that does. */
export class Screen {
  /** By rule index its bit, or -1 for a rule that must always be run. */
  readonly bitOf: Int32Array
  /** 32-bit words of a set of bits. */
  readonly words: number
  /** No bit set, to be copied. */
  readonly none: Marks
  private readonly plain: Marker
  private readonly squeezed: Marker
  /** Rules told by bytes alone: bit and bytes. Without bytes a rule may match any text, until it did not. */
  private readonly signed: { readonly bit: number; readonly needs: Needs }[] = []

  /** `rules`: those to be screened; `count`: of all rules, by whose index bits are found. */
  constructor(rules: readonly Rule[], count: number) {
    this.bitOf = new Int32Array(count).fill(-1)
    const plain: Wanted[] = []
    const squeezed: Wanted[] = []
    let bits = 0
    for (const rule of rules) {
      // With a parameter from the request, or an answer from outside, nothing can be said of a text by itself.
      if (typeof rule.test.run !== 'function' || ASKS_OUTSIDE.has(rule.test.name)) continue
      const { literals, needs } = cluesOf(rule)
      const bit = bits++
      this.bitOf[rule.index] = bit
      if (literals === undefined) this.signed.push({ bit, needs })
      for (const word of literals?.words ?? []) {
        plain.push({ word, bit })
        if (literals?.squeeze !== undefined) squeezed.push({ word, bit })
      }
    }
    this.words = (bits + 31) >>> 5
    this.none = Array<number>(this.words).fill(0)
    this.plain = new Marker(plain, this.words)
    this.squeezed = new Marker(squeezed, this.words)
  }

  look(text: string): number[] {
    const marks = this.none.slice()
    this.plain.mark(text, marks)
    // Without junk the plain pass has seen the squeezed words too.
    if (JUNK.test(text)) this.squeezed.mark(text.replace(ALL_JUNK, ''), marks)
    const { low, high, rest } = signsOf(text)
    for (const { bit, needs } of this.signed) if (mayHold(low, high, rest, needs)) marks[bit >>> 5]! |= 1 << (bit & 31)
    return marks
  }
}

const JUNK_CLASS = `[${[...SHELL_JUNK.keys()]
  .filter((byte) => SHELL_JUNK[byte] === 1)
  .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
  .join('')}]`
const JUNK = new RegExp(JUNK_CLASS)
const ALL_JUNK = new RegExp(`${JUNK_CLASS}+`, 'g')

const ASKS_OUTSIDE: ReadonlySet<string> = new Set(['rbl', 'geolookup'])

type Clues = { readonly literals: Literals | undefined; readonly needs: Needs }
const NO_CLUES: Clues = { literals: undefined, needs: [] }
const cluesOfTree = new WeakMap<Node, Clues>()

/** What every text that the rule matches holds; nothing when the rule is true of what it does not find. */
export function cluesOf({ test: { negated, run } }: Rule): Clues {
  if (negated || typeof run !== 'function') return NO_CLUES
  if (run.words !== undefined) return { literals: { words: run.words.map((word) => word.toLowerCase()) }, needs: [] }
  if (run.bytes !== undefined) return { literals: undefined, needs: needsOfBytes(run.bytes) }
  const tree = run.pattern?.tree
  if (tree === undefined) return NO_CLUES
  let clues = cluesOfTree.get(tree)
  if (clues === undefined) {
    const literals = literalsOf(tree) ?? squeezedLiteralsOf(tree)
    cluesOfTree.set(tree, (clues = { literals, needs: literals === undefined ? needsOf(tree) : [] }))
  }
  return clues
}

type Wanted = { readonly word: string; readonly bit: number }

class Marker {
  private readonly phrases: Phrases | undefined
  /** By row of the automaton that ends words: their bits. */
  private readonly rows: Int32Array
  private readonly words: number
  private readonly seen: Int32Array
  private stamp = 0

  constructor(wanted: readonly Wanted[], words: number) {
    const bits = new Map<string, number[]>()
    for (const { word, bit } of wanted) {
      const own = bits.get(word)
      if (own === undefined) bits.set(word, [bit])
      else own.push(bit)
    }
    const unique = [...bits.keys()]
    this.words = words
    this.phrases = unique.length === 0 ? undefined : compilePhrases(unique, { caseless: true })
    const count = this.phrases?.rows ?? 0
    this.rows = new Int32Array(count * words)
    this.seen = new Int32Array(count)
    for (let row = 0; row < count; row++)
      for (const index of this.phrases!.wordsAt(row))
        for (const bit of bits.get(unique[index]!)!) this.rows[row * words + (bit >>> 5)]! |= 1 << (bit & 31)
  }

  mark(text: string, marks: number[]): void {
    if (this.phrases === undefined) return
    const { rows, words, seen } = this
    if (++this.stamp > 0x7ffffff0) {
      seen.fill(0)
      this.stamp = 1
    }
    const { stamp } = this
    this.phrases.ends(text, (row) => {
      if (seen[row] === stamp) return
      seen[row] = stamp
      for (let i = 0, from = row * words; i < words; i++) marks[i]! |= rows[from + i]!
    })
  }
}
