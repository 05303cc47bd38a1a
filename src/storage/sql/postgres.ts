import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import type { Log } from '../../kit/log.ts'
import { StartError } from '../../kit/errors.ts'
import { databaseOver, type Database } from './database.ts'

const INT8 = 20

/**
 * PostgreSQL ≥ 15 by address. Every count and time of ours fits 2^53, so int8 becomes a number as it is on SQLite.
 * Errors: `data/unreachable` when the server does not answer, `data/not-durable` when it acknowledges what is not on its
 * disk; the address (it may hold a password) is never printed.
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
  const careless = await carelessSetting(kysely)
  if (careless !== undefined) {
    await kysely.destroy()
    throw new StartError(
      'data/not-durable',
      `PostgreSQL runs with ${careless}=off, so it confirms writes that a power cut can undo; set ${careless}=on.`,
    )
  }
  return database
}

/** Other values of synchronous_commit than `off` wait at least for the server's own disk. */
async function carelessSetting(kysely: Kysely<unknown>): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`
    select name from pg_settings where name in ('fsync', 'synchronous_commit') and setting = 'off'`.execute(kysely)
  return rows[0]?.name
}

function pgTypes(oid: number, format?: 'text' | 'binary') {
  if (oid === INT8) return (text: string) => Number(text)
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text')
}
