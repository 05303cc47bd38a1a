import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { auditMigrations } from '../src/audit/index.ts'
import { testAudit } from '../src/audit/testing.ts'
import { newSubject } from '../src/client/index.ts'
import { silentLog } from '../src/kit/log.ts'
import { openPostgres, openSqlite, type Database } from '../src/storage/sql/index.ts'
import { newPostgresDatabase, postgresBin } from '../src/storage/sql/testing.ts'
import { vaultOver } from '../src/vault/testing.ts'

// What a person takes on disk, part by part: the same people, orders, consents and reads on SQLite and on PostgreSQL, the
// stores and the log measured after each step. 20,000 people unless --people says otherwise. docs/sizing.md reckons with it.

const asked = process.argv.indexOf('--people')
const PEOPLE = asked < 0 ? 20_000 : Number(process.argv[asked + 1])
/** Consents and agreements are one transaction each, so a part of the people gives them. */
const DECIDING = Math.min(PEOPLE, 2_000)
const READS = 5
const BATCH = 200
const APP = 'service:bench'
const both = { vi: 'Thông báo về việc xử lý dữ liệu', en: 'A notice of what is done with data' }
const pad = (i: number): string => String(i).padStart(6, '0')
const fields = (i: number) => ({
  name: `Nguyễn Thị Minh ${i}`,
  phone: `0912${pad(i)}`,
  email: `khach.hang.${pad(i)}@thu.example`,
  personal_id: `001190${pad(i)}`,
})
const ADDRESS = 'Số 12, ngõ 34 phố Lý Thường Kiệt, phường Hàng Bài, quận Hoàn Kiếm, Hà Nội'
const say = (name: string, value: number, unit: string): void =>
  console.log([name, value.toFixed(0), unit, '-', '-'].join('\t'))

type Stores = { readonly db: Database; readonly keysDb: Database; size(which: 'db' | 'keysDb'): Promise<number> }

/** Blocks the file system gave to what lies below. */
function onDisk(path: string): number {
  const found = statSync(path)
  const own = found.blocks * 512
  return found.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + onDisk(join(path, name)), own) : own
}

