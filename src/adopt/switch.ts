import { placeToken } from '../client/columns.ts'
import { KhienError } from '../kit/errors.ts'
import { countRows, keyText, lockRows, page, type Key, type KeyedRow } from '../source/index.ts'
import { clashes, leaveAlone, replace, type Sealed } from './carry.ts'
import { demandGiven, read, same, type Compare } from './compare.ts'
import { alone, demandCopied } from './copy.ts'
import { parts } from './door.ts'
import { followFirst } from './follow.ts'
import { columnIn, own, patiently, plaintext, stateName, type Move, type Moving } from './move.ts'
import { columnsOf, place, placeOf, type Placed } from './places.ts'
import type { PlanColumn } from './plan.ts'
import { widen } from './prepare.ts'
import { mark, pendingAmong, remember } from './state.ts'

const PAGE = 200
const PASSES = 3

export type Switched = {
  readonly replaced: number
  /** Cells with something other than a token: what the vault does not take, and what the app wrote this very moment. */
  readonly plaintext: number
}

/**
 * Puts tokens into the cells of a column whose value the vault holds, equal to the sign. A cell that changed between the
 * comparing and the replacing is left for the next round; what the app goes on writing as it is, `follow` replaces.
 */
export async function switchColumn(move: Move, named: string, onProgress?: (rows: number) => void): Promise<Switched> {
  const { column, ...moving } = columnIn(move, named)
  await using _ = await alone(move, `switch ${named}`)
  await demandCopied(move, [moving])
  await widen(move, moving.table, column)
  await followFirst(move)
  // From here on `follow` replaces what it follows.
  await own(move.source, (s) => remember(s, move.source.kind, stateName(moving.table, column), 'switched'))
  let replaced = 0
  for (let pass = 1; pass <= PASSES; pass++) {
    const before = replaced
    await walk(move, moving, column, async (rows) => {
      replaced += await patiently(move, `switching ${named}`, () => swap(move, moving, column, rows))
      onProgress?.(replaced)
    })
    if (replaced === before) break
    await followFirst(move)
  }
  return { replaced, plaintext: await plaintextIn(move, moving, column) }
}

export const plaintextIn = (move: Move, { table }: Moving, column: PlanColumn): Promise<number> =>
  move.source.read((s) => countRows(s, table, plaintext(move.source, column.column)))

async function walk(
  move: Move,
  moving: Moving,
  column: PlanColumn,
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
          where: plaintext(source, column.column),
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
async function swap(move: Move, moving: Moving, column: PlanColumn, rows: readonly KeyedRow[]): Promise<number> {
  const placed = await move.source.read((s) => place(s, move, moving, rows))
  const cells = placed.flatMap((row): Compare[] => {
    const at = row.subject === undefined ? undefined : placeOf(column, row.subject, row.row)
    return at ? [{ row, column, place: at, value: row.row[column.column]! }] : []
  })
  const held = await read(move, cells)
  demandGiven(move, column, [...held.values()])
  const equal = cells.filter((cell) => {
    const there = held.get(cell)!
    return 'value' in there && there.value !== null && same(cell.value!, there.value)
  })
  const sealed = await withTokens(move, column, equal)
  const unequal = cells.filter((cell) => !equal.includes(cell))
  await own(move.source, (s) => mark(s, moving.table.label, unequal.map(({ row }) => keyText(row.key))))
  let count = 0
  for (const part of parts(sealed, 100)) count += await swapPart(move, moving, column, part)
  return count
} // prettier-ignore

async function withTokens(move: Move, column: PlanColumn, cells: readonly Compare[]): Promise<Sealed[]> {
  const [collection, field] = column.to.split('.') as [string, string]
  const values = cells.map((cell) => cell.value!)
  const tokens: string[] = []
  if (move.stable(column.to))
    for (const part of parts(values)) tokens.push(...(await move.door.tokens(collection, field, part)))
  else for (const cell of cells) tokens.push(await placeToken(cell.place))
  return cells.map((cell, i) => ({ ...cell, value: cell.value!, token: tokens[i]! }))
}

async function swapPart(move: Move, moving: Moving, column: PlanColumn, cells: readonly Sealed[]): Promise<number> {
  const { source } = move
  const keys = cells.map(({ row }) => row.key)
  try {
    return await own(source, async (s) => {
      const locked = await lockRows(s, moving.table, source.kind, keys, columnsOf(moving))
      const now = new Map((await place(s, move, moving, locked)).map((row) => [keyText(row.key), row]))
      // A row whose change nobody has followed yet may have had this value before and another since.
      const pending = await pendingAmong(s, moving.table.label, keys.map(keyText))
      const still = cells.filter((cell) => unchanged(cell, now.get(keyText(cell.row.key)), column) && !pending.has(keyText(cell.row.key)))
      await replace(move, moving, column, still, s)
      return still.length
    })
  } catch (error) {
    if (!clashes(error)) throw error
    if (cells.length > 1) {
      let count = 0
      for (const cell of cells) count += await swapPart(move, moving, column, [cell])
      return count
    }
    await leaveAlone(move, moving, column, cells, 'adopt/not-unique')
    return 0
  }
} // prettier-ignore

const unchanged = (cell: Sealed, now: Placed | undefined, column: PlanColumn): boolean =>
  now !== undefined && now.subject === cell.row.subject && now.row[column.column] === cell.value
