import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Checkpoint, verifyConsistency } from '../engine/tlog/index.ts'
import { proveConsistency } from '../engine/tlog/prove.ts'
import { migrate, openSqlite } from '../storage/sql/index.ts'
import { tileReader } from './files.ts'
import { auditMigrations, type AuditTables, checkProof, logVerifier } from './index.ts'
import { entries, newFolder, record, testAudit } from './testing.ts'
import { tree } from './tree.ts'
import { readCheckpoint, readOnly, verifyLog } from './verify.ts'

/** Checks a log folder as `khien log verify` does. */
async function verify(folder: string, vkey: string): Promise<Checkpoint> {
  const read = readOnly(join(folder, 'log'))
  const key = logVerifier(vkey)
  if (key === undefined) throw new Error('no key')
  const { head } = await readCheckpoint(read, key)
  await verifyLog(read, join(folder, 'log'), head)
  return head
}

test('a crash between any two steps heals at the next start, and no signed tree is ever taken back', async () => {
  let at = 0
  let ended = false
  for (; !ended; at++) {
    await using db = openSqlite(join(newFolder(), 'control.db'))
    await migrate(db, auditMigrations)
    const folder = newFolder()
    const whole = testAudit(db, folder)
    await record(db, whole, entries(255))
    await whole.integrate()
    const before = await verify(folder, whole.verifierKey)
    const ids = await record(db, whole, entries(260))
    let left = at
    const faulty = testAudit(db, folder, {
      step() {
        if (left-- === 0) throw new Error('crash')
      },
    })
    ended = await faulty.integrate().then(
      () => true,
      () => false,
    )
    const between = await verify(folder, whole.verifierKey)
    assert.ok(between.size === 255 || between.size === 515)
    // More is recorded before the next start, so that the batch is not the same one again.
    await record(db, testAudit(db, folder), entries(3))
    const healed = testAudit(db, folder)
    assert.equal((await healed.reconcile()).size, 518, `after a crash at step ${at}`)
    const after = await verify(folder, whole.verifierKey)
    for (const old of [before, between]) {
      const read = tileReader(readOnly(join(folder, 'log')))
      const proof = await proveConsistency(tree, old.size, after.size, read)
      const claim = { oldSize: old.size, oldRoot: old.root, newSize: after.size, newRoot: after.root }
      assert.ok(verifyConsistency(tree, claim, proof))
    }
    assert.equal(checkProof(await healed.proofOf(ids[0]!), logVerifier(whole.verifierKey)!).index, 255)
    const rows = await db.tables<AuditTables>().selectFrom('audit_record').select('leaf_index').execute()
    assert.equal(new Set(rows.map((row) => row.leaf_index)).size, 518)
  }
  assert.ok(at > 10, `only ${at} steps`)
})

