import { KhienError } from '../kit/errors.ts'
import { countRows, keyFrom, keyText, type Key } from '../source/index.ts'
import { handle } from './handle.ts'
import { walk } from './lanes.ts'
import { note, patiently, type Move, type Moving } from './move.ts'
import { pacer } from './pace.ts'
import { prepare } from './prepare.ts'
import { gauge, type Progress } from './progress.ts'
import { mark, recall, remember } from './state.ts'

const PAGE = 200
/** The vault is what copying waits for. */
const LANES = 2
/** How far it is, is noted this often; what was copied since is copied once more after a kill, which does no harm. */
const NOTED_MS = 1_000

export type CopyOptions = { readonly rate?: number; readonly onProgress?: (progress: Progress) => void }
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
  const rows = (): number => reached.reduce((sum, r) => sum + r.rows, 0)
  const told = gauge(
    totals.reduce((a, b) => a + b, 0),
    (progress) => options.onProgress?.(progress),
  )
  for (const [t, moving] of move.tables.entries())
    if (!reached[t]!.done) await copyTable(move, moving, reached[t]!, pace, () => told(moving.table.label, rows()))
  return rows()
}

async function copyTable(
  move: Move, moving: Moving, reached: Reached, pace: ReturnType<typeof pacer>, tell: () => void,
): Promise<void> {
  const { table } = moving
  const keep = (): Promise<unknown> =>
    note(move, (s) => remember(s, move.source.kind, `copy:${table.label}`, JSON.stringify(reached)))
  let noted = performance.now()
  await walk(move, moving, {
    columns: [],
    after: reached.after,
    limit: PAGE,
    lanes: LANES,
    pace,
    async visit(move, rows) {
      const keys = rows.map(({ key }) => key)
      const done = await patiently(move, `moving ${table.label}`, () => handle(move, moving, keys, false))
      const seen = new Set(done.map(keyText))
      const skipped = keys.map(keyText).filter((key) => !seen.has(key))
      if (skipped.length > 0) await note(move, (s) => mark(s, table.label, skipped))
    },
    async passed(rows) {
      reached.rows += rows.length
      reached.after = rows.at(-1)!.key
      tell()
      if (performance.now() - noted < NOTED_MS) return
      noted = performance.now()
      await keep()
    },
  })
  reached.done = true
  await keep()
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
