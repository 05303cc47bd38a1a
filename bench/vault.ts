import { execFileSync, fork } from 'node:child_process'
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import type { NodeConfig } from '../src/app/config.ts'
import type { FromChild } from '../src/app/protocol.ts'
import { newSubject } from '../src/client/index.ts'
import { freePort } from '../src/storage/sql/testing.ts'
import { auditMigrations } from '../src/audit/index.ts'
import { testAudit } from '../src/audit/testing.ts'
import { sealer } from '../src/engine/seal/index.ts'
import { systemEntropy } from '../src/kit/ids.ts'
import { openSqlite } from '../src/storage/sql/index.ts'
import { vaultOver } from '../src/vault/testing.ts'
import { awsEncryptionSdk, pgcrypto } from './rivals/field-ciphers.ts'

// Fields a second through a whole platform node, over HTTP, one process for the node and this one for the client:
// `put` is stored, indexed, recorded and durable, `get` is ground-checked, recorded and durable before it is answered.
// Beside it the cipher alone: AES-256-GCM of node:crypto with a kept KeyObject, the same values, associated data a
// field, and two rivals that only encrypt (AWS Encryption SDK where KHIEN_RIVALS names a node_modules folder that has it,
// and PostgreSQL's pgcrypto). `--profile` leaves a CPU profile of the node in the working directory; words narrow down what is measured.

const BATCH = 200
const ROUND_MS = Number(process.env.ROUND_MS ?? 2_500)
const IN_FLIGHT = 16
const root = join(import.meta.dirname, '..')
type Item = { subject: string; collection: string; record: string; fields: Record<string, string> }

const say = (name: string, value: number, unit: string, goal?: number): void =>
  console.log(
    [
      name,
      value.toFixed(value < 10 ? 3 : 0),
      unit,
      goal ?? '-',
      goal === undefined ? '-' : value >= goal ? 'met' : 'short',
    ].join('\t'),
  )

/** Ten fields of a person, as an order brings them. */
const TEN: readonly [string, string, string, string][] = [
  ['person', '-', 'name', 'Nguyễn Thị Hoa'],
  ['person', '-', 'phone', '0912345678'],
  ['person', '-', 'email', 'hoa.nguyen@example.vn'],
  ['person', '-', 'personal_id', '001190123456'],
  ['order', 'DH-1', 'address', '12 Lê Lợi, phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh'],
  ['order', 'DH-1', 'note', 'Gọi trước khi giao, cổng sau'],
  ['bank', 'B-1', 'number', '19034567890123'],
  ['bank', 'B-1', 'holder', 'NGUYEN THI HOA'],
  ['order', 'DH-2', 'address', '5 Hàng Bài, Hoàn Kiếm, Hà Nội'],
  ['message', 'M-1', 'body', 'Shop ơi, áo còn cỡ M màu xanh không ạ? Em cần trước thứ bảy.'],
]
const both = { vi: 'Đo', en: 'Bench' }
const fields = TEN.map(([collection, , field]) => `${collection}.${field}`)
/** One field each for two hundred people; which field follows the place, so that sizes are those of the ten. */
const single = (subject: string, i: number): Item => {
  const [collection, record, field, value] = TEN[i % TEN.length]!
  return { subject, collection, record, fields: { [field]: value } }
}
/** Twenty people with ten fields each, in as few items as there are records: what an app sends of itself. */
function ofPerson(subject: string): Item[] {
  const items = new Map<string, Item>()
  for (const [collection, record, field, value] of TEN) {
    const item = items.get(collection + record) ?? { subject, collection, record, fields: {} }
    items.set(collection + record, item)
    item.fields[field] = value
  }
  return [...items.values()]
}
const fieldsIn = (items: readonly Item[]): number =>
  items.reduce((sum, item) => sum + Object.keys(item.fields).length, 0)

