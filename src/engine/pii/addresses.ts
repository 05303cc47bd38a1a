import { lastHitBefore } from './context.ts'
import type { Confidence, Finding } from './kinds.ts'
import { type Hit, type Reading, spanOf } from './reading.ts'
import { setOf } from './words.ts'

/** Signs of an address at most, and between two of its parts. */
const LONGEST = 160
const GAP = 40
/** Before the first part: a house's number, and a street's name without its word. */
const HOUSE =
  /(?<![\w/.-])(?:so (?:nha )?)?\d{1,4}[a-z]?(?:[/-]\d{1,4}[a-z]?){0,4},? (?:[a-z]{1,7} ){0,4}(?:[a-z]{1,7})?,? ?$/i
const HOUSE_LOOK = 48
/** After a part's word: its name or number. */
const PART =
  /[. ]{0,2}(?:\d{1,3}(?!\d)|[A-Z][A-Za-z]{0,8}(?: [A-Z][A-Za-z]{0,8}){0,3})(?:,? ?(?:- )?(?:TP\.? ?)?[A-Z][A-Za-z]{0,8}(?: [A-Z][A-Za-z]{0,8}){1,3}){0,2}/y
/** Between `địa chỉ` and the address. */
const OPENING = /["']{0,2} {0,2}(?:[:=-]|la |tai |o |nha )? {0,2}["']{0,2}/iy
const STOP = /[\n;|"<>{}[\]\t]|(?<!\b(?:[Tt][PpXxTt]|[PQHXpqhx]))\.(?: |$)| - (?=[A-Z])/
const STREET_FIRST = /^\d{1,4}[a-z]?(?:[/-]\d{1,4}[a-z]?){0,4},? [a-z]{2,}/i

const UNIT = setOf('unit')
const ADDRESS = setOf('address')
const has = (hit: Hit | undefined, set: number): boolean => hit !== undefined && (hit.set & set) !== 0

/** Postal addresses: what stands after a word for one; and two parts or more with their words (`phường …, tỉnh …`), a house's number before them. */
export function addressesIn(reading: Reading): Finding[] {
  const { hits } = reading
  const out: Finding[] = []
  let done = 0
  for (let i = 0; i < hits.length; i++) {
    const hit = hits[i]!
    if (hit.start < done) continue
    const found = has(hit, ADDRESS) ? afterWord(reading, i) : has(hit, UNIT) ? chain(reading, i, done) : undefined
    if (found === undefined) continue
    done = found.end
    const span = spanOf(reading, found.start, found.end)
    const value = reading.text.slice(found.start, found.end).toLowerCase().replace(/\s+/g, ' ')
    out.push({ kind: 'address', confidence: found.confidence, value, ...span })
  }
  return out
}

type Found = { readonly start: number; readonly end: number; readonly confidence: Confidence }

function afterWord({ text, hits }: Reading, first: number): Found | undefined {
  let index = first
  let start = opened(text, hits[index]!)
  // `giao tới địa chỉ:` says it twice.
  if (has(hits[index + 1], ADDRESS) && hits[index + 1]!.start === start) start = opened(text, hits[++index]!)
  let end = Math.min(text.length, start + LONGEST)
  const stop = text.slice(start, end).search(STOP)
  if (stop >= 0) end = start + stop
  let units = 0
  for (let i = index + 1; i < hits.length && hits[i]!.start < end; i++) {
    if (hits[i]!.start < start) continue
    if (has(hits[i], UNIT)) units++
    else if (isOther(hits[i]!)) end = hits[i]!.start
  }
  while (end > start && /[\s,:(.-]/.test(text[end - 1]!)) end--
  const written = text.slice(start, end)
  if (written.length < 6 || !written.includes(' ')) return undefined
  if (units === 0 && !STREET_FIRST.test(written)) return undefined
  return { start, end, confidence: units > 0 ? 'high' : 'medium' }
}

function opened(text: string, { end }: Hit): number {
  OPENING.lastIndex = end
  return end + OPENING.exec(text)![0].length
}

/** A word that begins something else; words that are parts of names too do not. */
const OTHERS = setOf(
  'phone',
  'personal-id',
  'old-id',
  'bank-account',
  'date-of-birth',
  'name',
  'tax-code',
  'secret',
  'other-number',
  'ip-address',
  'passport',
)
const PLACE = setOf('place')
const isOther = (hit: Hit): boolean => has(hit, OTHERS) && !has(hit, PLACE)

function chain(reading: Reading, index: number, done: number): Found | undefined {
  const { text, hits } = reading
  let end = partEnd(text, hits[index]!)
  if (end === undefined) return undefined
  let units = 1
  for (let i = index + 1; i < hits.length && hits[i]!.start - end <= GAP; i++) {
    const hit = hits[i]!
    if (!has(hit, UNIT) || hit.start < end) continue
    if (/[\n;|]|\. /.test(text.slice(end, hit.start).replace(/\btp\. /i, ''))) break
    const next = partEnd(text, hit)
    if (next === undefined) continue
    if (hit.start - end > 4 || next - hits[index]!.start > LONGEST) break
    end = next
    units++
  }
  const first = hits[index]!.start
  let other = lastHitBefore(hits, first)
  while (other >= 0 && hits[other]!.end > first - HOUSE_LOOK && !isOther(hits[other]!)) other--
  const from = Math.max(done, first - HOUSE_LOOK, hits[other]?.end ?? 0)
  const house = HOUSE.exec(text.slice(from, first))
  // One part is enough behind a house's number with the name of its street: 271 Điện Biên Phủ, phường …
  const street = /(?:duong|pho|ngo|hem)/i.test(text.slice(first, hits[index]!.end))
  if (units < 2 && !(house !== null && (street || /\d.*[a-z]{2,}.*, ?$/i.test(house[0])))) return undefined
  return {
    start: house === null ? first : from + house.index,
    end,
    confidence: house === null && units < 3 ? 'medium' : 'high',
  }
}

function partEnd(text: string, hit: Hit): number | undefined {
  PART.lastIndex = hit.end
  const found = PART.exec(text)
  return found === null ? undefined : hit.end + found[0].length
}
