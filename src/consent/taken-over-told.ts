import { consentOf } from '../law/index.ts'
import type { Evidence } from './contract.ts'
import type { ConsentTables } from './store.ts'

type Row = ConsentTables['taken_over']

const DAY_MS = 24 * 3_600_000
/** Ms; a day begins in Vietnam. */
export const from = (when: string): number => Date.parse(when.length === 10 ? `${when}T00:00:00+07:00` : when)
/** Ms; the last of a day, for one of which only the day is known. */
export const until = (when: string): number => (when.length === 10 ? from(when) + DAY_MS - 1 : from(when))
export const known = (told: string): boolean => told !== 'not-known'

/** The same said again, by whoever. */
export function isSame(before: readonly Row[], row: Row): boolean {
  const same = ['ref', 'given', 'ended', 'method', 'text', 'kept'] as const
  return before.some((each) => same.every((column) => each[column] === row[column]))
}

/** Whether a consent rests on what was taken over, and not on a receipt of ours. */
export const isTaken = ({ receipt }: { readonly receipt: string }): boolean => receipt.startsWith('tko_')

/** Whether an end that is told reaches what began at `began` (ms): what was decided here it must surely come after: a day, from its beginning. */
export const ends = (end: string, began: number, taken: boolean): boolean =>
  taken ? began <= until(end) : began < from(end)

/** Whether what was given at `given` has ended by what was told before. */
export const isOver = (before: readonly Row[], given: string): boolean =>
  known(given) && before.some(({ ended }) => ended !== '' && until(ended) >= from(given))

/** Whether it was by this row that what began at `began` (ms) ended at `at` (ms). */
export const isEndOf = (row: Row, began: number, at: number | null): boolean =>
  row.ended !== '' && Number(row.taken_at) === Number(at) && until(row.ended) >= Number(began)

type Running = { readonly given_at: number; readonly version: number; readonly receipt: string }
/** Of two that were given, the later stands; of two of one instant, the one of the newer text. */
export const isLater = (given: number, version: number, running: Running): boolean =>
  isTaken(running) &&
  (given > Number(running.given_at) || (given === Number(running.given_at) && version > running.version))

/** What is missing before a consent can be shown to be one; null when nothing is. */
export function lacking({ given, method, text, kept }: Evidence): string | null {
  if (!known(given)) return 'consent/no-time'
  if (consentOf(from(given)) === undefined) return 'consent/before-the-decree'
  if (!known(method)) return 'consent/no-method'
  if (!known(text)) return 'consent/no-text'
  return known(kept) ? null : 'consent/no-evidence'
}
