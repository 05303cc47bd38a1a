import { foldTable } from './fold.ts'
import { FIRST_STEPS, LONGEST_WORD, rememberedMeanings, type Step, VOCABULARY } from './words.ts'

/** Units of a text that is read at once; who has more cuts it at its lines. */
export const MOST_UNITS = 4 << 20

/** A word or several that mean something, at their places in the folded text. */
/** `set`: its meanings, as of `setOf`. */
export type Hit = { readonly set: number; readonly start: number; readonly end: number }

/** A text made ready for looking: without marks and what has no width, with the places where each unit stood. */
export type Reading = {
  readonly source: string
  /** Folded as in `fold.ts`, case kept: one ASCII sign for each unit that is not dropped. */
  readonly text: string
  /** Place in the source of each sign; one more at the end: the source's length. Undefined: the same, for none was dropped. */
  readonly places: Int32Array | undefined
  /** Runs of letters, cut before a capital that follows a small letter; with the number of each in the vocabulary. */
  readonly words: {
    readonly starts: readonly number[]
    readonly ends: readonly number[]
    readonly numbers: readonly number[]
  }
  /** Runs of digits. */
  readonly groups: { readonly starts: readonly number[]; readonly ends: readonly number[] }
  /** In order, none over another. */
  readonly hits: readonly Hit[]
}

const SMALL = 1
const CAPITAL = 2
const LETTER = 3
const DIGIT = 4
/** Of each sign of a folded text: a letter up to `LETTER`, a digit, or 0. */
const CLASSES = Uint8Array.from({ length: 128 }, (_, code) =>
  code >= 97 && code <= 122
    ? SMALL
    : code >= 65 && code <= 90
      ? CAPITAL
      : code === 1
        ? LETTER
        : code >= 48 && code <= 57
          ? DIGIT
          : 0,
)
/** What may stand between two words of one entry: up to three of these, or nothing before a capital (`soDienThoai`). */
const isJoint = (code: number): boolean => code === 32 || code === 95 || code === 45 || code === 47
export const MOST_JOINTS = 3

const KEPT = new Uint8Array(1 << 16)
const PLACES = new Int32Array((1 << 16) + 1)
const hashOf = (before: number, letter: number): number => (Math.imul(before, 31) + letter) & 0xffff
/** Hashes of the words of the vocabulary: most words of a text end here, without a look into a map. */
const FILTER = filter()
function filter(): Uint8Array {
  const out = new Uint8Array(0x10000)
  for (const packed of VOCABULARY.keys()) {
    const letters: number[] = []
    for (let rest = packed; rest > 0; rest = Math.floor(rest / 27)) letters.unshift(rest % 27)
    out[letters.reduce(hashOf, 0)] = 1
  }
  return out
}

// bench/pii.ts: one pass with tables and a filter of hashes, some ten times the plain way of `plain.ts`.
export function readFast(source: string): Reading {
  const table = foldTable()
  const size = source.length
  const big = size > KEPT.length
  const signs = big ? new Uint8Array(size) : KEPT
  const places = big ? new Int32Array(size + 1) : PLACES
  const words = { starts: [] as number[], ends: [] as number[], numbers: [] as number[] }
  const groups = { starts: [] as number[], ends: [] as number[] }
  let n = 0
  let same = true
  let before = 0
  let hash = 0
  let start = 0
  // One step more than there are units, with a sign of no class, closes what is open.
  for (let i = 0; i <= size; i++) {
    let code = 0
    if (i < size) {
      const unit = source.charCodeAt(i)
      code = table[unit]!
      if (code !== unit) same = false
      if (code === 0) continue
    }
    const own = CLASSES[code]!
    if (own !== before || own === 0) {
      const inWord = before !== 0 && before !== DIGIT
      const goesOn = inWord && own !== 0 && own !== DIGIT && !(before === SMALL && own === CAPITAL)
      if (inWord && !goesOn) {
        words.ends.push(n)
        words.numbers.push(FILTER[hash] === 0 ? 0 : numberOf(signs, start, n))
      } else if (before === DIGIT) groups.ends.push(n)
      if (own === DIGIT) groups.starts.push(n)
      else if (own !== 0 && !goesOn) {
        words.starts.push(n)
        start = n
        hash = 0
      }
    }
    if (own !== 0 && own !== DIGIT) hash = hashOf(hash, (code | 32) - 96)
    before = own
    if (i === size) break
    signs[n] = code
    places[n++] = i
  }
  places[n] = size
  const text = same ? source : textOf(signs, n)
  // Most texts lose nothing: then places are the same, and a copy of them would cost as much as all the rest.
  const own = n === size ? undefined : places.slice(0, n + 1)
  return { source, text, places: own, words, groups, hits: hitsOf(source, text, own, words) }
}

/** `wordNumber` of the letters from `start` to `end`. */
function numberOf(signs: Uint8Array, start: number, end: number): number {
  if (end - start > LONGEST_WORD) return 0
  let packed = 0
  for (let i = start; i < end; i++) {
    if (signs[i] === 1) return 0
    packed = packed * 27 + (signs[i]! | 32) - 96
  }
  return VOCABULARY.get(packed) ?? 0
}

function textOf(signs: Uint8Array, n: number): string {
  let text = ''
  for (let i = 0; i < n; i += 8192)
    text += String.fromCharCode.apply(null, signs.subarray(i, Math.min(n, i + 8192)) as unknown as number[])
  return text
}

function hitsOf(source: string, text: string, places: Int32Array | undefined, words: Reading['words']): Hit[] {
  const hits: Hit[] = []
  for (let w = 0; w < words.numbers.length; w++) {
    const first = FIRST_STEPS[words.numbers[w]!]
    if (first === undefined) continue
    let step: Step | undefined = first
    let last = -1
    let entry = first.entry
    if (entry !== undefined) last = w
    for (
      let next = w + 1;
      next < words.numbers.length && joined(text, words.ends[next - 1]!, words.starts[next]!);
      next++
    ) {
      step = step.next.get(words.numbers[next]!)
      if (step === undefined) break
      if (step.entry !== undefined) {
        entry = step.entry
        last = next
      }
    }
    if (entry === undefined || last < 0) continue
    const start = words.starts[w]!
    const end = words.ends[last]!
    // Where no sign was changed none has a mark, and several words mean all that they may.
    const plain = text === source || last > w
    const set = plain ? entry.set : rememberedMeanings(entry, writtenAt(source, places, start, end))
    if (set !== 0) {
      hits.push({ set, start, end })
      w = last
    }
  }
  return hits
}

/** The source from one place of the folded text to another, with what was dropped behind the last. */
export const writtenAt = (source: string, places: Int32Array | undefined, start: number, end: number): string =>
  places === undefined ? source.slice(start, end) : source.slice(places[start], places[end])

function joined(text: string, from: number, to: number): boolean {
  if (to - from > MOST_JOINTS) return false
  for (let i = from; i < to; i++) if (!isJoint(text.charCodeAt(i))) return false
  return true
}

const MARK = /[\u0300-\u036f]/
/** A stretch of the folded text as one of the source, with the marks of its last letter. */
export function spanOf({ source, places }: Reading, start: number, end: number): { start: number; end: number } {
  if (places === undefined) return { start, end }
  let last = places[end - 1]! + 1
  while (last < source.length && MARK.test(source[last]!)) last++
  return { start: places[start]!, end: last }
}
