import { isToken, placeToken } from '../client/columns.ts'
import { KhienError } from '../kit/errors.ts'
import { countRows, keyText, list, lockRows, page, sql, type Key, type KeyedRow } from '../source/index.ts'
import { clashes, isBlank, leaveAlone, replace, type Sealed } from './carry.ts'
import { demandGiven, read, same, type Compare } from './compare.ts'
import { alone, demandCopied } from './copy.ts'
import { parts } from './door.ts'
import { followFirst } from './follow.ts'
import { columnsIn, note, own, patiently, plaintext, stateName, type Move, type Moving } from './move.ts'
import { columnsOf, place, placeOf, type Placed } from './places.ts'
import type { PlanColumn } from './plan.ts'
import { widen } from './prepare.ts'
import { mark, pendingAmong, remember } from './state.ts'

const PAGE = 200
/** Rows locked together. */
const LOCKED = 100
const PASSES = 3

export type Switched = {
  readonly replaced: number
  /** Cells with something other than a token: what the vault does not take, and what the app wrote this very moment. */
  readonly plaintext: number
}

/**
 * Puts tokens into the cells of columns of one table (`users.phone,users.email`) whose value the vault holds, equal to the
 * sign. A cell that changed between the comparing and the replacing is left for the next round; what the app goes on
 * writing as it is, `follow` replaces. Columns together are read together, which costs the vault one record a person.
 */
export async function switchColumns(
  move: Move,
  named: string,
  onProgress?: (cells: number) => void,
): Promise<Switched> {
  const { columns, ...moving } = columnsIn(move, named)
  await using _ = await alone(move, `switch ${moving.table.label}`)
  await demandCopied(move, [moving])
  for (const column of columns) await widen(move, moving.table, column)
  await followFirst(move)
  // From here on `follow` replaces what it follows.
  await note(move, async (s) => {
    for (const column of columns) await remember(s, move.source.kind, stateName(moving.table, column), 'switched')
  })
  let replaced = 0
  for (let pass = 1; pass <= PASSES; pass++) {
    const before = replaced
    await walk(move, moving, columns, async (rows) => {
      replaced += await patiently(move, `switching ${named}`, () => swap(move, moving, columns, rows))
      onProgress?.(replaced)
    })
    if (replaced === before) break
    await followFirst(move)
  }
  let left = 0
  for (const column of columns) left += await plaintextIn(move, moving, column)
  return { replaced, plaintext: left }
}

export const plaintextIn = (move: Move, { table }: Moving, column: PlanColumn): Promise<number> =>
  move.source.read((s) => countRows(s, table, plaintext(move.source, column.column)))

async function walk(
  move: Move,
  moving: Moving,
  columns: readonly PlanColumn[],
  visit: (rows: KeyedRow[]) => Promise<void>,
): Promise<void> {
  const { source } = move
  let after: Key | undefined
  for (;;) {
    const rows = await patiently(move, `reading ${moving.table.label}`, () =>
      source.read((s) =>
        page(s, moving.table, source.kind, {
          columns: columnsOf(moving),
          after,
          where: sql`(${list(
            columns.map((column) => plaintext(source, column.column)),
            ' or ',
          )})`,
          limit: PAGE,
        }),
      ),
    )
    if (rows.length === 0) return
    if (move.signal.aborted) throw new KhienError('adopt/stopped', 'Stopped; the same command goes on from here.')
    after = rows.at(-1)!.key
    await visit(rows)
    // The last page; what the app adds behind it is followed, not chased.
    if (rows.length < PAGE) return
  }
}

/** One small batch: compared outside any lock, replaced inside a short one. Returns how many cells were replaced. */
async function swap(
  move: Move, moving: Moving, columns: readonly PlanColumn[], rows: readonly KeyedRow[],
): Promise<number> {
  const placed = await move.source.read((s) => place(s, move, moving, rows))
  const cells = placed.flatMap((row) =>
    columns.flatMap((column): Compare[] => {
      const value = row.row[column.column]
      if (isBlank(value) || isToken(value) || row.subject === undefined) return []
      const at = placeOf(column, row.subject, row.row)
      return at ? [{ row, column, place: at, value: value! }] : []
    }),
  )
  const held = await read(move, cells)
  const equal: Compare[] = []
  const unequal = new Set<string>()
  for (const column of columns) {
    const mine = cells.filter((cell) => cell.column === column)
    demandGiven(move, column, mine.map((cell) => held.get(cell)!))
    for (const cell of mine) {
      const there = held.get(cell)!
      if ('value' in there && there.value !== null && same(cell.value!, there.value)) equal.push(cell)
      else unequal.add(keyText(cell.row.key))
    }
  }
  const sealed = await withTokens(move, columns, equal)
  await own(move.source, (s) => mark(s, moving.table.label, [...unequal]))
  let count = 0
  for (const part of parts(placed, LOCKED)) {
    const rows = new Set<Placed>(part)
    count += await swapPart(move, moving, sealed.filter((cell) => rows.has(cell.row)))
  }
  return count
} // prettier-ignore

async function withTokens(move: Move, columns: readonly PlanColumn[], cells: readonly Compare[]): Promise<Sealed[]> {
  const sealed: Sealed[] = []
  for (const column of columns) {
    const mine = cells.filter((cell) => cell.column === column)
    const [collection, field] = column.to.split('.') as [string, string]
    const tokens: string[] = []
    if (move.stable(column.to))
      for (const part of parts(mine)) tokens.push(...(await move.door.tokens(collection, field, part.map((cell) => cell.value!))))
    else for (const cell of mine) tokens.push(await placeToken(cell.place))
    for (const [i, cell] of mine.entries()) sealed.push({ ...cell, value: cell.value!, token: tokens[i]! })
  }
  return sealed
} // prettier-ignore

async function swapPart(move: Move, moving: Moving, cells: readonly Sealed[]): Promise<number> {
  if (cells.length === 0) return 0
  const { source } = move
  const keys = [...new Map(cells.map(({ row }) => [keyText(row.key), row.key])).values()]
  try {
    return await own(source, async (s) => {
      const locked = await lockRows(s, moving.table, source.kind, keys, columnsOf(moving))
      const now = new Map((await place(s, move, moving, locked)).map((row) => [keyText(row.key), row]))
      // A row whose change nobody has followed yet may have had this value before and another since.
      const pending = await pendingAmong(s, moving.table.label, keys.map(keyText))
      const still = cells.filter(
        (cell) => unchanged(cell, now.get(keyText(cell.row.key))) && !pending.has(keyText(cell.row.key)),
      )
      for (const column of new Set(still.map((cell) => cell.column)))
        await replace(move, moving, column, still.filter((cell) => cell.column === column), s)
      return still.length
    })
  } catch (error) {
    if (!clashes(error)) throw error
    if (cells.length > 1) {
      let count = 0
      for (const cell of cells) count += await swapPart(move, moving, [cell])
      return count
    }
    await leaveAlone(move, moving, cells[0]!.column, cells, 'adopt/not-unique')
    return 0
  }
} // prettier-ignore

const unchanged = (cell: Sealed, now: Placed | undefined): boolean =>
  now !== undefined && now.subject === cell.row.subject && now.row[cell.column.column] === cell.value
