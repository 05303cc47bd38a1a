import { lastHitBefore, wordBefore } from './context.ts'
import { isCard, isLuhn, isPersonalId, isTaxCode, phoneOf } from './digits.ts'
import type { Confidence, Finding, Kind } from './kinds.ts'
import { type Reading, spanOf } from './reading.ts'
import { type Concept, setOf } from './words.ts'

/** What a number may be said to be. */
const MEANT = [
  'personal-id',
  'old-id',
  'tax-code',
  'phone',
  'payment-card',
  'bank-account',
  'social-insurance',
  'health-insurance',
  'driver-licence',
  'device-id',
  'other-number',
] as const satisfies readonly Concept[]
const SAYS = setOf(...MEANT)
const SET = Object.fromEntries(MEANT.map((kind) => [kind, setOf(kind)])) as Readonly<
  Record<(typeof MEANT)[number], number>
>
/** Groups of digits, and digits, of one number at most. */
const MOST_GROUPS = 8
const MOST_DIGITS = 19
/** Fewer digits mean nothing: most groups are years, amounts and house numbers. */
const LEAST_DIGITS = 7
/** A word for another sort of number counts no further than this: `đơn giao cho khách, gọi 0912345678`. */
const OTHER_LOOK = 24
/** Old mobile numbers of 11 digits, changed in 2018, and what they became (the ministry's plan of 2018). */
const OLD_MOBILE: Readonly<Record<string, string>> = Object.fromEntries(
  '162:32 163:33 164:34 165:35 166:36 167:37 168:38 169:39 120:70 121:79 122:77 126:76 128:78 123:83 124:84 125:85 127:81 129:82 186:56 188:58 199:59'
    .split(' ')
    .map((pair) => pair.split(':') as [string, string]),
)
const CARD_LIKE = /^(?:4|5[1-5]|2[2-7]|3[47]|35|6[25]|9704)/

/** One to eight groups of digits that may be one number. */
type Candidate = {
  readonly digits: string
  readonly groups: readonly number[]
  /** What stands between the groups, in one text. */
  readonly joints: string
  readonly plus: boolean
  readonly start: number
  readonly end: number
}
type Judgement = { readonly kind: Kind; readonly confidence: Confidence; readonly value: string }

/** Numbers that are about people, in order. `year`: the last in which someone can have been born. */
export function numbersIn(reading: Reading, year: number): Finding[] {
  const out: Finding[] = []
  const { starts, ends } = reading.groups
  for (let first = 0; first < starts.length;) {
    let last = first
    while (last + 1 < starts.length && isJoint(reading.text, ends[last]!, starts[last + 1]!)) last++
    sequence(reading, first, last, year, out)
    first = last + 1
  }
  return out
}

/** One space, dot or hyphen; or a bracket of an area's code, with a space or without. */
function isJoint(text: string, from: number, to: number): boolean {
  const sign = text[from]
  if (to - from === 1) return sign === ' ' || sign === '.' || sign === '-' || sign === ')' || sign === '('
  const pair = text.slice(from, to)
  return pair === ') ' || pair === ' (' || pair === ').' || pair === ')-'
}

function sequence(reading: Reading, first: number, last: number, year: number, out: Finding[]): void {
  const { text } = reading
  const { starts, ends } = reading.groups
  if (ends[last]! - starts[first]! < LEAST_DIGITS) return
  const spoilt = spoiltGroups(reading, first, last)
  const hard = (group: number): boolean => text[ends[group]!] === '-' || text[ends[group]!] === '.'
  const long = (group: number): boolean => ends[group]! - starts[group]! >= 9
  /** Whether a number may end after this group and the next begin. */
  const cut = (group: number): boolean => !hard(group) || (long(group) && long(group + 1))

  // 0 9 1 2 3 4 5 6 7 8: one number, spelled to be missed; never a part of a longer row of figures.
  const spelled = last - first >= MOST_GROUPS && ends[last] === starts[first]! + 2 * (last - first) + 1
  if (spelled && last - first < MOST_DIGITS && !spoilt.includes(true)) {
    const candidate = candidateOf(reading, first, last)
    const judged = candidate && judge(reading, candidate, first, year)
    if (judged !== undefined) {
      out.push({ ...judged, ...spanOf(reading, candidate!.start, candidate!.end) })
      return
    }
  }
  for (let i = first; i <= last;) {
    let taken = i
    if (!spoilt[i - first]! && (i === first || cut(i - 1))) {
      let end = i
      let count = ends[i]! - starts[i]!
      while (end < last && end - i + 1 < MOST_GROUPS && !spoilt[end + 1 - first]!) {
        count += ends[end + 1]! - starts[end + 1]!
        if (count > MOST_DIGITS) break
        end++
      }
      for (let j = end; j >= i && ends[j]! - starts[i]! >= LEAST_DIGITS; j--) {
        if (j < last && !cut(j)) continue
        const candidate = candidateOf(reading, i, j)
        const judged = candidate && judge(reading, candidate, i, year)
        if (judged === undefined) continue
        out.push({ ...judged, ...spanOf(reading, candidate!.start, candidate!.end) })
        taken = j + 1
        break
      }
    }
    i = taken > i ? taken : i + 1
  }
}

