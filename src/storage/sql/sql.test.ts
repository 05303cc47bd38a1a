import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { silentLog } from '../../kit/log.ts'
import { bytesType, migrate, openPostgres, refuseForeign, type Migration } from './index.ts'
import { newPostgresDatabase, STORES } from './testing.ts'

type Tables = { thing: { id: string; at: number; body: Uint8Array } }

const MIGRATIONS: readonly Migration[] = [
  {
    name: '20261121T000000-create-thing',
    async up(db, dialect) {
      await db.schema
        .createTable('thing')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('body', bytesType(dialect) as 'blob', (c) => c.notNull())
        .execute()
    },
  },
]

for (const store of STORES) {
  test(`${store.name}: migrates once, keeps numbers and bytes, rolls back`, { skip: store.skip }, async () => {
    await using db = await store.open()
    assert.deepEqual(await migrate(db, MIGRATIONS), ['20261121T000000-create-thing'])
    assert.deepEqual(await migrate(db, MIGRATIONS), [])
    const at = 1_795_000_000_123
    await db.transaction<Tables, unknown>((trx) =>
      trx
        .insertInto('thing')
        .values({ id: 'a', at, body: Uint8Array.of(0, 255) })
        .execute(),
    )
    const failing = db.transaction<Tables, void>(async (trx) => {
      await trx
        .insertInto('thing')
        .values({ id: 'b', at, body: Uint8Array.of(1) })
        .execute()
      throw new Error('changed my mind')
    })
    await assert.rejects(failing, /changed my mind/)
    const rows = await db.tables<Tables>().selectFrom('thing').selectAll().execute()
    assert.equal(rows.length, 1)
    assert.equal(rows[0]!.at, at)
    assert.deepEqual([...rows[0]!.body], [0, 255])
  })

  test(`${store.name}: a store of a newer Khiên is refused in one sentence`, { skip: store.skip }, async () => {
    await using db = await store.open()
    await migrate(db, [...MIGRATIONS, { name: '99990101T000000-from-the-future', up: async () => {} }])
    await assert.rejects(migrate(db, MIGRATIONS), { code: 'data/newer-format' })
  })
}

for (const store of STORES) {
  test(`${store.name}: many transactions at once, each by itself`, { skip: store.skip }, async () => {
    await using db = await store.open()
    await migrate(db, MIGRATIONS)
    const insert = (id: string) =>
      db.transaction<Tables, string>(async (trx) => {
        await trx
          .insertInto('thing')
          .values({ id, at: 1, body: Uint8Array.of(1) })
          .execute()
        if (id.startsWith('bad')) throw new Error(`changed my mind about ${id}`)
        return id
      })
    const ids = Array.from({ length: 150 }, (_, i) => (i % 7 === 3 ? `bad${i}` : `good${i}`))
    // The same key twice: the second fails in the store, and fails alone.
    const all = await Promise.allSettled([...ids, 'good0'].map(insert))
    for (const [i, id] of ids.entries()) {
      const one = all[i]!
      if (id.startsWith('bad')) assert.match(String((one as PromiseRejectedResult).reason), new RegExp(`about ${id}$`))
      else assert.deepEqual(one, { status: 'fulfilled', value: id })
    }
    assert.equal(all.at(-1)!.status, 'rejected')
    const rows = await db.tables<Tables>().selectFrom('thing').select('id').execute()
    assert.deepEqual(rows.map((row) => row.id).toSorted(), ids.filter((id) => id.startsWith('good')).toSorted())
  })
}

test('sqlite: when the shared commit fails, nobody is told otherwise, and the store goes on', async () => {
  await using db = await STORES[0]!.open()
  await migrate(db, MIGRATIONS)
  const put = (id: string, more?: string) =>
    db.transaction<Tables, void>(async (trx) => {
      await trx
        .insertInto('thing')
        .values({ id, at: 1, body: Uint8Array.of(1) })
        .execute()
      // Ends the transaction of all under their feet, as a full disk makes SQLite do.
      if (more !== undefined) await sql.raw(more).execute(trx)
    })
  const all = await Promise.allSettled([put('a'), put('b', 'rollback'), put('c')])
  assert.deepEqual(
    all.map((one) => one.status),
    ['rejected', 'rejected', 'rejected'],
  )
  await put('d')
  const rows = await db.tables<Tables>().selectFrom('thing').select('id').execute()
  assert.deepEqual(
    rows.map((row) => row.id),
    ['d'],
  )
})

test('postgres: a server that confirms before its disk has it is refused', { skip: STORES[1]!.skip }, async () => {
  const url = await newPostgresDatabase()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const say = async (text: string): Promise<void> => void (await client.query(text))
  // A server-wide setting takes a moment to reach new connections, both ways.
  const refusedFor = async (setting: string): Promise<void> => {
    for (let tries = 0; ; tries++) {
      const error = await openPostgres(url, silentLog).then(
        (db) => db[Symbol.asyncDispose](),
        (error: Error) => error,
      )
      if (error) return void assert.match(error.message, new RegExp(`${setting}=off.*set ${setting}=on`))
      assert.ok(tries < 100, `opened with ${setting}=off`)
      await sleep(10)
    }
  }
  try {
    const name = new URL(url).pathname.slice(1)
    await say(`alter database ${name} set synchronous_commit = off`)
    await assert.rejects(openPostgres(url, silentLog), { code: 'data/not-durable' })
    await refusedFor('synchronous_commit')
    await say(`alter database ${name} set synchronous_commit = local`)
    await (await openPostgres(url, silentLog))[Symbol.asyncDispose]()
    await say('alter system set fsync = off')
    await say('select pg_reload_conf()')
    await refusedFor('fsync')
  } finally {
    await say('alter system reset fsync')
    await say('select pg_reload_conf()')
    while ((await client.query('show fsync')).rows[0].fsync !== 'on') await sleep(10)
    await client.end()
  }
})

test(
  'postgres: a database with somebody else’s tables is refused, and its password is not told',
  { skip: STORES[1]!.skip },
  async () => {
    const url = await newPostgresDatabase()
    const told = url.replace('khien@', 'khien:bi-mat@')
    await using empty = await openPostgres(url, silentLog)
    await refuseForeign(empty, told)
    await sql`create table customers (id int)`.execute(empty.tables())
    await assert.rejects(refuseForeign(empty, told), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'data/foreign')
      assert.match(error.message, /customers.*DATABASE_URL/)
      assert.doesNotMatch(error.message, /bi-mat/)
      return true
    })
    await migrate(empty, MIGRATIONS)
    await refuseForeign(empty, told)
  },
)

test(
  'postgres: a connection that ends between two queries fails its transaction, not the process',
  { skip: STORES[1]!.skip },
  async () => {
    const url = await newPostgresDatabase()
    await using db = await openPostgres(url, silentLog)
    await migrate(db, MIGRATIONS)
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    const cut = db.transaction<Tables, void>(async (trx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
      await other.query('select pg_terminate_backend($1)', [rows[0]!.pid])
      await sleep(200)
      await trx.insertInto('thing').values({ id: 'a', at: 1, body: Uint8Array.of(1) }).execute() // prettier-ignore
    })
    await assert.rejects(cut)
    // What the work itself says is heard, not that it could not be taken back.
    const own = db.transaction<Tables, void>(async (trx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
      await other.query('select pg_terminate_backend($1)', [rows[0]!.pid])
      await sleep(200)
      throw new Error('changed my mind')
    })
    await assert.rejects(own, /changed my mind/)
    await other.end()
    assert.deepEqual(await db.tables<Tables>().selectFrom('thing').selectAll().execute(), [])
  },
)
