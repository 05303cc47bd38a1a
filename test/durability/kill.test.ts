import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog } from '../../src/kit/log.ts'
import { openPostgres, openSqlite, type Database } from '../../src/storage/sql/index.ts'
import { newPostgresDatabase, STORES } from '../../src/storage/sql/testing.ts'
import { call, type Child, newNodeFolder, PROCESSING, startChild } from './child.ts'
import { again, load, newLedger, type Ledger, turnFields } from './ledger.ts'
import { checkLog, checkWhole } from './whole.ts'

// Atomicity by real kills: whatever moment a node dies at, each request is there whole or not at all, with its record,
// and what was answered stays. That it would outlive a power cut as well is shown in fsync.test.ts.

const WORKERS = 6

type Place = { readonly stores: Parameters<typeof startChild>[1]; open(): Promise<[Database, Database]> }
const PLACES: Record<string, { kills: number; make(folder: string): Promise<Place> }> = {
  sqlite: {
    kills: 10,
    make: async (folder) => ({
      stores: {},
      open: async () => [openSqlite(join(folder, 'control.db')), openSqlite(join(folder, 'keys.db'))],
    }),
  },
  postgres: {
    kills: 3,
    make: async () => {
      const [databaseUrl, keysDatabaseUrl] = [await newPostgresDatabase(), await newPostgresDatabase()]
      return {
        stores: { stores: { databaseUrl, keysDatabaseUrl } },
        open: async () => [await openPostgres(databaseUrl, silentLog), await openPostgres(keysDatabaseUrl, silentLog)],
      }
    },
  },
}

test('killed at any moment, nothing is half and nothing answered is lost', { concurrency: true }, async (t) => {
  await Promise.all(STORES.map(({ name, skip }) => t.test(name, { skip }, (store) => killAndLook(name, store))))
})

async function killAndLook(name: string, t: TestContext): Promise<void> {
  const { kills, make } = PLACES[name]!
  const folder = newNodeFolder()
  const place = await make(folder)
  const ledger = newLedger(WORKERS)
  let [size, unanswered, doneUnanswered] = [0, 0, 0]
  let child = await startChild(folder, place.stores)
  try {
    assert.equal((await call(child, 'PUT', '/api/processing', PROCESSING)).status, 200)
    for (let kill = 0; kill < kills; kill++) {
      // Counted in answers, not in time: a busy machine would only ever be killed at its first request.
      let left = Math.floor(Math.random() * 60)
      const enough = Promise.withResolvers<void>()
      const running = load(child, ledger, () => void (left-- > 0 || enough.resolve()))
      await enough.promise
      await sleep(Math.random() * 8)
      await child.kill()
      await running
      child = await startChild(folder, place.stores)
      const [db, keysDb] = await place.open()
      const open = ledger.entries.filter((entry) => entry.answer === undefined)
      unanswered += open.length
      doneUnanswered += await checkWhole(db, keysDb, ledger)
      await checkTurns(child, ledger)
      // Every request without an answer is sent again with its key, and a few that had one.
      for (const entry of open) {
        entry.answer = await again(child, entry)
        assert.equal(entry.answer?.status, 200, entry.answer?.text)
      }
      for (const entry of ledger.entries.filter((_, i) => i % 17 === kill % 17))
        assert.deepEqual(await again(child, entry), entry.answer)
      assert.equal(await checkWhole(db, keysDb, ledger), 0)
      const now = await checkLog(folder, db)
      assert.ok(now >= size, 'the log got shorter')
      size = now
      await db[Symbol.asyncDispose]()
      await keysDb[Symbol.asyncDispose]()
    }
  } finally {
    await child.stop()
  }
  const sent = `${ledger.entries.length} requests, ${unanswered} unanswered, ${doneUnanswered} of them done`
  t.diagnostic(`${kills} kills, ${sent}`)
  assert.ok(ledger.entries.length > kills * WORKERS && unanswered > 0)
}

/** Over HTTP: the four fields of a hot subject are of one turn; who withdrew is refused. */
async function checkTurns(child: Child, ledger: Ledger): Promise<void> {
  const items = ledger.hot.map((subject) => ({ subject, collection: 'person', fields: Object.keys(turnFields(1)) }))
  const read = await call(child, 'POST', '/api/vault/get', { purpose: 'keep', reason: 'AFTER-KILL', items })
  const found = (JSON.parse(read.text) as { items: { fields: Record<string, string | null> }[] }).items
  for (const [i, { fields }] of found.entries()) {
    const turns = ledger.entries.filter((entry) => entry.subject === ledger.hot[i])
    const turn = Number(fields['name']?.slice(4) ?? 0)
    if (turn > 0) assert.deepEqual(fields, turnFields(turn))
    assert.ok(
      turn >= turns.filter((entry) => entry.answer).length && turn <= turns.length,
      `turn ${turn} of ${turns.length}`,
    )
  }
  const ended = ledger.entries.filter((entry) => entry.kind === 'withdrawal' && entry.answer).slice(-50)
  const wanted = ended.map(({ subject }) => ({ subject, collection: 'person', fields: ['phone'] }))
  if (wanted.length === 0) return
  const refused = await call(child, 'POST', '/api/vault/get', { purpose: 'news', reason: 'AFTER-KILL', items: wanted })
  for (const item of (JSON.parse(refused.text) as { items: { code?: string }[] }).items)
    assert.equal(item.code, 'vault/no-consent')
}
