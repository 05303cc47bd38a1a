import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { makeCertificate } from './certificate.ts'
import { startRig, type Rig } from './servers.ts'
import { settingsWith } from './sites.ts'

const folder = await mkdtemp(join(tmpdir(), 'khien-proxy-tls-'))
after(() => rm(folder, { recursive: true }))
const tls = makeCertificate(folder, 'shop.vn')
const LOOPBACK = ['127.0.0.0/8']

async function proxied(trustedProxies: string[] = LOOPBACK, limits = {}): Promise<Rig> {
  const rig = await startRig({ proxyListen: { host: '127.0.0.1', port: 0 }, trustedProxies }, limits)
  await rig.gateway.use(settingsWith(rig.origin, [{ hosts: ['shop.vn'], tls }]))
  return rig
}

const V1 = Buffer.from('PROXY TCP4 203.0.113.9 127.0.0.1 51398 443\r\n')
const V2 = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'),
  Buffer.from([203, 0, 113, 9, 127, 0, 0, 1, 51_398 >> 8, 51_398 & 255, 443 >> 8, 443 & 255]),
])
const V2_IPV6 = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a21210024', 'hex'),
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.alloc(16),
  Buffer.from('c8c601bb', 'hex'),
])

/** A load balancer's connection: the header in as many pieces, then TLS from its client; rejects when it is closed instead. */
async function secured(port: number, pieces: readonly Buffer[], protocols: string[], pause = 0): Promise<TLSSocket> {
  const raw = connect(port, '127.0.0.1')
  await once(raw, 'connect')
  const closed = new Promise<never>((_, reject) => raw.once('close', () => reject(new Error('closed'))))
  closed.catch(() => undefined)
  raw.on('error', () => undefined).setNoDelay(true)
  for (const piece of pieces) {
    raw.write(piece)
    await wait(5)
  }
  await wait(pause)
  const socket = connectTls({ socket: raw, servername: 'shop.vn', rejectUnauthorized: false, ALPNProtocols: protocols })
  socket.on('error', () => undefined)
  await Promise.race([new Promise((resolve) => socket.once('secureConnect', resolve)), closed])
  return socket
}

const REQUEST = 'GET /a?b=1 HTTP/1.1\r\nHost: shop.vn\r\nX-Forwarded-For: 192.0.2.66\r\nConnection: close\r\n\r\n'
async function answerOf(socket: Socket, request = REQUEST): Promise<string> {
  let out = ''
  socket.on('data', (chunk) => (out += String(chunk))).on('error', () => undefined)
  socket.write(request)
  await once(socket, 'close')
  return out
}

function toldUpstream(rig: Rig): Record<string, string> {
  const { headers } = rig.received.at(-1)!
  return Object.fromEntries(
    headers.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), headers[i + 1]!]] : [])),
  ) as Record<string, string>
}

for (const [name, pieces, address, pause] of [
  ['version 1', [V1], '203.0.113.9', 0],
  ['version 2', [V2], '203.0.113.9', 0],
  ['version 2 in three pieces', [V2.subarray(0, 3), V2.subarray(3, 20), V2.subarray(20)], '203.0.113.9', 0],
  ['version 2, IPv6', [V2_IPV6], '2001:db8::7', 0],
  ['TLS only later than a header may take', [V1], '203.0.113.9', 2_300],
] as const)
  test(`a PROXY header before TLS, ${name}: address and port arrive, over HTTP/1.1 and HTTP/2`, async () => {
    await using rig = await proxied()
    const answer = await answerOf(await secured(rig.gateway.proxyPort!, pieces, ['http/1.1'], pause))
    assert.match(answer, /^HTTP\/1\.1 200 /)
    const socket = await secured(rig.gateway.proxyPort!, pieces, ['h2'], pause)
    const session = connectHttp2('https://shop.vn', { createConnection: () => socket })
    const stream = session.request({ ':path': '/a?b=1', 'x-forwarded-for': '192.0.2.66' }).resume()
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    assert.equal(headers[':status'], 200)
    await once(stream, 'close')
    const node = address.includes(':') ? `[${address}]` : address
    const told = toldUpstream(rig)
    assert.equal(told['x-forwarded-for'], address)
    assert.equal(told['x-forwarded-proto'], 'https')
    assert.match(told['forwarded']!, new RegExp(`for="${node.replaceAll(/[[\]]/g, '\\$&')}:51398"`))
    session.destroy()
    await wait(20)
    assert.deepEqual(
      rig.events.map((event) => [event['clientAddress'], event['clientPort'], event['status']]),
      [0, 1].map(() => [address, 51_398, 200]),
    )
  })

test('a PROXY header before TLS: rules, and a connection kept for several requests, speak of the same client', async () => {
  await using rig = await proxied()
  const socket = await secured(rig.gateway.proxyPort!, [V2], ['http/1.1'])
  const attack = 'GET /?q=%27%20or%20%271%27%3D%271 HTTP/1.1\r\nHost: shop.vn\r\n\r\n'
  const answer = await answerOf(socket, attack + REQUEST)
  assert.match(answer, /^HTTP\/1\.1 403 [^]*HTTP\/1\.1 200 /)
  const [{ clientAddress, clientPort }] = rig.refusals as [(typeof rig.refusals)[0]]
  assert.deepEqual([clientAddress, clientPort], ['203.0.113.9', 51_398])
})

test('a PROXY header before TLS: who is not trusted, or says nothing, is closed unanswered', async (t) => {
  const refused = (rig: Rig, pieces: readonly Buffer[]): Promise<unknown> =>
    assert.rejects(secured(rig.gateway.proxyPort!, pieces, ['http/1.1']), /closed/)
  await t.test('a header from an address that is no proxy of ours', async () => {
    await using rig = await proxied(['192.0.2.0/24'])
    await refused(rig, [V2])
    await refused(rig, [V1])
    assert.equal(rig.received.length, 0)
  })
  await t.test('a trusted proxy without a header', async () => {
    await using rig = await proxied()
    await refused(rig, [])
  })
  await t.test('two headers', async () => {
    await using rig = await proxied()
    const plain = connect(rig.gateway.proxyPort!, '127.0.0.1')
    const answer = await answerOf(plain, `${V1.toString()}${V1.toString()}${REQUEST}`)
    assert.match(answer, /^HTTP\/1\.1 400 /)
    await refused(rig, [V1, V1])
    assert.equal(rig.received.length, 0)
  })
  await t.test('nothing after the header', async () => {
    await using rig = await proxied(LOOPBACK, { headMs: 300 })
    const socket = connect(rig.gateway.proxyPort!, '127.0.0.1')
    socket.write(V2)
    const began = Date.now()
    await once(socket.resume(), 'close')
    assert.ok(Date.now() - began >= 250)
  })
  await t.test('the command LOCAL: the connection’s own address', async () => {
    await using rig = await proxied()
    const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')
    const socket = await secured(rig.gateway.proxyPort!, [local], ['http/1.1'])
    const { localPort } = socket
    // A trusted proxy that speaks for itself is believed what it tells.
    assert.match(await answerOf(socket, REQUEST.replace(/X-Forwarded-For: \S+\r\n/, '')), /^HTTP\/1\.1 200 /)
    await wait(20)
    assert.deepEqual([rig.events[0]!['clientAddress'], rig.events[0]!['clientPort']], ['127.0.0.1', localPort])
  })
})
