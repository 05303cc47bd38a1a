import { KINDS, recognise, type Confidence, type Kind } from '../engine/pii/index.ts'
import { WINDOW, windowsOf, type Window, type Windows } from './windows.ts'

export type DataClass = 'basic' | 'sensitive'
/** What was found of one kind in one place. No value is told. */
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
  /** Signs of the first one. */
  readonly length: number
  /** The shape of the first one, its digits 0 and its letters x; null of a secret, whose other signs are part of it. */
  readonly sample: string | null
}

/** Values are told apart by 53 bits of a hash, and forgotten. */
const MOST_DISTINCT = 1_000_000
const MOST_PLACES = 20_000
const SURENESS: readonly Confidence[] = ['low', 'medium', 'high']

type Entry = {
  count: number
  texts: number
  confidence: number
  readonly length: number
  readonly sample: string | null
  readonly distinct: Set<number>
}
/** One text while it is looked through: what it has, and up to where. */
type Looking = { readonly place: string; readonly about: string; readonly seen: Set<Kind>; settled: number }

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
  function look(place: string, text: string, about = ''): void {
    texts++
    const looking = { place, about, seen: new Set<Kind>(), settled: 0 }
    if (text.length <= WINDOW) return see(looking, { text, at: 0, from: 0, to: text.length })
    const windows = windowsOf((window) => see(looking, window))
    windows.push(text)
    windows.end()
  }

  /** One text that comes in parts, of any length. */
  function parts(place: string, about = ''): Windows {
    texts++
    const looking = { place, about, seen: new Set<Kind>(), settled: 0 }
    return windowsOf((window) => see(looking, window))
  }

  function see(looking: Looking, { text, at, from, to }: Window): void {
    characters += to - from
    const lead = looking.about === '' ? '' : `${looking.about}: `
    for (const { kind, start, end, confidence, value } of recognise(lead + text, options)) {
      // A word of the column's name is none of the data.
      if (end <= lead.length) continue
      const begins = Math.max(0, start - lead.length)
      // What begins elsewhere is another window's; what lies under a finding of the one before is no finding.
      if (begins < from || begins >= to || at + begins < looking.settled) continue
      looking.settled = at + end - lead.length
      count(looking, kind, confidence, value, text.slice(begins, end - lead.length))
    }
  }

  function count({ place, seen }: Looking, kind: Kind, confidence: Confidence, value: string, said: string): void {
    let own = places.get(place)
    if (own === undefined) {
      if (places.size >= MOST_PLACES) {
        dropped++
        return
      }
      places.set(place, (own = new Map<Kind, Entry>()))
    }
    let entry = own.get(kind)
    if (entry === undefined) {
      const sample = kind === 'secret' ? null : shapeOf(said)
      own.set(kind, (entry = { count: 0, texts: 0, confidence: 0, length: said.length, sample, distinct: new Set() }))
    }
    entry.count++
    if (!seen.has(kind)) entry.texts++
    seen.add(kind)
    entry.confidence = Math.max(entry.confidence, SURENESS.indexOf(confidence))
    if (entry.distinct.size < MOST_DISTINCT) entry.distinct.add(hashOf(value))
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
        length: entry.length,
        sample: entry.sample,
      })),
    )

  return { look, parts, found, figures: () => ({ texts, characters, dropped }) }
}
export type Tally = ReturnType<typeof tally>

/** Shape and length of a value, nothing of it. */
const shapeOf = (value: string): string => {
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
