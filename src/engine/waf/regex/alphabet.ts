import { byteSet, type ByteSet } from '../../bytes/byte-set.ts'
import { WORD } from './classes.ts'
import { OUTSIDE } from './edge.ts'
import type { Program } from './program.ts'

/** The bytes as one program tells them apart. */
export type Alphabet = {
  /** Column of each byte. */
  readonly classOf: Uint8Array
  /** One byte of each class. */
  readonly sample: readonly number[]
  /** Column of a newline that ends the text, and of the end itself. */
  readonly lastNewline: number
  readonly end: number
  /** Columns in all. */
  readonly width: number
  /** What can be told of the byte before a place: a number for each class, 0 for the start of the text. */
  readonly traceOf: Uint8Array
  /** One byte, or OUTSIDE, for each such number. */
  readonly traceSample: readonly number[]
  /** member[set * classes + class] */
  readonly member: Uint8Array
}

const NEWLINE = byteSet(10)

export function alphabetOf(program: Program): Alphabet {
  const asks = (pattern: RegExp): boolean => program.assertions.some(({ what }) => pattern.test(what))
  const edges: ByteSet[] = []
  if (asks(/line|end/)) edges.push(NEWLINE)
  if (asks(/word/)) edges.push(WORD)
  const looked = program.assertions.filter(({ what }) => /next|previous/.test(what)).map(({ set }) => set)
  const { classOf, sample } = partition([...program.sets, ...edges, ...looked])

  const before = program.assertions.filter(({ what }) => /previous/.test(what)).map(({ set }) => set)
  if (asks(/line-start/)) before.push(NEWLINE)
  if (asks(/word/)) before.push(WORD)
  const traces = new Map<string, number>([['', 0]])
  const traceSample = [OUTSIDE]
  const traceOf = Uint8Array.from(sample, (byte) => {
    const key = `:${before.map((set) => set[byte]).join('')}`
    const known = traces.get(key)
    if (known !== undefined) return known
    traces.set(key, traces.size)
    return traceSample.push(byte) - 1
  })

  const classes = sample.length
  const member = new Uint8Array(program.sets.length * classes)
  for (const [index, set] of program.sets.entries())
    for (let c = 0; c < classes; c++) member[index * classes + c] = set[sample[c]!]!
  return {
    classOf,
    sample,
    lastNewline: classes,
    end: classes + 1,
    width: classes + 2,
    // With nothing asked of the past all places are alike, the start too.
    traceOf: program.assertions.length === 0 ? traceOf.fill(0) : traceOf,
    traceSample,
    member,
  }
}

/** Bytes that stand in the same sets are one class. */
function partition(sets: readonly ByteSet[]): { classOf: Uint8Array; sample: number[] } {
  const classOf = new Uint8Array(256)
  let count = 1
  for (const set of sets) {
    const split = new Map<number, number>()
    for (let byte = 0; byte < 256; byte++) {
      const key = classOf[byte]! * 2 + set[byte]!
      let to = split.get(key)
      if (to === undefined) {
        // The half seen first keeps the number.
        to = split.has(key ^ 1) ? count++ : classOf[byte]!
        split.set(key, to)
      }
      classOf[byte] = to
    }
  }
  const sample = Array.from({ length: count }, () => 0)
  for (let byte = 255; byte >= 0; byte--) sample[classOf[byte]!] = byte
  return { classOf, sample }
}
