import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { taxiiClient, type TaxiiClientOptions } from './client.ts'
import { TAXII_MEDIA } from './media.ts'

type Reply = (req: IncomingMessage, res: ServerResponse, body: string) => void

/** A peer that answers as a test wants. */
async function peer(reply: Reply) {
  const seen: { method: string; url: string; headers: IncomingMessage['headers'] }[] = []
  const server = createServer((req, res) => {
    const parts: Buffer[] = []
    req.on('data', (part: Buffer) => parts.push(part))
    req.on('end', () => {
      seen.push({ method: req.method!, url: req.url!, headers: req.headers })
      reply(req, res, Buffer.concat(parts).toString())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const waits: number[] = []
  const client = (more: Partial<TaxiiClientOptions> = {}) =>
    taxiiClient({
      root: `http://127.0.0.1:${port}/root/`,
      collection: 'c',
      user: 'u',
      secret: 's',
      timeoutMs: 2_000,
      sleep: async (ms) => void waits.push(ms),
      ...more,
    })
  return {
    seen,
    waits,
    client,
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const json = (res: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void =>
  void res.writeHead(status, { 'content-type': TAXII_MEDIA, ...headers }).end(JSON.stringify(body))
const ROOT = { title: 'x', versions: [TAXII_MEDIA], max_content_length: 10_000 }
const LAST = { 'x-taxii-date-added-last': '2026-11-22T03:00:00.000001Z' }
const START = { addedAfter: null, next: null, last: null }
const counts = (success: number, failure = 0, pending = 0) => ({
  total_count: success + failure + pending,
  success_count: success,
  failure_count: failure,
  pending_count: pending,
})
const status = (more: object) => ({ id: 's1', status: 'complete', request_timestamp: '2026-11-22T03:00:00Z', ...more })
const object = (n: number, size = 10) => ({
  id: `x--${n}`,
  version: 'v',
  body: JSON.stringify({ n, pad: 'p'.repeat(size) }),
})

const page = { more: false, objects: [{ id: 'a' }] }
for (const s of [
  {
    name: 'another media type',
    reply: (_, res) => res.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  },
  {
    name: 'the version missing',
    reply: (_, res) => res.writeHead(200, { 'content-type': 'application/taxii+json' }).end('{}'),
  },
  { name: 'no JSON', reply: (_, res) => res.writeHead(200, { 'content-type': TAXII_MEDIA }).end('{') },
  { name: 'objects without a date', reply: (_, res) => json(res, 200, page) },
  { name: 'objects that are no list', reply: (_, res) => json(res, 200, { objects: {} }, LAST) },
  { name: 'more without any way on', reply: (_, res) => json(res, 200, { more: true }) },
  { name: 'too much', reply: (_, res) => json(res, 200, { objects: ['x'.repeat(200_000)] }, LAST) },
  { name: 'another host', reply: (_, res) => res.writeHead(302, { location: 'http://127.0.0.2:1/' }).end() },
  { name: 'a redirect for ever', reply: (req, res) => res.writeHead(302, { location: req.url }).end() },
] as { name: string; reply: Reply }[])
  test(`client: a page with ${s.name} is refused`, async () => {
    await using there = await peer(s.reply)
    await assert.rejects(there.client({ maxBody: 100_000 }).page(START), { code: 'exchange/peer-answer', status: 502 })
  })

test('client: a redirect on the same host is followed, with the credentials', async () => {
  await using there = await peer((req, res) =>
    req.url!.startsWith('/moved/')
      ? json(res, 200, page, LAST)
      : res.writeHead(308, { location: `/moved${req.url}` }).end(),
  )
  assert.equal((await there.client().page(START)).objects.length, 1)
  assert.equal(there.seen[1]!.headers.authorization, `Basic ${Buffer.from('u:s').toString('base64')}`)
})

for (const root of [
  'http://soc.example.vn/root/',
  'ftp://127.0.0.1/',
  'nonsense',
  'https://u:p@soc.example.vn/',
  'http://127.evil.example/',
])
  test(`client: ${root} is no safe root`, () =>
    assert.throws(() => taxiiClient({ root, collection: 'c', user: 'u', secret: 's' }), {
      code: 'exchange/peer-insecure',
    }))

test('client: 429 and 503 are waited out as long as they ask, and not for ever', async () => {
  let asked = 0
  await using there = await peer((_, res) =>
    ++asked < 3
      ? json(res, asked === 1 ? 429 : 503, {}, { 'retry-after': String(asked * 2) })
      : json(res, 200, page, LAST),
  )
  await there.client().page(START)
  assert.deepEqual(there.waits, [2_000, 4_000])
  await using never = await peer((_, res) => json(res, 503, {}, { 'retry-after': '1' }))
  await assert.rejects(never.client().page(START), { code: 'exchange/peer-busy' })
  assert.equal(never.seen.length, 5)
  await using tomorrow = await peer((_, res) => json(res, 503, {}, { 'retry-after': '86400' }))
  await assert.rejects(tomorrow.client().page(START), { code: 'exchange/peer-busy', retryAfter: 86_400 })
  assert.equal(tomorrow.seen.length, 1)
})

test('client: a peer that hangs or breaks off is away', async () => {
  await using hangs = await peer(() => {})
  await assert.rejects(hangs.client({ timeoutMs: 100 }).page(START), { code: 'exchange/peer-away' })
  await using breaks = await peer((req, res) => {
    res.writeHead(200, { 'content-type': TAXII_MEDIA, 'content-length': '100' }).write('{')
    setTimeout(() => req.socket.destroy(), 20)
  })
  await assert.rejects(breaks.client().page(START), { code: 'exchange/peer-away' })
})

test('client: next first, then added_after; an expired next starts the round again', async () => {
  const replies: [number, object, Record<string, string>][] = [
    [200, { more: true, next: 'n1', objects: [{}] }, { 'x-taxii-date-added-last': '2026-11-22T03:00:00.000001Z' }],
    [200, { more: true, objects: [{}] }, { 'x-taxii-date-added-last': '2026-11-22T03:00:00.000002Z' }],
    [200, {}, {}],
    [400, {}, {}],
    [200, { more: false, objects: [{}] }, LAST],
    [400, {}, {}],
    [200, { more: true, next: 'same', objects: [{}] }, LAST],
    [200, { more: true, next: 'same', objects: [{}] }, LAST],
    [200, { more: true, next: 'same' }, {}],
  ]
  await using there = await peer((_, res) => {
    const [code, body, headers] = replies.shift()!
    json(res, code, body, headers)
  })
  const client = there.client()
  let got = await client.page({ ...START, addedAfter: '2026-01-01T00:00:00.000000Z' })
  assert.deepEqual([got.cursor.next, got.cursor.addedAfter], ['n1', '2026-01-01T00:00:00.000000Z'])
  got = await client.page(got.cursor)
  assert.deepEqual([got.cursor.next, got.cursor.addedAfter], [null, '2026-11-22T03:00:00.000002Z'])
  got = await client.page(got.cursor)
  assert.deepEqual([got.more, got.cursor.addedAfter], [false, '2026-11-22T03:00:00.000002Z'])
  await client.page({ addedAfter: '2026-01-01T00:00:00.000000Z', next: 'gone', last: null })
  // Told again from just before the newest date seen, and a session whose name stays the same is followed.
  got = await client.page({ addedAfter: null, next: 'gone', last: '2026-11-22T03:00:00.000002Z' })
  got = await client.page(got.cursor)
  await assert.rejects(client.page(got.cursor), { code: 'exchange/peer-answer' })
  const asked = there.seen.map(({ url }) => new URL(url, 'http://x').search)
  assert.deepEqual(asked, [
    '?added_after=2026-01-01T00%3A00%3A00.000000Z',
    '?added_after=2026-01-01T00%3A00%3A00.000000Z&next=n1',
    '?added_after=2026-11-22T03%3A00%3A00.000002Z',
    '?added_after=2026-01-01T00%3A00%3A00.000000Z&next=gone',
    '?added_after=2026-01-01T00%3A00%3A00.000000Z',
    '?next=gone',
    '?added_after=2026-11-22T03%3A00%3A00.000001Z',
    '?added_after=2026-11-22T03%3A00%3A00.000001Z&next=same',
    '?added_after=2026-11-22T03%3A00%3A00.000001Z&next=same',
  ])
})

for (const [name, wrong] of [
  ['counts that do not add up', status({ ...counts(1), total_count: 2 })],
  ['a list that is not as long as its count', status({ ...counts(2), successes: [{ id: 'a' }] })],
  ['complete with something pending', status(counts(1, 0, 1))],
  ['another total than was sent', status(counts(3))],
  ['no id', { ...status(counts(2)), id: undefined }],
] as const)
  test(`client: a status with ${name} is refused`, async () => {
    await using there = await peer((req, res) =>
      json(res, req.method === 'GET' ? 200 : 202, req.method === 'GET' ? ROOT : wrong),
    )
    await assert.rejects(there.client().push([object(1), object(2)]), { code: 'exchange/peer-answer' })
  })

test('client: pushes in parts the server takes, waits for what is pending, tells each object apart', async () => {
  const sizes: number[] = []
  await using there = await peer((req, res, body) => {
    if (req.url === '/root/') return json(res, 200, ROOT)
    if (req.url!.startsWith('/root/status/'))
      return json(res, 200, status({ ...counts(1, 1), failures: [{ id: 'x--2', version: 'v', message: 'bad' }] }))
    const { objects } = JSON.parse(body) as { objects: { n: number }[] }
    sizes.push(Buffer.byteLength(body))
    assert.equal(req.headers['content-type'], TAXII_MEDIA)
    if (objects[0]!.n === 1) return json(res, 202, { ...status(counts(0, 0, 2)), status: 'pending' })
    return json(res, 202, status(counts(objects.length)))
  })
  const outcomes = await there
    .client()
    .push([object(1, 4_000), object(2, 4_000), object(3, 20_000), object(4, 9_000), object(5, 9_000)])
  assert.deepEqual(
    outcomes.map(({ id, outcome }) => [id, outcome]),
    [
      ['x--1', 'success'],
      ['x--2', 'failure'],
      ['x--3', 'failure'],
      ['x--4', 'success'],
      ['x--5', 'success'],
    ],
  )
  assert.equal(outcomes[1]!.message, 'bad')
  assert.equal(sizes.length, 3)
  assert.ok(sizes.every((size) => size <= ROOT.max_content_length))
  assert.deepEqual(there.waits, [1_000])
})
