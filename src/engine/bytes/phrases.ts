import { memory } from './memory.ts'

/** Many words looked for in one pass (Aho and Corasick, CACM 18, 1975), over latin1 strings. */
export type Phrases = {
  /** Index of the longest of the words that end first at or after `from`, or -1. */
  first(text: string, from?: number): number
  /** Calls `mark` with the index of every word at each place it ends, at or after `from`. */
  each(text: string, from: number, mark: (index: number) => void): void
  /** Whether any word occurs at all. */
  any(text: string): boolean
  /** Places of the automaton where words end, numbered from 0: how many, which words, and each as a text comes by it. */
  readonly rows: number
  wordsAt(row: number): readonly number[]
  ends(text: string, visit: (row: number) => void): void
}

/** Entries of the transition table: 64 MB. */
const MAX_ENTRIES = 16_000_000
const NONE = -1

/**
 * Words (latin1) → an automaton that reads each byte of a text once. `caseless` folds A–Z only. Words that fold to the
 * same one are all reported by `each`, the first of them by `first`. Throws `RangeError` for an empty word, for a
 * character above 0xFF and for more words than the table may hold.
 */
export function compilePhrases(words: readonly string[], { caseless }: { readonly caseless: boolean }): Phrases {
  return remembered(`${caseless}\0${words.join('\0')}`, () => makePhrases(words, caseless))
}

/** The same lists come again with every plan that a set of rules is made into. */
const remembered = memory<Phrases>(200)

function makePhrases(words: readonly string[], caseless: boolean): Phrases {
  const folded = words.map((word) => (caseless ? fold(word) : word))
  const { classOf, stride } = classesOf(folded, caseless)
  const trie = buildTrie(folded, classOf, stride)
  const { next, firstFinal, found, longer } = connect(trie, stride)

  function report(state: number, mark: (index: number) => void): void {
    for (let at = (state - firstFinal) / stride; at !== NONE; at = longer[at]!)
      for (const index of found[at]!) mark(index)
  }
  return {
    first(text, from = 0) {
      let state = 0
      for (let at = from; at < text.length; at++) {
        state = next[state + classOf[text.charCodeAt(at) & 255]!]!
        if (state < firstFinal) continue
        let own = (state - firstFinal) / stride
        while (found[own]!.length === 0) own = longer[own]!
        return found[own]![0]!
      }
      return NONE
    },
    each(text, from, mark) {
      let state = 0
      for (let at = from; at < text.length; at++) {
        state = next[state + classOf[text.charCodeAt(at) & 255]!]!
        if (state >= firstFinal) report(state, mark)
      }
    },
    any(text) {
      let state = 0
      for (let at = 0; at < text.length; at++) {
        state = next[state + classOf[text.charCodeAt(at) & 255]!]!
        if (state >= firstFinal) return true
      }
      return false
    },
    rows: found.length,
    wordsAt(row) {
      const out: number[] = []
      report(firstFinal + row * stride, (index) => out.push(index))
      return out
    },
    ends(text, visit) {
      let state = 0
      for (let at = 0; at < text.length; at++) {
        state = next[state + classOf[text.charCodeAt(at) & 255]!]!
        if (state >= firstFinal) visit((state - firstFinal) / stride)
      }
    },
  }
}

const fold = (word: string): string => word.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** Bytes that stand in no word share class 0, so that the table has one column for them all. */
function classesOf(words: readonly string[], caseless: boolean): { classOf: Uint8Array; stride: number } {
  const classOf = new Uint8Array(256)
  let stride = 1
  for (const word of words) {
    if (word === '') throw new RangeError('an empty phrase would be found everywhere')
    for (let at = 0; at < word.length; at++) {
      const code = word.charCodeAt(at)
      if (code > 255) throw new RangeError('phrases are made of bytes')
      if (classOf[code] === 0) classOf[code] = stride++
    }
  }
  // All 256 bytes in use: there is no byte outside, so the class that would be 256 takes the unused 0.
  if (caseless) for (let upper = 65; upper <= 90; upper++) classOf[upper] = classOf[upper + 32]!
  return { classOf, stride: Math.min(stride, 256) }
}

type Trie = { readonly goto: Int32Array; readonly words: readonly (readonly number[])[] }

function buildTrie(words: readonly string[], classOf: Uint8Array, stride: number): Trie {
  const most = words.reduce((sum, word) => sum + word.length, 1)
  if (most * stride > MAX_ENTRIES) throw new RangeError('too many phrases for one table')
  const goto = new Int32Array(most * stride).fill(NONE)
  const ends: number[][] = [[]]
  for (const [index, word] of words.entries()) {
    let state = 0
    for (let at = 0; at < word.length; at++) {
      const edge = state * stride + classOf[word.charCodeAt(at)]!
      if (goto[edge] === NONE) goto[edge] = ends.push([]) - 1
      state = goto[edge]!
    }
    ends[state]!.push(index)
  }
  return { goto, words: ends }
}

type Table = {
  /** Row offsets; rows from `firstFinal` on end a word. */
  readonly next: Int32Array
  readonly firstFinal: number
  readonly found: readonly (readonly number[])[]
  /** For each such row, the row of the longest other word that ends there too. */
  readonly longer: Int32Array
}

/** Failure links, breadth first, resolved into a full table; rows that end words are moved behind all others. */
function connect({ goto, words }: Trie, stride: number): Table {
  const count = words.length
  const fail = new Int32Array(count)
  const order = [0]
  const ends = Uint8Array.from(words, (own) => (own.length > 0 ? 1 : 0))
  for (let i = 0; i < order.length; i++) {
    const state = order[i]!
    for (let c = 0; c < stride; c++) {
      const to = goto[state * stride + c]!
      const fallen = state === 0 ? 0 : goto[fail[state]! * stride + c]!
      if (to === NONE) {
        goto[state * stride + c] = fallen
        continue
      }
      fail[to] = fallen
      if (ends[fallen] === 1) ends[to] = 1
      order.push(to)
    }
  }
  const rows = [...order.filter((state) => ends[state] === 0), ...order.filter((state) => ends[state] === 1)]
  const rowOf = new Int32Array(count)
  for (const [row, state] of rows.entries()) rowOf[state] = row
  const firstRow = rows.findIndex((state) => ends[state] === 1)
  const plain = firstRow === -1 ? count : firstRow
  const next = new Int32Array(count * stride)
  for (const [row, state] of rows.entries())
    for (let c = 0; c < stride; c++) next[row * stride + c] = rowOf[goto[state * stride + c]!]! * stride
  const final = rows.slice(plain)
  return {
    next,
    firstFinal: plain * stride,
    found: final.map((state) => words[state]!),
    longer: Int32Array.from(final, (state) => (ends[fail[state]!] === 1 ? rowOf[fail[state]!]! - plain : NONE)),
  }
}
