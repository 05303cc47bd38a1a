import { setTimeout as sleep } from 'node:timers/promises'
import { isToken } from '../client/columns.ts'
import { KhienError } from '../kit/errors.ts'
import { countRows, keyFrom, keyText, rowsAt, type KeyedRow } from '../source/index.ts'
import { isBlank } from './carry.ts'
import { demandCopied } from './copy.ts'
import { parts, type GetAnswer } from './door.ts'
import { walk } from './lanes.ts'
import { patiently, type Move, type Moving } from './move.ts'
import { columnsOf, gather, place, placeOf, type Place, type Placed } from './places.ts'
import type { PlanColumn } from './plan.ts'
import { gauge, type Progress } from './progress.ts'
import { countLeft, leftAmong, pendingAmong } from './state.ts'
import { tokensFor } from './tokens.ts'

const PAGE = 200
/** A row that differs is looked at again, because it may have changed between the two readings. */
const LOOKS = 40
const BETWEEN_MS = 250
/** With nothing followed for so long, following has stopped. */
const PATIENCE_MS = 60_000
/** Nobody corrects so many one by one, and they are held in memory. */
const MANY = 100_000
/** Looks in a row that find the same, with nothing waiting to be followed. */
const SURE = 4

export type Difference = {
  readonly table: string
  readonly column: string
  readonly key: string
  /** `differs`, `not in the vault`, `held though empty here`, `another token`, `waits to be followed`, or the vault's own code. */
  readonly what: string
}
export type Compared = {
  readonly cells: number
  readonly differences: readonly Difference[]
  /** Cells the vault does not take, as `copy` and `follow` noted them. */
  readonly left: number
}

/**
 * Reads both sides, row by row, and gives what differs; rows that change meanwhile are read again. Errors: `adopt/differs`
 * when nearly everything does, `adopt/stopped`.
 */
export async function compare(move: Move, onProgress?: (rows: number, progress: Progress) => void): Promise<Compared> {
  await demandCopied(move)
  const { source } = move
  const differences: Difference[] = []
  let [cells, rows, left, all] = [0, 0, 0, 0]
  if (onProgress) for (const { table } of move.tables) all += await source.read((s) => countRows(s, table))
  const told = onProgress && gauge(all, (progress) => onProgress(rows, progress))
  for (const moving of move.tables) {
    const { label } = moving.table
    left += await source.read((s) => countLeft(s, label))
    const doubtful: Difference[] = []
    await walk(move, moving, {
      columns: columnsOf(moving),
      limit: PAGE,
      async visit(move, found) {
        const result = await patiently(move, `comparing ${label}`, () => compareRows(move, moving, found))
        cells += result.cells
        doubtful.push(...result.differences)
        if (differences.length + doubtful.length > MANY) throw tooMany(doubtful.at(-1)!)
      },
      passed(found) {
        rows += found.length
        told?.(label, rows)
      },
      stopped: 'Stopped before everything was compared.',
    })
    differences.push(...(await lookAgain(move, moving, doubtful)))
  }
  return { cells, differences, left }
}

const tooMany = ({ table, column, what }: Difference): KhienError =>
  new KhienError(
    'adopt/differs',
    `More than ${MANY.toLocaleString('en-US')} cells differ or wait to be followed, ${table}.${column} (${what}) among them: look for one reason first.`,
  )

/**
 * Rows that differed, until they are equal or stay as they are. What waits to be followed may still become equal, however far
 * following is behind, as long as it goes on; it is not read meanwhile.
 */
async function lookAgain(move: Move, moving: Moving, first: readonly Difference[]): Promise<Difference[]> {
  const { source } = move
  const { label } = moving.table
  const sure: Difference[] = []
  let doubtful = new Map(first.map((each) => [idOf(each), { each, looks: 1 }]))
  let waiting = new Set<string>()
  let moved = performance.now()
  for (let looks = 0; doubtful.size > 0 && looks < LOOKS && performance.now() - moved < PATIENCE_MS;) {
    await sleep(BETWEEN_MS)
    if (move.signal.aborted) throw new KhienError('adopt/stopped', 'Stopped before everything was compared.')
    const again: typeof doubtful = new Map()
    const waited = waiting
    waiting = new Set()
    for (const part of parts([...new Set([...doubtful.values()].map(({ each }) => each.key))], PAGE)) {
      // First what waits: a row that is read after that is at least as new.
      const pending = await source.read((s) => pendingAmong(s, label, part))
      for (const key of pending) waiting.add(key)
      const settled = part.filter((key) => !pending.has(key)).map(keyFrom)
      const rows = await source.read((s) => rowsAt(s, moving.table, source.kind, settled, columnsOf(moving)))
      const found = await patiently(move, `comparing ${label}`, () => compareRows(move, moving, rows))
      for (const each of found.differences) {
        const seen = (doubtful.get(idOf(each))?.looks ?? 0) + 1
        if (seen >= SURE) sure.push(each)
        else again.set(idOf(each), { each, looks: seen })
      }
    }
    for (const [id, { each }] of doubtful) if (waiting.has(each.key)) again.set(id, { each, looks: 1 })
    doubtful = again
    if (waiting.size === 0) looks++
    if (waiting.size === 0 || [...waited].some((key) => !waiting.has(key))) moved = performance.now()
  }
  const rest = [...doubtful.values()].map(({ each }) => each)
  return [...sure, ...rest.map((each) => (waiting.has(each.key) ? { ...each, what: 'waits to be followed' } : each))]
}

