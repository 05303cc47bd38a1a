import { countRows, sql, type Source } from '../source/index.ts'
import { reachedIn } from './copy.ts'
import { plaintext, stateOf, tokens, type ColumnState, type Move } from './move.ts'
import { lagOf, type Lag } from './state.ts'

export type ColumnStatus = {
  readonly column: string
  readonly to: string
  readonly state: ColumnState
  readonly plaintext: number
  readonly tokens: number
}
export type TableStatus = {
  readonly table: string
  readonly copied: number
  readonly rows: number
  readonly done: boolean
}
export type Status = {
  readonly tables: readonly TableStatus[]
  readonly columns: readonly ColumnStatus[]
  readonly lag: Lag
  /** Cells that stay as they are, by column and reason. */
  readonly left: readonly { readonly column: string; readonly code: string; readonly cells: number }[]
}

/** How far a move is: counted from what is there, not remembered. */
export async function status(move: Move): Promise<Status> {
  const { source } = move
  const tables: TableStatus[] = []
  const columns: ColumnStatus[] = []
  for (const { table, planned } of move.tables) {
    const reached = await reachedIn(move, table.label)
    const rows = await source.read((s) => countRows(s, table))
    tables.push({ table: table.label, copied: reached.rows, rows, done: reached.done })
    for (const column of planned.columns)
      columns.push(
        await source.read(async (s) => ({
          column: `${table.label}.${column.column}`,
          to: column.to,
          state: await stateOf(s, table, column),
          plaintext: await countRows(s, table, plaintext(source, column.column)),
          tokens: await countRows(s, table, tokens(source, column.column)),
        })),
      )
  }
  return { tables, columns, lag: await source.read((s) => lagOf(s, source.kind)), left: await leftIn(source) }
}

export async function leftIn(source: Source): Promise<Status['left']> {
  const rows = await source.read((s) =>
    s.rows(
      sql`select tbl, col, code, count(*) as n from khien_adopt_left group by tbl, col, code order by tbl, col, code`,
    ),
  )
  return rows.map((row) => ({ column: `${row['tbl']}.${row['col']}`, code: row['code']!, cells: Number(row['n']) }))
}

/** Keys of cells that stay as they are. */
export const leftKeys = async (
  source: Source,
  limit: number,
): Promise<{ table: string; column: string; key: string; code: string }[]> =>
  (
    await source.read((s) =>
      s.rows(
        sql`select tbl, col, k, code from khien_adopt_left order by tbl, col, k limit ${{ pieces: [String(limit)] }}`,
      ),
    )
  ).map((row) => ({ table: row['tbl']!, column: row['col']!, key: row['k']!, code: row['code']! }))
