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
  // Without listeners an 'error' event (57P01 when the server stops) ends the process: the pool's is of connections that
  // nobody has, a connection's own comes as well to one that somebody has between two queries of a transaction.
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    client.on('error', () => {})
    client.once('error', (error: Error & { code?: string }) => log.warn('sql.connection-lost', { code: error.code }))
  })
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  const database = databaseOver(kysely, 'postgres')
  try {
    await database.ping()
  } catch (cause) {
    await kysely.destroy()
    throw unreachable(url, cause)
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

/** Where it was looked for, without user and password. */
function unreachable(url: string, cause: unknown): StartError {
  const at = URL.parse(url)
  if (at === null || !/^postgres(?:ql)?:$/.test(at.protocol))
    return new StartError('data/unreachable', 'The database address must look like postgres://user@host:5432/name.', {
      cause,
    })
  const { code } = cause as { code?: string }
  const why =
    code === '3D000'
      ? 'has no database of this name'
      : code === '28P01' || code === '28000'
        ? 'refuses this user'
        : 'does not answer'
  return new StartError('data/unreachable', `PostgreSQL at ${at.host}${at.pathname} ${why}.`, { cause })
}

/**
 * Refuses a database in which somebody else's tables lie: an application's own address, taken from its environment, would
 * otherwise be filled with ours. Errors: `data/foreign`, with where it is and without the password.
 */
export async function refuseForeign(database: Database, url: string): Promise<void> {
  const { rows } = await sql<{ table_name: string }>`
    select table_name from information_schema.tables where table_schema = current_schema()
    order by table_name = 'khien_migration' desc, table_name limit 1`.execute(database.tables())
  const [first] = rows
  if (first === undefined || first.table_name === 'khien_migration') return
  const at = URL.parse(url)
  throw new StartError(
    'data/foreign',
    `The database ${at?.host ?? ''}${at?.pathname ?? ''} holds tables that are not Khiên's (${first.table_name}); give a database of its own with DATABASE_URL, or unset it.`,
    { status: 409 },
  )
}

const CLAIM_TRIES = 25
const CLAIM_WAIT_MS = 200

/**
 * What a process is to a database. `alone`: nobody else may serve on it meanwhile, as for a restore. `whole`: the node
 * itself, of which there is one. `beside`: one of further processes of that node.
 */
export type Claim = 'alone' | 'whole' | 'beside'

const NODE = `pg_try_advisory_lock(hashtext('khien node'))`
const SERVING = `hashtext('khien serving')`
const CLAIMS: Readonly<Record<Claim, readonly string[]>> = {
  alone: [NODE, `pg_try_advisory_lock(${SERVING})`],
  whole: [NODE, `pg_try_advisory_lock_shared(${SERVING})`],
  beside: [`pg_try_advisory_lock_shared(${SERVING})`],
}

/** A server that is started anew is back by then. */
const RECLAIM_MS = 30_000

/**
 * Holds a database: locks of a session of its own, which the server drops with the connection, however the process
 * dies. When the session ends, as with the server, the database is claimed again at once; `lost` is told when it is
 * another's by then, or does not answer for half a minute. Errors: `data/in-use`, `data/unreachable`.
 */
export async function claimPostgres(
  url: string,
  log: Log,
  claim: Claim = 'alone',
  lost: (why: StartError) => void = () => undefined,
): Promise<AsyncDisposable> {
  let given = false
  let client: pg.Client | undefined
  let renewing: Promise<void> = Promise.resolve()
  const hold = async (): Promise<void> => {
    const held = await claimOnce(url, log, claim)
    client = held
    held.once('end', () => {
      if (!given) renewing = renew()
    })
  }
  async function renew(): Promise<void> {
    for (const since = performance.now(); !given;) {
      try {
        await hold()
        return log.warn('sql.claimed-again')
      } catch (error) {
        const why = error instanceof StartError ? error : unreachable(url, error)
        if (given) return
        if (why.code === 'data/in-use' || performance.now() - since > RECLAIM_MS) {
          log.error('sql.claim-not-held', { code: why.code })
          return lost(why)
        }
        await new Promise((resolve) => setTimeout(resolve, CLAIM_WAIT_MS))
      }
    }
  }
  await hold()
  return {
    async [Symbol.asyncDispose]() {
      given = true
      await renewing
      await client?.end()
    },
  }
}

/** The session that holds the locks, or an error and no session. */
async function claimOnce(url: string, log: Log, claim: Claim): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000, keepAlive: true })
  client.on('error', (error: Error & { code?: string }) => log.warn('sql.claim-lost', { code: error.code }))
  await client.connect().catch((cause: unknown) => {
    throw unreachable(url, cause)
  })
  try {
    const wanted = [...CLAIMS[claim]]
    for (let tries = 1; ; tries++) {
      while (wanted.length > 0) {
        const { rows } = await client.query<{ held: boolean }>(`select ${wanted[0]} as held`)
        if (!rows[0]?.held) break
        wanted.shift()
      }
      if (wanted.length === 0) return client
      if (tries === CLAIM_TRIES) throw new StartError('data/in-use', IN_USE[claim])
      // A node that was killed a moment ago: the server is about to notice.
      await new Promise((resolve) => setTimeout(resolve, CLAIM_WAIT_MS))
    }
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

const IN_USE: Readonly<Record<Claim, string>> = {
  alone: 'Another process of Khiên is running on this PostgreSQL database; stop it first.',
  whole:
    'Another node is running on this PostgreSQL database; stop it first, or start this one beside it with --serve vault.',
  beside: 'This PostgreSQL database is being restored or backed up by a command; wait until that is done.',
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
