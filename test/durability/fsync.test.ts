import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { newSubject } from '../../src/client/index.ts'
import { call, newNodeFolder, PROCESSING, startChild } from './child.ts'
import { check, lateAnswers, readTrace, syncedBetween, threadsThatSynced, TRACED, writeOf } from './trace.ts'

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
  // So many commits that checkpoints get their thread, and then the logs are started over. (Which syncs: not in the control.)
  const threadWorks = (): boolean =>
    threadsThatSynced(readTrace(readFileSync(file, 'utf8')), join(folder, 'control.db')).size > 1
  for (let i = 0; i < (careless ? 0 : 2_000); i++) {
    const [subject, ref] = [newSubject(), `DK-${i}`]
    await post('/api/agreements', { subject, kind: 'order', ref }, subject)
    if (i >= 320 && i % 80 === 0 && threadWorks()) break
  }
  // Many at once share a commit, and the next run while the disk is at it.
  const crowd = Array.from({ length: 32 }, newSubject)
  await Promise.all(
    crowd.map((subject, i) => {
      const item = { subject, collection: 'person', fields: { email: `crowd${i}@example.vn` } }
      return ask('POST', '/api/vault/put', { items: [item] }, { mark: undefined })
    }),
  )
  // The publisher works every half second: its checkpoints are part of the trace.
  await new Promise((resolve) => setTimeout(resolve, 700))
  await child.stop()
  return { folder, calls: readTrace(readFileSync(file, 'utf8')), asked, crowd }
}

type Run = Awaited<ReturnType<typeof run>>

/** What was answered before it was on the disk, or published before. */
function faultsOf({ folder, asked, crowd }: Run, calls: Run['calls']): string[] {
  const { faults, answers } = check(calls, folder)
  const [control, keys] = [join(folder, 'control.db-wal'), join(folder, 'keys.db-wal')]
  for (const [i, { mark, firstSeen }] of asked.entries()) {
    if (mark === undefined) continue
    const [from, to] = [answers[i - 1]!, answers[i]!]
    const own = writeOf(calls, control, mark, from, to)
    if (!own || !syncedBetween(calls, control, own.ended, to)) faults.push(`answer ${i}: its record was not synced before it`)
    const key = writeOf(calls, keys, mark, from, to)
    if ((key !== undefined) !== (firstSeen === true)) faults.push(`answer ${i}: a key is written for a first-seen person only`)
    if (key && own && !syncedBetween(calls, keys, key.ended, own.began)) faults.push(`answer ${i}: the key follows what it sealed`)
  }
  for (const file of [control, keys]) {
    const late = lateAnswers(calls, file, crowd, answers.slice(-crowd.length))
    if (late > 0) faults.push(`${late} of ${crowd.length} answers at once before ${file} was synced`)
  }
  return faults
} // prettier-ignore

test('every acknowledgement follows the sync of its data, and of the name of a new file', { skip }, async () => {
  const traced = await run(false)
  const { folder, calls, asked } = traced
  assert.deepEqual(faultsOf(traced, calls), [])
  const found = check(calls, folder)
  assert.equal(found.answers.length, asked.length)
  assert.ok(
    found.syncs > asked.filter(({ mark }) => mark).length &&
      found.directorySyncs >= 6 &&
      found.published >= 2 &&
      found.restarts >= 1,
    JSON.stringify(found),
  )
  const others = [...threadsThatSynced(calls, join(folder, 'control.db'))].filter((one) => one !== calls[0]!.thread)
  assert.ok(others.length > 0, 'the thread of checkpoints was at work')
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
    assert.notDeepEqual(faultsOf(traced, without), [], `not noticed: no sync of ${what}`)
  }
})

test('the control: the same node on a SQLite that never syncs is caught', { skip }, async () => {
  const traced = await run(true)
  const { answers, syncs } = check(traced.calls, traced.folder)
  assert.equal(answers.length, traced.asked.length)
  assert.equal(syncs, 0)
  const early = faultsOf(traced, traced.calls).filter((fault) =>
    /its record was not synced|answers at once/.test(fault),
  )
  const marked = traced.asked.filter(({ mark }) => mark !== undefined)
  assert.equal(early.length, marked.length + 2, 'every single answer came too early')
  assert.ok(early.at(-1)!.startsWith('32 of 32'))
})
