import { closeSync, fsyncSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { StartError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import { type Checkpointed, type CheckpointKind, checkpoints } from './checkpoints.ts'
import { databaseOver, type Database } from './database.ts'
import { groupCommit } from './group-commit.ts'
import { sqliteDialect } from './sqlite-driver.ts'
import { noLog, writeAheadLog, type WriteAheadLog } from './write-ahead-log.ts'

const MEMORY = ':memory:'

export type SqliteOptions = {
  readonly log?: Log
  /** A test's way to a write-ahead log that fails. */
  readonly wal?: WriteAheadLog
}

/**
 * Opens (or makes) one SQLite file with a write-ahead log. Whatever a call wrote, or saw, is on the disk when it resolves.
 * Errors: `data/unreadable` when the file cannot be opened or is not a database, later `data/not-durable`.
 */
export function openSqlite(path: string, options: SqliteOptions = {}): Database {
  let file: DatabaseSync
  try {
    file = new DatabaseSync(path)
    // busy_timeout ≤ 50 ms: whatever waits longer for a lock would hold the event loop.
    file.exec('pragma busy_timeout=50; pragma journal_mode=wal; pragma synchronous=normal; pragma foreign_keys=on')
    // A batch of 500 fields and its records touches more than the 2 MB that SQLite keeps by itself.
    file.exec('pragma cache_size=-32768')
    // What is deleted is overwritten: an index entry of an erased person is no entry of a free page.
    file.exec('pragma secure_delete=on')
    // What a killed process left in the log: deleted keys perhaps, and commits of which nobody knows whether the disk has them.
    file.exec('pragma wal_checkpoint(truncate)')
    syncFoldersAbove(path)
  } catch (cause) {
    throw new StartError('data/unreadable', `The data file ${path} cannot be opened as a database.`, { cause })
  }
  const wal = options.wal ?? (path === MEMORY ? noLog : writeAheadLog(path))
  const kysely = new Kysely<unknown>({ dialect: sqliteDialect(file, wal, () => carrying?.committed()) })
  const own = (kind: CheckpointKind): Checkpointed =>
    file.prepare(`pragma wal_checkpoint(${kind})`).get() as Checkpointed
  const carrying =
    path === MEMORY
      ? undefined
      : checkpoints(path, {
          own,
          net: (frames) => file.exec(`pragma wal_autocheckpoint=${frames}`),
          held: (work) => kysely.connection().execute(work),
          broke: (code) => options.log?.warn('sql.checkpoint-thread-ended', { code }),
        })
  return {
    ...databaseOver(kysely, 'sqlite'),
    transaction: groupCommit(kysely, wal),
    forget: async () => carrying?.forget(),
    async [Symbol.asyncDispose]() {
      await carrying?.[Symbol.asyncDispose]()
      await kysely.destroy()
      await wal[Symbol.asyncDispose]()
    },
  }
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
