import { closeSync, fsyncSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import pg from 'pg'
import type { Cell, TableSink } from './rows.ts'

/**
 * Fills a SQLite file whose tables are there (or come with the rows) from nothing. Not synced row by row: nothing counts
 * on this file before `finish`, which puts it on the disk.
 */
export function fillSqlite(path: string): TableSink & { finish(): void; [Symbol.dispose](): void } {
  const db = new DatabaseSync(path)
  db.exec('pragma journal_mode=off; pragma synchronous=off; pragma foreign_keys=off; pragma cache_size=-65536; begin')
  let insert: StatementSync | undefined
  return {
    begin({ name, columns, create }) {
      for (const statement of create) db.exec(statement)
      // What migrations put there by themselves comes with the rows.
      db.exec(`delete from "${name}"`)
      const places = columns.map(() => '?').join(', ')
      insert = db.prepare(`insert into "${name}" (${listed(columns)}) values (${places})`)
    },
    rows(batch) {
      for (const row of batch) insert!.run(...(row as SQLInputValue[]))
    },
    end() {
      insert = undefined
    },
    finish() {
      db.exec('commit; pragma journal_mode=wal')
      db.close()
      const file = openSync(path, 'r')
      fsyncSync(file)
      closeSync(file)
    },
    [Symbol.dispose]() {
      if (db.isOpen) db.close()
    },
  }
}

/** PostgreSQL takes 65,535 parameters in a statement. */
const PARAMETERS = 30_000

/** Fills the tables of a PostgreSQL database in one transaction, which `finish` commits. */
export async function fillPostgres(url: string): Promise<TableSink & { finish(): Promise<void> } & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  await client.query('begin')
  let into = ''
  let width = 1
  const insert = async (rows: readonly (readonly Cell[])[]): Promise<void> => {
    const places = rows.map(
      (_, r) => `(${Array.from({ length: width }, (_, c) => `$${r * width + c + 1}`).join(', ')})`,
    )
    const values = rows.flat().map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell) : cell))
    await client.query(`insert into ${into} values ${places.join(', ')}`, values)
  }
  return {
    async begin({ name, columns }) {
      await client.query(`delete from "${name}"`)
      into = `"${name}" (${listed(columns)})`
      width = columns.length
    },
    async rows(batch) {
      const most = Math.max(1, Math.floor(PARAMETERS / width))
      for (let at = 0; at < batch.length; at += most) await insert(batch.slice(at, at + most))
    },
    end() {},
    finish: async () => void (await client.query('commit')),
    [Symbol.asyncDispose]: () => client.end(),
  }
}

/** Whether a database holds nothing at all. */
export async function isEmptyPostgres(url: string): Promise<boolean> {
  return (await tablesOf(url)).length === 0
}

/** Takes away what a failed restore put into a database that was empty before. */
export async function emptyPostgres(url: string): Promise<void> {
  const names = await tablesOf(url)
  if (names.length > 0) await asked(url, `drop table ${names.map((name) => `"${name}"`).join(', ')} cascade`)
}

const tablesOf = async (url: string): Promise<string[]> =>
  (await asked(url, 'select tablename from pg_tables where schemaname = current_schema()')).map((row) =>
    String(row['tablename']),
  )

async function asked(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows as Record<string, unknown>[]
  } finally {
    await client.end()
  }
}

const listed = (columns: readonly string[]): string => columns.map((column) => `"${column}"`).join(', ')
