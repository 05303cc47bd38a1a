import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Kysely } from 'kysely'
import { canonicalJson } from '../engine/bytes/canonical.ts'
import { signingKey } from '../engine/seal/index.ts'
import { manualClock } from '../kit/clock.ts'
import { migrate } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { type AuditEntry, auditMigrations, type AuditTables, checkProof, logRoutes, logVerifier } from './index.ts'
import { entries, newFolder, record, seedOf, testAudit } from './testing.ts'
import { recordText } from './entry.ts'
import { readCheckpoint, readOnly, verifyLog } from './verify.ts'

for (const store of STORES) {
  const named = (what: string): [string, { skip: string | false }] => [`${store.name}: ${what}`, { skip: store.skip }]

  test(...named('recorded acts reach the log once, in order, and are proven offline'), async () => {
    await using db = await store.open()
    await migrate(db, auditMigrations)
    const folder = newFolder()
    const log = testAudit(db, folder)
    assert.deepEqual(await log.reconcile(), { size: 0, checked: 0, appended: 0 })
    const ids: string[] = []
    for (const count of [1, 2, 300, 1]) {
      ids.push(...(await record(db, log, entries(count))))
      await log.integrate()
    }
    assert.deepEqual(await log.integrate(), { size: 304, appended: 0 })
    assert.equal((await log.head()).size, 304)
    const key = logVerifier(log.verifierKey)!
    for (const index of [0, 2, 255, 256, 303]) {
      const proof = checkProof(await log.proofOf(ids[index]!), key)
      assert.equal(proof.index, index)
      assert.equal(proof.record?.id, ids[index])
      assert.equal(proof.checkpoint.size, 304)
    }
    const read = readOnly(join(folder, 'log'))
    const { head } = await readCheckpoint(read, key)
    await verifyLog(read, join(folder, 'log'), head)
    assert.deepEqual(await testAudit(db, folder).reconcile(), { size: 304, checked: 304, appended: 0 })
    assert.deepEqual(await testAudit(db, folder).reconcile('edge'), { size: 304, checked: 0, appended: 0 })
  })

  test(...named('what a record says is forgotten, and the log still adds up'), async () => {
    await using db = await store.open()
    await migrate(db, auditMigrations)
    const folder = newFolder()
    const log = testAudit(db, folder)
    const about = (subject: string, kind = 'vault.read'): AuditEntry => ({
      kind,
      actor: 'service:shop',
      subject,
      reason: 'DH-77',
      result: 'allowed',
    })
    const ids = await record(db, log, [about('S-1'), about('S-2'), about('S-1', 'vault.shredded'), about('S-1')])
    await log.integrate()
    // Not in the log yet when it is forgotten.
    const [late] = await record(db, log, [about('S-1')])
    assert.equal(await log.forget('S-1', ['vault.shredded']), 3)
    assert.deepEqual(await log.integrate(), { size: 5, appended: 1 })
    assert.deepEqual(await testAudit(db, folder).reconcile('full'), { size: 5, checked: 5, appended: 0 })
    const rows = await db.tables<AuditTables>().selectFrom('audit_record').selectAll().orderBy('id').execute()
    assert.deepEqual(
      rows.map((row) => row.subject),
      [null, 'S-2', 'S-1', null, null],
    )
    assert.equal(rows.filter((row) => JSON.stringify(row).includes('DH-77')).length, 2)
    const key = logVerifier(log.verifierKey)!
    for (const id of [ids[0]!, late!]) {
      const proof = checkProof(await log.proofOf(id), key)
      assert.equal(proof.record, undefined)
      assert.match(proof.entry, /^khien\/1 vault\.read /)
      assert.equal((await log.find(id))?.actor, 'forgotten')
    }
    assert.equal(checkProof(await log.proofOf(ids[1]!), key).record?.reason, 'DH-77')
    // A commitment that does not fit is found like any other change.
    await db
      .tables<AuditTables>()
      .updateTable('audit_record')
      .set({ salt: `=${'A'.repeat(43)}=` })
      .where('id', '=', ids[0]!)
      .execute()
    await assert.rejects(testAudit(db, folder).reconcile('full'), { code: 'audit/log-altered' })
  })

  test(...named('a record falls with its transaction'), async () => {
    await using db = await store.open()
    await migrate(db, auditMigrations)
    const log = testAudit(db, newFolder())
    const act = db.transaction(async (trx) => {
      await log.record(trx, entries(3))
      throw new Error('the act failed')
    })
    await assert.rejects(act, /the act failed/)
    assert.deepEqual(await log.integrate(), { size: 0, appended: 0 })
  })

  test(...named('a batch larger than one checkpoint takes'), async () => {
    await using db = await store.open()
    await migrate(db, auditMigrations)
    const folder = newFolder()
    const log = testAudit(db, folder)
    await record(db, log, entries(4_500))
    assert.deepEqual(await log.integrate(), { size: 4_500, appended: 4_500 })
    assert.deepEqual(await testAudit(db, folder).reconcile(), { size: 4_500, checked: 4_500, appended: 0 })
  })

  test(...named('lists newest first, filtered, page by page'), async () => {
    await using db = await store.open()
    await migrate(db, auditMigrations)
    const clock = manualClock(1_795_000_000_000)
    const log = testAudit(db, newFolder(), { clock })
    await record(db, log, entries(5))
    clock.advance(-1_000)
    const [last] = await record(db, log, entries(1, 'session.login'))
    await log.integrate()
    const first = await log.list({ limit: 4 })
    assert.equal(first.items[0]!.id, last, 'a clock that steps back does not reorder')
    assert.deepEqual(
      first.items.map((item) => item.index),
      [5, 4, 3, 2],
    )
    const rest = await log.list({ limit: 4, before: first.next! })
    assert.deepEqual(
      rest.items.map((item) => item.index),
      [1, 0],
    )
    assert.equal(rest.next, null)
    assert.equal((await log.list({ kind: 'session.login', limit: 9 })).items.length, 1)
    assert.equal((await log.list({ subject: '7Q4K-2MXB-9D0R-0003', limit: 9 })).items.length, 1)
    assert.equal((await log.list({ actor: 'nobody', limit: 9 })).items.length, 0)
    await assert.rejects(log.list({ limit: 1, before: 'x' }), { code: 'audit/bad-cursor' })
    await assert.rejects(log.proofOf('aud_none'), { code: 'audit/unknown' })
    const [fresh] = await record(db, log, entries(1))
    await assert.rejects(log.proofOf(fresh!), { code: 'audit/not-published', retryAfter: 1 })
  })

  test(...named('records written under a clock that was set back are found and forgotten'), async () => {
    await using db = await store.open()
    await migrate(db, auditMigrations)
    const clock = manualClock(1_795_000_000_000)
    const folder = newFolder()
    const of = { kind: 'vault.read', actor: 'svc', subject: 'S-1', result: 'allowed' } as const
    await record(db, testAudit(db, folder, { clock }), [of])
    clock.advance(-86_400_000)
    await record(db, testAudit(db, folder, { clock }), [of])
    const again = testAudit(db, folder, { clock })
    assert.equal((await again.list({ subject: 'S-1', limit: 9 })).items.length, 2)
    assert.equal(await again.forget('S-1', ['vault.shredded']), 2)
  })

  test(...named('an altered store is found at the start, and nothing is written after'), async () => {
    const changes: readonly ((rows: Tables) => Promise<unknown>)[] = [
      (t) => t.updateTable('audit_record').set({ record: '{}' }).where('leaf_index', '=', 7).execute(),
      (t) =>
        t.updateTable('audit_record').set({ salt: 'AAAAAAAAAAAAAAAAAAAAAA==' }).where('leaf_index', '=', 0).execute(),
      (t) => t.updateTable('audit_record').set({ kind: 'vault.write' }).where('leaf_index', '=', 299).execute(),
      (t) => t.deleteFrom('audit_record').where('leaf_index', '=', 150).execute(),
      (t) => t.deleteFrom('audit_record').where('leaf_index', '>=', 299).execute(),
      (t) => t.deleteFrom('audit_record').execute(),
      (t) => t.updateTable('audit_head').set({ size: 301 }).execute(),
      (t) => t.updateTable('audit_head').set({ root: 'AAAA' }).execute(),
    ]
    for (const change of changes) {
      await using db = await store.open()
      await migrate(db, auditMigrations)
      const folder = newFolder()
      const log = testAudit(db, folder)
      await record(db, log, entries(290))
      await log.integrate()
      await record(db, log, entries(10))
      await log.integrate()
      await change(db.tables<AuditTables>())
      const next = testAudit(db, folder)
      await assert.rejects(next.reconcile(), { code: 'audit/log-altered' })
      await assert.rejects(record(db, next, entries(1)), { code: 'audit/log-altered', status: 503 })
      await assert.rejects(next.integrate(), { code: 'audit/log-altered' })
    }
  })

  test(...named('a folder put back by the last batch alone is found, though the store can grow it again'), async () => {
    for (const appended of [1, 300]) {
      await using db = await store.open()
      await migrate(db, auditMigrations)
      const folder = newFolder()
      const log = testAudit(db, folder)
      await record(db, log, entries(290))
      await log.integrate()
      const copy = `${newFolder()}/before`
      cpSync(folder, copy, { recursive: true })
      await record(db, log, entries(appended))
      await log.integrate()
      const next = testAudit(db, copy)
      // Rows that the log has taken in are changed; with the folder of before, they would be taken in anew as they are now.
      const change = db.tables<AuditTables>().updateTable('audit_record').set({ salt: 'AAAAAAAAAAAAAAAAAAAAAA==' })
      await change.where('leaf_index', '=', 290).execute()
      await assert.rejects(next.reconcile(), { code: 'audit/log-altered' })
    }
  })
}
type Tables = Kysely<AuditTables>

