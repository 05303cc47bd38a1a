import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { manualClock } from '../../kit/clock.ts'
import { systemEntropy } from '../../kit/ids.ts'
import { silentLog } from '../../kit/log.ts'
import type { IntakeEvent } from '../contract.ts'
import { openIntake } from '../service.ts'
import { LedgerFile } from './ledger.ts'
import { startIntake, type IntakeConfig, type OnEvents } from './index.ts'

// The intake in this process, without an event store: what it takes, counts, streams and replays.
const NOW = Date.UTC(2026, 10, 22, 3)

async function running(folder: string, onEvents: OnEvents, config: Partial<IntakeConfig> = {}) {
  const clock = manualClock(NOW)
  const intake = await startIntake(
    { folder, nodeSocket: '', ...config },
    { clock, entropy: systemEntropy, log: silentLog, onEvents },
  )
  const run = join(folder, 'run')
  const node = openIntake({
    intakeSocket: join(run, 'intake.sock'),
    storeSocket: join(run, 'store.sock'),
    tokenKey: new Uint8Array(32),
    clock,
    entropy: systemEntropy,
  })
  return {
    node,
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]()
      await intake[Symbol.asyncDispose]()
    },
  }
}
function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'khr-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}
const lines = (...events: unknown[]): Buffer =>
  Buffer.from(events.map((event) => (typeof event === 'string' ? event : JSON.stringify(event))).join('\n'))
const query = (n: number) => ({ time: NOW, kind: 'dns.query', clientAddress: '10.0.0.1', query: `h${n}.vn` })

const BATCHES: readonly {
  readonly name: string
  readonly body: Buffer
  readonly accepted: number
  readonly reasons: readonly string[]
}[] = [
  { name: 'nothing', body: lines(), accepted: 0, reasons: [] },
  { name: 'one', body: lines(query(1)), accepted: 1, reasons: [] },
  {
    name: 'a line end at the end, others with CR',
    body: Buffer.from(`${JSON.stringify(query(1))}\r\n${JSON.stringify(query(2))}\n`),
    accepted: 2,
    reasons: [],
  },
  { name: 'an empty line between', body: lines(query(1), '', query(2)), accepted: 2, reasons: ['json'] },
  {
    name: 'only wrong ones',
    body: lines('x', { kind: 'y' }, { ...query(1), time: 5 }),
    accepted: 0,
    reasons: ['json', 'kind', 'time'],
  },
  {
    name: 'no UTF-8',
    body: Buffer.concat([lines(query(1)), Buffer.from('\n{"kind":"\xff', 'latin1')]),
    accepted: 1,
    reasons: ['json'],
  },
  {
    name: '150 wrong ones: the first 100 are told',
    body: lines(...Array<string>(150).fill('-')),
    accepted: 0,
    reasons: Array<string>(150).fill('json'),
  },
]
for (const { name, body, accepted, reasons } of BATCHES)
  test(`a batch of ${name}`, async (t) => {
    await using at = await running(newFolder(t), () => {})
    const answer = await at.node.post('test', 'b', body)
    assert.deepEqual(
      { ...answer, rejected: answer.rejected.map(({ reason }) => reason) },
      { batch: 'b', accepted, rejected: reasons.slice(0, 100), rejectedTotal: reasons.length, duplicate: false },
    )
    const ledger = await at.node.ledger()
    assert.deepEqual([ledger.received, ledger.pending, ledger.balanced], [accepted + reasons.length, accepted, true])
    for (const reason of new Set(reasons))
      assert.equal(ledger.rejected[reason as 'json'], reasons.filter((one) => one === reason).length)
  })

