import assert from 'node:assert/strict'
import test from 'node:test'
import { bytesType, migrate, type Migration } from './index.ts'
import { STORES } from './testing.ts'

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
