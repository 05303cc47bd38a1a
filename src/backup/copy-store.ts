import { existsSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { KhienError } from '../kit/errors.ts'
import type { Cell, TableRows } from './rows.ts'

/** A store as it was at one moment, while others write on. */
export type Snapshot = AsyncDisposable & {
  readonly tables: () => AsyncIterable<TableRows> | Iterable<TableRows>
  /** One row of a query without values, or undefined; of the same moment. */
  one(text: string): Promise<Record<string, Cell> | undefined>
  all(text: string): Promise<Record<string, Cell>[]>
}

const BATCH = 1_000
const INT8 = 20

/**
 * The rows of a SQLite file under one read transaction. Rows, not pages: what was deleted and still lies in a free page
 * does not get into the backup, and no second copy of the store lies on the disk meanwhile. `create`: with the statements
 * that make its tables.
 */
export function snapshotSqlite(path: string, create = false): Snapshot {
  if (!existsSync(path)) throw new KhienError('backup/no-store', `There is no store at ${path}.`)
  const db = new DatabaseSync(path, { readOnly: true, timeout: 1_000 })
  db.exec('begin')
  const all = (text: string): Record<string, Cell>[] => db.prepare(text).all() as Record<string, Cell>[]
  // The first read fixes the moment.
  const made = all(
    `select name, tbl_name, type, sql from sqlite_master where name not like 'sqlite_%' and sql is not null order by name`,
  )
  const names = made.filter(({ type }) => type === 'table').map(({ name }) => String(name))
  function* tables(): Generator<TableRows> {
    for (const name of names) {
      const columns = all(`select name from pragma_table_info('${name}')`).map((row) => String(row['name']))
      const statements = made
        .filter(({ tbl_name }) => tbl_name === name)
        .toSorted((a, b) => Number(b['type'] === 'table') - Number(a['type'] === 'table'))
        .map(({ sql }) => String(sql))
      yield { name, columns, ...(create ? { create: statements } : {}), rows: rowsOf(name, columns) }
    }
  }
  async function* rowsOf(name: string, columns: readonly string[]): AsyncGenerator<Cell[][]> {
    const statement = db.prepare(`select ${columns.map((column) => `"${column}"`).join(', ')} from "${name}"`)
    statement.setReturnArrays(true)
    let batch: Cell[][] = []
    for (const row of statement.iterate() as unknown as Iterable<Cell[]>) {
      batch.push(row)
      if (batch.length < BATCH) continue
      yield batch
      batch = []
      await turn()
    }
    yield batch
  }
  return {
    tables,
    one: async (text) => all(text)[0],
    all: async (text) => all(text),
    async [Symbol.asyncDispose]() {
      db.close()
    },
  }
}

/** The rows of a PostgreSQL database in one REPEATABLE READ transaction, read by cursors. */
export async function snapshotPostgres(url: string): Promise<Snapshot> {
  const types: pg.CustomTypesConfig = {
    getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
      oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
  }
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, types })
  client.on('error', () => {})
  await client.connect().catch((cause: unknown) => {
    throw new KhienError('data/unreachable', 'The database does not answer; the backup was not made.', {
      status: 503,
      cause,
    })
  })
  const all = async (text: string): Promise<Record<string, Cell>[]> =>
    (await client.query(text)).rows as Record<string, Cell>[]
  await client.query('begin isolation level repeatable read read only')
  const columnsOf = await all(
    `select c.relname as name, a.attname as col from pg_class c
     join pg_namespace n on n.oid = c.relnamespace and n.nspname = current_schema()
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind = 'r' order by c.relname, a.attnum`,
  )
  const byTable = Map.groupBy(columnsOf, ({ name }) => String(name))
  async function* rowsOf(name: string, columns: readonly string[]): AsyncGenerator<Cell[][]> {
    await client.query(
      `declare c no scroll cursor for select ${columns.map((column) => `"${column}"`).join(', ')} from "${name}"`,
    )
    for (;;) {
      const { rows } = await client.query({ text: `fetch ${BATCH} from c`, rowMode: 'array' })
      if (rows.length === 0) break
      yield rows as Cell[][]
    }
    await client.query('close c')
  }
  function* tables(): Generator<TableRows> {
    for (const [name, rows] of byTable) {
      const columns = rows.map(({ col }) => String(col))
      yield { name, columns, rows: rowsOf(name, columns) }
    }
  }
  return {
    tables,
    one: async (text) => (await all(text))[0],
    all,
    [Symbol.asyncDispose]: () => client.end(),
  }
}
