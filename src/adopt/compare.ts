import { setTimeout as sleep } from 'node:timers/promises'
import { isToken, placeToken } from '../client/columns.ts'
import { KhienError } from '../kit/errors.ts'
import { keyFrom, keyText, page, rowsAt, sql, type Key, type KeyedRow, type Session } from '../source/index.ts'
import { isBlank } from './carry.ts'
import { demandCopied } from './copy.ts'
import { parts, type GetAnswer } from './door.ts'
import { patiently, type Move, type Moving } from './move.ts'
import { columnsOf, gather, place, placeOf, type Place, type Placed } from './places.ts'
import type { PlanColumn } from './plan.ts'
import { pendingAmong } from './state.ts'

const PAGE = 200
/** A row that differs is looked at again, because it may have changed between the two readings. */
const LOOKS = 40
const BETWEEN_MS = 250
/** Looks in a row that find the same, with nothing waiting to be followed. */
const SURE = 4

export type Difference = {
  readonly table: string
  readonly column: string
  readonly key: string
  /** `differs`, `not in the vault`, `held though empty here`, `another token`, or the vault's own code. */
  readonly what: string
}
export type Compared = {
  readonly cells: number
  readonly differences: readonly Difference[]
  /** Cells the vault does not take, as `copy` and `follow` noted them. */
  readonly left: number
}

/** Reads both sides, row by row, and gives what differs; rows that change meanwhile are read again. */
export async function compare(move: Move, onProgress?: (rows: number) => void): Promise<Compared> {
  await demandCopied(move)
  const differences: Difference[] = []
  let cells = 0
  let rows = 0
  let left = 0
  for (const moving of move.tables) {
    const excepted = await exceptedOf(move, moving)
    left += excepted.size
    const doubtful: Difference[] = []
    let after: Key | undefined
    for (;;) {
      const found = await patiently(move, `comparing ${moving.table.label}`, () =>
        move.source.read((s) =>
          page(s, moving.table, move.source.kind, { columns: columnsOf(moving), after, limit: PAGE }),
        ),
      )
      if (found.length === 0) break
      after = found.at(-1)!.key
      const result = await patiently(move, `comparing ${moving.table.label}`, () =>
        compareRows(move, moving, found, excepted),
      )
      cells += result.cells
      doubtful.push(...result.differences)
      onProgress?.((rows += found.length))
      if (move.signal.aborted) throw new KhienError('adopt/stopped', 'Stopped before everything was compared.')
      if (found.length < PAGE) break
    }
    differences.push(...(await lookAgain(move, moving, doubtful)))
  }
  return { cells, differences, left }
}

async function lookAgain(move: Move, moving: Moving, first: readonly Difference[]): Promise<Difference[]> {
  const sure: Difference[] = []
  let doubtful = new Map(first.map((each) => [idOf(each), { each, looks: 1 }]))
  for (let look = 0; look < LOOKS && doubtful.size > 0; look++) {
    await sleep(BETWEEN_MS)
    const excepted = await exceptedOf(move, moving)
    const keys = [...new Set([...doubtful.values()].map(({ each }) => each.key))]
    const again = new Map<string, { each: Difference; looks: number }>()
    for (const part of parts(keys, PAGE)) {
      const [rows, pending] = await move.source.read(
        async (s) =>
          [
            await rowsAt(s, moving.table, move.source.kind, part.map(keyFrom), columnsOf(moving)),
            await pendingAmong(s, moving.table.label, part),
          ] as const,
      )
      const found = await patiently(move, 'comparing', () => compareRows(move, moving, rows, excepted))
      for (const each of found.differences) {
        // What waits to be followed may still become equal; what does not move any more will not.
        const looks = pending.has(each.key) ? 1 : (doubtful.get(idOf(each))?.looks ?? 0) + 1
        if (looks >= SURE) sure.push(each)
        else again.set(idOf(each), { each, looks })
      }
    }
    doubtful = again
  }
  return [...sure, ...[...doubtful.values()].map(({ each }) => each)]
}

const idOf = ({ column, key, what }: Difference): string => `${column} ${key} ${what}`

async function compareRows(
  move: Move, moving: Moving, rows: readonly KeyedRow[], excepted: ReadonlySet<string>,
): Promise<{ cells: number; differences: Difference[] }> {
  const placed = await move.source.read((s) => place(s, move, moving, rows))
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
async function tokensOf(
  move: Move,
  cells: readonly Compare[],
  held: ReadonlyMap<Compare, Held>,
): Promise<Map<Compare, string>> {
  const out = new Map<Compare, string>()
  const byField = new Map<string, Compare[]>()
  for (const cell of cells) {
    const there = held.get(cell)!
    if (!isToken(cell.value) || !('value' in there) || there.value === null) continue
    if (move.stable(cell.column.to)) byField.set(cell.column.to, [...(byField.get(cell.column.to) ?? []), cell])
    else out.set(cell, await placeToken(cell.place))
  }
  for (const [to, list] of byField) {
    const [collection, field] = to.split('.') as [string, string]
    for (const part of parts(list)) {
      const values = part.map((cell) => (held.get(cell) as { value: string }).value)
      const tokens = await move.door.tokens(collection, field, values)
      for (const [i, cell] of part.entries()) out.set(cell, tokens[i]!)
    }
  }
  return out
}

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

/** Cells of a table that stay as they are: key and column. */
export async function exceptedOf({ source }: Move, { table }: Moving): Promise<Set<string>> {
  const rows = await source.read((s: Session) =>
    s.rows(sql`select k, col from khien_adopt_left where tbl = ${table.label}`),
  )
  return new Set(rows.map((row) => `${row['k']} ${row['col']}`))
}