/** The rival: nothing but the cipher, over the same values. Fields a second. */
function bareCipher(): { encrypt: number; decrypt: number } {
  const keys: KeyObject[] = Array.from({ length: BATCH }, () => createSecretKey(randomBytes(32)))
  const places = keys.map(
    (_, i) => `platform|7Q4K-2MXB-9D0R-${String(i).padStart(4, '0')}|${TEN[i % 10]!.slice(0, 3).join('|')}`,
  )
  const pool = randomBytes(12 * BATCH)
  const sealed: Buffer[] = []
  const measure = (work: (i: number) => void): number => {
    const until = performance.now() + 1_000
    let count = 0
    const began = performance.now()
    while (performance.now() < until) for (let i = 0; i < BATCH; i++, count++) work(i)
    return (count * 1_000) / (performance.now() - began)
  }
  const seal = (i: number): void => {
    const cipher = createCipheriv('aes-256-gcm', keys[i]!, pool.subarray(12 * i, 12 * i + 12), { authTagLength: 16 })
    cipher.setAAD(Buffer.from(places[i]!))
    const text = cipher.update(TEN[i % 10]![3], 'utf8')
    cipher.final()
    sealed[i] = Buffer.concat([text, cipher.getAuthTag()])
  }
  const open = (i: number): void => {
    const body = sealed[i]!
    const decipher = createDecipheriv('aes-256-gcm', keys[i]!, pool.subarray(12 * i, 12 * i + 12), {
      authTagLength: 16,
    })
    decipher.setAAD(Buffer.from(places[i]!))
    decipher.setAuthTag(body.subarray(-16))
    decipher.update(body.subarray(0, -16), undefined, 'utf8')
    decipher.final()
  }
  measure(seal)
  return { encrypt: measure(seal), decrypt: measure(open) }
}

/** Our own sealing of the same values, without storing: key and place as the vault has them. Fields a second. */
function sealingAlone(): number {
  const ours = sealer({ entropy: systemEntropy })
  const keys = Array.from({ length: BATCH }, () => ours.newSubjectKey())
  const places = keys.map((_, i) => {
    const [collection, record, field] = TEN[i % 10]!
    return { node: 'platform-kek_bench', subject: `7Q4K-2MXB-9D0R-${String(i).padStart(4, '0')}`, collection, record, field, version: 1 } // prettier-ignore
  })
  const run = (ms: number): number => {
    const began = performance.now()
    let count = 0
    while (performance.now() - began < ms)
      for (let i = 0; i < BATCH; i++, count++) ours.seal(keys[i]!, Buffer.from(TEN[i % 10]![3]), places[i]!)
    return (count * 1_000) / (performance.now() - began)
  }
  run(300)
  return run(1_000)
}

/** What the log costs: the same reads in process with the real log and with none. Ratio of times, best of three turns each. */
async function costOfLog(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'khien-bench-log-'))
  const timed = async (logged: boolean): Promise<() => Promise<number>> => {
    const at = mkdtempSync(join(folder, 'x-'))
    const db = openSqlite(join(at, 'a.db'))
    const keysDb = openSqlite(join(at, 'k.db'))
    const log = testAudit(db, at)
    const record: typeof log.record = logged ? (trx, acts) => log.record(trx, acts) : async () => []
    const { vault, consent } = await vaultOver(db, keysDb, { record }, auditMigrations)
    await consent.purposes.declare(both, [{ id: 'keep', title: both, what: both, ground: 'law', duty: both, fields: [...new Set(fields)], recipients: [] }], 'x') // prettier-ignore
    const people = Array.from({ length: 20 }, newSubject)
    const items = people.flatMap(ofPerson)
    await vault.put(items, 'x', undefined)
    const wishes = items.map((item) => ({ ...item, fields: Object.keys(item.fields) }))
    if (logged) log.start()
    return async () => {
      const began = performance.now()
      for (let i = 0; i < 60; i++) await vault.get('keep', 'T', wishes, 'x')
      return performance.now() - began
    }
  }
  const [on, off] = [await timed(true), await timed(false)]
  const times = { on: Infinity, off: Infinity }
  for (let i = 0; i < 4; i++) {
    times.on = Math.min(times.on, await on())
    times.off = Math.min(times.off, await off())
  }
  rmSync(folder, { recursive: true, force: true })
  return times.on / times.off
}

