import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { StartError } from '../../kit/errors.ts'
import { silentLog } from '../../kit/log.ts'
import { claimPostgres } from './postgres.ts'
import { newPostgresDatabase, STORES } from './testing.ts'

const { skip } = STORES[1]!

async function session(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

/** Ends the sessions that hold a database, as a server does that is started anew. */
const endHolders = `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
  and database = (select oid from pg_database where datname = current_database())`

test('a claim that was lost with its session is taken again, and given back at the end', { skip }, async () => {
  const url = await newPostgresDatabase()
  const client = await session(url)
  const lost: string[] = []
  let again = 0
  const log = { ...silentLog, warn: (event: string) => void (again += Number(event === 'sql.claimed-again')) }
  const claim = await claimPostgres(url, log, 'whole', (why) => lost.push(why.code))
  for (let times = 1; times < 4; times++) {
    await client.query(endHolders)
    for (let tries = 0; again < times; tries++) {
      assert.ok(tries < 100, 'never claimed again')
      await sleep(50)
    }
    const { rows } = await client.query<{ free: boolean }>(
      `select pg_try_advisory_lock(hashtext('khien node')) as free`,
    )
    assert.equal(rows[0]!.free, false)
  }
  await claim[Symbol.asyncDispose]()
  await (await claimPostgres(url, silentLog, 'alone'))[Symbol.asyncDispose]()
  assert.deepEqual(lost, [])
  await client.end()
})

test('a claim that another took meanwhile is lost, and said', { skip, timeout: 30_000 }, async () => {
  const url = await newPostgresDatabase()
  const [client, other] = [await session(url), await session(url)]
  const lost = Promise.withResolvers<StartError>()
  await using _claim = await claimPostgres(url, silentLog, 'whole', lost.resolve)
  // Waits at the server, and so comes before whoever asks again.
  const taken = other.query(`select pg_advisory_lock(hashtext('khien node'))`)
  await sleep(200)
  await client.query(endHolders)
  await taken
  const why = await lost.promise
  assert.equal(why.code, 'data/in-use')
  assert.match(why.message, /Another node is running/)
  await other.end()
  await client.end()
})
