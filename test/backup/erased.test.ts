import assert from 'node:assert/strict'
import { closeSync, cpSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { sql } from 'kysely'
import { findBackups, findKeys, readRing, readShredList } from '../../src/backup/index.ts'
import { createKhien } from '../../src/client/index.ts'
import { opens } from '../../src/app/keeping/people.ts'
import { putAside } from '../../src/app/keeping/put-aside.ts'
import type { Secrets } from '../../src/app/secrets.ts'
import type { KeyTables, VaultTables } from '../../src/vault/store.ts'
import { runningNode } from '../running-node.ts'
import { anApp, duty, folder, keyOf, madeBy, restored, twoPlaces } from './places.ts'

const DAY_MS = 86_400_000

/** How many values of a person open when a data backup is put together with a key backup, as a thief would who has all of it. */
async function opened(secrets: Secrets, to: string, keysTo: string, key: number, subject: string): Promise<number> {
  const backup = (await findBackups(to, 'platform', secrets.backupSigner)).at(-1)!
  const keys = (await findKeys(keysTo, secrets.backupSigner)).toReversed()[key]!
  const ring = (await readRing(keysTo, 'platform', secrets.node))!
  const sealedKey = ring.keys.find(({ id }) => id === keys.manifest.ringKey)!.sealed
  if (sealedKey === null) throw new Error('the key of this key backup is destroyed')
  const places = { folder: folder('aside'), databaseUrl: undefined, keysDatabaseUrl: undefined }
  await using aside = await putAside({ backup, keys, sealedKey }, secrets, places, () => {})
  const rows = await aside.stores.db
    .tables<VaultTables>()
    .selectFrom('vault_value')
    .selectAll()
    .where('subject', '=', subject)
    .execute()
  assert.ok(rows.length > 0, 'the old backup holds the sealed values')
  // A node key never dies: an index entry under it could be tried against all phones there are.
  for (const table of ['vault_index', 'once'] as const)
    assert.equal((await sql`select 1 from ${sql.table(table)}`.execute(aside.stores.db.tables())).rows.length, 0, table)
  const all = await aside.stores.keysDb.tables<KeyTables>().selectFrom('subject_key').selectAll().execute()
  return rows.filter((row) => all.some((one) => one.subject === subject && opens(secrets, row, one))).length
}

test('a person who is erased opens from an unexpired key backup, the receipt said until when, and then from nothing', async () => {
  const places = twoPlaces()
  let now = Date.now()
  let nodeFolder: string
  let gone: string
  let receipt: { unreadableHere: string; unreadableInBackups: string }
  {
    await using node = await runningNode({ clock: () => now })
    nodeFolder = node.config.folder
    const app = await anApp(node)
    gone = await app.person(1)
    await app.person(2)
    assert.equal((await madeBy(node, places, { keepKeys: 30 })).state, 'made')
    const made = now
    now += DAY_MS
    receipt = await app.khien.shred(gone, 'DSR-1')
    assert.equal(Date.parse(receipt.unreadableHere), now)
    assert.equal(Date.parse(receipt.unreadableInBackups), made + 30 * DAY_MS)
    now += DAY_MS
    assert.equal((await madeBy(node, places, { keepKeys: 30 })).state, 'made')
  }
  const { secrets } = await keyOf(nodeFolder)
  const { to, keysTo } = places
  assert.equal(await opened(secrets, to, keysTo, 1, gone), 0, 'the keys of today hold nobody who was erased')
  assert.equal(await opened(secrets, to, keysTo, 0, gone), 1, 'an unexpired key backup does, as the receipt says')

  // The list beside the ring keeps a restore from bringing anybody back, also out of the backup of before.
  const list = await readShredList(keysTo, 'platform', secrets.backupSigner)
  assert.deepEqual(
    list.map(({ subject }) => subject),
    [gone],
  )
  const oldest = (await findBackups(to, 'platform', secrets.backupSigner)).at(-1)!
  const only = twoPlaces()
  cpSync(oldest.folder, join(only.to, oldest.name), { recursive: true })
  cpSync(keysTo, only.keysTo, { recursive: true })
  await rm(join(only.keysTo, `keys-${(await findKeys(keysTo, secrets.backupSigner))[0]!.manifest.id}.note`))
  const again = await restored(nodeFolder, only)
  assert.equal(again.done.takenOut, 1)
  {
    await using node = await runningNode({ config: { folder: again.folder }, clock: () => now })
    const status = (await fetch(`${node.internal}/readyz`)).status
    assert.equal(status, 200)
  }

  // A copy of the key backup that somebody carried away, without the ring.
  const carried = folder('carried')
  cpSync(keysTo, carried, { recursive: true })
  const ring = join(keysTo, 'ring-platform.json')
  const before = readFileSync(ring, 'utf8')
  const keysBefore = (await readRing(keysTo, 'platform', secrets.node))!.keys
  const held = openSync(ring, 'r')
  now = Date.parse(receipt.unreadableInBackups) + 1
  {
    await using _ = await runningNode({ config: { folder: nodeFolder }, clock: () => now })
  }
  const freed = Buffer.alloc(fstatSync(held).size)
  readSync(held, freed, 0, freed.length, 0)
  closeSync(held)
  assert.ok(freed.length >= before.length && freed.every((byte) => byte === 0), 'the block of the old ring holds zeros')
  assert.equal(readFileSync(ring, 'utf8').includes(keysBefore[0]!.sealed!), false)
  cpSync(ring, join(carried, 'ring-platform.json'))
  await assert.rejects(opened(secrets, to, carried, 0, gone), /is destroyed/)
  assert.equal(await opened(secrets, to, carried, 1, gone), 0, 'the later one still opens, and holds nobody erased')
})

test('a key folder that is away at its time is said, and the promise is not made earlier', async () => {
  const places = twoPlaces()
  let now = Date.now()
  let nodeFolder: string
  let key: string
  let person: string
  {
    await using node = await runningNode({ clock: () => now })
    nodeFolder = node.config.folder
    key = node.serviceKey().key
    person = await (await anApp(node)).person(3)
    assert.equal((await madeBy(node, places, { keepKeys: 1 })).state, 'made')
  }
  const away = folder('away')
  cpSync(places.keysTo, away, { recursive: true })
  await rm(places.keysTo, { recursive: true })
  now += 2 * DAY_MS
  await using node = await runningNode({ config: { folder: nodeFolder }, clock: () => now })
  const ready = (await (await fetch(`${node.internal}/readyz`)).json()) as { checks: Record<string, string> }
  assert.match(ready.checks['backups']!, /1 key backups are past their end and their folder is away/)
  const khien = createKhien({ origin: node.internal, key, publicOrigin: node.public })
  const receipt = await khien.shred(person, 'DSR-2')
  assert.ok(Date.parse(receipt.unreadableInBackups) > now)
})

test('what a receipt promises while no backup is there, and while one is being made', async () => {
  const places = twoPlaces()
  const now = Date.now()
  await using node = await runningNode({ clock: () => now })
  const app = await anApp(node)
  const [first, second] = [await app.person(1), await app.person(2)]
  assert.equal(Date.parse((await app.khien.shred(first, 'DSR-1')).unreadableInBackups), now, 'in no backup at all')
  await duty(node.socket, 'backup', { ...places, keepKeys: 7, rate: 0.01 })
  const receipt = await app.khien.shred(second, 'DSR-2')
  assert.equal(Date.parse(receipt.unreadableInBackups), now + 7 * DAY_MS, 'the one under way may hold the key')
})

test('whoever is being erased when a backup begins is not in its keys', async () => {
  const places = twoPlaces()
  await using node = await runningNode()
  const app = await anApp(node)
  const person = await app.person(1)
  // As between the two steps of an erasure: recorded, and the key not destroyed yet.
  {
    using db = new DatabaseSync(join(node.config.folder, 'control.db'))
    db.prepare(
      "insert into vault_shred (subject, id, at, until, fields, receipt, destroyed_at, finished_at) values (?, 'shr_1', 1, null, 1, '', null, 1)",
    ).run(person)
  }
  assert.equal((await madeBy(node, places)).state, 'made')
  const { secrets } = await keyOf(node.config.folder)
  assert.equal(await opened(secrets, places.to, places.keysTo, 0, person), 0)
})
