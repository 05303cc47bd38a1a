import {
  list,
  name,
  page,
  sql,
  words,
  type Column,
  type Key,
  type Row,
  type Session,
  type Source,
  type Table,
} from '../source/index.ts'
import { wordsOf } from './shapes.ts'
import type { Tally } from './tally.ts'

const PAGE = 500
/** A cell is looked at up to here. */
const LONGEST_CELL = 100_000

export type TableProgress = (table: string, rows: number, of: number) => void

/** Looks through the tables of a database in read-only transactions, so many rows a table (0: all), page by page. */
export async function scanTables(source: Source, tally: Tally, most: number, progress: TableProgress): Promise<void> {
  for (const table of await source.tables()) {
    const columns = table.columns.filter(
      (column) => column.shape === 'text' || column.shape === 'number' || column.shape === 'other',
    )
    if (columns.length === 0) continue
    let rows = 0
    for await (const row of rowsOf(source, table, columns, most)) {
      rows++
      for (const column of columns) {
        const cell = row[column.name]
        if (cell != null && cell !== '')
          tally.look(`${table.label}.${column.name}`, cell.slice(0, LONGEST_CELL), wordsOf(column.name))
      }
      if (rows % PAGE === 0) progress(table.label, rows, most === 0 ? table.rows : Math.min(most, table.rows))
    }
    progress(table.label, rows, rows)
  }
}

async function* rowsOf(source: Source, table: Table, columns: readonly Column[], most: number): AsyncGenerator<Row> {
  const names = columns.map((column) => column.name)
  let left = most === 0 ? Infinity : most
  if (table.key === undefined) {
    // Without a key there is no next page: one look at the beginning.
    const limit = words(String(Math.min(left, 10_000)))
    const picked = list(names.map((column) => name(column)))
    yield* await source.read((session) =>
      session.rows(sql`select ${picked} from ${name(table.schema, table.name)} limit ${limit}`),
    )
    return
  }
  let after: Key | undefined
  while (left > 0) {
    const limit = Math.min(PAGE, left)
    const rows = await source.read((session) => page(session, table, source.kind, { columns: names, after, limit }))
    for (const { row } of rows) yield row
    left -= rows.length
    if (rows.length < limit) return
    after = rows.at(-1)!.key
  }
}

/** Who besides the owner may read a column: names of roles, `PUBLIC` for everybody. */
export async function readersOf(source: Source, places: readonly string[]): Promise<Map<string, string[]>> {
  const wanted = new Set(places)
  const tables = (await source.tables()).filter((table) =>
    table.columns.some((column) => wanted.has(`${table.label}.${column.name}`)),
  )
  const readers = new Map<string, string[]>()
  await source.read(async (session) => {
    for (const table of tables)
      for (const column of table.columns) {
        const place = `${table.label}.${column.name}`
        if (wanted.has(place))
          readers.set(
            place,
            await (source.kind === 'postgres' ? postgresReaders : mysqlReaders)(session, table, column),
          )
      }
  })
  return readers
}

async function postgresReaders(session: Session, table: Table, column: Column): Promise<string[]> {
  const rows = await session.rows(sql`
    select distinct grantee from information_schema.column_privileges
    where table_schema = ${table.schema} and table_name = ${table.name} and column_name = ${column.name}
      and privilege_type = 'SELECT'
      and grantee <> (select tableowner from pg_tables where schemaname = ${table.schema} and tablename = ${table.name})
    order by grantee limit 50`)
  return rows.map((row) => row['grantee']!)
}

async function mysqlReaders(session: Session, table: Table, column: Column): Promise<string[]> {
  const rows = await session.rows(sql`
    select distinct grantee from (
      select grantee from information_schema.user_privileges where privilege_type = 'SELECT'
      union select grantee from information_schema.schema_privileges
        where privilege_type = 'SELECT' and ${table.schema} like table_schema
      union select grantee from information_schema.table_privileges
        where privilege_type = 'SELECT' and table_schema = ${table.schema} and table_name = ${table.name}
      union select grantee from information_schema.column_privileges
        where privilege_type = 'SELECT' and table_schema = ${table.schema} and table_name = ${table.name}
          and column_name = ${column.name}
    ) as readers order by grantee limit 50`)
  return rows.map((row) => row['grantee']!)
}
