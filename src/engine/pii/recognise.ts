import { addressesIn } from './addresses.ts'
import { birthsIn, codesIn, colonsIn, devicesIn, emailsIn, ipv4In } from './forms.ts'
import { ALL_KINDS, type Confidence, type Finding, type Kind } from './kinds.ts'
import { namesIn } from './names.ts'
import { numbersIn } from './numbers.ts'
import { MOST_UNITS, type Reading, readFast } from './reading.ts'
import { setOf } from './words.ts'
import { KEY_BLOCK, secretsIn, SHORTEST_TOKEN } from './secrets.ts'

export type RecogniseOptions = {
  /** This year; no number of a person born later is taken for one. */
  readonly year: number
  /** Which kinds are wanted; all by default. */
  readonly kinds?: readonly Kind[]
  /** Findings less sure than this are left out; `medium` by default. */
  readonly least?: Confidence
}

/** Findings of one text; more tell nothing new. */
export const MOST_FINDINGS = 10_000
const SURENESS: Readonly<Record<Confidence, number>> = { low: 0, medium: 1, high: 2 }
/** Where two findings share a place the earlier in this list stays: what has a form of its own before what is told by words. */
const RANK = new Map<Kind, number>(
  (
    [
      'secret',
      'email',
      'device-id',
      'ip-address',
      'health-insurance',
      'plate',
      'passport',
      'date-of-birth',
      ...ALL_KINDS.filter((kind) => kind !== 'name' && kind !== 'address'),
      'address',
      'name',
    ] as Kind[]
  ).map((kind, i, all) => [kind, all.indexOf(kind)]),
)

/**
 * Personal data and secrets in a text, in order of place and none over another: Vietnamese identifiers, cards, accounts, e-mail and network
 * addresses, names and postal addresses, keys and passwords, however they are written (with or without marks, NFC or NFD, full-width, with signs
 * of no width, spaced or dotted). Pure; linear in the text. Throws RangeError for a text above 4 Mi units.
 */
export function recognise(text: string, options: RecogniseOptions): Finding[] {
  if (text.length > MOST_UNITS)
    throw new RangeError(
      `personal data is looked for in at most ${MOST_UNITS} units at once; cut the text at its lines`,
    )
  const reading = readFast(text)
  const want = (kind: Kind): boolean => options.kinds?.includes(kind) ?? true
  const said = reading.hits.reduce((all, { set }) => all | set, 0)
  const out: Finding[] = []
  const { groups } = reading
  // What a scanner needs to find anything at all; without it the text is not looked through again (bench/pii.ts).
  if (groups.starts.length > 0) {
    add(out, numbersIn(reading, options.year))
    if (mayBeCode(reading)) add(out, codesIn(reading))
    if ((said & BIRTH) !== 0) add(out, birthsIn(reading))
    if (groups.starts.length >= 4 && want('ip-address') && hasQuad(reading)) add(out, ipv4In(reading))
  }
  if (reading.text.includes('@')) add(out, emailsIn(reading))
  if (want('ip-address') || want('device-id')) {
    if (reading.text.includes('::') || count(reading.text, ':', 5) === 5) add(out, colonsIn(reading))
    if (count(reading.text, '-', 4) === 4) add(out, devicesIn(reading))
  }
  if (want('secret')) {
    const blocks = text.includes(KEY_BLOCK)
    const tokens = hasLongWord(text)
    if (blocks || tokens || (said & SECRET) !== 0) add(out, secretsIn(reading, { blocks, tokens }))
  }
  if (want('name')) add(out, namesIn(reading))
  if (want('address') && (said & PLACES) !== 0) add(out, addressesIn(reading))
  return settle(out, options)
}

const add = (out: Finding[], found: readonly Finding[]): void => {
  for (const finding of found) out.push(finding)
}
const BIRTH = setOf('date-of-birth')
const SECRET = setOf('secret')
const PLACES = setOf('address', 'unit')

/** How often a sign stands in a text, up to `most`. */
function count(text: string, sign: string, most: number): number {
  let found = 0
  for (let at = text.indexOf(sign); at >= 0 && found < most; at = text.indexOf(sign, at + 1)) found++
  return found
}

/** Whether four groups of digits hang together by dots. */
function hasQuad({ text, groups: { starts, ends } }: Reading): boolean {
  let joints = 0
  for (let i = 1; i < starts.length; i++) {
    joints = starts[i] === ends[i - 1]! + 1 && text[ends[i - 1]!] === '.' ? joints + 1 : 0
    if (joints === 3) return true
  }
  return false
}

/** Whether a group of digits stands as in a plate (`29A-1`), a passport (`B1234567`) or a card of health insurance (`DN4…`, `DN 4 …`). */
function mayBeCode({ text, groups: { starts, ends } }: Reading): boolean {
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i]!
    const end = ends[i]!
    const size = end - start
    if (size === 2 && (isLetterAt(text, end) || isLetterAt(text, end + 1)) && starts[i + 1]! - end <= 6) return true
    const letter = isLetterAt(text, start - 1)
    if (letter && (size === 7 || size === 8)) return true
    const first = text.charCodeAt(start)
    if (first < 49 || first > 53) continue
    const last = letter ? start - 1 : start - 2
    if (isLetterAt(text, last) && isLetterAt(text, last - 1) && !isLetterAt(text, last - 2)) return true
  }
  return false
}
function isLetterAt(text: string, i: number): boolean {
  const code = text.charCodeAt(i) | 32
  return code >= 97 && code <= 122
}

/** Whether so many signs stand without a space that a token may be among them. */
function hasLongWord(text: string): boolean {
  for (let from = 0; ;) {
    const at = text.indexOf(' ', from)
    if ((at < 0 ? text.length : at) - from >= SHORTEST_TOKEN) return true
    if (at < 0) return false
    from = at + 1
  }
}

/** In order, without those that are not wanted and those under a surer form; `MOST_FINDINGS` at most. */
export function settle(found: Finding[], { kinds, least = 'medium' }: RecogniseOptions): Finding[] {
  const wanted = kinds === undefined ? undefined : new Set(kinds)
  found.sort((a, b) => a.start - b.start || b.end - a.end || rank(a) - rank(b))
  const out: Finding[] = []
  for (const finding of found) {
    if (SURENESS[finding.confidence] < SURENESS[least] || wanted?.has(finding.kind) === false) continue
    const last = out.at(-1)
    if (last === undefined || finding.start >= last.end) {
      if (out.length < MOST_FINDINGS) out.push(finding)
    } else if (rank(finding) < rank(last)) out[out.length - 1] = finding
  }
  return out
}
const rank = ({ kind }: Finding): number => RANK.get(kind)!
