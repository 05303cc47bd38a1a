import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Log } from '../../kit/log.ts'
import { StartError } from '../../kit/errors.ts'
import { databaseOver, type Database } from './database.ts'

const INT8 = 20

/**
 * PostgreSQL ≥ 15 by address. Every count and time of ours fits 2^53, so int8 becomes a number as it is on SQLite.
 * Errors: `data/unreachable` when the server does not answer; the address (it may hold a password) is never printed.
 */
export async function openPostgres(url: string, log: Log): Promise<Database> {
  const types = { getTypeParser: pgTypes }
  const pool = new pg.Pool({ connectionString: url, max: 8, connectionTimeoutMillis: 3_000, types })
  // Without a listener the pool's 'error' event (57P01 when the server stops) ends the process.
  pool.on('error', (error: Error & { code?: string }) => log.warn('sql.connection-lost', { code: error.code }))
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  const database = databaseOver(kysely, 'postgres')
  try {
    await database.ping()
  } catch (cause) {
    await kysely.destroy()
    throw new StartError('data/unreachable', 'PostgreSQL (DATABASE_URL) does not answer or refuses this user.', {
      cause,
    })
  }
  return database
}

function pgTypes(oid: number, format?: 'text' | 'binary') {
  if (oid === INT8) return (text: string) => Number(text)
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text')
}
