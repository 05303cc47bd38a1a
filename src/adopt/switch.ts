import { isToken } from '../client/columns.ts'
import { countRows, keyText, list, lockRows, sql, type KeyedRow } from '../source/index.ts'
import { clashes, isBlank, notUnique, replace, type Sealed } from './carry.ts'
import { demandGiven, read, same, type Compare } from './compare.ts'
import { alone, demandCopied } from './copy.ts'
import { parts } from './door.ts'
import { followFirst } from './follow.ts'
import { lanesOf, walk } from './lanes.ts'
import { columnsIn, note, own, patiently, plaintext, stateName, type Move, type Moving } from './move.ts'
import { columnsOf, place, placeAlone, placeOf, type Placed } from './places.ts'
import type { PlanColumn } from './plan.ts'
import { widen } from './prepare.ts'
import { gauge, type Progress } from './progress.ts'
import { leave, mark, pendingAmong, remember } from './state.ts'
import { tokensFor } from './tokens.ts'

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
  onProgress?: (cells: number, progress: Progress) => void,
): Promise<Switched> {
  const { columns, ...moving } = columnsIn(move, named)
  const { source } = move
  await using _ = await alone(move, `switch ${moving.table.label}`)
  await demandCopied(move, [moving])
  for (const column of columns) await widen(move, moving.table, column)
  await followFirst(move)
  // From here on `follow` replaces what it follows.
  await note(move, async (s) => {
    for (const column of columns) await remember(s, source.kind, stateName(moving.table, column), 'switched')
  })
  const conditions = columns.map((column) => plaintext(source, column.column))
  const where = sql`(${list(conditions, ' or ')})`
  let replaced = 0
  let seen = 0
  const told = onProgress && gauge(await source.read((s) => countRows(s, moving.table, where)), (p) => onProgress(replaced, p))
  for (let pass = 1; pass <= PASSES; pass++) {
    const before = replaced
    await walk(move, moving, {
      columns: columnsOf(moving),
      where,
      limit: PAGE,
      lanes: lanesOf(source.kind),
      async visit(move, rows) {
        const count = await swap(move, moving, columns, rows)
        replaced += count
      },
      passed(rows) {
        seen += rows.length
        told?.(moving.table.label, seen)
      },
    })
    if (replaced === before) break
    await followFirst(move)
  }
  let left = 0
  for (const column of columns) left += await plaintextIn(move, moving, column)
  return { replaced, plaintext: left }
} // prettier-ignore

export const plaintextIn = (move: Move, { table }: Moving, column: PlanColumn): Promise<number> =>
  move.source.read((s) => countRows(s, table, plaintext(move.source, column.column)))

/** One small batch: compared outside any lock, replaced inside a short one. Returns how many cells were replaced. */
async function swap(
  move: Move, moving: Moving, columns: readonly PlanColumn[], rows: readonly KeyedRow[],
): Promise<number> {
  const { sealed, unequal } = await patiently(move, `comparing ${moving.table.label}`, () => agree(move, moving, columns, rows))
  if (unequal.length > 0) await note(move, (s) => mark(s, moving.table.label, unequal))
  let count = 0
  for (const part of parts(rows, LOCKED)) {
    const keys = new Set(part.map(({ key }) => keyText(key)))
    count += await exchange(move, moving, sealed.filter(({ row }) => keys.has(keyText(row.key))))
  }
  return count
} // prettier-ignore

/** Cells whose value the vault holds, equal to the sign, with their tokens; and the keys of rows that have others. */
async function agree(
  move: Move, moving: Moving, columns: readonly PlanColumn[], rows: readonly KeyedRow[],
): Promise<{ sealed: Sealed[]; unequal: string[] }> {
  const placed = await placeAlone(move, moving, rows)
  const cells = placed.flatMap((row) =>
    columns.flatMap((column): Compare[] => {
      const value = row.row[column.column]
      if (isBlank(value) || isToken(value) || row.subject === undefined) return []
      const at = placeOf(column, row.subject, row.row)
      return at ? [{ row, column, place: at, value: value! }] : []
    }),
  )
  const held = await read(move, cells)
  for (const column of columns)
    demandGiven(move, column, cells.filter((cell) => cell.column === column).map((cell) => held.get(cell)!))
  const equal: (Compare & { value: string })[] = []
  const unequal = new Set<string>()
  for (const cell of cells) {
    const there = held.get(cell)!
    if ('value' in there && there.value !== null && same(cell.value!, there.value)) equal.push({ ...cell, value: cell.value! })
    else unequal.add(keyText(cell.row.key))
  }
  const tokens = await tokensFor(move, equal)
  // In the order of the rows: where two cells clash, the first has the token.
  return { sealed: equal.map((cell, i) => ({ ...cell, token: tokens[i]! })), unequal: [...unequal] }
} // prettier-ignore

/** Where a unique index says no, half of the cells and the other half, down to the one that clashes, which stays. */
async function exchange(move: Move, moving: Moving, cells: readonly Sealed[]): Promise<number> {
  if (cells.length === 0) return 0
  const { source } = move
  const keys = [...new Map(cells.map(({ row }) => [keyText(row.key), row.key])).values()]
  try {
    return await patiently(move, `switching ${moving.table.label}`, () =>
      own(source, async (s) => {
        const locked = await lockRows(s, moving.table, source.kind, keys, columnsOf(moving))
        const now = new Map((await place(s, move, moving, locked)).map((row) => [keyText(row.key), row]))
        // A row whose change nobody has followed yet may have had this value before and another since.
        const pending = await pendingAmong(s, moving.table.label, keys.map(keyText))
        const still = cells.filter(
          (cell) => unchanged(cell, now.get(keyText(cell.row.key))) && !pending.has(keyText(cell.row.key)),
        )
        await replace(move, moving, still, s)
        return still.length
      }),
    )
  } catch (error) {
    if (!clashes(error)) throw error
    if (cells.length === 1) {
      await note(move, (s) => leave(s, source.kind, [notUnique(moving, cells[0]!)]))
      return 0
    }
    const half = Math.ceil(cells.length / 2)
    return (await exchange(move, moving, cells.slice(0, half))) + (await exchange(move, moving, cells.slice(half)))
  }
} // prettier-ignore

const unchanged = (cell: Sealed, now: Placed | undefined): boolean =>
  now !== undefined && now.subject === cell.row.subject && now.row[cell.column.column] === cell.value