test('the text of a record is canonical', () => {
  const facts = { b: 1, a: 'ế "x"', 'a.b': true }
  const text = recordText({ ...entries(1)[0]!, reason: 'TICKET-1', facts }, 'aud_1', '2026-11-21T00:00:00.000Z')
  assert.equal(text, canonicalJson(JSON.parse(text)))
  const bare = recordText({ kind: 'session.login', actor: 'u1', result: 'failed' }, 'aud_2', '2026-11-21T00:00:00.000Z')
  assert.equal(bare, canonicalJson(JSON.parse(bare)))
})

test('entries that could carry personal data are refused with the field named', async () => {
  await using db = await STORES[0]!.open()
  await migrate(db, auditMigrations)
  const log = testAudit(db, newFolder())
  const good = entries(1)[0]!
  const cases: readonly (readonly [Partial<AuditEntry>, string])[] = [
    [{ kind: 'Vault Read' }, 'kind'],
    [{ actor: 'Nguyễn Văn An' }, 'actor'],
    [{ actor: '0912345678' }, 'actor'],
    [{ actor: 'an@example.com' }, 'actor'],
    [{ subject: '+84912345678' }, 'subject'],
    [{ reason: 'because he asked me to' }, 'reason'],
    [{ reason: '001099012345' }, 'reason'],
    [{ purpose: '' }, 'purpose'],
    [{ result: 'maybe' as 'done' }, 'result'],
    [{ facts: { phone: '0912345678' } }, 'facts.phone'],
    [{ facts: { mail: 'an@example.com' } }, 'facts.mail'],
    [{ facts: { long: 'x'.repeat(4_097) } }, 'facts.long'],
    [{ facts: { n: Number.NaN } }, 'facts.n'],
    [{ facts: { 'a b': 1 } }, 'facts'],
  ]
  for (const [change, field] of cases) {
    await assert.rejects(record(db, log, [{ ...good, ...change }]), { code: 'audit/bad-entry', status: 400, field })
  }
})