/** Groups that touch a letter are parts of a code, a hash or a name, and so are those that hang on them by a dot or hyphen. */
function spoiltGroups({ text, groups, hits }: Reading, first: number, last: number): boolean[] {
  const { starts, ends } = groups
  const out: boolean[] = []
  /** `CCCD001085012345`, `phone_0912345678`: the letters before are a word for the number. */
  const wordEnds = (left: number): boolean => {
    const said = hits[lastHitBefore(hits, left + 1)]?.end
    return said === left + 1 || (said === left && text[left] === '_')
  }
  for (let i = first; i <= last; i++) {
    const left = starts[i]! - 1
    out.push((isName(text.charCodeAt(left)) && !wordEnds(left)) || isName(text.charCodeAt(ends[i]!)))
  }
  const hangs = (i: number): boolean => text[ends[i]!] === '-' || text[ends[i]!] === '.'
  for (let i = first + 1; i <= last; i++) if (out[i - 1 - first]! && hangs(i - 1)) out[i - first] = true
  for (let i = last - 1; i >= first; i--) if (out[i + 1 - first]! && hangs(i)) out[i - first] = true
  return out
}

const isName = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code === 1
const isDigitAt = (text: string, i: number): boolean => {
  const code = text.charCodeAt(i)
  return code >= 48 && code <= 57
}

function candidateOf({ text, groups }: Reading, i: number, j: number): Candidate | undefined {
  const { starts, ends } = groups
  const start = starts[i]!
  const end = ends[j]!
  const sizes: number[] = []
  let digits = ''
  let joints = ''
  for (let k = i; k <= j; k++) {
    sizes.push(ends[k]! - starts[k]!)
    digits += text.slice(starts[k], ends[k])
    if (k < j) joints += text[ends[k]!]
  }
  if (digits.length < LEAST_DIGITS || digits.length > MOST_DIGITS) return undefined
  const before = text[start - 1]
  if (before === '#' || before === '$') return undefined
  // 1,250,000 and 0.912345678 are amounts; 0912345678,001085012345 are two columns.
  const short = sizes[0]! <= 3 && digits[0] !== '0'
  if (short && before === ',' && isDigitAt(text, start - 2)) return undefined
  if (short && text[end] === ',' && isDigitAt(text, end + 1)) return undefined
  // 0.912345678 is a fraction, and what follows +41 (0) is no number of ours.
  if (before === '(' && sizes[0]! <= 2 && (isDigitAt(text, start - 2) || isDigitAt(text, start - 3))) return undefined
  if (sizes.length === 2 && sizes[0] === 1 && digits[0] === '0' && (joints[0] === '.' || joints[0] === '-'))
    return undefined
  if (before === ',' && text[start - 2] === '0' && !isDigitAt(text, start - 3)) return undefined
  const plus = before === '+' || (before === '(' && text[start - 2] === '+')
  return { digits, groups: sizes, joints, plus, start: plus && before === '+' ? start - 1 : start, end }
}

/** 1.250.000.000, and never one that begins with 0. */
const isAmount = ({ digits, groups, joints }: Candidate): boolean =>
  groups.length > 1 &&
  digits[0] !== '0' &&
  groups[0]! <= 3 &&
  /^\.+$/.test(joints) &&
  groups.slice(1).every((n) => n === 3)
const MONEY = /^ {0,2}(?:dong|vnd|usd|eur|d|k|tr|trieu|ty)(?![a-z])/i
const isMoney = (text: string, end: number): boolean => {
  const next = text.charCodeAt(end) === 32 ? text.charCodeAt(end + 1) : text.charCodeAt(end)
  return (next === 32 || next >= 65) && MONEY.test(text.slice(end, end + 9))
}
const isSpelled = ({ groups, digits, joints }: Candidate): boolean =>
  groups.length > 1 && groups.length === digits.length && new Set(joints).size === 1
/** Written as people write accounts and codes: at once, or in even groups. */
const isEven = (candidate: Candidate): boolean =>
  candidate.groups.length === 1 ||
  isSpelled(candidate) ||
  (candidate.groups.every((n) => n >= 2 && n <= 6) && /^(?: +|\.+|-+)$/.test(candidate.joints))

