import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
} from 'kysely'
import type { WriteAheadLog } from './write-ahead-log.ts'

/** Statements kept prepared. */
const CACHED = 256
const READS = /^\s*select\b/i

type Prepared = { readonly statement: StatementSync; readonly rows: boolean; readonly writes: boolean }

/** One connection over node:sqlite; statements are prepared once and kept. */
function connectionTo(file: DatabaseSync, wrote: () => void): DatabaseConnection {
  const kept = new Map<string, Prepared>()
  const prepare = (text: string): Prepared => {
    const known = kept.get(text)
    if (known) return known
    const statement = file.prepare(text)
    const made = { statement, rows: statement.columns().length > 0, writes: !READS.test(text) }
    if (kept.size >= CACHED) kept.delete(kept.keys().next().value!)
    kept.set(text, made)
    return made
  }
  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const { statement, rows, writes } = prepare(sql)
      const values = parameters as readonly SQLInputValue[]
      if (writes) wrote()
      if (rows) return { rows: statement.all(...values) as R[] }
      const { changes, lastInsertRowid } = statement.run(...values)
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
    },
    async *streamQuery<R>({ sql, parameters }: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
      const { statement, writes } = prepare(sql)
      if (writes) wrote()
      for (const row of statement.iterate(...(parameters as SQLInputValue[]))) yield { rows: [row as R] }
    },
  }
}

/**
 * The one connection of a SQLite file, lent to one at a time. It is lent on as soon as it is free; whoever had it is let
 * go when what they wrote or saw is on the disk.
 */
function driverOf(file: DatabaseSync, wal: WriteAheadLog, told: () => void): Driver {
  /** By statements that are not committed yet. */
  let written = false
  const connection = connectionTo(file, () => (written = true))
  const committed = (): void => {
    if (!written) return
    written = false
    wal.wrote()
    told()
  }
  let free: Promise<void> = Promise.resolve()
  let lendOn = (): void => {}
  const point = async (text: string, name: string): Promise<void> => file.exec(`${text} "${name}"`)
  return {
    init: async () => {},
    async acquireConnection() {
      const before = free
      const { promise, resolve } = Promise.withResolvers<void>()
      free = promise
      await before
      lendOn = resolve
      try {
        wal.demandWhole()
      } catch (error) {
        resolve()
        throw error
      }
      return connection
    },
    async releaseConnection() {
      committed()
      lendOn()
      await wal.durable()
    },
    async beginTransaction() {
      committed()
      file.exec('begin')
    },
    async commitTransaction() {
      file.exec('commit')
      committed()
    },
    async rollbackTransaction() {
      file.exec('rollback')
      written = false
    },
    savepoint: (_, name) => point('savepoint', name),
    rollbackToSavepoint: (_, name) => point('rollback to', name),
    releaseSavepoint: (_, name) => point('release', name),
    destroy: async () => file.close(),
  }
}

/** Kysely would lend the connection on only when its last user has been let go. */
class InTurn extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

/** `told` of each commit. */
export function sqliteDialect(file: DatabaseSync, wal: WriteAheadLog, told: () => void): Dialect {
  const { createQueryCompiler, createIntrospector } = SqliteDialect.prototype
  return {
    createDriver: () => driverOf(file, wal, told),
    createAdapter: () => new InTurn(),
    createQueryCompiler,
    createIntrospector,
  }
}
