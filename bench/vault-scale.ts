import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditMigrations } from '../src/audit/index.ts'
import { testAudit } from '../src/audit/testing.ts'
import { newSubject } from '../src/client/index.ts'
import { openSqlite } from '../src/storage/sql/index.ts'
import { vaultOver } from '../src/vault/testing.ts'

// What grows with the number of people: the same calls over a thousand and over many (100,000 unless --people says
// otherwise), in process, on SQLite files, with the real log; turn about, so that both meet the same machine. Then the
// node's key is rotated under one reader who never stops. Two fields a person, both indexed. Latencies are of single
// calls, one at a time.

const asked = process.argv.indexOf('--people')
const PEOPLE = asked < 0 ? 100_000 : Number(process.argv[asked + 1])
const FEW = 1_000
const BATCH = 200
const ROUNDS = 150
const both = { vi: 'Đo', en: 'Bench' }
const APP = 'service:bench'

const say = (name: string, value: number, unit: string, goal?: number, better: 'less' | 'more' = 'less'): void => {
  const met = goal === undefined ? '-' : (better === 'less' ? value <= goal : value >= goal) ? 'met' : 'short'
  console.log([name, value.toFixed(value < 10 ? 2 : 0), unit, goal ?? '-', met].join('\t'))
}

const phoneOf = (i: number): string => `09${String(10_000_000 + i)}`

/** A vault with so many people. */
async function world(count: number) {
  const folder = mkdtempSync(join(tmpdir(), 'khien-scale-'))
  const db = openSqlite(join(folder, 'control.db'))
  const keysDb = openSqlite(join(folder, 'keys.db'))
  const log = testAudit(db, folder)
  const secret = randomBytes(32)
  const keks: Record<string, KeyObject> = {
    kek_1: createSecretKey(randomBytes(32)),
    kek_2: createSecretKey(randomBytes(32)),
  }
  let kek = 'kek_1'
  const { vault, consent } = await vaultOver(
    db,
    keysDb,
    {
      record: (trx, acts) => log.record(trx, acts),
      tag: (collection, index, text) =>
        createHmac('sha256', secret)
          .update(`${collection}.${index}.${text}`)
          .digest()
          .subarray(0, 3)
          .toString('base64url'),
      wrapping: { current: () => ({ id: kek, key: keks[kek]! }), of: (id) => keks[id] },
    },
    auditMigrations,
  )
  await consent.purposes.declare(both, [{ id: 'keep', title: both, what: both, ground: 'law', duty: both, fields: ['person.name', 'person.phone'], recipients: [] }], APP) // prettier-ignore
  log.start()
  const people: string[] = []
  const began = performance.now()
  while (people.length < count) {
    const items = Array.from({ length: Math.min(500, count - people.length) }, () => {
      const subject = newSubject()
      people.push(subject)
      return {
        subject,
        collection: 'person',
        record: '-',
        fields: { name: `Nguyễn Văn ${people.length}`, phone: phoneOf(people.length - 1) },
      }
    })
    await vault.put(items, APP, undefined)
    if (people.length % 100_000 === 0) console.log(`# ${people.length} people after ${((performance.now() - began) / 1_000).toFixed(0)} s`) // prettier-ignore
  }
  const filling = (count * 1_000) / (performance.now() - began)
  const random = (): number => Math.floor(Math.random() * people.length)
  const some = (count: number): string[] => [...new Set(Array.from({ length: count }, () => people[random()]!))]
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    'get, 200 people': () =>
      vault.get('keep', 'T', some(BATCH).map((subject) => ({ subject, collection: 'person', record: '-', fields: ['phone'] })), APP), // prettier-ignore
    // Another name each time: an index entry that stays as it is costs less.
    'put, 200 people': () =>
      vault.put(some(BATCH).map((subject) => ({ subject, collection: 'person', record: '-', fields: { name: `Trần Thị ${Math.random()}` } })), APP, undefined), // prettier-ignore
    'get, one person': () => vault.get('keep', 'T', [{ subject: people[random()]!, collection: 'person', record: '-', fields: ['phone'] }], APP), // prettier-ignore
    'search by phone': () => vault.search('keep', 'T', 'person', 'phone', phoneOf(random()), APP),
    'one person’s page': () => vault.staff.person(people[random()]!),
  }
  return {
    vault,
    calls,
    filling,
    sizeOf: (file: string): number => statSync(join(folder, file)).size,
    rotates: () => void (kek = 'kek_2'),
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
      await keysDb[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const { model } = cpus()[0]!
console.log(
  `# vault-scale\t${new Date().toISOString().slice(0, 10)}\t${model.trim()}, ${cpus().length} cores\tNode ${process.version}\t${PEOPLE} people`,
)
await using many = await world(PEOPLE)
await using few = await world(FEW)
say(`filling up to ${PEOPLE} people`, many.filling, 'people/s')
for (const file of ['control.db', 'keys.db']) say(`${file}, a person`, many.sizeOf(file) / PEOPLE, 'bytes')
const timed = async (call: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await call()
  return performance.now() - began
}
for (const name of Object.keys(many.calls)) {
  const times = { few: [] as number[], many: [] as number[] }
  for (let i = 0; i < 20; i++) for (const one of [few, many]) await one.calls[name]!()
  for (let i = 0; i < ROUNDS; i++) {
    times.few.push(await timed(few.calls[name]!))
    times.many.push(await timed(many.calls[name]!))
  }
  const at = (list: number[], share: number): number => list.sort((a, b) => a - b)[Math.floor(list.length * share)]!
  say(`${name}: p50 of ${FEW}`, at(times.few, 0.5), 'ms')
  say(`${name}: p50 of ${PEOPLE}`, at(times.many, 0.5), 'ms')
  for (const [words, share] of [['p50', 0.5], ['p99', 0.99]] as const)
    say(`${name}: ${words}, many ÷ few`, at(times.many, share) / at(times.few, share), 'ratio', 1.5) // prettier-ignore
}

many.rotates()
const waits: number[] = []
let rotating = true
const reader = (async () => {
  while (rotating) {
    waits.push(await timed(many.calls['get, one person']!))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
})()
const began = performance.now()
await many.vault.rewrap.run()
const seconds = (performance.now() - began) / 1_000
rotating = false
await reader
waits.sort((a, b) => a - b)
say(`rotation of ${PEOPLE} people while one reads`, seconds, 's')
say('rotation, a million people at this pace', (seconds * 1_000_000) / PEOPLE, 's', 60)
say('rotation: keys left behind', many.vault.rewrap.behind(), 'keys', 0)
say('rotation: p99 of the reader', waits[Math.floor(waits.length * 0.99)]!, 'ms', 20)
