import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { SupervisedProcess } from '../../app/supervised-process.ts'
import { systemEntropy } from '../../kit/ids.ts'
import { silentLog } from '../../kit/log.ts'
import { SegmentLog } from '../segments/index.ts'
import { eventStore, segmentLoader, type Term } from './index.ts'

// The store process as it runs, asked over its socket.
const root = join(import.meta.dirname, '..', '..', '..')
const NOW = Date.UTC(2026, 10, 22, 3)
const RECEIVED = NOW + 7

const EVENTS: readonly Record<string, unknown>[] = [
  {
    id: 'full',
    time: NOW,
    kind: 'gateway.refused',
    requestId: 'R-1',
    clientAddress: '198.18.0.7',
    clientPort: 4_000,
    method: 'GET',
    host: 'shop.vn',
    path: '/100%_sure/\\x',
    status: 403,
    score: 15.5,
    threshold: 5,
    mode: 'block',
    severity: 'critical',
    ruleIds: [944_120, 7],
    tags: ['attack-jndi', 'x'],
    places: ['ARGS:q'],
    callbackHost: 'c2.example.net',
    callbackPort: 1_389,
  },
  {
    id: 'defaults',
    time: NOW + 1,
    kind: 'gateway.access',
    clientPort: 0,
    status: 200,
    host: '',
    path: '/',
    bytesIn: 0,
    bytesOut: 9_007_199_254_740_991,
    ms: 0,
    ruleIds: [],
  },
  {
    id: 'nulls',
    time: NOW + 2,
    kind: 'net.flow',
    host: null,
    clientPort: 65_535,
    serverAddress: '::',
    serverPort: 443,
    protocol: 'tcp',
  },
  {
    id: 'odd',
    time: NOW + 3,
    kind: 'dns.query',
    clientAddress: '2001:db8::1',
    query: 'a.vn',
    type: 'A',
    answers: ['203.0.113.9', '2001:db8::2'],
    future: { deep: ['Ngõ', 1] },
    path: 'lone \ud800',
    status: 70_000,
    subjects: -1,
  },
  {
    id: 'long',
    time: NOW + 4,
    kind: 'vault.read',
    actor: 'service:s',
    collection: 'person',
    fields: ['phone'],
    purpose: 'Ngõ'.repeat(60),
    subjects: 4,
    result: 'allowed',
  },
  {
    id: 'old',
    time: NOW - 100 * 86_400_000,
    kind: 'session.login',
    account: 'acc_7Q4K2MXB9D0RHT5W',
    clientAddress: '10.1.2.3',
    result: 'refused',
  },
]
const stored = (event: Record<string, unknown>) => ({
  ...event,
  time: new Date(event['time'] as number).toISOString(),
  received: new Date(RECEIVED).toISOString(),
  source: 'test',
})

