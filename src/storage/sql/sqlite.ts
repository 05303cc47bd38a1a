import { closeSync, fsyncSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'
import { StartError } from '../../kit/errors.ts'
import { databaseOver, type Database } from './database.ts'
import { groupCommit } from './group-commit.ts'

export type SqliteOptions = {
  /** Keep the write-ahead log short: for key stores, where a deletion must be one. */
  readonly forgetful?: boolean
}

/**
 * Opens (or makes) one SQLite file: WAL, `synchronous=FULL`, so a commit is on the disk before it is acknowledged.
 * Errors: `data/unreadable` when the file cannot be opened or is not a database.
 */
export function openSqlite(path: string, options: SqliteOptions = {}): Database {
  let file: DatabaseSync
  try {
    file = new DatabaseSync(path)
    // busy_timeout ≤ 50 ms: whatever waits longer for a lock would hold the event loop.
    file.exec('pragma busy_timeout=50; pragma journal_mode=wal; pragma synchronous=full; pragma foreign_keys=on')
    // A batch of 500 fields and its records touches more than the 2 MB that SQLite keeps by itself.
    file.exec('pragma cache_size=-32768')
    // What is deleted is overwritten: an index entry of an erased person is no entry of a free page.
    file.exec('pragma secure_delete=on')
    if (options.forgetful) file.exec('pragma wal_autocheckpoint=64; pragma journal_size_limit=0')
    syncFoldersAbove(path)
  } catch (cause) {
    throw new StartError('data/unreadable', `The data file ${path} cannot be opened as a database.`, { cause })
  }
  const kysely = new Kysely<unknown>({ dialect: new SqliteDialect({ database: kyselyFace(file) }) })
  return { ...databaseOver(kysely, 'sqlite'), transaction: groupCommit(kysely) }
}

/**
 * SQLite syncs the folder of its files (test/durability shows it), not the folders that name that folder: after a power
 * cut on the first day all of it could be nowhere. Folders that may not be read, or not be synced, were not made by us.
 */
function syncFoldersAbove(path: string): void {
  for (let at = dirname(resolve(path)); at !== dirname(at); at = dirname(at)) {
    try {
      const folder = openSync(dirname(at), 'r')
      try {
        fsyncSync(folder)
      } finally {
        closeSync(folder)
      }
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EINVAL', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}

const CACHED = 256

/** node:sqlite has no `reader` flag and takes parameters spread; statements are prepared once and kept. */
function kyselyFace(file: DatabaseSync) {
  const statements = new Map<string, ReturnType<typeof face>>()
  return {
    close: () => file.close(),
    prepare(text: string) {
      const known = statements.get(text)
      if (known) return known
      const made = face(file.prepare(text))
      if (statements.size >= CACHED) statements.delete(statements.keys().next().value!)
      statements.set(text, made)
      return made
    },
  }
}

function face(statement: StatementSync) {
  const reader = statement.columns().length > 0
  return {
    reader,
    all: (parameters: readonly unknown[]) => statement.all(...(parameters as SQLInputValue[])) as unknown[],
    run: (parameters: readonly unknown[]) => {
      const { changes, lastInsertRowid } = statement.run(...(parameters as SQLInputValue[]))
      return { changes, lastInsertRowid }
    },
    iterate: (parameters: readonly unknown[]) =>
      statement.iterate(...(parameters as SQLInputValue[])) as IterableIterator<unknown>,
  }
}