test('the log files tell nothing of a record; another key does not open the log; proofs do not survive a change', async () => {
  await using db = await STORES[0]!.open()
  await migrate(db, auditMigrations)
  const folder = newFolder()
  const log = testAudit(db, folder)
  const ids = await record(db, log, entries(3))
  await log.integrate()
  const bundle = Buffer.from((await readOnly(join(folder, 'log'))('tile/entries/000.p/3'))!).toString('latin1')
  for (const word of ['svc_shop', '7Q4K', 'delivery', 'phone']) assert.ok(!bundle.includes(word))
  const stranger = testAudit(db, folder, { signer: signingKey(seedOf('other')) })
  await assert.rejects(stranger.reconcile(), { code: 'audit/log-altered' })
  const text = await log.proofOf(ids[1]!)
  const key = logVerifier(log.verifierKey)!
  checkProof(text, key)
  for (let at = 0; at < text.length; at++) {
    const bent = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1)
    assert.throws(() => checkProof(bent, key), { code: 'audit/bad-proof' })
  }
})

test('the running job publishes within a second, and once more when it is stopped', async () => {
  await using db = await STORES[0]!.open()
  await migrate(db, auditMigrations)
  const log = testAudit(db, newFolder())
  await log.reconcile()
  log.start()
  const [id] = await record(db, log, entries(1))
  const until = Date.now() + 1_500
  while ((await log.head()).size < 1 && Date.now() < until) await new Promise((done) => setTimeout(done, 20))
  assert.ok((await log.proofOf(id!)).startsWith('c2sp.org/tlog-proof@v1\n'))
  await record(db, log, entries(1))
  await log[Symbol.asyncDispose]()
  assert.equal((await log.head()).size, 2)
})

test('static answers: types, caching, and no way out of the folder', async () => {
  await using db = await STORES[0]!.open()
  await migrate(db, auditMigrations)
  const folder = newFolder()
  const log = testAudit(db, folder)
  await record(db, log, entries(257))
  await log.integrate()
  const get = logRoutes(folder)
  assert.equal((await get('/checkpoint')).headers['content-type'], 'text/plain; charset=utf-8')
  const tile = await get('/tile/0/000')
  assert.equal(tile.body.length, 8192)
  assert.match(tile.headers['cache-control']!, /immutable/)
  assert.equal((await get('/tile/entries/001.p/1')).status, 200)
  for (const path of [
    '',
    '/',
    '/tile',
    '/tile/0/002',
    '/tile/0/../../../x',
    '/tile/0/%2e%2e',
    '/tile/../tmp/1',
    '//checkpoint',
    '/tile/0/000/',
  ]) {
    assert.equal((await get(path)).status, 404, path)
  }
})
