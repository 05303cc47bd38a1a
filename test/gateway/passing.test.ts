import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { plainOf } from '../../src/gateway/worker/plain-body.ts'
import { raw, startRig, startUpstream } from './servers.ts'
import { settingsWith } from './sites.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const HANDSHAKE = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n`
const portOf = (server: Server): number => (server.address() as AddressInfo).port

/** `gzip`, `gzip,br`, `none`: as the names say; `untyped`: plain, and no Content-Type. */
function coded(name: string, plain: Buffer): { type: string | undefined; coding: string; body: Buffer } {
  const pack: Record<string, (body: Buffer) => Buffer> = {
    gzip: gzipSync,
    br: brotliCompressSync,
    zstd: zstdCompressSync,
    deflate: deflateSync,
  }
  const type = name === 'untyped' ? undefined : name === 'byteranges' ? 'multipart/byteranges; boundary=B' : 'text/csv'
  if (name === 'raw') return { type, coding: 'deflate', body: deflateRawSync(plain) }
  const body = name.split(',').reduce((packed, coding) => pack[coding]?.(packed) ?? packed, plain)
  return { type, coding: type === 'text/csv' ? name : 'identity', body }
}

/** Answers in ways of its own: WebSocket echo, events, personal data, compressed. */
async function startSpecial(): Promise<AsyncDisposable & { origin: string }> {
  const server = createServer((req, res) => {
    if (req.url === '/events') {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      setTimeout(() => res.write('data: một\n\n'), 1_000)
      return
    }
    const people = Array.from({ length: 300 }, (_, i) => `nguoi${i}@example.vn`).join(',')
    if (req.url === '/people') return void res.writeHead(200, { 'content-type': 'text/plain' }).end(people)
    if (req.url === '/many')
      return void res
        .writeHead(200, { 'content-type': 'text/csv' })
        .end(Array.from({ length: 3_000 }, (_, i) => `09${10_000_000 + i},nguoi${i}@example.vn`).join('\n'))
    if (req.url === '/packed')
      return void res
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync(JSON.stringify({ people })))
    if (req.url?.startsWith('/coded/')) {
      const { type, coding, body } = coded(req.url.slice(7), Buffer.from(people))
      return void res.writeHead(200, { ...(type && { 'content-type': type }), 'content-encoding': coding }).end(body)
    }
    res.end(`${req.headers['accept-encoding']} ${req.headers.range}`)
  })
  server.on('upgrade', (req, socket: Socket) => {
    if (req.url === '/no') return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    const accept = createHash('sha1').update(`${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
    )
    socket.on('error', () => socket.destroy())
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${portOf(server)}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('WebSocket: judged as a request, then joined both ways, and closed when nothing moves', async (t) => {
  await using special = await startSpecial()
  await using rig = await startRig({ upstream: special.origin }, { tunnelIdleMs: 400 })
  const open = async (target: string, head = HANDSHAKE): Promise<Socket> => {
    const socket = connect(rig.port, '127.0.0.1')
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n${head}\r\n`)
    return socket
  }
  await t.test('echo', async () => {
    const socket = await open('/ws')
    const [first] = (await once(socket, 'data')) as [Buffer]
    assert.match(first.toString(), /^HTTP\/1\.1 101 [^]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i)
    assert.match(first.toString(), /\r\nX-Request-Id: R-/)
    assert.equal(rig.gateway.stats().tunnels, 1)
    const payload = Buffer.alloc(300_000, 7)
    let got = 0
    socket.on('data', (chunk) => (got += chunk.length))
    socket.write(payload)
    while (got < payload.length) await wait(5)
    const began = Date.now()
    await once(socket, 'close')
    assert.ok(Date.now() - began < 2_000)
    await wait(20)
    assert.equal(rig.gateway.stats().tunnels, 0)
    assert.equal(rig.events.at(-1)?.['status'], 101)
  })
  for (const [name, target, head, status] of [
    ['an attack in the handshake', "/ws?q=' or '1'='1".replaceAll(' ', '%20'), HANDSHAKE, 403],
    ['the application says no', '/no', HANDSHAKE, 403],
    ['no key', '/ws', 'Connection: Upgrade\r\nUpgrade: websocket\r\n', 501],
    [
      'HTTP/2 in the clear',
      '/',
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n',
      501,
    ],
  ] as const)
    await t.test(name, async () => {
      const answer = await raw(rig.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n${head}\r\n`)
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
    })
})

test('events come at once, head first', async () => {
  await using special = await startSpecial()
  await using rig = await startRig({ upstream: special.origin })
  const socket = connect(rig.port, '127.0.0.1')
  socket.write('GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n')
  const [head] = (await once(socket, 'data')) as [Buffer]
  assert.doesNotMatch(head.toString(), /data:/, 'the head waits for no event')
  assert.match(head.toString(), /text\/event-stream/)
  const [event] = (await once(socket, 'data')) as [Buffer]
  assert.match(event.toString(), /data: một/)
  socket.destroy()
})

test('people in answers are counted, flagged or kept back, plain or compressed', async (t) => {
  await using special = await startSpecial()
  await using rig = await startRig({ upstream: special.origin })
  for (const [policy, subjects, target, status] of [
    ['off', 100, '/people', 200],
    ['flag', 100, '/people', 200],
    ['stop', 100, '/people', 502],
    ['stop', 300, '/people', 200],
    ['stop', 100, '/packed', 502],
    ['stop', 100, '/many', 502],
  ] as const)
    await t.test(`${policy} over ${subjects}: ${target}`, async () => {
      await rig.gateway.use(settingsWith(special.origin, [{ outgoing: { policy, subjects } }]))
      const answer = await raw(rig.port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
      assert.equal(answer.includes('nguoi7@'), status === 200)
    })
  assert.equal(rig.gateway.stats().outgoing, 4)
  assert.equal(rig.gateway.stats().offLoop.jobs, 1)
  const asked = await raw(rig.port, 'GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n')
  assert.match(asked, /undefined/)
  const ranged = await raw(rig.port, 'GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1,4-\r\nConnection: close\r\n\r\n')
  assert.match(ranged, /undefined undefined/)
  await rig.gateway.use(settingsWith(special.origin, [{}]))
  assert.match(
    await raw(rig.port, 'GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\nConnection: close\r\n\r\n'),
    /bytes=0-1/,
  )
})

test('people are kept back however the answer is coded and typed; what cannot be read is not let by', async (t) => {
  await using special = await startSpecial()
  await using rig = await startRig({ upstream: special.origin })
  for (const [coding, policy, site, status] of [
    ...['identity', 'gzip', 'br', 'zstd', 'deflate', 'raw', 'gzip,br', 'untyped', 'byteranges'].map(
      (one) => [one, 'stop', {}, 502] as const,
    ),
    ['x-own', 'stop', {}, 503],
    ['gzip,gzip,gzip,gzip', 'stop', {}, 503],
    ['x-own', 'stop', { mode: 'off' }, 503],
    ['x-own', 'stop', { failOpen: true }, 200],
    ['x-own', 'stop', { mode: 'detect' }, 200],
    ['x-own', 'flag', {}, 200],
    ['x-own', 'off', {}, 200],
  ] as const)
    await t.test(`${coding}, ${policy} ${JSON.stringify(site)}: ${status}`, async () => {
      await rig.gateway.use(settingsWith(special.origin, [{ ...site, outgoing: { policy, subjects: 100 } }]))
      const answer = await raw(rig.port, `GET /coded/${coding} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
    })
  assert.equal(rig.gateway.stats().turned.failed, 3)
})

