import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { checkHolds } from '../../src/app/keeping/epoch.ts'
import { logVerifier, readCheckpoint, readOnly } from '../../src/audit/index.ts'
import { khien, startKhien, type Running } from '../../examples/php-shop/processes.ts'
import { authenticator, cookieOf, form } from '../running-node.ts'

const begun = Date.now()
const fixtures = join(import.meta.dirname, 'fixtures')
const skip = spawnSync('tar', ['--version']).status !== 0 && 'tar is not installed'

type Expected = {
  readonly passphrase: string
  readonly people: readonly { subject: string; name: string; phone: string; email: string; address: string }[]
  readonly password: string
  readonly receipts: readonly string[]
  readonly case: string
  readonly serviceKey: string
  readonly staff: { readonly name: string; readonly password: string; readonly totp: string }
}

/** A copy of an old folder, and what must be found in it. */
function unpacked(name: string) {
  const data = mkdtempSync(join(tmpdir(), 'khien-old-'))
  const packed = join(fixtures, name, 'platform.tar.gz')
  assert.equal(spawnSync('tar', ['-xzf', packed, '--no-same-owner', '-C', data]).status, 0)
  const expected = JSON.parse(readFileSync(join(fixtures, name, 'expected.json'), 'utf8')) as Expected
  const passphrase = join(data, 'passphrase')
  writeFileSync(passphrase, expected.passphrase, { mode: 0o600 })
  const port = 31_000 + 50 * Math.floor(Math.random() * 30)
  const args = ['--role', 'platform', '--data', data, '--port', String(port), '--upstream', 'http://127.0.0.1:9']
  const start = (): Promise<Running> => startKhien(args, passphrase, `http://localhost:${port + 1}/readyz`)
  return { expected, args, passphrase, start, origin: `http://localhost:${port + 1}`, folder: join(data, 'platform') }
}

for (const name of readdirSync(fixtures))
  test(`thư mục dữ liệu của ${name} mở được, đọc được và ghi tiếp được`, { skip, timeout: 120_000 }, async () => {
    const old = unpacked(name)
    const key = logVerifier(readFileSync(join(old.folder, 'log', 'log.vkey'), 'utf8').trim())!
    const logOf = async () => (await readCheckpoint(readOnly(join(old.folder, 'log')), key)).head
    const before = await logOf()
    assert.ok(before.size > 10)
    for (const turn of [1, 2]) {
      const running = await old.start()
      try {
        await readsAll(old.origin, old.expected, turn)
      } catch (error) {
        throw new Error(`start ${turn}: ${running.said().slice(-2_000)}`, { cause: error })
      } finally {
        await running.stop()
      }
    }
    const after = await logOf()
    assert.ok(after.size > before.size + 10, 'reads of today are in the same log')
    assert.match(await khien(['log', 'verify', join(old.folder, 'log')]), /is intact/)
    await checkHolds(join(old.folder, 'log'), after.size, before)
  })

/** Everything the old version wrote, through the API of today. */
async function readsAll(origin: string, expected: Expected, turn: number): Promise<void> {
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const headers = { authorization: `Bearer ${expected.serviceKey}`, 'content-type': 'application/json' }
    const answer = await fetch(origin + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    const text = await answer.text()
    assert.equal(answer.status, 200, `${path}: ${text}`)
    return JSON.parse(text) as T
  }
  type Items = { items: { ok: boolean; fields?: Record<string, string>; code?: string }[] }
  for (const [i, { subject, address, ...person }] of expected.people.entries()) {
    const items = [
      { subject, collection: 'person', record: '-', fields: ['name', 'phone', 'email'] },
      { subject, collection: 'order', record: 'orders.1', fields: ['address'] },
    ]
    const got = await call<Items>('POST', '/api/vault/get', { purpose: 'delivery', reason: `UPGRADE-${turn}`, items })
    assert.deepEqual(
      got.items.map((item) => item.fields),
      [person, { address }],
    )
    const asked = { purpose: 'sign-in', reason: 'login', subject, password: expected.password }
    assert.deepEqual(await call('POST', '/api/vault/passwords/check', asked), { right: true })
    const { consents } = await call<{ consents: { purpose: string; withdrawnAt: string | null }[] }>('GET', `/api/consents/${subject}`) // prettier-ignore
    assert.deepEqual(
      consents.map((c) => [c.purpose, c.withdrawnAt !== null]),
      [['news', i === 2]],
    )
    const news = { purpose: 'news', reason: `UPGRADE-${turn}`, items: [{ subject, collection: 'person', record: '-', fields: ['email'] }] } // prettier-ignore
    assert.equal((await call<Items>('POST', '/api/vault/get', news)).items[0]!.ok, i !== 2, 'withdrawn stays withdrawn')
    const search = { purpose: 'delivery', reason: `UPGRADE-${turn}`, collection: 'person', field: 'phone', value: person.phone } // prettier-ignore
    assert.match(JSON.stringify(await call('POST', '/api/vault/search', search)), new RegExp(subject))
  }
  // A new value in an old field, under the person's old key.
  const { subject } = expected.people[1]!
  const written = { subject, collection: 'order', record: `orders.2${turn}`, fields: { note: `Gọi trước ${turn}` } }
  await call('POST', '/api/vault/put', { items: [written] })

  const { name, password, totp } = expected.staff
  // No code is taken twice, so the second start gets the next one.
  const code = authenticator(totp, Date.now() + 30_000 * (turn - 1))
  const entered = await fetch(`${origin}/sign-in`, form(origin, undefined, { name, password, code }))
  assert.equal(entered.status, 303, 'the old administrator signs in')
  const read = async <T>(path: string): Promise<T> => {
    const answer = await fetch(origin + path, { headers: { cookie: cookieOf(entered) } })
    assert.equal(answer.status, 200, path)
    return (await answer.json()) as T
  }
  assert.equal((await read<{ title: string }>(`/api/cases/${expected.case}`)).title, 'Vụ việc thử')
  const span = `from=2026-01-01T00:00:00Z&to=${new Date(begun).toISOString()}`
  const { events } = await read<{ events: object[] }>(`/api/events?${span}&limit=1000`)
  assert.ok(events.length > 0, 'events that the old version stored')
}

for (const [file, table] of [
  ['control.db', 'control'],
  ['keys.db', 'keys'],
] as const)
  test(`thư mục của bản mới hơn bị từ chối bằng một câu (${table})`, { skip, timeout: 60_000 }, async () => {
    const { folder, args, passphrase } = unpacked(readdirSync(fixtures)[0]!)
    {
      using db = new DatabaseSync(join(folder, file))
      db.prepare('insert into khien_migration values (?, ?)').run('20991231T000000-of-a-later-version', '2099-12-31')
    }
    const said = await khien(['start', ...args], { passphrase, fails: true })
    assert.match(said, /a newer Khiên \(it knows "20991231T000000-of-a-later-version"\); start that version instead\./)
    assert.doesNotMatch(said, /\n\s+at /, 'a sentence, no stack')
  })
