import { KINDS, recognise, type Confidence, type Kind } from '../engine/pii/index.ts'

export type DataClass = 'basic' | 'sensitive'
/** What was found of one kind in one place. No value: a sample is the shape of one, its digits 0 and its letters x. */
export type Found = {
  readonly place: string
  readonly kind: Kind
  readonly class: DataClass
  /** Findings, and texts (lines, cells) that hold one. */
  readonly count: number
  readonly texts: number
  /** Different values, counted exactly up to a million. */
  readonly distinct: number
  readonly confidence: Confidence
  readonly sample: string
}

/** Values are told apart by 53 bits of a hash, and forgotten. */
const MOST_DISTINCT = 1_000_000
const MOST_PLACES = 20_000
const SURENESS: readonly Confidence[] = ['low', 'medium', 'high']

type Entry = { count: number; texts: number; confidence: number; sample: string; readonly distinct: Set<number> }

/** Collects findings text by text. */
export function tally(options: {
  readonly year: number
  readonly least?: Confidence
  readonly kinds?: readonly Kind[]
}) {
  const places = new Map<string, Map<Kind, Entry>>()
  let texts = 0
  let characters = 0
  let dropped = 0

  /** Looks through one text; `about` is a word that stands beside every value of the place, as a column's name does. */
  function look(place: string, text: string, about = ''): number {
    texts++
    characters += text.length
    const lead = about === '' ? '' : `${about}: `
    const findings = recognise(lead + text, options)
    let own = places.get(place)
    const seen = new Set<Kind>()
    for (const { kind, start, end, confidence, value } of findings) {
      // A word of the column's name is none of the data.
      if (end <= lead.length) continue
      if (own === undefined) {
        if (places.size >= MOST_PLACES) {
          dropped++
          continue
        }
        places.set(place, (own = new Map<Kind, Entry>()))
      }
      let entry = own.get(kind)
      if (entry === undefined)
        own.set(kind, (entry = { count: 0, texts: 0, confidence: 0, sample: shapeOf(text.slice(Math.max(0, start - lead.length), end - lead.length)), distinct: new Set() })) // prettier-ignore
      entry.count++
      if (!seen.has(kind)) entry.texts++
      seen.add(kind)
      entry.confidence = Math.max(entry.confidence, SURENESS.indexOf(confidence))
      if (entry.distinct.size < MOST_DISTINCT) entry.distinct.add(hashOf(value))
    }
    return findings.length
  }

  const found = (): Found[] =>
    [...places].flatMap(([place, kinds]) =>
      [...kinds].map(([kind, entry]) => ({
        place,
        kind,
        class: KINDS[kind].sensitive ? ('sensitive' as const) : ('basic' as const),
        count: entry.count,
        texts: entry.texts,
        distinct: entry.distinct.size,
        confidence: SURENESS[entry.confidence]!,
        sample: entry.sample,
      })),
    )

  return { look, found, figures: () => ({ texts, characters, dropped }) }
}
export type Tally = ReturnType<typeof tally>

/** Shape and length of a value, nothing of it. */
export const shapeOf = (value: string): string => {
  const shape = value
    .normalize('NFC')
    .slice(0, 64)
    .replace(/\p{Nd}/gu, '0')
    .replace(/\p{L}\p{M}*/gu, 'x')
  return shape.length > 28 ? `${shape.slice(0, 28)}…` : shape
}

/** Two 32-bit FNV-1a hashes with different starts, 53 bits kept. */
function hashOf(text: string): number {
  let [a, b] = [0x811c9dc5, 0x01234567]
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ unit, 0x01000193) + 0x9e3779b9
  }
  return (a >>> 0) * 0x200000 + (b & 0x1fffff)
}
