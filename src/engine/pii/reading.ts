import { foldTable } from './fold.ts'
import { type Concept, LONGEST_WORD, meaningsOf, type Step, STEPS } from './words.ts'

/** Units of a text that is read at once; who has more cuts it at its lines. */
export const MOST_UNITS = 4 << 20

/** A word or several that mean something, at their places in the folded text. */
export type Hit = { readonly concepts: readonly Concept[]; readonly start: number; readonly end: number }

/** A text made ready for looking: without marks and what has no width, with the places where each unit stood. */
export type Reading = {
  readonly source: string
  /** Folded as in `fold.ts`, case kept: one ASCII sign for each unit that is not dropped. */
  readonly text: string
  /** Place in the source of each sign; one more at the end: the source's length. Undefined: the same. */
  readonly places: Int32Array | undefined
  /** Runs of letters, cut before a capital that follows a small letter; with the number of each (`packWord`). */
  readonly words: {
    readonly starts: readonly number[]
    readonly ends: readonly number[]
    readonly codes: readonly number[]
  }
  /** Runs of digits. */
  readonly groups: { readonly starts: readonly number[]; readonly ends: readonly number[] }
  /** In order, none over another. */
  readonly hits: readonly Hit[]
}

const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 1
const isDigit = (code: number): boolean => code >= 48 && code <= 57
const isCapital = (code: number): boolean => code >= 65 && code <= 90
const isSmall = (code: number): boolean => code >= 97 && code <= 122
/** What may stand between two words of one entry: up to three of these, or nothing before a capital (`soDienThoai`). */
const isJoint = (code: number): boolean => code === 32 || code === 95 || code === 45 || code === 47
export const MOST_JOINTS = 3

let kept = new Uint8Array(1 << 16)
let at = new Int32Array((1 << 16) + 1)

// bench/pii.ts: one pass with a table and numbers for words, some ten times the plain way of `plain.ts`.
export function readFast(source: string): Reading {
  const table = foldTable()
  const size = source.length
  const big = size > kept.length
  const signs = big ? new Uint8Array(size) : kept
  const places = big ? new Int32Array(size + 1) : at
  const words = { starts: [] as number[], ends: [] as number[], codes: [] as number[] }
  const groups = { starts: [] as number[], ends: [] as number[] }
  let n = 0
  let same = true
  let before = 0
  let word = 0
  for (let i = 0; i < size; i++) {
    const unit = source.charCodeAt(i)
    const code = table[unit]!
    if (code !== unit) same = false
    if (code === 0) continue
    if (isLetter(code)) {
      if (!isLetter(before) || (isSmall(before) && isCapital(code))) {
        if (isLetter(before)) closeWord(n)
        words.starts.push(n)
        word = 0
      }
      word =
        code === 1 || n - words.starts[words.starts.length - 1]! >= LONGEST_WORD || word < 0
          ? -1
          : word * 27 + (code | 32) - 96
      if (isDigit(before)) groups.ends.push(n)
    } else {
      if (isLetter(before)) closeWord(n)
      if (isDigit(code)) {
        if (!isDigit(before)) groups.starts.push(n)
      } else if (isDigit(before)) groups.ends.push(n)
    }
    signs[n] = code
    places[n++] = i
    before = code
  }
  if (isLetter(before)) closeWord(n)
  if (isDigit(before)) groups.ends.push(n)
  places[n] = size

  function closeWord(end: number): void {
    words.ends.push(end)
    words.codes.push(word < 0 ? 0 : word)
  }
  const text = same ? source : textOf(signs, n)
  const kept1 = same ? undefined : places.slice(0, n + 1)
  return { source, text, places: kept1, words, groups, hits: hitsOf(source, text, kept1, words) }
}

function textOf(signs: Uint8Array, n: number): string {
  let text = ''
  for (let i = 0; i < n; i += 8192)
    text += String.fromCharCode.apply(null, signs.subarray(i, Math.min(n, i + 8192)) as unknown as number[])
  return text
}

function hitsOf(source: string, text: string, places: Int32Array | undefined, words: Reading['words']): Hit[] {
  const hits: Hit[] = []
  for (let w = 0; w < words.codes.length; w++) {
    const first = STEPS.next.get(words.codes[w]!)
    if (first === undefined) continue
    let step: Step | undefined = first
    let last = -1
    let entry = first.entry
    if (entry !== undefined) last = w
    for (
      let next = w + 1;
      next < words.codes.length && joined(text, words.ends[next - 1]!, words.starts[next]!);
      next++
    ) {
      step = step.next.get(words.codes[next]!)
      if (step === undefined) break
      if (step.entry !== undefined) {
        entry = step.entry
        last = next
      }
    }
    if (entry === undefined || last < 0) continue
    const start = words.starts[w]!
    const end = words.ends[last]!
    const written = places === undefined ? text.slice(start, end) : source.slice(places[start], places[end])
    const concepts = meaningsOf(entry, written)
    if (concepts.length > 0) {
      hits.push({ concepts, start, end })
      w = last
    }
  }
  return hits
}

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
