import pg from 'pg'
import type { Address } from './address.ts'
import { unreachable } from './address.ts'
import { postgresTables } from './postgres-catalogue.ts'
import { compile, type Query } from './query.ts'
import type { Row, Session, Source } from './source.ts'

const CONNECTIONS = 6
const LOCK_MS = 1_000
const types = {
  getTypeParser: () => (text: string | Buffer) => (typeof text === 'string' ? text : text.toString('hex')),
}

/** PostgreSQL ≥ 12. */
export async function openPostgresSource({ url, place }: Address): Promise<Source> {
  const pool = new pg.Pool({
    connectionString: url.href,
    max: CONNECTIONS,
    connectionTimeoutMillis: 5_000,
    application_name: 'khien',
    types: types as never,
  })
  pool.on('error', () => {})

  async function held<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    let broken = false
    // A connection that breaks between two statements says so here; the statement after it throws.
    const lost = (): void => void (broken = true)
    client.on('error', lost)
    try {
      return await work(client)
    } finally {
      client.off('error', lost)
      client.release(broken)
    }
  }
  const within = <T>(begin: string, work: (session: Session) => Promise<T>): Promise<T> =>
    held(async (client) => {
      await client.query(begin)
      try {
        const result = await work(sessionOn(client))
        await client.query('commit')
        return result
      } catch (error) {
        await client.query('rollback').catch(() => {})
        throw error
      }
    })

  try {
    await held((client) => client.query('select 1'))
  } catch (cause) {
    await pool.end()
    throw unreachable(place, cause)
  }
  const limits = `set local lock_timeout = ${LOCK_MS}; set local idle_in_transaction_session_timeout = 30000`
  const source: Source = {
    kind: 'postgres',
    place,
    read: (work) => within('begin isolation level repeatable read read only', work),
    write: (work) => within(`begin isolation level read committed; ${limits}`, work),
    alone: (work) =>
      held(async (client) => {
        await client.query(`set lock_timeout = ${LOCK_MS}`)
        try {
          return await work(sessionOn(client))
        } finally {
          await client.query('reset lock_timeout').catch(() => {})
        }
      }),
    async claim(name) {
      const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 5_000, keepAlive: true })
      client.on('error', () => {})
      await client.connect()
      const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock(hashtext($1)) as held', [
        name,
      ])
      if (!rows[0]?.held) {
        await client.end()
        return undefined
      }
      return {
        // Said, and not left to the end of the connection, which the server sees when it comes round to it.
        async [Symbol.asyncDispose]() {
          await client.query('select pg_advisory_unlock(hashtext($1))', [name]).catch(() => undefined)
          await client.end()
        },
      }
    },
    tables: () => source.read((session) => postgresTables(session)),
    [Symbol.asyncDispose]: () => pool.end(),
  }
  return source
}

function sessionOn(client: pg.PoolClient): Session {
  const send = (query: Query): Promise<pg.QueryResult<Row>> => {
    const { text, values } = compile(query, 'postgres')
    return values.length === 0 ? client.query<Row>(text) : client.query<Row>(text, values)
  }
  return {
    rows: async (query) => (await send(query)).rows,
    run: async (query) => (await send(query)).rowCount ?? 0,
  }
}
