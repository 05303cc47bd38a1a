import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { newSubject } from '../../src/client/index.ts'
import { call, newNodeFolder, PROCESSING, startChild } from './child.ts'
import { check, readTrace, syncedBetween, TRACED, writeOf } from './trace.ts'

// kill -9 shows atomicity, not durability: the kernel keeps what a killed process wrote. Here the calls themselves are
// looked at. What no trace shows: whether the disk tells the truth about a sync.

const skip = ((): string | false => {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' })
    return false
  } catch {
    return 'strace is not installed (Debian: apt install strace)'
  }
})()

/** What is asked, in this order, one at a time; `mark` is a text that the answer's own records must hold. */
type Asked = { readonly mark: string | undefined; readonly firstSeen?: boolean }

async function run(careless: boolean) {
  const folder = newNodeFolder()
  const file = join(dirname(dirname(folder)), 'trace')
  const under = ['strace', '-f', '-yy', '-s', '4096', '-o', file, '-e', `trace=${TRACED}`]
  const child = await startChild(folder, { under, careless })
  const asked: Asked[] = []
  let tickets = 0
  const ask = async (method: string, path: string, body: object, about: Asked): Promise<void> => {
    const { status, text } = await call(child, method, path, body)
    assert.equal(status, 200, text)
    asked.push(about)
  }
  const post = (path: string, body: object, mark: string, firstSeen = false): Promise<void> =>
    ask('POST', path, body, { mark, firstSeen })
  await ask('PUT', '/api/processing', PROCESSING, { mark: undefined })
  for (let i = 0; i < 6; i++) {
    const [subject, ref] = [newSubject(), `DH-${i}`]
    const put = (fields: object, firstSeen: boolean) =>
      post('/api/vault/put', { items: [{ subject, collection: 'person', fields }] }, subject, firstSeen)
    const get = (purpose: string) => {
      const [reason, items] = [`CASE-${tickets++}-`, [{ subject, collection: 'person', fields: ['phone'] }]]
      return post('/api/vault/get', { purpose, reason, items }, reason)
    }
    await put({ name: 'Nguyễn Thị Hoa', phone: '0912345678', email: `hoa${i}@example.vn` }, true)
    await put({ phone: '0987654321' }, false)
    await post('/api/agreements', { subject, kind: 'order', ref }, subject)
    await get('deliver')
    const decisions = [{ purpose: 'news', version: 1, given: true }]
    await post('/api/consents', { subject, notice: 1, language: 'vi', method: 'app', decisions }, subject)
    await get('news')
    await post('/api/consents/withdraw', { subject, purpose: 'news' }, subject)
    // Refused, and the refusal is a record as well.
    await get('news')
    await post('/api/agreements/close', { subject, kind: 'order', ref }, subject)
  }
  // Many at once share a commit; whose answer is whose is not seen, that none comes before the sync is.
  const crowd = Array.from({ length: 32 }, (_, i) => {
    const item = { subject: newSubject(), collection: 'person', fields: { email: `crowd${i}@example.vn` } }
    return ask('POST', '/api/vault/put', { items: [item] }, { mark: undefined })
  })
  await Promise.all(crowd)
  // The publisher works every half second: its checkpoints are part of the trace.
  await new Promise((resolve) => setTimeout(resolve, 700))
  await child.stop()
  return { folder, calls: readTrace(readFileSync(file, 'utf8')), asked }
}

test('every acknowledgement follows the sync of its data, and of the name of a new file', { skip }, async () => {
  const { folder, calls, asked } = await run(false)
  const found = check(calls, folder)
  assert.deepEqual(found.faults, [])
  assert.equal(found.answers.length, asked.length)
  assert.ok(
    found.syncs > asked.filter(({ mark }) => mark).length && found.directorySyncs >= 6 && found.published >= 2,
    JSON.stringify(found),
  )
  const [control, keys] = [join(folder, 'control.db-wal'), join(folder, 'keys.db-wal')]
  for (const [i, { mark, firstSeen }] of asked.entries()) {
    if (mark === undefined) continue
    const [from, to] = [found.answers[i - 1]!, found.answers[i]!]
    const own = writeOf(calls, control, mark, from, to)
    assert.ok(own && syncedBetween(calls, control, own.ended, to), `answer ${i}: its record was not synced before it`)
    const key = writeOf(calls, keys, mark, from, to)
    assert.equal(key !== undefined, firstSeen === true, `answer ${i}: a key is written for a first-seen person only`)
    if (key) assert.ok(syncedBetween(calls, keys, key.ended, own.began), `answer ${i}: the key follows what it sealed`)
  }
  // The same trace with some syncs struck out must not pass: otherwise the rule above would be no rule.
  for (const [what, pattern] of [
    ['the control store', /^\d+<[^>]*control\.db-wal>/],
    ['the key store', /^\d+<[^>]*keys\.db-wal>/],
    ['the folder', new RegExp(`^\\d+<${folder}>`)],
    ['what names the folder', new RegExp(`^\\d+<${dirname(folder)}>`)],
    ['log files', /^\d+<[^>]*\/log\/tmp\/\d+>/],
    ['log directories', /^\d+<[^>]*\/log\/tile[^>]*>/],
  ] as const) {
    const without = calls.filter((one) => !(one.name.endsWith('sync') && pattern.test(one.args)))
    assert.ok(without.length < calls.length, `nothing syncs ${what}`)
    assert.notDeepEqual(check(without, folder).faults, [], `not noticed: no sync of ${what}`)
  }
})

test('the control: the same node on a SQLite that never syncs is caught', { skip }, async () => {
  const { folder, calls, asked } = await run(true)
  const { faults, answers, syncs } = check(calls, folder)
  assert.equal(answers.length, asked.length)
  assert.equal(syncs, 0)
  const early = faults.filter((fault) => fault.startsWith('answered') && fault.includes('control.db-wal'))
  assert.equal(early.length, asked.length, 'every single answer came too early')
})
