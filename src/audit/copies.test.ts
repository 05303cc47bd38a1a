import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { migrate, type Database } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { type Audit, auditMigrations, type AuditTables } from './index.ts'
import { entries, newFolder, record, testAudit } from './testing.ts'

const { skip, open } = STORES[1]!
const opened = async (): Promise<Database> => {
  const db = await open()
  await migrate(db, auditMigrations)
  return db
}
/** One transaction an entry, all at once. */
const write = (db: Database, by: Audit, count: number) =>
  Promise.all(entries(count).map((entry) => record(db, by, [entry])))
const checkpoint = (folder: string): string => readFileSync(join(folder, 'log/checkpoint'), 'utf8')

test('postgres: two processes write one log: each keeps the same tree, whoever gave the places', { skip }, async () => {
  await using db = await opened()
  const [here, there] = [newFolder(), newFolder()]
  await using node = testAudit(db, here)
  await using beside = testAudit(db, there, { copy: true })
  await node.reconcile()
  await beside.reconcile()
  for (let round = 0; round < 5; round++)
    await Promise.all([write(db, node, 40), write(db, beside, 40), node.integrate(), beside.integrate()])
  assert.equal((await node.integrate()).size, 400)
  assert.equal((await beside.integrate()).size, 400)
  assert.equal(checkpoint(here), checkpoint(there))
  // One that comes new writes all of it; the node's own folder may not be new.
  await using late = testAudit(db, newFolder(), { copy: true })
  assert.partialDeepStrictEqual(await late.reconcile('full'), { size: 400, appended: 400 })
  await using lost = testAudit(db, newFolder())
  await assert.rejects(lost.reconcile(), { code: 'audit/log-altered' })
})

test('postgres: a row that is changed between two readings stops the copy', { skip }, async () => {
  await using db = await opened()
  await using node = testAudit(db, newFolder())
  await using beside = testAudit(db, newFolder(), { copy: true })
  await node.reconcile()
  await beside.reconcile()
  await write(db, node, 20)
  await node.integrate()
  const rows = db.tables<AuditTables>().updateTable('audit_record')
  await rows
    .set({ salt: Buffer.alloc(16).toString('base64') })
    .where('leaf_index', '=', 7)
    .execute()
  await write(db, node, 20)
  await node.integrate()
  await assert.rejects(beside.integrate(), { code: 'audit/log-altered' })
  await assert.rejects(write(db, beside, 1), { code: 'audit/log-altered', status: 503 })
})