const idOf = ({ column, key, what }: Difference): string => `${column} ${key} ${what}`

async function compareRows(
  move: Move, moving: Moving, rows: readonly KeyedRow[],
): Promise<{ cells: number; differences: Difference[] }> {
  const { label } = moving.table
  const [placed, excepted] = await move.source.read(
    async (s) => [await place(s, move, moving, rows), await leftAmong(s, label, rows.map(({ key }) => keyText(key)))] as const,
  )
  const cells: Compare[] = []
  const differences: Difference[] = []
  for (const row of placed)
    for (const column of moving.planned.columns) {
      if (excepted.has(`${keyText(row.key)} ${column.column}`)) continue
      const value = row.row[column.column] ?? null
      const at = row.subject === undefined ? undefined : placeOf(column, row.subject, row.row)
      if (at) cells.push({ row, column, place: at, value })
      else if (!isBlank(value)) differences.push(differenceOf(moving, row, column, 'no person or record'))
    }
  const held = await read(move, cells)
  const tokens = await tokensOf(move, cells, held)
  for (const cell of cells) {
    const what = whatDiffers(cell, held.get(cell)!, tokens.get(cell))
    if (what !== undefined) differences.push(differenceOf(moving, cell.row, cell.column, what))
  }
  return { cells: cells.length, differences }
} // prettier-ignore

export type Compare = {
  readonly row: Placed
  readonly column: PlanColumn
  readonly place: Place
  readonly value: string | null
}
/** What the vault holds for a cell, or why it does not say. */
export type Held = { readonly value: string | null } | { readonly refused: string }

/** Values of cells out of the vault, under the purpose and the ticket of the plan. */
export async function read(move: Move, cells: readonly Compare[]): Promise<Map<Compare, Held>> {
  const out = new Map<Compare, Held>()
  for (const part of parts(gather(cells))) {
    const items = part.map(({ at: { subject, collection, record }, cells }) => ({
      subject,
      collection,
      record,
      fields: cells.map(({ place }) => place.field),
    }))
    const answers: GetAnswer[] = await move.door.get(move.plan.purpose, move.plan.reason, items)
    for (const [i, { cells }] of part.entries()) {
      const answer = answers[i]!
      for (const cell of cells)
        out.set(cell, answer.ok ? { value: answer.fields[cell.place.field] ?? null } : { refused: answer.code })
    }
  }
  return out
}

/** Errors: the vault's own code, when it gives out none of these cells: then the purpose is wrong, not a row. */
export function demandGiven(move: Move, column: PlanColumn, held: readonly Held[]): void {
  const codes = held.flatMap((each) => ('refused' in each ? [each.refused] : []))
  if (codes.length > 0 && codes.length === held.length)
    throw new KhienError(
      codes[0]!,
      `The vault does not open ${column.to} for the purpose “${move.plan.purpose}” (${codes[0]}); declare it with this field.`,
    )
}

/** What must stand in cells that are tokens, from what the vault holds. */
async function tokensOf(move: Move, cells: readonly Compare[], held: ReadonlyMap<Compare, Held>): Promise<Map<Compare, string>> {
  const known = cells.flatMap((cell) => {
    const there = held.get(cell)!
    return isToken(cell.value) && 'value' in there && there.value !== null ? [{ cell, value: there.value }] : []
  })
  const tokens = await tokensFor(move, known.map(({ cell, value }) => ({ ...cell, value })))
  return new Map(known.map(({ cell }, i) => [cell, tokens[i]!]))
} // prettier-ignore

/** The vault keeps texts in form C of Unicode; the same text in another form is the same value. */
export const same = (a: string, b: string): boolean => a === b || a.normalize('NFC') === b.normalize('NFC')

function whatDiffers(cell: Compare, held: Held, token: string | undefined): string | undefined {
  if ('refused' in held) return held.refused
  if (isBlank(cell.value)) return held.value === null ? undefined : 'held though empty here'
  if (held.value === null) return 'not in the vault'
  if (isToken(cell.value)) return token === cell.value ? undefined : 'another token'
  return same(cell.value!, held.value) ? undefined : 'differs'
}

const differenceOf = ({ table }: Moving, row: Placed, column: PlanColumn, what: string): Difference => ({
  table: table.label,
  column: column.column,
  key: keyText(row.key),
  what,
})
