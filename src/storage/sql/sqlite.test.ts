import assert from 'node:assert/strict'
import { copyFileSync, fdatasync, mkdirSync, mkdtempSync, readFileSync, renameSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { jsonLog, type Log } from '../../kit/log.ts'
import { checkpoints } from './checkpoints.ts'
import { openSqlite } from './index.ts'
import { writeAheadLog } from './write-ahead-log.ts'

type Tables = { note: { id: number; text: string } }

/** A store whose syncs wait for `let`, or fail. */
async function opened(log?: Log) {
  const path = join(mkdtempSync(join(tmpdir(), 'khien-sqlite-')), 'test.db')
  let gate: PromiseWithResolvers<void> | undefined
  const wal = writeAheadLog(path, async (file) => {
    await gate?.promise
    await promisify(fdatasync)(file)
  })
  const db = openSqlite(path, { wal, ...(log === undefined ? {} : { log }) })
  await db.tables<Tables>().schema.createTable('note').addColumn('id', 'integer', (c) => c.primaryKey()).addColumn('text', 'text').execute() // prettier-ignore
  const put = (id: number, text = 'x'): Promise<number> =>
    db.transaction<Tables, number>(async (trx) => {
      await trx.insertInto('note').values({ id, text }).execute()
      return id
    })
  const count = async (): Promise<number> =>
    (await db.tables<Tables>().selectFrom('note').select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()).n // prettier-ignore
  return { path, db, put, count, hold: () => (gate = Promise.withResolvers()) }
}
const state = async (promise: Promise<unknown>): Promise<string> =>
  Promise.race([
    promise.then(
      () => 'resolved',
      () => 'rejected',
    ),
    sleep(100, 'waits'),
  ])

test('nothing that was written, or seen, is told before the disk has it; the next transaction runs meanwhile', async () => {
  const { db, put, count, hold } = await opened()
  const gate = hold()
  const first = put(1)
  assert.equal(await state(first), 'waits')
  let ran = false
  const second = db.transaction<Tables, void>(async (trx) => {
    ran = (await trx.selectFrom('note').selectAll().execute()).length > 0
  })
  const alone = db.tables<Tables>().insertInto('note').values({ id: 2, text: 'y' }).execute()
  const read = count()
  assert.deepEqual(await Promise.all([second, alone, read].map(state)), ['waits', 'waits', 'waits'])
  assert.ok(ran, 'the second saw the first while that was on its way to the disk')
  gate.resolve()
  assert.equal(await first, 1)
  await Promise.all([second, alone])
  assert.equal(await read, 2)
  await db[Symbol.asyncDispose]()
})

test('a disk that does not take what was written: everybody who waits is told, and nothing more is accepted', async () => {
  const { db, put, count, hold } = await opened()
  const gate = hold()
  const waiting = [put(1), put(2)]
  await sleep(20)
  waiting.push(count())
  await sleep(20)
  gate.reject(Object.assign(new Error('EIO'), { code: 'EIO' }))
  for (const one of waiting) await assert.rejects(one, { code: 'data/not-durable', status: 503 })
  await assert.rejects(put(3), { code: 'data/not-durable' })
  await assert.rejects(count(), { code: 'data/not-durable' })
  await assert.rejects(db.ping(), { code: 'data/not-durable' })
  await db[Symbol.asyncDispose]()
})

test('under steady writing the log is begun anew, and what was deleted is in no file after `forget`', async () => {
  const { path, db, put, count } = await opened()
  const [rounds, size] = [60, 500]
  const text = 'a deleted word '.repeat(200)
  let id = 0
  for (let round = 0; round < rounds; round++) {
    await Promise.all(Array.from({ length: 20 }, () => put(++id, text)))
    for (let i = 0; i < size / 20; i++) await put(++id, 'y')
  }
  const written = id
  assert.equal(await count(), written)
  for (let i = 0; i < 20; i++) {
    await Promise.all(Array.from({ length: 300 }, () => put(++id, text)))
    await sleep(60)
  }
  const frames = statSync(`${path}-wal`).size / 4_120
  assert.ok(frames < 40_000, `${Math.round(frames)} frames`)
  await db.tables<Tables>().deleteFrom('note').where('text', '<>', 'y').execute()
  const files = (): boolean => [path, `${path}-wal`].some((file) => readFileSync(file).includes('a deleted word'))
  assert.ok(files(), 'the control: before, it is there')
  await Promise.all([db.forget(), db.forget(), put(++id, 'y')])
  assert.equal(files(), false)
  await db[Symbol.asyncDispose]()
})

test('a refusal that rests on what is not on the disk yet waits for it as well', async () => {
  const { db, put, hold } = await opened()
  const gate = hold()
  const first = put(1)
  await sleep(20)
  const refused = db.transaction<Tables, void>(async (trx) => {
    if (await trx.selectFrom('note').selectAll().where('id', '=', 1).executeTakeFirst()) throw new Error('known')
  })
  assert.equal(await state(refused), 'waits')
  gate.resolve()
  await first
  await assert.rejects(refused, /known/)
  await db[Symbol.asyncDispose]()
})

test('`forget` while somebody reads: done as soon as they have ended', async () => {
  const { path, db, put } = await opened()
  await put(1, 'a deleted word')
  const reader = new DatabaseSync(path)
  reader.exec('begin; select * from note')
  await db.tables<Tables>().deleteFrom('note').execute()
  await db.forget()
  const there = (): boolean => [path, `${path}-wal`].some((file) => readFileSync(file).includes('a deleted word'))
  assert.ok(there(), 'the control: the reader may still want it')
  reader.exec('commit')
  reader.close()
  for (let i = 0; i < 100 && there(); i++) await sleep(50)
  assert.equal(there(), false)
  await db[Symbol.asyncDispose]()
})

test('what a killed process left in the log is in the file, and on the disk, before anything is told', async () => {
  const { path, db, put } = await opened()
  for (let i = 1; i <= 10; i++) await put(i)
  // As it lies there at this moment.
  const killed = join(mkdtempSync(join(tmpdir(), 'khien-killed-')), 'test.db')
  for (const end of ['', '-wal']) copyFileSync(path + end, killed + end)
  assert.ok(statSync(`${killed}-wal`).size > 0)
  await using again = openSqlite(killed)
  assert.equal(statSync(`${killed}-wal`).size, 0)
  assert.equal((await again.tables<Tables>().selectFrom('note').selectAll().execute()).length, 10)
  await db[Symbol.asyncDispose]()
})

test('a thread of checkpoints that cannot work is told of once, and commits go on', async () => {
  const lines: string[] = []
  const { path, db, put, count } = await opened(jsonLog((line) => lines.push(line)))
  await using _ = db
  renameSync(path, `${path}.aside`)
  mkdirSync(path)
  for (let i = 0; i < 1_500; i++) await put(i)
  assert.equal(await count(), 1_500)
  assert.equal(lines.length, 1, lines.join(''))
  assert.match(lines[0]!, /"sql\.checkpoint-thread-ended".*ERR_SQLITE/)
})

test('where the thread has ended, SQLite checkpoints by itself again', async () => {
  const told: unknown[] = []
  await using carrying = checkpoints(mkdtempSync(join(tmpdir(), 'khien-no-file-')), {
    own: () => ({ busy: 0, log: 0, checkpointed: 0 }),
    net: (frames) => told.push(frames),
    held: (work) => work(),
    broke: (code) => told.push(code),
  })
  for (let i = 0; i < 256; i++) carrying.committed()
  await carrying.forget()
  for (let i = 0; i < 1_000; i++) carrying.committed()
  await sleep(300)
  assert.deepEqual(told, ['ERR_SQLITE_ERROR', 1_000], 'and no other thread is begun for a minute')
})