for (const { name, source, batch, body, code } of [
  {
    name: 'too many lines',
    source: 'test',
    batch: 'b',
    body: Buffer.from('{}\n'.repeat(20_001)),
    code: 'intake/too-many-lines',
  },
  {
    name: 'too many bytes',
    source: 'test',
    batch: 'b',
    body: Buffer.alloc(4 * 1024 * 1024 + 1, 'x'),
    code: 'http/too-large',
  },
  { name: 'a source with a blank', source: 'a b', batch: 'b', body: lines(query(1)), code: 'intake/batch' },
  { name: 'an id too long', source: 'test', batch: 'b'.repeat(65), body: lines(query(1)), code: 'intake/batch' },
])
  test(`refused: ${name}`, async (t) => {
    await using at = await running(newFolder(t), () => {})
    await assert.rejects(at.node.post(source, batch, body), { code })
    assert.equal((await at.node.ledger()).received, 0)
  })

test('a disk that is nearly full is told, counted, and takes nothing', async (t) => {
  await using at = await running(newFolder(t), () => {}, { minFreeBytes: 2 ** 60 })
  await assert.rejects(at.node.post('test', 'b', lines(query(1))), { code: 'events/full', status: 503, retryAfter: 5 })
  const { received, refusedBatches } = await at.node.ledger()
  assert.deepEqual([received, refusedBatches], [0, 1])
})

test('the same batch at once, later, and after a new start is stored once', async (t) => {
  const folder = newFolder(t)
  const body = lines(query(1), 'x')
  {
    await using at = await running(folder, () => {})
    const answers = await Promise.all(Array.from({ length: 5 }, () => at.node.post('test', 'b', body)))
    assert.equal(answers.filter(({ duplicate }) => !duplicate).length, 1)
    assert.ok(answers.every(({ accepted, rejectedTotal }) => accepted === 1 && rejectedTotal === 1))
    assert.equal((await at.node.post('other', 'b', body)).duplicate, false)
  }
  await using at = await running(folder, () => {})
  assert.deepEqual(await at.node.post('test', 'b', body), {
    batch: 'b',
    accepted: 1,
    rejected: [],
    rejectedTotal: 1,
    duplicate: true,
  })
  assert.equal((await at.node.ledger()).received, 4)
})

test('a key that comes again with another body is refused, also at once, after the load and after a new start', async (t) => {
  const folder = newFolder(t)
  const reused = { code: 'http/key-reused', status: 409, field: 'header.idempotency-key' }
  {
    await using at = await running(folder, () => {})
    const both = await Promise.allSettled([1, 2].map((n) => at.node.post('test', 'b', lines(query(n)))))
    const refused = both.filter((each) => each.status === 'rejected')
    assert.equal(refused.length, 1)
    assert.equal((refused[0]!.reason as { code: string }).code, reused.code)
    await assert.rejects(at.node.post('test', 'b', lines(query(3))), reused)
    assert.equal((await at.node.post('other', 'b', lines(query(3)))).duplicate, false)
  }
  await using at = await running(folder, () => {})
  await assert.rejects(at.node.post('test', 'b', lines(query(3))), reused)
  assert.equal((await at.node.post('other', 'b', lines(query(3)))).duplicate, true)
  assert.equal((await at.node.ledger()).received, 2)
})

test('the ledger remembers what a key stood for after its segment is gone, also one of an older version', (t) => {
  const folder = newFolder(t)
  const header = { source: 's', received: NOW, lines: 2, events: 1, rejected: { json: 1 } }
  const segment = (seq: number, one: object) => ({ id: `${seq}`, seq, frames: [{ header: { ...header, ...one } }] })
  {
    const db = new DatabaseSync(join(folder, 'ledger.db'))
    db.exec(
      'CREATE TABLE batch (key BLOB PRIMARY KEY, at INTEGER NOT NULL, accepted INTEGER NOT NULL, rejected INTEGER NOT NULL) STRICT, WITHOUT ROWID',
    )
    db.close()
  }
  using ledger = new LedgerFile(folder)
  for (const [seq, one] of [{ batch: 'new', digest: 'D' }, { batch: 'old' }].entries())
    ledger.add({ ...segment(seq + 1, one), bytes: 1, events: 1, lines: 2, path: '', since: 0 } as never, NOW)
  const known = { accepted: 1, rejected: 1 }
  assert.deepEqual({ ...ledger.batch({ source: 's', batch: 'new' }) }, { ...known, digest: 'D' })
  assert.deepEqual({ ...ledger.batch({ source: 's', batch: 'old' }) }, { ...known, digest: null })
})

