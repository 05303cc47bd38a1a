import mysql from 'mysql2/promise'
import type { Address } from './address.ts'
import { unreachable } from './address.ts'
import { mysqlTables } from './mysql-catalogue.ts'
import { compile, sql, type Query } from './query.ts'
import type { Row, Session, Source } from './source.ts'

const CONNECTIONS = 6
const LOCK_S = 1

/** MySQL ≥ 8.0 and MariaDB ≥ 10.6, the first that skip locked rows. */
export async function openMysqlSource({ url, place }: Address): Promise<Source> {
  const options: mysql.ConnectionOptions = {
    host: url.hostname,
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    charset: 'utf8mb4',
    connectTimeout: 5_000,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    ...(url.searchParams.get('ssl') === 'true' ? { ssl: {} } : {}),
  }
  const pool = mysql.createPool({ ...options, connectionLimit: CONNECTIONS, maxPreparedStatements: 300 })

  async function held<T>(work: (client: mysql.PoolConnection) => Promise<T>): Promise<T> {
    const client = await pool.getConnection()
    try {
      return await work(client)
    } finally {
      client.release()
    }
  }
  const within = <T>(begin: readonly string[], work: (session: Session) => Promise<T>): Promise<T> =>
    held(async (client) => {
      for (const statement of begin) await client.query(statement)
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
    await pool.end().catch(() => {})
    throw unreachable(place, cause)
  }
  const limits = `set session innodb_lock_wait_timeout = ${LOCK_S}, session lock_wait_timeout = ${LOCK_S}`
  const source: Source = {
    kind: 'mysql',
    place,
    read: (work) => within(['set transaction isolation level repeatable read', 'start transaction read only'], work),
    write: (work) => within([limits, 'set transaction isolation level read committed', 'start transaction'], work),
    alone: (work) =>
      held(async (client) => {
        await client.query(limits)
        return work(sessionOn(client))
      }),
    async claim(name) {
      const client = await mysql.createConnection(options)
      client.on('error', () => {})
      const session = sessionOn(client)
      const lock = sql`sha1(concat(database(), ${`.${name}`}))`
      const [row] = await session.rows(sql`select get_lock(${lock}, 0) as held`)
      if (row?.['held'] !== '1') {
        await client.end()
        return undefined
      }
      return {
        // Said, and not left to the end of the connection, which the server sees when it comes round to it.
        async [Symbol.asyncDispose]() {
          await session.rows(sql`select release_lock(${lock})`).catch(() => [])
          await client.end()
        },
      }
    },
    tables: () => source.read((session) => mysqlTables(session)),
    [Symbol.asyncDispose]: () => pool.end(),
  }
  return source
}

/** Prepared where there are values: then they are bound by the server, whatever its sql_mode says of backslashes. */
function sessionOn(client: mysql.Connection): Session {
  const send = async (query: Query): Promise<unknown> => {
    const { text, values } = compile(query, 'mysql')
    return (values.length === 0 ? await client.query(text) : await client.execute(text, values))[0]
  }
  return {
    async rows(query) {
      const rows = (await send(query)) as Record<string, unknown>[]
      return rows.map(
        (row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, asText(value)])) as Row,
      )
    },
    async run(query) {
      return ((await send(query)) as { affectedRows?: number }).affectedRows ?? 0
    },
  }
}

function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (Buffer.isBuffer(value)) return value.toString('utf8')
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | bigint | boolean)
}
