import { lastHitBefore } from './context.ts'
import type { Finding } from './kinds.ts'
import { type Hit, type Reading, spanOf } from './reading.ts'
import { CLEAR_SURNAMES, setOf, UNCLEAR_SURNAMES, VOCABULARY, wordNumber } from './words.ts'

/** By the number of the word: 2 for surnames that are clear without marks, 1 for the others. */
const SURNAMES = new Uint8Array(VOCABULARY.size + 1)
for (const name of UNCLEAR_SURNAMES) SURNAMES[wordNumber(name)] = 1
for (const name of CLEAR_SURNAMES) SURNAMES[wordNumber(name)] = 2
const SYLLABLE =
  /^(?:ngh?|gh|gi|kh|nh|ph|qu|th|tr|ch|[bcdghklmnprstvx])?(?:uye|uya|uyu|oai|oay|oeo|uoi|uou|ieu|yeu|uay|[aeiouy]{1,2})(?:ng|nh|ch|[cmnpt])?$/i
/** Second words of so many names that with one an unmarked surname is one. */
const MIDDLES = new Set(
  'van thi huu duc ngoc quoc xuan thanh minh gia dinh cong kim thu quang tuan hoang nhat bao anh'.split(' '),
)
const MOST_WORDS = 5
/** Between a word for a name and the name. */
const BETWEEN = /^["']{0,2} {0,2}[:=(-]? {0,2}(?:la )?["']{0,2}$/i
/** A city, an airport and streets, more than people. */
const NOT_PEOPLE = new Set(['ho chi minh', 'thua thien hue', 'tan son nhat'])

const NAMES = setOf('name', 'bank-account')
const TITLES = setOf('title')
const PLACES = setOf('place', 'unit')
const STRONG = setOf('personal-id', 'phone', 'address')

type Style = 'title' | 'capitals' | 'small'

/** Names of people: after a word for one (`họ tên`, `ông`), or a surname with two capitalised syllables behind it. */
export function namesIn(reading: Reading): Finding[] {
  const { text, words, hits } = reading
  const out: Finding[] = []
  for (let w = 0; w < words.numbers.length; w++) {
    const surname = SURNAMES[words.numbers[w]!]!
    if (surname === 0) continue
    const start = words.starts[w]!
    const style = styleOf(text, start, words.ends[w]!)
    const before = hits[lastHitBefore(hits, start)]
    const beside = before !== undefined && start - before.end <= 10 ? before : undefined
    const between = beside === undefined ? '' : text.slice(beside.end, start)
    const said = beside !== undefined && BETWEEN.test(between) && /[^a-z]/i.test(between)
    const named = said && (beside!.set & NAMES) !== 0
    const titled = said && (beside!.set & TITLES) !== 0
    if (style === 'small' && !named) continue
    if (said && (beside!.set & PLACES) !== 0 && !named && !titled) continue
    const last = endOf(reading, w, style)
    const count = last - w + 1
    const end = words.ends[last]!
    const folded = text.slice(start, end).toLowerCase()
    if (count < 2 || NOT_PEOPLE.has(folded)) continue
    const span = spanOf(reading, start, end)
    const marked = /[^\x20-\x7e]/.test(reading.source.slice(span.start, span.end))
    if (!named && !titled && (count < 3 || !(surname === 2 || marked || MIDDLES.has(folded.split(' ')[1]!)))) continue
    out.push({
      kind: 'name',
      confidence: (named || titled) && style !== 'small' ? 'high' : 'medium',
      value: folded,
      ...span,
    })
    w = last
  }
  return out
}

function styleOf(text: string, start: number, end: number): Style {
  const word = text.slice(start, end)
  if (word === word.toLowerCase()) return 'small'
  return word.length > 1 && word === word.toUpperCase() ? 'capitals' : 'title'
}

/** The last word that goes with the surname: one space between, written alike, a syllable or an initial. */
function endOf({ text, words, hits }: Reading, first: number, style: Style): number {
  let last = first
  while (last + 1 < words.numbers.length && last - first + 1 < MOST_WORDS) {
    const from = words.starts[last + 1]!
    const to = words.ends[last + 1]!
    if (from - words.ends[last]! !== 1 || text[from - 1] !== ' ') break
    const word = text.slice(from, to)
    const own = styleOf(text, from, to)
    if (word.length > 1 ? own !== style || !SYLLABLE.test(word) : (own === 'small') !== (style === 'small')) break
    if (/[\d_@.]/.test(text[to] ?? '') && !/\.(?:\s|$)/.test(text.slice(to, to + 2))) break
    if (startsStrong(hits, from, style)) break
    last++
  }
  return last
}

/** Whether a word that means something else begins here: `Nguyễn Văn An Điện thoại …`. */
function startsStrong(hits: readonly Hit[], at: number, style: Style): boolean {
  let low = 0
  let high = hits.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (hits[middle]!.start < at) low = middle + 1
    else high = middle
  }
  const hit = hits[low]
  if (hit === undefined || hit.start !== at) return false
  // Many given names are words too: Phương, Tính, Quân, Thẻ.
  const several = hit.end - hit.start > 7
  return several || style === 'small' || (hit.set & STRONG) !== 0
}
