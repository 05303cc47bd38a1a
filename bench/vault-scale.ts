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
// otherwise), in process, on SQLite files, with the real log. Then the node's key is rotated under one reader who never
// stops. Two fields a person, both indexed. Latencies are of single calls, one at a time.

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

const folder = mkdtempSync(join(tmpdir(), 'khien-scale-'))
const db = openSqlite(join(folder, 'control.db'))
const keysDb = openSqlite(join(folder, 'keys.db'), { forgetful: true })
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
const phoneOf = (i: number): string => `09${String(10_000_000 + i)}`
async function fill(until: number): Promise<number> {
  const began = performance.now()
  const from = people.length
  while (people.length < until) {
    const items = Array.from({ length: Math.min(500, until - people.length) }, () => {
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
    if (process.stderr.isTTY && people.length % 20_000 === 0) process.stderr.write(`\r${people.length}`)
  }
  return ((people.length - from) * 1_000) / (performance.now() - began)
}

const random = (): number => Math.floor(Math.random() * people.length)
const some = (count: number): string[] => [...new Set(Array.from({ length: count }, () => people[random()]!))]
const calls: Readonly<Record<string, () => Promise<unknown>>> = {
  'get, 200 people': () =>
    vault.get('keep', 'T', some(BATCH).map((subject) => ({ subject, collection: 'person', record: '-', fields: ['phone'] })), APP), // prettier-ignore
  'put, 200 people': () =>
    vault.put(some(BATCH).map((subject) => ({ subject, collection: 'person', record: '-', fields: { name: 'Trần Thị Lan' } })), APP, undefined), // prettier-ignore
  'get, one person': () => vault.get('keep', 'T', [{ subject: people[random()]!, collection: 'person', record: '-', fields: ['phone'] }], APP), // prettier-ignore
  'search by phone': () => vault.search('keep', 'T', 'person', 'phone', phoneOf(random()), APP),
  'one person’s page': () => vault.staff.person(people[random()]!),
}
async function measure(): Promise<Record<string, { p50: number; p99: number }>> {
  const out: Record<string, { p50: number; p99: number }> = {}
  for (const [name, call] of Object.entries(calls)) {
    for (let i = 0; i < 20; i++) await call()
    const times: number[] = []
    for (let i = 0; i < ROUNDS; i++) {
      const began = performance.now()
      await call()
      times.push(performance.now() - began)
    }
    times.sort((a, b) => a - b)
    out[name] = { p50: times[ROUNDS >> 1]!, p99: times[Math.floor(ROUNDS * 0.99)]! }
  }
  return out
}

const { model } = cpus()[0]!
console.log(
  `# vault-scale\t${new Date().toISOString().slice(0, 10)}\t${model.trim()}, ${cpus().length} cores\tNode ${process.version}\t${PEOPLE} people`,
)
await fill(FEW)
const few = await measure()
say(`filling up to ${PEOPLE} people`, await fill(PEOPLE), 'people/s')
for (const file of ['control.db', 'keys.db'])
  say(`${file}, a person`, statSync(join(folder, file)).size / PEOPLE, 'bytes')
const many = await measure()
for (const [name, { p50, p99 }] of Object.entries(many)) {
  say(`${name}: p50 of ${FEW}`, few[name]!.p50, 'ms')
  say(`${name}: p50 of ${PEOPLE}`, p50, 'ms')
  say(`${name}: p50, many ÷ few`, p50 / few[name]!.p50, 'ratio', 1.5)
  say(`${name}: p99, many ÷ few`, p99 / few[name]!.p99, 'ratio', 1.5)
}

kek = 'kek_2'
const waits: number[] = []
let rotating = true
const reader = (async () => {
  while (rotating) {
    const began = performance.now()
    await calls['get, one person']!()
    waits.push(performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
})()
const began = performance.now()
await vault.rewrap.run()
const seconds = (performance.now() - began) / 1_000
rotating = false
await reader
waits.sort((a, b) => a - b)
say(`rotation of ${PEOPLE} people while one reads`, seconds, 's')
say('rotation, a million people at this pace', (seconds * 1_000_000) / PEOPLE, 's', 60)
say('rotation: keys left behind', vault.rewrap.behind(), 'keys', 0)
say('rotation: p99 of the reader', waits[Math.floor(waits.length * 0.99)]!, 'ms', 20)
await log[Symbol.asyncDispose]()
await db[Symbol.asyncDispose]()
await keysDb[Symbol.asyncDispose]()
rmSync(folder, { recursive: true, force: true })