async function measure(name: string, { db, keysDb, size }: Stores, folder: string): Promise<void> {
  const log = testAudit(db, folder)
  const secret = randomBytes(32)
  const kek = createSecretKey(randomBytes(32))
  const { vault, consent } = await vaultOver(
    db,
    keysDb,
    {
      record: (trx, acts) => log.record(trx, acts),
      tag: (collection, index, text) => createHmac('sha256', secret).update(`${collection}.${index}.${text}`).digest().subarray(0, 3).toString('base64url'),
      wrapping: { current: () => ({ id: 'kek_1', key: kek }), of: () => kek },
    },
    auditMigrations,
  ) // prettier-ignore
  const base = { title: both, what: both, recipients: [] }
  await consent.purposes.declare(both, [
    { ...base, id: 'keep', ground: 'law', duty: both, fields: ['person.name', 'person.phone'] },
    { ...base, id: 'news', ground: 'consent', ifWithdrawn: both, fields: ['person.email'] },
  ], APP) // prettier-ignore
  log.start()
  const people = Array.from({ length: PEOPLE }, () => newSubject())
  const batches = async (work: (part: readonly string[], from: number) => Promise<unknown>): Promise<void> => {
    for (let from = 0; from < PEOPLE; from += BATCH) await work(people.slice(from, from + BATCH), from)
  }
  let [before, keysBefore, logBefore] = [await size('db'), await size('keysDb'), onDisk(folder)]
  const step = async (what: string, per: number, unit: string, work: () => Promise<unknown>): Promise<void> => {
    await work()
    await log.integrate()
    const [now, keysNow, logNow] = [await size('db'), await size('keysDb'), onDisk(join(folder, 'log'))]
    say(`${name}: ${what}: control store`, (now - before) / per, unit)
    if (keysNow !== keysBefore) say(`${name}: ${what}: key store`, (keysNow - keysBefore) / per, unit)
    say(`${name}: ${what}: log files`, (logNow - logBefore) / per, unit)
    ;[before, keysBefore, logBefore] = [now, keysNow, logNow]
  }
  const person = (subject: string, i: number) => ({ subject, collection: 'person', record: '-', fields: fields(i) })
  await step('a person of 4 fields', PEOPLE, 'bytes/person', () =>
    batches((part, from) => vault.put(part.map((subject, i) => person(subject, from + i)), APP, undefined))) // prettier-ignore
  await step('an order’s address', 2 * PEOPLE, 'bytes/order', async () => {
    for (const order of [1, 2])
      await batches((part) => vault.put(part.map((subject) => ({ subject, collection: 'order', record: `orders.${order}`, fields: { address: ADDRESS } })), APP, undefined)) // prettier-ignore
  })
  await step('a read of a person', READS * PEOPLE, 'bytes/read', async () => {
    for (let n = 0; n < READS; n++)
      await batches((part) => vault.get('keep', 'ORDER-12345', part.map((subject) => ({ subject, collection: 'person', record: '-', fields: ['name', 'phone'] })), APP)) // prettier-ignore
  })
  await step('a consent with its receipt', DECIDING, 'bytes/consent', async () => {
    const decisions = [{ purpose: 'news', version: 1, given: true }]
    for (const subject of people.slice(0, DECIDING))
      await consent.decisions.decide({ subject, notice: 1, language: 'vi', method: 'web-form', decisions }, APP, undefined)
  }) // prettier-ignore
  await step('an agreement', DECIDING, 'bytes/agreement', async () => {
    for (const subject of people.slice(0, DECIDING))
      await consent.agreements.open({ subject, kind: 'membership', ref: 'account' }, APP, undefined)
  })
  say(`${name}: memory of the process at the end`, process.memoryUsage().rss / 1_000_000, 'MB')
  await log[Symbol.asyncDispose]()
}

const { model } = cpus()[0]!
console.log(`# disk\t${new Date().toISOString().slice(0, 10)}\t${model.trim()}, ${cpus().length} cores\tNode ${process.version}\t${PEOPLE} people`) // prettier-ignore
{
  const folder = mkdtempSync(join(tmpdir(), 'khien-disk-'))
  await using db = openSqlite(join(folder, 'control.db'))
  await using keysDb = openSqlite(join(folder, 'keys.db'))
  const logFolder = mkdtempSync(join(tmpdir(), 'khien-disk-log-'))
  const stores = { db, keysDb }
  const size = async (which: 'db' | 'keysDb'): Promise<number> => {
    await sql`pragma wal_checkpoint(truncate)`.execute(stores[which].tables())
    return statSync(join(folder, which === 'db' ? 'control.db' : 'keys.db')).size
  }
  await measure('sqlite', { ...stores, size }, logFolder)
  for (const path of [folder, logFolder]) rmSync(path, { recursive: true, force: true })
}
if (postgresBin() === undefined)
  console.error('PostgreSQL is not installed (Debian: apt install postgresql): left out.')
else {
  const logFolder = mkdtempSync(join(tmpdir(), 'khien-disk-log-'))
  await using db = await openPostgres(await newPostgresDatabase(), silentLog)
  await using keysDb = await openPostgres(await newPostgresDatabase(), silentLog)
  const stores = { db, keysDb }
  const size = async (which: 'db' | 'keysDb'): Promise<number> => {
    await sql`vacuum`.execute(stores[which].tables())
    const { rows } = await sql<{ n: string }>`select pg_database_size(current_database()) as n`.execute(stores[which].tables())
    return Number(rows[0]!.n)
  } // prettier-ignore
  await measure('postgres', { ...stores, size }, logFolder)
  rmSync(logFolder, { recursive: true, force: true })
}
process.exit(0)
