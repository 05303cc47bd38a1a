import { lastHitBefore } from './context.ts'
import type { Finding } from './kinds.ts'
import { type Hit, type Reading, spanOf } from './reading.ts'
import { packWord } from './words.ts'

/** Surnames of nearly everyone (folded); those that without marks are common words of other languages only beside a word for a name. */
const CLEAR =
  'nguyen tran pham hoang huynh phan dang bui ngo duong truong dinh trinh luong doan dao quach vuong trieu khuc nghiem thai'
const UNCLEAR =
  'le vu vo do ho ly mai lam ha cao to ta la kieu luu tang chau diep vi phung tong mac luc khong thach chu co lai au ton quan lo dam giang nong phi ma be sam'
const SURNAMES = new Map([
  ...CLEAR.split(' ').map((name) => [packWord(name), true] as const),
  ...UNCLEAR.split(' ').map((name) => [packWord(name), false] as const),
])
const SYLLABLE =
  /^(?:ngh?|gh|gi|kh|nh|ph|qu|th|tr|ch|[bcdghklmnprstvx])?(?:uye|uya|uyu|oai|oay|oeo|uoi|uou|ieu|yeu|uay|[aeiouy]{1,2})(?:ng|nh|ch|[cmnpt])?$/i
const MOST_WORDS = 5
/** Between a word for a name and the name. */
const BETWEEN = /^["']{0,2} {0,2}[:=(-]? {0,2}(?:la )?["']{0,2}$/i
/** A city, an airport and streets, more than people. */
const NOT_PEOPLE = new Set(['ho chi minh', 'thua thien hue', 'tan son nhat'])

type Style = 'title' | 'capitals' | 'small'

/** Names of people: after a word for one (`họ tên`, `ông`), or a surname with two capitalised syllables behind it. */
export function namesIn(reading: Reading): Finding[] {
  const { text, words, hits } = reading
  const out: Finding[] = []
  for (let w = 0; w < words.codes.length; w++) {
    const clear = SURNAMES.get(words.codes[w]!)
    if (clear === undefined) continue
    const start = words.starts[w]!
    const style = styleOf(text, start, words.ends[w]!)
    const before = hits[lastHitBefore(hits, start)]
    const beside = before !== undefined && start - before.end <= 10 ? before : undefined
    const between = beside === undefined ? '' : text.slice(beside.end, start)
    const said = beside !== undefined && BETWEEN.test(between) && /[^a-z]/i.test(between)
    const named = said && (beside!.concepts.includes('name') || beside!.concepts.includes('bank-account'))
    const titled = said && beside!.concepts.includes('title')
    if (style === 'small' && !named) continue
    if (said && isPlace(beside!) && !named && !titled) continue
    const last = endOf(reading, w, style)
    const count = last - w + 1
    const end = words.ends[last]!
    const folded = text.slice(start, end).toLowerCase()
    if (count < 2 || NOT_PEOPLE.has(folded)) continue
    const span = spanOf(reading, start, end)
    const marked = /[^\x20-\x7e]/.test(reading.source.slice(span.start, span.end))
    if (!named && !titled && (count < 3 || !(clear || marked))) continue
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

const isPlace = ({ concepts }: Hit): boolean => concepts.includes('place') || concepts.includes('unit')

function styleOf(text: string, start: number, end: number): Style {
  const word = text.slice(start, end)
  if (word === word.toLowerCase()) return 'small'
  return word.length > 1 && word === word.toUpperCase() ? 'capitals' : 'title'
}

/** The last word that goes with the surname: one space between, written alike, a syllable or an initial. */
function endOf({ text, words, hits }: Reading, first: number, style: Style): number {
  let last = first
  while (last + 1 < words.codes.length && last - first + 1 < MOST_WORDS) {
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
  return (
    several ||
    style === 'small' ||
    hit.concepts.some((concept) => concept === 'personal-id' || concept === 'phone' || concept === 'address')
  )
}