test('two senders that both count from 1 have no id in common', async (t) => {
  const ids = new Map<string, string[]>()
  await using at = await running(newFolder(t), (events) => {
    for (const { id, source } of events) ids.set(source, [...(ids.get(source) ?? []), id])
  })
  for (const source of ['service:one', 'service:two'])
    await at.node.post(source, 'b', lines({ ...query(1), id: '1' }, { ...query(2), id: '2' }, query(3)))
  while ((await at.node.ledger()).stream.behind > 0) await sleep(5)
  const all = [...ids.values()].flat()
  assert.equal(new Set(all).size, 6)
  for (const own of ids.values()) {
    assert.deepEqual(
      own.slice(0, 2).map((id) => id.slice(8)),
      ['-1', '-2'],
    )
    assert.match(own[2]!, /^e_[0-9A-Z]{16}-3$/)
  }
})

test('a damaged segment stops the start, and from then on the ledger says so until it is dealt with', async (t) => {
  const folder = newFolder(t)
  const segments = join(folder, 'events', 'segments')
  {
    await using at = await running(folder, () => {})
    for (let n = 0; n < 3; n++) await at.node.post('test', `b${n}`, lines(query(n)))
  }
  const [file] = readdirSync(segments)
  const bytes = readFileSync(join(segments, file!))
  bytes[40]! ^= 1
  writeFileSync(join(segments, file!), bytes)
  await assert.rejects(
    running(folder, () => {}),
    { code: 'events/damaged-segment' },
  )
  {
    await using at = await running(folder, () => {})
    const { balanced, segments: told } = await at.node.ledger()
    assert.deepEqual([balanced, told.damaged, told.torn], [false, 1, 0])
  }
  await rm(join(segments, `${file}.damaged`))
  await using at = await running(folder, () => {})
  assert.equal((await at.node.ledger()).balanced, true)
})

test('the stream hears every event in order, then again after a start, and a reader that throws stops nothing', async (t) => {
  const folder = newFolder(t)
  const heard: string[] = []
  const listen: OnEvents = (events, { replay }) => {
    for (const event of events as readonly (IntakeEvent & { query: string })[]) {
      assert.deepEqual([event.source, event.received], ['test', NOW])
      heard.push(`${event.query}${replay ? ' again' : ''}`)
    }
    if (heard.length === 2) throw new Error('a rule failed')
  }
  {
    await using at = await running(folder, listen)
    for (let n = 0; n < 3; n++) await at.node.post('test', `b${n}`, lines(query(2 * n), query(2 * n + 1)))
    while ((await at.node.ledger()).stream.behind > 0) await sleep(5)
    assert.deepEqual((await at.node.ledger()).stream, { behind: 0, skipped: 0, failed: 2 })
  }
  assert.deepEqual(
    heard.splice(0),
    Array.from({ length: 6 }, (_, n) => `h${n}.vn`),
  )
  await using at = await running(folder, listen)
  await at.node.post('test', 'new', lines(query(9)))
  while ((await at.node.ledger()).stream.behind > 0) await sleep(5)
  assert.deepEqual(heard, [...Array.from({ length: 6 }, (_, n) => `h${n}.vn again`), 'h9.vn'])
})

test('a slow reader holds up no acknowledgement and misses nothing beyond what memory holds', async (t) => {
  let open = (): void => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  let heard = 0
  await using at = await running(newFolder(t), async (events) => {
    await gate
    heard += events.length
  })
  const body = lines(...Array.from({ length: 10_000 }, (_, n) => query(n)))
  for (let n = 0; n < 8; n++) await at.node.post('test', `b${n}`, body)
  assert.deepEqual((await at.node.ledger()).stream, { behind: 80_000, skipped: 0, failed: 0 })
  open()
  while ((await at.node.ledger()).stream.behind > 0) await sleep(20)
  assert.equal(heard, 80_000)
})