async function startNode() {
  const data = mkdtempSync(join(tmpdir(), 'khien-bench-'))
  const [internal, publicPort] = [await freePort(), await freePort()]
  const config: NodeConfig = {
    role: 'platform', controller: 'Bench',
      contact: undefined, folder: join(data, 'platform'),
    internal: { host: '127.0.0.1', port: internal }, public: { host: '127.0.0.1', port: publicPort },
    internalOrigin: `http://localhost:${internal}`, publicOrigin: `http://localhost:${publicPort}`,
    key: { from: 'demo' }, demo: true, databaseUrl: undefined, keysDatabaseUrl: undefined,
    trustedProxies: [], internalAllow: [], mail: undefined, ownRanges: [],
  } // prettier-ignore
  const execArgv = process.argv.includes('--profile') ? ['--cpu-prof'] : []
  const child = fork(join(root, 'src/app/processes/node.ts'), [], {
    execArgv,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  child.send({ type: 'config', config })
  for (;;) {
    const [message] = (await once(child, 'message')) as [FromChild]
    if (message.type === 'ready') break
  }
  const { key } = JSON.parse(readFileSync(join(data, 'marketplace', 'service-key.json'), 'utf8')) as { key: string }
  const pool = new Pool(`http://127.0.0.1:${internal}`, { connections: IN_FLIGHT, pipelining: 1 })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return {
    pid: child.pid!,
    async ask(method: 'POST' | 'PUT', path: string, body: object): Promise<void> {
      const answer = await pool.request({ method, path, headers, body: JSON.stringify(body) })
      const text = await answer.body.text()
      if (answer.statusCode !== 200 || text.includes('"ok":false')) throw new Error(`${path}: ${text.slice(0, 300)}`)
    },
    async stop() {
      await pool.close()
      child.disconnect()
      await once(child, 'exit')
      rmSync(data, { recursive: true, force: true })
    },
  }
}
type Running = Awaited<ReturnType<typeof startNode>>

/** Sends what `next` makes, `width` at a time, for a while. Fields a second, and the 99th percentile in milliseconds. */
async function drive(
  node: Running,
  width: number,
  send: (items: Item[]) => Promise<void>,
  next: (i: number) => Item[],
): Promise<{ rate: number; p99: number; cpu: number }> {
  const times: number[] = []
  let fields = 0
  let turn = 0
  const usedBefore = cpuOf(node.pid)
  const began = performance.now()
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (performance.now() - began < ROUND_MS) {
        const items = next(turn++)
        const sent = performance.now()
        await send(items)
        times.push(performance.now() - sent)
        fields += fieldsIn(items)
      }
    }),
  )
  const p99 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]!
  const cpu = (cpuOf(node.pid) - usedBefore) / fields
  return { rate: (fields * 1_000) / (performance.now() - began), p99, cpu }
}

// Microseconds of user and system time: changed less than the rate by what else the machine does.
const tick = 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tick
}

const { model } = cpus()[0]!
console.log(
  `# vault\t${new Date().toISOString().slice(0, 10)}\t${model.trim()}, ${cpus().length} cores\tNode ${process.version}`,
)
const bare = bareCipher()
say('bare cipher, encrypt', bare.encrypt, 'fields/s')
say('bare cipher, decrypt', bare.decrypt, 'fields/s')
const sealing = sealingAlone()
say('our sealing alone', sealing, 'fields/s', 100_000)
say('our sealing ÷ bare encrypt', sealing / bare.encrypt, 'ratio', 0.35)
const VALUE = '12 Lê Lợi, phường Bến Nghé, Quận 1, Thành phố Hồ'
const rivals = { aws: await awsEncryptionSdk(VALUE), pgcrypto: await pgcrypto(VALUE) }
for (const [name, rate] of Object.entries(rivals))
  if (rate === undefined) console.log(`# ${name} is not at hand: left out`)
  else say(`rival ${name}, encrypting alone`, rate, 'fields/s')
