import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { connect, type ClientHttp2Session } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect as tlsConnect } from 'node:tls'
import { makeCertificate } from './certificate.ts'
import { raw, startRig, type Rig } from './servers.ts'
import { settingsWith } from './sites.ts'

const folder = await mkdtemp(join(tmpdir(), 'khien-tls-'))
after(() => rm(folder, { recursive: true }))
const shop = makeCertificate(folder, 'shop.vn')
const other = makeCertificate(folder, 'other.vn')

async function secureRig(limits = {}): Promise<Rig & { readonly tls: number }> {
  const rig = await startRig({ tlsListen: { host: '127.0.0.1', port: 0 } }, limits)
  await rig.gateway.use(
    settingsWith(rig.origin, [
      { hosts: ['shop.vn'], tls: shop, httpsRedirect: true },
      { hosts: ['other.vn'], tls: other },
      { hosts: ['plain.vn'] },
    ]),
  )
  return Object.assign(rig, { tls: rig.gateway.tlsPort! })
}
const session = (rig: { readonly tls: number }, name = 'shop.vn'): ClientHttp2Session => {
  const made = connect(`https://127.0.0.1:${rig.tls}`, { servername: name, rejectUnauthorized: false })
  made.on('error', () => undefined)
  return made
}
type Answer = { status: number; headers: Record<string, unknown>; body: string; code: number }
function ask(client: ClientHttp2Session, headers: Record<string, string | string[]>, body?: string): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = client.request(
      { ':path': '/', ':authority': 'shop.vn', ...headers },
      { endStream: body === undefined },
    )
    const out: Answer = { status: 0, headers: {}, body: '', code: 0 }
    stream.on('response', (told) => Object.assign(out, { status: told[':status'], headers: told }))
    stream.on('data', (chunk) => (out.body += String(chunk)))
    stream.on('error', () => undefined)
    stream.on('close', () => resolve({ ...out, code: stream.rstCode ?? 0 }))
    if (body !== undefined) stream.end(body)
  })
}

test('HTTP/2: passed on as HTTP/1.1, judged as everything else', async (t) => {
  const rig = await secureRig()
  await using _ = rig
  const client = session(rig)
  const attack = '/?q=%27%20or%20%271%27%3D%271'
  for (const [name, status, headers, body] of [
    ['a page', 200, {}],
    ['a form', 200, { ':method': 'POST', 'content-type': 'application/x-www-form-urlencoded' }, 'a=xin+ch%C3%A0o'],
    ['an attack', 403, { ':path': attack }],
    [
      'an attack in a body',
      403,
      { ':method': 'POST', 'content-type': 'application/x-www-form-urlencoded' },
      "a=' or '1'='1",
    ],
    ['a host that agrees', 200, { host: 'shop.vn' }],
    ['a host that does not agree', 400, { host: 'other.vn' }],
    ['a name with _', 400, { x_a: '1' }],
    ['nobody’s host', 421, { ':authority': 'evil.vn' }],
    ['a long path', 414, { ':path': `/${'a'.repeat(9_000)}` }],
  ] as [string, number, Record<string, string>, string?][])
    await t.test(name, async () => assert.equal((await ask(client, headers, body)).status, status))
  await t.test('headers arrive as they should', async () => {
    rig.received.length = 0
    await ask(client, { cookie: ['a=1', 'b=2'], te: 'trailers', 'x-forwarded-for': '6.6.6.6' })
    const flat = rig.received[0]!.headers
    const told = Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), flat[i + 1]]] : [])))
    const { forwarded, te, ...rest } = told
    assert.deepEqual(
      [rest['host'], rest['cookie'], rest['x-forwarded-proto'], rest['x-forwarded-for'], te],
      ['shop.vn', 'a=1; b=2', 'https', '127.0.0.1', undefined],
    )
    assert.match(String(forwarded), /^for="127\.0\.0\.1:\d+";host="shop\.vn";proto=https$/)
  })
  await t.test('cookies of an answer stay apart', async () => {
    assert.deepEqual((await ask(client, {})).headers['set-cookie'], ['a=1', 'b=2'])
  })
  await t.test('a large answer, read slowly', async () => {
    assert.equal((await ask(client, { ':path': '/big' })).body.length, 64 * 65_536 + 'xong /big'.length)
  })
  assert.equal(rig.events.find((event) => event['status'] === 403)?.['clientAddress'], '127.0.0.1')
  client.close()
})

