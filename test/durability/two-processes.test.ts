import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { newSubject } from '../../src/client/index.ts'
import { openBundle, rotateBundle, sealBundle } from '../../src/engine/seal/index.ts'
import { systemEntropy } from '../../src/kit/ids.ts'
import { silentLog } from '../../src/kit/log.ts'
import { openPostgres } from '../../src/storage/sql/index.ts'
import { freePort, newPostgresDatabase, STORES } from '../../src/storage/sql/testing.ts'
import { demoConfig } from '../running-node.ts'
import { call, type Child, newNodeFolder, PROCESSING, startChild } from './child.ts'
import { again, load, newLedger } from './ledger.ts'
import { checkLog, checkWhole } from './whole.ts'

const { skip } = STORES[1]!
/** Everybody knows it: src/app/node-key.ts. */
const DEMO = 'khien demo key, guards nothing'

type Said = { items: Record<string, unknown>[]; found: { subject: string }[]; right: boolean }
type Places = { readonly databaseUrl: string; readonly keysDatabaseUrl: string }

async function pair() {
  const stores: Places = { databaseUrl: await newPostgresDatabase(), keysDatabaseUrl: await newPostgresDatabase() }
  const [whole, beside] = [newNodeFolder(), newNodeFolder()]
  const start = {
    whole: () => startChild(whole, { stores }),
    beside: () => startChild(beside, { stores: { ...stores, beside: true } }),
  }
  const a = await start.whole()
  mkdirSync(beside, { recursive: true })
  cpSync(join(whole, 'key.json'), join(beside, 'key.json'))
  cpSync(join(dirname(whole), 'marketplace'), join(dirname(beside), 'marketplace'), { recursive: true })
  assert.equal((await call(a, 'PUT', '/api/processing', PROCESSING)).status, 200)
  return { stores, folders: { whole, beside }, start, a, b: await start.beside() }
}

const post = async (child: Child, path: string, body: object) => {
  const { status, text } = await call(child, 'POST', path, body)
  return { status, ...(JSON.parse(text) as Said) }
}
const person = (subject: string, fields: unknown) => ({ subject, collection: 'person', record: '-', fields })
const put = (child: Child, subject: string, fields: object) =>
  post(child, '/api/vault/put', { items: [person(subject, fields)] })
const get = async (child: Child, subject: string, ...fields: string[]) =>
  (await post(child, '/api/vault/get', { purpose: 'keep', reason: 'T-1', items: [person(subject, fields)] })).items[0]!
const search = async (child: Child, value: string) => {
  const asked = { purpose: 'keep', reason: 'T-1', collection: 'person', field: 'phone', value }
  return (await post(child, '/api/vault/search', asked)).found
}

/** Load that ends when told, not only with its process. */
function running(child: Child) {
  const ledger = newLedger(3)
  const target = { ...child }
  let answers = 0
  const waiting: { at: number; resolve: () => void }[] = []
  const done = load(target, ledger, () => {
    answers++
    for (const one of waiting) if (answers >= one.at) one.resolve()
  })
  return {
    ledger,
    more: (count: number) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ at: answers + count, resolve })
        done.catch(reject)
      }),
    async end() {
      Object.assign(target, { origin: 'http://127.0.0.1:9' })
      await done
    },
    done,
  }
}

test(
  'two processes serve one vault: one is killed in the middle, nothing answered is lost, the log is one',
  { skip, timeout: 120_000 },
  async () => {
    const { stores, folders, start, a, b } = await pair()
    let whole = a
    try {
      const [first, second] = [running(a), running(b)]
      await Promise.all([first.more(60), second.more(60)])
      await a.kill()
      await first.done
      await second.more(60)
      const open = first.ledger.entries.filter((entry) => entry.answer === undefined)
      assert.ok(open.length > 0, 'it was killed at work')
      // What one did not answer any more the other answers, once.
      for (const entry of open) assert.equal((entry.answer = await again(b, entry))?.status, 200)
      for (const entry of first.ledger.entries.filter((_, i) => i % 9 === 0))
        assert.deepEqual(
          await again(b, entry),
          entry.answer,
          'a repeat at the other process answers what the first did',
        )
      whole = await start.whole()
      await second.more(20)
      await second.end()
      for (const entry of second.ledger.entries)
        if (entry.answer === undefined) entry.answer = await again(whole, entry)
      await using db = await openPostgres(stores.databaseUrl, silentLog)
      await using keysDb = await openPostgres(stores.keysDatabaseUrl, silentLog)
      const entries = [...first.ledger.entries, ...second.ledger.entries]
      assert.equal(await checkWhole(db, keysDb, { entries, hot: [] }), 0)
      await sleep(1_500)
      const sizes = await Promise.all([folders.whole, folders.beside].map((folder) => checkLog(folder, db)))
      assert.equal(sizes[0], sizes[1], 'both keep the same log')
      assert.ok(sizes[0]! > entries.length)
    } finally {
      await Promise.all([whole.stop(), b.stop()])
    }
  },
)