for (const [coding, pack] of [
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
  ['deflate', deflateRawSync],
  ['zstd', zstdCompressSync],
] as const)
  test(`a body in ${coding} that was cut gives what it holds, or says that it cannot be read`, async () => {
    const plain = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7_919) % 104_729).join('\n'))
    const packed = pack(plain)
    const half = await plainOf(coding, packed.subarray(0, packed.length >> 1), false)
    assert.ok(half !== undefined && half.length > 10_000 && plain.subarray(0, half.length).equals(half))
    assert.equal(await plainOf(coding, packed.subarray(0, 9), false), undefined)
    assert.deepEqual(await plainOf(coding, packed, true), plain)
    const large = await plainOf(coding, pack(Buffer.alloc(9 << 20, 65)), true)
    assert.equal(large?.length, 4 << 20)
  })

test('several applications: weights, one that is away is left alone for a while, safe requests go elsewhere', async () => {
  await using one = await startUpstream()
  await using two = await startUpstream()
  await using rig = await startRig()
  const gone = 'http://127.0.0.1:9'
  await rig.gateway.use(
    settingsWith('', [{ upstreams: [{ url: gone }, { url: one.origin, weight: 3 }, { url: two.origin }] }]),
  )
  const get = (method = 'GET'): Promise<string> =>
    raw(rig.port, `${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
  const answers: string[] = []
  for (let i = 0; i < 12; i++) answers.push(await get())
  assert.ok(answers.every((answer) => answer.startsWith('HTTP/1.1 200')))
  assert.equal(rig.gateway.stats().applications.out, 1)
  assert.equal(one.received.length + two.received.length, 12)
  assert.deepEqual([one.received.length, two.received.length], [9, 3])
  await rig.gateway.use(settingsWith('', [{ upstreams: [{ url: gone }] }]))
  for (let i = 0; i < 3; i++) assert.match(await get('POST'), /^HTTP\/1\.1 502 /)
  assert.equal(rig.gateway.stats().applications.out, 1)
})

test('an upload beyond the limit streams through; trailers stay behind', async () => {
  await using rig = await startRig()
  await rig.gateway.use(settingsWith(rig.origin, [{ body: { limit: 50_000, beyond: 'pass' } }]))
  const part = `8000\r\n${'\0'.repeat(0x8000)}\r\n`
  const answer = await raw(rig.port, [
    'POST /up HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\nConnection: close\r\n\r\n',
    part.repeat(100),
    '0\r\nX-Late: 1\r\n\r\n',
  ])
  assert.match(answer, /^HTTP\/1\.1 200 /)
  assert.equal(rig.received[0]!.body.length, 0x8000 * 100)
  assert.ok(!rig.received[0]!.headers.some((name) => /x-late/i.test(name)))
  assert.equal(rig.gateway.stats().uninspected, 1)
})