test('TLS: a certificate for each name, HTTP/1.1 too, taken anew when the file changes', async () => {
  const rig = await secureRig()
  await using _ = rig
  const presented = async (name: string): Promise<string | undefined> => {
    const socket = tlsConnect({ port: rig.tls, host: '127.0.0.1', servername: name, rejectUnauthorized: false })
    const serial = await once(socket, 'secureConnect').then(
      () => socket.getPeerCertificate().serialNumber,
      () => undefined,
    )
    socket.destroy()
    return serial
  }
  const before = await presented('shop.vn')
  assert.ok(before)
  assert.notEqual(before, await presented('other.vn'))
  assert.equal(await presented('plain.vn'), undefined)
  const status = await new Promise((resolve, reject) =>
    httpsRequest(
      {
        port: rig.tls,
        host: '127.0.0.1',
        servername: 'shop.vn',
        headers: { host: 'shop.vn' },
        rejectUnauthorized: false,
      },
      (res) => resolve(res.resume().statusCode),
    )
      .on('error', reject)
      .end(),
  )
  assert.equal(status, 200)
  assert.match(
    await raw(rig.port, 'GET /a?b=1 HTTP/1.1\r\nHost: shop.vn\r\nConnection: close\r\n\r\n'),
    new RegExp(`^HTTP/1.1 308 [^]*\\r\\nLocation: https://shop\\.vn:${rig.tls}/a\\?b=1\\r\\n`),
  )
  const next = makeCertificate(folder, 'shop.vn', 'next')
  await copyFile(next.key, shop.key)
  await copyFile(next.certificate, shop.certificate)
  await rig.gateway.use(settingsWith(rig.origin, [{ hosts: ['shop.vn'], tls: shop }]))
  const after = await presented('shop.vn')
  assert.ok(after !== undefined && after !== before)
})

const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, Buffer.alloc(0))])
/** GET https shop.vn/ by the static table of HPACK. */
const HEAD = Buffer.concat([Buffer.from([0x82, 0x87, 0x84, 0x01, 7]), Buffer.from('shop.vn')])
const RESET = Buffer.from([0, 0, 0, 8])
const ZERO = Buffer.from([0, 0, 0, 0])

for (const [name, flood, most] of [
  ['rapid reset (CVE-2023-44487)', (i: number) => [frame(1, 5, 2 * i + 1, HEAD), frame(3, 0, 2 * i + 1, RESET)], 200],
  // A window update of nothing is an error that the server must answer with a reset.
  [
    'resets that we are made to send (CVE-2025-8671)',
    (i: number) => [frame(1, 5, 2 * i + 1, HEAD), frame(8, 0, 2 * i + 1, ZERO)],
    200,
  ],
  ['pings without end', () => [frame(6, 0, 0, Buffer.alloc(8))], 0],
  ['settings without end', () => [frame(4, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255]))], 0],
] as const)
  test(`an HTTP/2 connection that only costs is ended: ${name}`, async () => {
    const rig = await secureRig({ resets: 50 })
    await using _ = rig
    const socket = tlsConnect({
      port: rig.tls,
      host: '127.0.0.1',
      servername: 'shop.vn',
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
    })
    socket.on('error', () => undefined).resume()
    const closed = new Promise<boolean>((resolve) => socket.on('close', () => resolve(true)))
    await once(socket, 'secureConnect')
    socket.write(PREFACE)
    for (let i = 0; i < 2_000 && !socket.destroyed; i++) {
      for (const bytes of flood(i)) socket.write(bytes)
      if (i % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    assert.ok(await Promise.race([closed, new Promise((resolve) => setTimeout(() => resolve(false), 3_000))]))
    socket.destroy()
    assert.ok(rig.received.length <= most, String(rig.received.length))
    const client = session(rig)
    assert.equal((await ask(client, {})).status, 200)
    client.close()
  })
