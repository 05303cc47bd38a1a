import { KhienError } from '../kit/errors.ts'
import { countRows, keyFrom, keyText, page, type Key } from '../source/index.ts'
import { handle } from './handle.ts'
import { note, patiently, type Move, type Moving } from './move.ts'
import { pacer } from './pace.ts'
import { prepare } from './prepare.ts'
import { mark, recall, remember } from './state.ts'

const PAGE = 200
/** Pages under way at once: one waits for the database while the other waits for the vault. */
const LANES = 2

export type CopyProgress = {
  readonly table: string
  readonly rows: number
  readonly of: number
  readonly perSecond: number
  /** Seconds left at the speed of the last half minute; undefined until there is one. */
  readonly seconds: number | undefined
}
export type CopyOptions = { readonly rate?: number; readonly onProgress?: (progress: CopyProgress) => void }
type Reached = { after?: Key; rows: number; done: boolean }

/** Held by a verb for as long as it runs. Errors: `adopt/busy`. */
export async function alone(move: Move, verb: string): Promise<AsyncDisposable> {
  const claim = await move.source.claim(`khien adopt ${verb}`)
  if (!claim) throw new KhienError('adopt/busy', `Another khien adopt ${verb} is at work on ${move.source.place}.`)
  return claim
}

/**
 * Brings every row of the plan's tables into the vault, where nothing in the source changes but that persons get their
 * subject tokens. Goes on where it was when it was killed. Rows that are locked are left to `follow`. Returns rows read.
 */
export async function copy(move: Move, options: CopyOptions = {}): Promise<number> {
  await using _ = await alone(move, 'copy')
  await prepare(move)
  const pace = pacer(options.rate ?? 1_000_000)
  const totals: number[] = []
  const reached: Reached[] = []
  for (const { table } of move.tables) {
    totals.push(await move.source.read((s) => countRows(s, table)))
    reached.push(await reachedIn(move, table.label))
  }
  const speed = speedometer()
  const tell = (table: string): void => {
    const [rows, of] = [reached.reduce((sum, r) => sum + r.rows, 0), totals.reduce((a, b) => a + b, 0)]
    const perSecond = speed(rows)
    options.onProgress?.({
      table,
      rows,
      of,
      perSecond,
      seconds: perSecond > 0 ? Math.max(0, of - rows) / perSecond : undefined,
    })
  }
  for (const [t, moving] of move.tables.entries())
    if (!reached[t]!.done) await copyTable(move, moving, reached[t]!, pace, () => tell(moving.table.label))
  return reached.reduce((sum, r) => sum + r.rows, 0)
}

async function copyTable(
  move: Move, moving: Moving, reached: Reached, pace: ReturnType<typeof pacer>, tell: () => void,
): Promise<void> {
  const { source } = move
  const { table } = moving
  let last = reached.after
  let ended = false
  let turn: Promise<Key[]> = Promise.resolve([])
  const next = (): Promise<Key[]> =>
    (turn = turn.then(async () => {
      if (ended || move.signal.aborted) return []
      const rows = await patiently(move, `reading ${table.label}`, () =>
        source.read((s) => page(s, table, source.kind, { columns: [], after: last, limit: PAGE })),
      )
      if (rows.length < PAGE) ended = true
      if (rows.length > 0) last = rows.at(-1)!.key
      return rows.map(({ key }) => key)
    }))
  /** Pages in their order; what lies before the first that is unfinished is behind us. */
  const pages: { keys: Key[]; done: boolean }[] = []
  async function lane(): Promise<void> {
    for (;;) {
      const keys = await next()
      if (keys.length === 0) return
      const mine = { keys, done: false }
      pages.push(mine)
      const began = performance.now()
      const { done } = await patiently(move, `moving ${table.label}`, () => handle(move, moving, keys, false))
      const took = performance.now() - began
      mine.done = true
      const seen = new Set(done.map(keyText))
      const skipped = keys.map(keyText).filter((key) => !seen.has(key))
      while (pages[0]?.done) {
        const { keys } = pages.shift()!
        reached.rows += keys.length
        reached.after = keys.at(-1)!
      }
      await note(move, async (s) => {
        await mark(s, table.label, skipped)
        await remember(s, source.kind, `copy:${table.label}`, JSON.stringify(reached))
      })
      tell()
      await pace(keys.length, took, move.signal)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  if (move.signal.aborted) throw new KhienError('adopt/stopped', 'Stopped; the same command goes on from here.')
  reached.done = true
  await note(move, (s) => remember(s, source.kind, `copy:${table.label}`, JSON.stringify(reached)))
  tell()
} // prettier-ignore

export async function reachedIn(move: Move, label: string): Promise<Reached> {
  const text = await move.source.read((s) => recall(s, `copy:${label}`))
  if (text === undefined) return { rows: 0, done: false }
  const { after, ...rest } = JSON.parse(text) as Reached
  return after === undefined ? rest : { ...rest, after: keyFrom(JSON.stringify(after)) }
}

/** Errors: `adopt/not-copied`, unless every table was copied to its end. */
export async function demandCopied(move: Move, moving: readonly Moving[] = move.tables): Promise<void> {
  for (const { table } of moving)
    if (!(await reachedIn(move, table.label)).done)
      throw new KhienError('adopt/not-copied', `${table.label} is not copied to its end; run khien adopt copy.`)
}

/** Rows a second over the last half minute. */
function speedometer(): (rows: number) => number {
  const marks: { at: number; rows: number }[] = []
  return (rows) => {
    const at = performance.now()
    marks.push({ at, rows })
    while (marks.length > 2 && at - marks[0]!.at > 30_000) marks.shift()
    const first = marks[0]!
    return at - first.at < 200 ? 0 : ((rows - first.rows) * 1_000) / (at - first.at)
  }
}
