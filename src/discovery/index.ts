import { fineFor, type FineRange } from '../law/index.ts'
import type { Source } from '../source/index.ts'
import { scanFiles, type Progress, type Skipped } from './files.ts'
import { readersOf, scanTables, type TableProgress } from './tables.ts'
import { tally, type Found } from './tally.ts'
import type { Confidence, Kind } from '../engine/pii/index.ts'

export { redact, redactLines } from './redact.ts'
export type { Found } from './tally.ts'
export type { Skipped } from './files.ts'

/** An address, a plate or a device is of no certain number of people. */
const ABOUT_ONE: ReadonlySet<Kind> = new Set([
  'personal-id',
  'old-id',
  'phone',
  'email',
  'name',
  'passport',
  'driver-licence',
  'social-insurance',
  'health-insurance',
  'payment-card',
  'bank-account',
])

export type ScanOptions = {
  readonly now: number
  readonly least?: Confidence
  readonly kinds?: readonly Kind[]
}
export type Exposed = { readonly place: string; readonly readers: readonly string[] }
export type Report = {
  readonly at: string
  readonly texts: number
  readonly characters: number
  /** Findings beyond 20,000 places, counted and not told apart. */
  readonly dropped: number
  /** By place and kind, the most first. */
  readonly found: readonly Found[]
  /** Kinds by class with the most people any one place has of them: nobody can tell from outside who is who. */
  readonly map: readonly {
    readonly class: Found['class']
    readonly kind: Kind
    readonly count: number
    readonly distinct: number
    readonly places: number
  }[]
  /** Columns with personal data that others than their owner may read. */
  readonly exposed: readonly Exposed[]
  readonly skipped: readonly Skipped[]
  /** About so many people: the largest number of different values of a kind that people have about one of. */
  readonly people: { readonly basic: number; readonly sensitive: number }
  readonly fines: readonly (FineRange & {
    readonly article: { vi: string; en: string }
    readonly what: { vi: string; en: string }
  })[]
}

/** Looks for personal data and secrets in files. */
export async function scanPaths(paths: readonly string[], options: ScanOptions, progress: Progress): Promise<Report> {
  const counted = tally(optionsOf(options))
  const skipped = await scanFiles(paths, counted, progress)
  return report(counted, options.now, { skipped, exposed: [] })
}

/** Looks for personal data and secrets in a database, reading only; `rows` a table, 0 for all of them. */
export async function scanSource(
  source: Source,
  options: ScanOptions & { readonly rows: number },
  progress: TableProgress,
): Promise<Report> {
  const counted = tally(optionsOf(options))
  await scanTables(source, counted, options.rows, progress)
  const places = [...new Set(counted.found().map((one) => one.place))]
  const exposed = [...(await readersOf(source, places))]
    .filter(([, readers]) => readers.length > 0)
    .map(([place, readers]) => ({ place, readers }))
  return report(counted, options.now, { skipped: [], exposed })
}

const optionsOf = ({ now, least, kinds }: ScanOptions) => ({
  year: new Date(now).getUTCFullYear(),
  ...(least === undefined ? {} : { least }),
  ...(kinds === undefined ? {} : { kinds }),
})

function report(counted: ReturnType<typeof tally>, now: number, more: Pick<Report, 'skipped' | 'exposed'>): Report {
  const found = counted.found().toSorted((a, b) => b.count - a.count || (a.place < b.place ? -1 : 1))
  const map = [...Map.groupBy(found, (one) => one.kind)].map(([kind, all]) => ({
    class: all[0]!.class,
    kind,
    count: all.reduce((sum, one) => sum + one.count, 0),
    distinct: Math.max(...all.map((one) => one.distinct)),
    places: all.length,
  }))
  const most = (wanted: Found['class']): number =>
    Math.max(0, ...map.filter((one) => one.class === wanted && ABOUT_ONE.has(one.kind)).map((one) => one.distinct))
  const people = { basic: most('basic'), sensitive: most('sensitive') }
  const fines = (['intrusion', 'trading'] as const).flatMap((act) => fineFor(act, people, now) ?? [])
  return { at: new Date(now).toISOString(), ...counted.figures(), found, map, people, fines, ...more }
}