test('what one process does holds in the other at once', { skip, timeout: 120_000 }, async () => {
  const { a, b } = await pair()
  try {
    const [hoa, lan] = [newSubject(), newSubject()]
    for (const subject of [hoa, lan])
      assert.equal((await put(a, subject, { name: 'Hoa', phone: '0912345678' })).items[0]!['ok'], true)
    assert.deepEqual(await get(b, hoa, 'phone'), { ok: true, fields: { phone: '0912345678' } })
    assert.equal((await search(b, '0912345678')).length, 2)
    const erased = await post(b, '/api/vault/erase', { reason: 'T-2', items: [{ ...person(lan, ['name']) }] })
    assert.deepEqual(erased.items, [{ ok: true, erased: 1 }])
    assert.deepEqual(await get(a, lan, 'name', 'phone'), { ok: true, fields: { name: null, phone: '0912345678' } })
    await post(b, '/api/vault/put', {
      items: [{ subject: lan, collection: 'account', fields: { password: 'một câu rất dài' } }],
    })
    const keep = {
      ...PROCESSING,
      purposes: PROCESSING.purposes.map((one) => ({
        ...one,
        fields: [...(one as { fields: string[] }).fields, 'account.password'],
      })),
    }
    assert.equal((await call(b, 'PUT', '/api/processing', keep)).status, 200)
    const check = { purpose: 'keep', reason: 'LOGIN', subject: lan, password: 'một câu rất dài' }
    assert.equal((await post(a, '/api/vault/passwords/check', check)).right, true)

    // Both have the key in memory; one destroys it while both write to the person.
    const writes = Promise.all(
      Array.from({ length: 40 }, (_, i) => put(i % 2 ? a : b, hoa, { name: `Hoa ${i}`, phone: '0912345678' })),
    )
    const shredded = await call(a, 'POST', `/api/vault/people/${hoa}/shred`, { reason: 'T-3' })
    assert.equal(shredded.status, 200)
    for (const child of [b, a]) {
      assert.deepEqual(await get(child, hoa, 'name', 'phone'), { ok: true, fields: { name: null, phone: null } })
      assert.deepEqual(
        (await search(child, '0912345678')).map((one) => one.subject),
        [lan],
      )
      assert.equal((await put(child, hoa, { name: 'wieder' })).items[0]!['code'], 'vault/shredded')
    }
    for (const { items } of await writes) assert.match(String(items[0]!['code'] ?? 'ok'), /^(?:ok|vault\/shredded)$/)
    assert.deepEqual(await get(b, hoa, 'name', 'phone'), { ok: true, fields: { name: null, phone: null } })
  } finally {
    await Promise.all([a.stop(), b.stop()])
  }
})

/** Writes a rotated key file and tells the process, as `khien key rotate` does. */
async function rotate(folder: string): Promise<number> {
  const path = join(folder, 'key.json')
  const bundle = rotateBundle(await openBundle(readFileSync(path, 'utf8'), DEMO), {
    entropy: systemEntropy,
    now: Date.now(),
  })
  const cost = { memory: 64, passes: 1, parallelism: 1 }
  const text = await sealBundle(bundle, DEMO, { entropy: systemEntropy, cost })
  writeFileSync(path, JSON.stringify({ demo: true, ...(JSON.parse(text) as object) }))
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: join(folder, 'run', 'node.sock'), path: '/key/rotated', method: 'POST' },
      (answer) => resolve(answer.resume().statusCode!),
    )
    asked.on('error', reject).end(JSON.stringify({ passphrase: DEMO }))
  })
}

test(
  'a rotation through one stops neither; an older key file is refused at the next start',
  { skip, timeout: 120_000 },
  async () => {
    const { stores, folders, start, a, b } = await pair()
    let beside = b
    try {
      const people = Array.from({ length: 50 }, () => newSubject())
      for (const subject of people) await put(a, subject, { name: 'Hoa' })
      const [first, second] = [running(a), running(b)]
      await Promise.all([first.more(20), second.more(20)])
      assert.equal(await rotate(folders.whole), 200)
      await using keysDb = await openPostgres(stores.keysDatabaseUrl, silentLog)
      const under = async () =>
      (await keysDb.tables<{ subject_key: { kek: string } }>().selectFrom('subject_key').select('kek').distinct().execute()).length // prettier-ignore
      const used = () => keysDb.tables<{ used_key: { kek: string } }>().selectFrom('used_key').select('kek').execute()
      for (let tries = 0; (await used()).length < 2 || (await under()) > 1; tries++) {
        assert.ok(tries < 200, 'the keys never came under the new one')
        await sleep(100)
      }
      await Promise.all([first.more(20), second.more(20)])
      await first.end()
      await second.end()
      for (const subject of people)
        assert.deepEqual(await get(b, subject, 'name'), { ok: true, fields: { name: 'Hoa' } }, 'read cold by the other')
      const ready = await fetch(`${b.origin}/readyz`)
      assert.match(await ready.text(), /lacks kek_/)
      assert.equal(ready.status, 200)
      await b.stop()
      await assert.rejects(start.beside(), /data\/older-key|lacks the key kek_/)
      cpSync(join(folders.whole, 'key.json'), join(folders.beside, 'key.json'))
      beside = await start.beside()
      assert.deepEqual(await get(beside, people[0]!, 'name'), { ok: true, fields: { name: 'Hoa' } })
    } finally {
      await Promise.all([a.stop(), beside.stop()])
    }
  },
)