// In the order of certainty: what a check digit or a form tells before what only a word tells.
function judge(reading: Reading, candidate: Candidate, group: number, year: number): Judgement | undefined {
  const { digits, plus, groups, joints } = candidate
  const { text } = reading
  const size = digits.length
  const word = wordBefore(reading, candidate.start, SAYS)
  /** Whether another number stands between the word and this one: then the word was about that. */
  const used = word !== undefined && group > 0 && reading.groups.ends[group - 1]! > word.until
  const set = word?.set ?? 0
  const near = (kind: keyof typeof SET): boolean => (set & SET[kind]) !== 0
  const direct = (kind: keyof typeof SET): boolean => near(kind) && !used
  const other = direct('other-number') && candidate.start - word!.until <= OTHER_LOOK
  const as = (kind: Kind, confidence: Confidence, value = digits): Judgement => ({ kind, confidence, value })
  const even = isEven(candidate)

  if (plus) {
    // +84 (0)24 3825 1234, as letterheads have it.
    const phone = phoneOf(digits.startsWith('840') ? `84${digits.slice(3)}` : digits, true)
    return phone && as('phone', 'high', phone.national)
  }
  if (direct('driver-licence') && size === 12 && even) return as('driver-licence', 'high')
  if (direct('device-id') && size === 15) return as('device-id', isLuhn(digits) ? 'high' : 'low')
  if (size === 12 && !other && even && isPersonalId(digits, year)) {
    if (direct('bank-account')) return as('bank-account', 'high')
    return as('personal-id', near('personal-id') || near('old-id') || near('tax-code') ? 'high' : 'medium')
  }
  if (size >= 13 && !other && isCard(digits) && isCardForm(groups))
    if (!direct('bank-account') || groups.length > 1)
      return as('payment-card', near('payment-card') ? 'high' : 'medium')
  if (isAmount(candidate) || isMoney(text, candidate.end)) return undefined
  if (size === 12 && direct('personal-id') && even) return as('personal-id', 'low')
  if (size >= 12 && direct('payment-card') && isLuhn(digits) && digits[0] !== '0' && groups.length <= 5)
    return as('payment-card', 'medium')
  if (size >= 13 && direct('payment-card') && isCardForm(groups) && CARD_LIKE.test(digits))
    return as('payment-card', 'low')

  if (direct('tax-code') || (near('tax-code') && !near('phone'))) {
    if (size === 10 && even) return as('tax-code', isTaxCode(digits) ? 'high' : 'low')
    if (size === 13 && groups.at(-1) === 3 && joints.endsWith('-'))
      return as(
        'tax-code',
        isTaxCode(digits.slice(0, 10)) ? 'high' : 'low',
        `${digits.slice(0, 10)}-${digits.slice(10)}`,
      )
  }
  if (direct('social-insurance') && size === 10 && even) return as('social-insurance', 'high')
  if (direct('health-insurance') && size === 10 && even) return as('health-insurance', 'high')
  const phone = phoneOf(digits, false)
  if (direct('bank-account') && size >= 8 && size <= 19 && even && !isDay(digits)) {
    if (phone === undefined || !/^ {0,3}[([]? {0,2}(?:zalo|sdt|dt)/i.test(text.slice(candidate.end, candidate.end + 9)))
      return as('bank-account', size >= 9 && size <= 16 ? 'high' : 'medium')
  }
  if (phone !== undefined && !other && isPhoneForm(candidate, phone.mobile)) {
    const said = near('phone')
    if (phone.mobile || said || isAreaFirst(candidate)) return as('phone', said ? 'high' : 'medium', phone.national)
  }
  const renewed = size === 11 && direct('phone') ? OLD_MOBILE[digits.slice(1, 4)] : undefined
  if (renewed !== undefined && digits[0] === '0') return as('phone', 'medium', renewed + digits.slice(4))
  if (size === 9 && even && (direct('old-id') || direct('personal-id'))) return as('old-id', 'high')
  return undefined
}

/** 20261122 and 22112026. */
const isDay = (digits: string): boolean =>
  /^(?:(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d)$/.test(
    digits,
  )

/** 4-4-4-4, 4-6-5, 4-4-4-7 and the like, or at once. */
const isCardForm = (groups: readonly number[]): boolean =>
  groups.length === 1 || (groups[0] === 4 && groups.length <= 5)

/** No groups of one digit in the middle, and at most five. */
const isPhoneForm = (candidate: Candidate, mobile: boolean): boolean =>
  isSpelled(candidate) ||
  (candidate.groups.length <= 5 && candidate.groups.every((n, i) => n >= (i === 0 ? 1 : mobile ? 2 : 3)))

/** 024 3825 1234, (0251) 3 822 123: the area's code stands alone. */
const isAreaFirst = ({ groups, digits }: Candidate): boolean =>
  groups.length > 1 && digits[0] === '0' && (groups[0] === 3 || groups[0] === 4)
