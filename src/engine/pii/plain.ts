import { addressesIn } from './addresses.ts'
import { foldUnit } from './fold.ts'
import { birthsIn, codesIn, colonsIn, devicesIn, emailsIn, ipv4In } from './forms.ts'
import type { Finding } from './kinds.ts'
import { namesIn } from './names.ts'
import { numbersIn } from './numbers.ts'
import { type Hit, MOST_JOINTS, type Reading, writtenAt } from './reading.ts'
import { type RecogniseOptions, settle } from './recognise.ts'
import { secretsIn } from './secrets.ts'
import { ENTRIES, meaningsOf, wordNumber } from './words.ts'

/** What `recognise` has to answer: the text read with strings and patterns, and looked through for everything. */
export function recognisePlainly(text: string, options: RecogniseOptions): Finding[] {
  const reading = readPlainly(text)
  return settle(
    [
      ...numbersIn(reading, options.year),
      ...codesIn(reading),
      ...birthsIn(reading),
      ...ipv4In(reading),
      ...emailsIn(reading),
      ...colonsIn(reading),
      ...devicesIn(reading),
      ...secretsIn(reading, { blocks: true, tokens: true }),
      ...namesIn(reading),
      ...addressesIn(reading),
    ],
    options,
  )
}

/** The same as `readFast`. */
export function readPlainly(source: string): Reading {
  const units = source.split('').map((unit) => foldUnit(unit.charCodeAt(0)))
  const text = units.join('')
  const kept = units.flatMap((unit, i) => (unit === '' ? [] : [i]))
  const places = text.length === source.length ? undefined : Int32Array.from([...kept, source.length])
  const words = [...text.matchAll(/[A-Za-z\u0001]+/g)].flatMap(({ 0: run, index }) => {
    let at = index
    return run.split(/(?<=[a-z])(?=[A-Z])/).map((word) => ({ word, start: at, end: (at += word.length) }))
  })
  const groups = [...text.matchAll(/\d+/g)].map(({ 0: run, index }) => ({ start: index, end: index + run.length }))
  return {
    source,
    text,
    places,
    words: {
      starts: words.map(({ start }) => start),
      ends: words.map(({ end }) => end),
      numbers: words.map(({ word }) => wordNumber(word)),
    },
    groups: { starts: groups.map(({ start }) => start), ends: groups.map(({ end }) => end) },
    hits: hitsOf(source, text, places, words),
  }
}

type Word = { readonly word: string; readonly start: number; readonly end: number }
const JOINTS = new RegExp(`^[ _/-]{0,${MOST_JOINTS}}$`)

function hitsOf(source: string, text: string, places: Int32Array | undefined, words: readonly Word[]): Hit[] {
  const hits: Hit[] = []
  for (let w = 0; w < words.length; w++) {
    const fits = ENTRIES.filter((entry) =>
      entry.words.every((wanted, k) => {
        const word = words[w + k]
        const joint = k === 0 || (word !== undefined && JOINTS.test(text.slice(words[w + k - 1]!.end, word.start)))
        return joint && word?.word.toLowerCase() === wanted
      }),
    )
    const entry = fits.sort((a, b) => b.words.length - a.words.length)[0]
    if (entry === undefined) continue
    const start = words[w]!.start
    const end = words[w + entry.words.length - 1]!.end
    const written = writtenAt(source, places, start, end)
    const set = meaningsOf(entry, written)
    if (set === 0) continue
    hits.push({ set, start, end })
    w += entry.words.length - 1
  }
  return hits
}
