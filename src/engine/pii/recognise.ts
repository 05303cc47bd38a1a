import { addressesIn } from './addresses.ts'
import { birthsIn, codesIn, colonsIn, devicesIn, emailsIn, ipv4In } from './forms.ts'
import { ALL_KINDS, type Confidence, type Finding, type Kind } from './kinds.ts'
import { namesIn } from './names.ts'
import { numbersIn } from './numbers.ts'
import { MOST_UNITS, type Reading, readFast } from './reading.ts'
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
  const wanted = options.kinds === undefined ? undefined : new Set(options.kinds)
  const want = (...kinds: Kind[]): boolean => wanted === undefined || kinds.some((kind) => wanted.has(kind))
  const out: Finding[] = []
  const { groups } = reading
  // What a scanner needs to find anything at all; without it the text is not looked through again (bench/pii.ts).
  if (groups.starts.length > 0) {
    add(out, numbersIn(reading, options.year))
    if (touches(reading)) add(out, codesIn(reading))
    if (says(reading, 'date-of-birth')) add(out, birthsIn(reading))
    if (groups.starts.length >= 4 && want('ip-address')) add(out, ipv4In(reading))
  }
  if (reading.text.includes('@')) add(out, emailsIn(reading))
  if (want('ip-address', 'device-id')) {
    const colon = reading.text.indexOf(':')
    if (colon >= 0 && reading.text.includes(':', colon + 1)) add(out, colonsIn(reading))
    if (reading.text.includes('-')) add(out, devicesIn(reading))
  }
  if (want('secret')) {
    const blocks = text.includes(KEY_BLOCK)
    const tokens = hasLongWord(text)
    if (blocks || tokens || says(reading, 'secret')) add(out, secretsIn(reading, { blocks, tokens }))
  }
  if (want('name')) add(out, namesIn(reading))
  if (want('address') && (says(reading, 'address') || says(reading, 'unit'))) add(out, addressesIn(reading))
  return settle(out, options)
}

const add = (out: Finding[], found: readonly Finding[]): void => {
  for (const finding of found) out.push(finding)
}
const says = ({ hits }: Reading, concept: Kind | 'unit'): boolean =>
  hits.some(({ concepts }) => concepts.includes(concept))

/** Whether a letter stands beside a digit, or one sign away from it, as in every code. */
function touches({ text, groups }: Reading): boolean {
  for (let i = 0; i < groups.starts.length; i++) {
    const start = groups.starts[i]!
    const end = groups.ends[i]!
    if (
      isLetterAt(text, start - 1) ||
      isLetterAt(text, end) ||
      isLetterAt(text, start - 2) ||
      isLetterAt(text, end + 1)
    )
      return true
  }
  return false
}
function isLetterAt(text: string, i: number): boolean {
  const code = text.charCodeAt(i) | 32
  return code >= 97 && code <= 122
}

function hasLongWord(text: string): boolean {
  let from = 0
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && text.charCodeAt(i) > 32) continue
    if (i - from >= SHORTEST_TOKEN) return true
    from = i + 1
  }
  return false
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