test(
  'one sleeps over a rotation: the other goes on without it, and nobody comes under the earlier key again',
  { skip, timeout: 120_000 },
  async () => {
    const { stores, folders, start, a, b } = await pair()
    let whole = a
    try {
      await using keysDb = await openPostgres(stores.keysDatabaseUrl, silentLog)
      type Keys = { subject_key: { subject: string; kek: string }; used_key: { kek: string } }
      const used = () => keysDb.tables<Keys>().selectFrom('used_key').select('kek').execute()
      const [first] = await used()
      for (const child of [a, b]) assert.equal((await put(child, newSubject(), { name: 'Hoa' })).status, 200)
      await sleep(1_500)
      process.kill(b.pid, 'SIGSTOP')
      assert.equal(await rotate(folders.whole), 200)
      for (let tries = 0; (await used()).length < 2; tries++) {
        assert.ok(tries < 300, 'the silent one was waited for, for ever')
        await sleep(100)
      }
      process.kill(b.pid, 'SIGCONT')
      const acknowledged: string[] = []
      let refused = 0
      const writing = async (child: Child, until: number) => {
        while (performance.now() < until) {
          const subject = newSubject()
          const { status, items } = await put(child, subject, { name: 'Hoa' })
          if (status === 200 && items[0]!['ok'] === true) acknowledged.push(subject)
          else refused++
          await sleep(10)
        }
      }
      const until = performance.now() + 4_000
      await Promise.all([writing(a, until), writing(b, until)])
      assert.ok(acknowledged.length > 100)
      const rows = await keysDb.tables<Keys>().selectFrom('subject_key').select(['subject', 'kek']).where('subject', 'in', acknowledged).execute() // prettier-ignore
      assert.deepEqual(
        rows.filter(({ kek }) => kek === first!.kek),
        [],
        'the earlier key came back',
      )
      assert.equal(rows.length, acknowledged.length)
      assert.equal((await put(b, newSubject(), { name: 'Hoa' })).items[0]!['ok'], true, `${refused} were refused`)
      await b.kill()
      await a.stop()
      whole = await start.whole()
      for (const subject of acknowledged.filter((_, i) => i % 20 === 0))
        assert.deepEqual(await get(whole, subject, 'name'), { ok: true, fields: { name: 'Hoa' } })
    } finally {
      await Promise.all([whole.stop(), b.kill()])
    }
  },
)

test('a node whose database another took meanwhile ends, with a sentence', { skip, timeout: 60_000 }, async () => {
  const stores: Places = { databaseUrl: await newPostgresDatabase(), keysDatabaseUrl: await newPostgresDatabase() }
  const config = { ...demoConfig('platform', newNodeFolder(), await freePort(), await freePort()), ...stores }
  const entry = join(import.meta.dirname, 'node-process.ts')
  const child = spawn(process.execPath, [entry, JSON.stringify(config)], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (part: Buffer) => (said += part.toString()))
  const gone = once(child, 'close') as Promise<[number | null]>
  const [here, other] = [new pg.Client(stores.databaseUrl), new pg.Client(stores.databaseUrl)]
  try {
    for (const client of [here, other]) await client.connect()
    await once(child.stdout, 'data')
    const holders = `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())`
    await here.query(holders)
    await sleep(1_500)
    assert.equal((await fetch(`${config.internalOrigin}/readyz`)).status, 200, 'claimed again: it serves on')
    // Waits at the server, and so comes before whoever asks again.
    const taken = other.query(`select pg_advisory_lock(hashtext('khien node'))`)
    await sleep(200)
    await here.query(holders)
    await taken
    assert.equal((await gone)[0], 1)
    assert.match(said, /"node\.ends".*Another node is running on this PostgreSQL database/)
  } finally {
    for (const client of [here, other]) await client.end()
    child.kill('SIGKILL')
  }
})