test('every flipped byte, removed file and forked log is found', async () => {
  await using db = openSqlite(join(newFolder(), 'control.db'))
  await migrate(db, auditMigrations)
  const folder = newFolder()
  const log = testAudit(db, folder)
  for (const count of [3, 300, 5]) {
    await record(db, log, entries(count))
    await log.integrate()
  }
  const pristine = join(newFolder(), 'copy')
  cpSync(folder, pristine, { recursive: true })
  const files = readdirSync(join(folder, 'log'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'log.vkey')
    .map((entry) => join(entry.parentPath, entry.name))
  const tried = { flips: 0, removals: 0 }
  for (const file of files) {
    const bytes = readFileSync(file)
    // Every byte of the small files, a spread of the large ones, another bit each time.
    const stride = bytes.length <= 512 ? 1 : 97
    for (let i = 0; i < bytes.length; i += stride) {
      const bent = Buffer.from(bytes)
      bent[i]! ^= 1 << (i & 7)
      writeFileSync(file, bent)
      tried.flips++
      await assert.rejects(verify(folder, log.verifierKey), { code: 'audit/log-altered' }, `${file} byte ${i}`)
    }
    for (const cut of [0, 1, bytes.length - 1]) {
      writeFileSync(file, bytes.subarray(0, cut))
      tried.flips++
      await assert.rejects(verify(folder, log.verifierKey), { code: 'audit/log-altered' }, `${file} cut to ${cut}`)
    }
    writeFileSync(file, bytes)
  }
  // A partial tile of an earlier checkpoint may go; whatever the present one needs may not.
  for (const path of [
    'checkpoint',
    'tile/0/000',
    'tile/0/001.p/52',
    'tile/1/000.p/1',
    'tile/entries/000',
    'tile/entries/001.p/52',
  ]) {
    const file = join(folder, 'log', path)
    const bytes = readFileSync(file)
    rmSync(file)
    tried.removals++
    await assert.rejects(verify(folder, log.verifierKey), { code: 'audit/log-altered' }, `without ${path}`)
    writeFileSync(file, bytes)
  }
  assert.equal((await verify(folder, log.verifierKey)).size, 308)
  assert.ok(tried.flips > 400 && tried.removals === 6)

  // A fork: the same key signs another history of the same length, consistent in itself.
  await using other = openSqlite(join(newFolder(), 'control.db'))
  await migrate(other, auditMigrations)
  const forked = newFolder()
  const twin = testAudit(other, forked)
  await record(other, twin, entries(308, 'vault.write'))
  await twin.integrate()
  await assert.rejects(testAudit(db, forked).reconcile(), { code: 'audit/log-altered' })
  await assert.rejects(testAudit(db, forked).reconcile('edge'), { code: 'audit/log-altered' })
  // An earlier state of the folder put back, the store being further on.
  await record(db, log, entries(1))
  await log.integrate()
  await record(db, log, entries(1))
  await log.integrate()
  await assert.rejects(testAudit(db, pristine).reconcile('edge'), { code: 'audit/log-altered' })
  // And a second writer in the folder while the first one runs.
  const second = testAudit(db, folder)
  await second.integrate()
  await record(db, second, entries(1))
  await second.integrate()
  await record(db, log, entries(1))
  await assert.rejects(log.integrate(), { code: 'audit/log-altered' })
})

test('kill -9 in a loop: every acknowledged record is in the log, and the log is one history', async () => {
  const folder = newFolder()
  const path = join(folder, 'control.db')
  const child = fileURLToPath(new URL('./crash-child.ts', import.meta.url))
  const acknowledged = new Set<string>()
  const heads: Checkpoint[] = []
  // Counted, not timed: a busy machine makes the same rounds, only slower.
  for (let kills = 0; kills < 6; kills++) {
    const run = spawn(process.execPath, [child, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    let seen = ''
    let timer: NodeJS.Timeout | undefined
    run.stdout.on('data', (data: Buffer) => {
      // Killed at a random moment after it has got going.
      timer ??= setTimeout(() => run.kill('SIGKILL'), Math.random() * 120)
      seen += data.toString()
    })
    const code = await new Promise((resolve) => run.on('close', (status) => resolve(status)))
    clearTimeout(timer)
    assert.equal(code, null, 'the child ended by itself')
    for (const id of seen.slice(0, seen.lastIndexOf('\n')).split('\n')) if (id.startsWith('aud_')) acknowledged.add(id)
    await using db = openSqlite(path)
    const log = testAudit(db, folder)
    await log.reconcile()
    heads.push(await verify(folder, log.verifierKey))
  }
  await using db = openSqlite(path)
  const log = testAudit(db, folder)
  const { size } = await log.reconcile()
  const rows = await db.tables<AuditTables>().selectFrom('audit_record').select(['id', 'leaf_index']).execute()
  assert.equal(rows.length, size)
  const kept = new Set(rows.map((row) => row.id))
  for (const id of acknowledged) assert.ok(kept.has(id))
  const last = heads.at(-1)!
  for (const old of heads.filter((head) => head.size > 0)) {
    const proof = await proveConsistency(tree, old.size, last.size, tileReader(readOnly(join(folder, 'log'))))
    const claim = { oldSize: old.size, oldRoot: old.root, newSize: last.size, newRoot: last.root }
    assert.ok(verifyConsistency(tree, claim, proof))
  }
  assert.ok(acknowledged.size > 0)
})
