import { KhienError } from '../kit/errors.ts'
import { page, type Key, type KeyedRow, type Kind, type Query } from '../source/index.ts'
import { patiently, type Move, type Moving } from './move.ts'
import type { pacer } from './pace.ts'

/** Pages under way at once: while one is with the vault, others are at the database or in our hands. */
const LANES = 3

/**
 * For what writes the app's rows. MariaDB locks gaps of indexes too: with one page at a time the app met no deadlock in
 * 243,872 requests, with three it was seen to meet one.
 */
export const lanesOf = (kind: Kind): number => (kind === 'postgres' ? LANES : 1)

export type Walk = {
  readonly columns: readonly string[]
  readonly where?: Query
  /** The last key that is behind us. */
  readonly after?: Key | undefined
  /** Rows of a page. */
  readonly limit: number
  /** Pages at once. */
  readonly lanes?: number
  /** Works on a page. The move it gets is stopped as soon as another page has failed. */
  readonly visit: (move: Move, rows: readonly KeyedRow[]) => Promise<void>
  /** Told of each page in the order of the key, when it and all before it are done; one at a time. */
  readonly passed?: (rows: readonly KeyedRow[]) => Promise<unknown> | void
  readonly pace?: ReturnType<typeof pacer>
  /** What to say when it was told to stop. */
  readonly stopped?: string
}

/**
 * Goes once through a table in the order of its key, several pages at once, up to the first page that is not full: what the
 * app adds behind it is followed, not chased. The first failure ends every lane, and is thrown when all have come to rest.
 * Errors: `adopt/stopped`, what `visit` and `passed` throw.
 */
export async function walk(move: Move, { table }: Moving, way: Walk): Promise<void> {
  const { columns, where, limit, lanes = LANES, visit, passed, pace } = way
  const failed = new AbortController()
  const ours: Move = { ...move, signal: AbortSignal.any([move.signal, failed.signal]) }
  const open: { rows: readonly KeyedRow[]; done: boolean }[] = []
  let after = way.after
  let ended = false
  let reading: Promise<(typeof open)[0] | undefined> = Promise.resolve(undefined)
  let passing: Promise<void> = Promise.resolve()

  const next = (): typeof reading =>
    (reading = reading.then(async () => {
      if (ended || ours.signal.aborted) return undefined
      const rows = await patiently(ours, `reading ${table.label}`, () =>
        move.source.read((s) => page(s, table, move.source.kind, { columns, where, after, limit, alongKey: true })),
      )
      ended = rows.length < limit
      if (rows.length === 0) return undefined
      after = rows.at(-1)!.key
      const mine = { rows, done: false }
      open.push(mine)
      return mine
    }))
  const pass = (): Promise<void> =>
    (passing = passing.then(async () => {
      while (open[0]?.done) {
        const { rows } = open.shift()!
        await passed?.(rows)
      }
    }))
  async function lane(): Promise<void> {
    for (let mine = await next(); mine !== undefined; mine = await next()) {
      const began = performance.now()
      await visit(ours, mine.rows)
      const took = performance.now() - began
      mine.done = true
      await pass()
      await pace?.(mine.rows.length, took, ours.signal)
    }
  }

  let failure: { readonly why: unknown } | undefined
  const fail = (why: unknown): void => {
    failure ??= { why }
    failed.abort()
  }
  await Promise.all(Array.from({ length: lanes }, () => lane().catch(fail)))
  if (failure) throw failure.why
  if (move.signal.aborted)
    throw new KhienError('adopt/stopped', way.stopped ?? 'Stopped; the same command goes on from here.')
}