const node = await startNode()
await node.ask('PUT', '/api/processing', {
  notice: both,
  purposes: [{ id: 'keep', title: both, what: both, ground: 'law', duty: both, fields: [...new Set(fields)], recipients: [] },
    { id: 'deliver', title: both, what: both, ground: 'agreement', agreement: 'order', fields: [...new Set(fields)], recipients: [] }],
}) // prettier-ignore
const put = (items: Item[]): Promise<void> => node.ask('POST', '/api/vault/put', { items })
const get = (items: Item[]): Promise<void> =>
  node.ask('POST', '/api/vault/get', {
    purpose: 'deliver',
    reason: 'BENCH-1',
    items: items.map((item) => ({ ...item, fields: Object.keys(item.fields) })),
  })

const many = Array.from({ length: BATCH }, newSubject)
for (const subject of many) await node.ask('POST', '/api/agreements', { subject, kind: 'order', ref: 'DH-1' })
const hot = many.map(single)
const twenty = many.slice(0, 20).flatMap(ofPerson)
const fresh = (): Item[] => Array.from({ length: BATCH }, (_, i) => single(newSubject(), i))
const alone = (i: number): Item[] => [single(many[i % BATCH]!, i % BATCH)]
// Once round before anything is measured, so that no figure holds the compiler's time.
for (let i = 0; i < 20; i++) for (const items of [hot, twenty]) await put(items)
for (let i = 0; i < 20; i++) for (const items of [hot, twenty]) await get(items)
for (const send of [put, get]) for (let i = 0; i < 400; i++) await send(alone(i))

const rows: readonly [string, number, typeof put, (i: number) => Item[], number | undefined][] = [
  ['put, 200 first-seen subjects × 1 field', 2, put, fresh, undefined],
  ['put, 200 known subjects × 1 field', 2, put, () => hot, 40_000],
  ['put, 20 subjects × 10 fields', 2, put, () => twenty, 40_000],
  ['put, one item a request, 16 in flight', IN_FLIGHT, put, alone, undefined],
  ['get, 200 subjects × 1 field', 2, get, () => hot, 40_000],
  ['get, 20 subjects × 10 fields', 2, get, () => twenty, 40_000],
  ['get, one item a request, 16 in flight', IN_FLIGHT, get, alone, undefined],
]
const best = { put: 0, get: 0 }
const words = process.argv.slice(2).filter((word) => !word.startsWith('-'))
for (const [name, width, send, next, goal] of rows) {
  if (words.some((word) => !name.includes(word))) continue
  const { rate, p99, cpu } = await drive(node, width, send, next)
  say(name, rate, 'fields/s', goal)
  say(`${name}: CPU of the node`, cpu, 'µs/field')
  say(`${name}: p99`, p99, 'ms')
  if (width === 2) best[send === put ? 'put' : 'get'] = Math.max(best[send === put ? 'put' : 'get'], rate)
}
if (rivals.aws) say('best batch put over HTTP ÷ AWS Encryption SDK', best.put / rivals.aws, 'ratio', 20)
if (rivals.pgcrypto) say('best batch put over HTTP ÷ pgp_sym_encrypt', best.put / rivals.pgcrypto, 'ratio', 15)
if (words.length === 0 || words.includes('page')) {
  // As a stock room shows them: the address of each order, and once a person name and phone. 25 people have two orders each.
  const page = many
    .slice(0, 25)
    .flatMap((subject) => [
      { subject, collection: 'person', record: '-', fields: { name: '', phone: '' } },
      ...['DH-1', 'DH-2'].map((record) => ({ subject, collection: 'order', record, fields: { address: '' } })),
    ])
  await put(many.slice(20, 25).flatMap(ofPerson))
  for (let i = 0; i < 40; i++) await get(page)
  const { p99 } = await drive(node, 1, get, () => page)
  console.log(
    ['a page of 50 orders in one call: p99', p99.toFixed(1), 'ms', 10, p99 <= 10 ? 'met' : 'short'].join('\t'),
  )
}
await node.stop()
if (words.length === 0 || words.includes('log')) {
  const ratio = await costOfLog()
  console.log(
    ['reads with the log ÷ without', ratio.toFixed(2), 'ratio', 1.6, ratio <= 1.6 ? 'met' : 'short'].join('\t'),
  )
}