async function startStore() {
  const folder = mkdtempSync(join(tmpdir(), 'khe-'))
  mkdirSync(join(folder, 'events'))
  const child = new SupervisedProcess(
    { name: 'store', module: join(root, 'src/app/processes/store.ts'), config: { folder }, restart: false },
    { root, compileCache: undefined },
    true,
  )
  await child.ready()
  const segments = await SegmentLog.open({
    folder: join(folder, 'events', 'segments'),
    lastSeq: 0,
    entropy: systemEntropy,
    log: silentLog,
  })
  const socket = join(folder, 'run', 'store.sock')
  const [store, loader] = [eventStore(socket), segmentLoader(socket)]
  return {
    store,
    loader,
    async load(events: readonly Record<string, unknown>[]) {
      const rejected = {}
      await segments.append(
        { batch: 'b', source: 'test', received: RECEIVED, lines: events.length, events: events.length, rejected },
        events.map((event) => JSON.stringify(event)).join('\n'),
      )
      await segments.seal()
      const { id } = segments.sealed.at(-1)!
      return { id, ...(await loader.load(id)) }
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await loader[Symbol.asyncDispose]()
      await segments[Symbol.asyncDispose]()
      await child.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const where = (field: string, is: string, value: string | number = '', not = false): Term => {
  const key = is === 'like' ? 'pattern' : is === 'network' ? 'network' : 'value'
  return { field, not, test: is === 'present' ? { is } : { is, [key]: value } } as unknown as Term
}
const FOUND: readonly (readonly [readonly Term[], string])[] = [
  [[], 'full defaults nulls odd long old'],
  [[where('kind', 'equal', 'dns.query')], 'odd'],
  [[where('kind', 'like', 'GATEWAY.*')], 'full defaults'],
  [[where('kind', 'like', 'gateway.*', true)], 'nulls odd long old'],
  [[where('path', 'like', '*100%_s*')], 'full'],
  [[where('path', 'like', '/1_0*')], ''],
  [[where('path', 'like', '*\\x')], 'full'],
  [[where('clientAddress', 'equal', '198.18.0.7')], 'full'],
  [[where('clientAddress', 'network', '198.18.0.0/15')], 'full'],
  [[where('clientAddress', 'network', '0.0.0.0/0')], 'full old'],
  [[where('clientAddress', 'network', '2001:db8::/32')], 'odd'],
  [[where('answers', 'equal', '2001:db8::2')], 'odd'],
  [[where('answers', 'network', '203.0.113.0/24')], 'odd'],
  [[where('serverAddress', 'present')], 'nulls'],
  [[where('serverAddress', 'equal', '::')], 'nulls'],
  [[where('clientPort', 'present')], 'full defaults nulls'],
  [[where('clientPort', 'equal', '0')], 'defaults'],
  [[where('clientPort', 'most', 4_000)], 'full defaults'],
  [[where('clientPort', 'least', 4_000)], 'full nulls'],
  [[where('host', 'present')], 'full defaults nulls'],
  [[where('host', 'equal', '')], 'defaults'],
  [[where('score', 'equal', '15.5')], 'full'],
  [[where('ms', 'most', 5)], 'defaults'],
  [[where('threshold', 'least', 5)], 'full'],
  [[where('mode', 'equal', 'block')], 'full'],
  [[where('mode', 'equal', 'block', true)], 'defaults nulls odd long old'],
  [[where('tags', 'equal', 'x')], 'full'],
  [[where('tags', 'like', '*JNDI')], 'full'],
  [[where('ruleIds', 'equal', '7')], 'full'],
  [[where('ruleIds', 'least', 900_000)], 'full'],
  [[where('ruleIds', 'present')], 'full defaults'],
  [[where('bytesOut', 'least', 9_007_199_254_740_991)], 'defaults'],
  [[where('account', 'equal', 'acc_7Q4K2MXB9D0RHT5W')], 'old'],
  [[where('host', 'equal', "x' OR 1=1 --")], ''],
  [[where('purpose', 'like', 'ngõngõ*')], 'long'],
  [[where('kind', 'equal', 'gateway.refused'), where('status', 'equal', '200', true)], 'full'],
]

test('the event store', async (t) => {
  await using at = await startStore()
  const span = { from: NOW - 200 * 86_400_000, to: NOW + 1_000 }
  const first = await at.load(EVENTS)

  await t.test('takes a segment once, however often it is loaded', async () => {
    assert.deepEqual([first.rows, first.added, first.inStore], [EVENTS.length, EVENTS.length, EVENTS.length])
    assert.deepEqual(await at.loader.load(first.id), { rows: EVENTS.length, added: 0, inStore: EVENTS.length })
  })

  for (const event of EVENTS)
    await t.test(`gives back ${String(event['id'])} as it came`, async () =>
      assert.deepEqual(await at.store.one(event['id'] as string), JSON.parse(JSON.stringify(stored(event)))),
    )

  for (const [terms, ids] of FOUND)
    await t.test(`finds ${JSON.stringify(terms)}`, async () => {
      const { events } = await at.store.search({ ...span, where: terms, limit: 100, cursor: null })
      assert.deepEqual(new Set(events.map(({ id }) => id)), new Set(ids.split(' ').filter((id) => id !== '')))
      assert.equal(await at.store.count({ ...span, where: terms }), events.length)
    })

  await t.test('counts over time and by value', async () => {
    const hist = await at.store.histogram({ from: NOW, to: NOW + 10, where: [], bucketMs: 2, by: 'kind' })
    assert.deepEqual(
      hist.map(({ at: instant, by, count }) => `${instant - NOW} ${by} ${count}`),
      ['0 gateway.access 1', '0 gateway.refused 1', '2 dns.query 1', '2 net.flow 1', '4 vault.read 1'],
    )
    const top = (field: 'clientAddress' | 'tags' | 'ruleIds' | 'clientPort' | 'mode' | 'answers') =>
      at.store.top({ ...span, where: [], field, limit: 2 })
    assert.deepEqual(await top('clientAddress'), {
      values: [
        { value: '10.1.2.3', count: 1 },
        { value: '198.18.0.7', count: 1 },
      ],
      total: 3,
    })
    assert.deepEqual(
      (await top('tags')).values.map(({ value }) => value),
      ['attack-jndi', 'x'],
    )
    assert.deepEqual(
      (await top('ruleIds')).values.map(({ value }) => value),
      ['7', '944120'],
    )
    assert.deepEqual(
      (await top('clientPort')).values.map(({ value }) => value),
      ['0', '4000'],
    )
    assert.deepEqual((await top('mode')).values, [{ value: 'block', count: 1 }])
    assert.deepEqual(
      new Set((await top('answers')).values.map(({ value }) => value)),
      new Set(['2001:db8::2', '203.0.113.9']),
    )
  })

  await t.test('of many values the ten most frequent keep their name', async () => {
    await at.load(
      Array.from({ length: 300 }, (_, i) => ({
        id: `m${i}`,
        time: NOW + 500,
        kind: 'dns.query',
        query: `h${Math.min(i % 40, 20)}.vn`,
      })),
    )
    const hist = await at.store.histogram({ from: NOW + 500, to: NOW + 501, where: [], bucketMs: 1, by: 'query' })
    assert.equal(hist.length, 11)
    assert.equal(
      hist.reduce((sum, { count }) => sum + count, 0),
      300,
    )
    assert.ok(hist.some(({ by }) => by === null))
  })

  await t.test('pages lose and double nothing under equal times and equal ids', async () => {
    const same = Array.from({ length: 157 }, (_, i) => ({
      id: `p${i % 100}`,
      time: NOW + 700 + (i % 2),
      kind: 'dns.query',
      clientPort: i + 1,
    }))
    await at.load(same)
    const seen: unknown[] = []
    let cursor: { time: number; seq: number } | null = null
    do {
      const page: Awaited<ReturnType<typeof at.store.search>> = await at.store.search({
        from: NOW + 700,
        to: NOW + 702,
        where: [],
        limit: 10,
        cursor,
      })
      seen.push(...page.events.map(({ clientPort }) => clientPort))
      cursor = page.next
    } while (cursor !== null)
    assert.equal(seen.length, same.length)
    assert.deepEqual(new Set(seen), new Set(same.map(({ clientPort }) => clientPort)))
  })

  await t.test('a segment that is not there is an error, and the next one loads', async () => {
    await assert.rejects(at.loader.load('0000009999-00000000'), { status: 500 })
    await assert.rejects(at.loader.load('../../etc/passwd'), { code: 'events/segment' })
    assert.equal((await at.load([{ id: 'z', time: NOW, kind: 'net.flow' }])).added, 1)
  })
})
