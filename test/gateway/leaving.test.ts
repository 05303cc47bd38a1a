import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type ClientHttp2Session } from 'node:http2'
import { createServer, connect as connectTcp, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Limits } from '../../src/gateway/worker/index.ts'
import type { Shared } from '../../src/gateway/worker/shared.ts'
import { makeCertificate } from './certificate.ts'
import { raw, startRig, type Rig } from './servers.ts'
import { settingsWith } from './sites.ts'

const folder = await mkdtemp(join(tmpdir(), 'khien-leaving-'))
after(() => rm(folder, { recursive: true }))
const tls = makeCertificate(folder, 'shop.vn')

type Secure = Rig & { readonly tls: number }
async function secureRig(limits: Partial<Limits> = {}, site: object = {}, upstream?: string): Promise<Secure> {
  const rig = await startRig({ tlsListen: { host: '127.0.0.1', port: 0 } }, limits)
  await rig.gateway.use(settingsWith(upstream ?? rig.origin, [{ tls, ...site }]))
  return Object.assign(rig, { tls: rig.gateway.tlsPort! })
}

const session = (rig: Secure): ClientHttp2Session =>
  connect(`https://127.0.0.1:${rig.tls}`, { servername: 'shop.vn', rejectUnauthorized: false }).on(
    'error',
    () => undefined,
  )

const open = (client: ClientHttp2Session, headers: Record<string, string>, endStream = true) =>
  client.request({ ':path': '/', ':authority': 'shop.vn', ...headers }, { endStream }).on('error', () => undefined)

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 5))
}
const stillAnswers = async ({ port }: Rig): Promise<void> =>
  assert.match(await raw(port, 'GET / HTTP/1.1\r\nHost: a.vn\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /)

// What nobody catches ends the process of a worker; here it fails the test.
test('HTTP/2: a client leaves', async (t) => {
  const rig = await secureRig()
  await using _ = rig
  for (const [what, headers, endStream] of [
    ['a request under way', { ':path': '/never' }, true],
    ['a download it does not read', { ':path': '/big' }, true],
    ['a body it has not ended', { ':method': 'POST' }, false],
  ] as [string, Record<string, string>, boolean][])
    await t.test(`with ${what}`, async () => {
      rig.events.length = 0
      const { requests } = rig.gateway.stats()
      const client = session(rig)
      const stream = open(client, headers, endStream)
      if (headers[':path'] === '/big') {
        await once(stream, 'response')
        stream.pause()
      } else await until(() => rig.gateway.stats().requests > requests)
      client.destroy()
      await until(() => rig.events.length === 1)
    })
  await stillAnswers(rig)
})

test('HTTP/2: a rule that drops ends the whole connection', async () => {
  const rig = await secureRig(
    {},
    { virtualPatches: 'SecRule REQUEST_URI "@contains /drop" "id:1000,phase:1,drop,t:none"' },
  )
  await using _ = rig
  const client = session(rig)
  open(client, { ':path': '/drop' })
  await once(client, 'close')
  await stillAnswers(rig)
})

test('HTTP/2: who keeps us waiting has its time and no more', async (t) => {
  const rig = await secureRig({ headMs: 300, requestMs: 300, idleMs: 200, stallMs: 300 })
  await using _ = rig
  const form = { ':method': 'POST', 'content-type': 'application/x-www-form-urlencoded' }
  await t.test('a body that never comes: 408, and an idle connection is closed', async () => {
    const client = session(rig)
    const stream = open(client, form, false)
    stream.resume()
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    assert.equal(headers[':status'], 408)
    await once(stream, 'close')
    if (!client.closed) await once(client, 'close')
    assert.equal(rig.gateway.stats().turned.slow, 1)
  })
  await t.test('a body that comes a byte at a time', async () => {
    const client = session(rig)
    const stream = open(client, form, false)
    const beat = setInterval(() => stream.write('a'), 50)
    const [headers] = (await once(stream.resume(), 'response')) as [Record<string, unknown>]
    clearInterval(beat)
    assert.equal(headers[':status'], 408)
    client.destroy()
  })
  await t.test('a body that takes long but comes', async () => {
    const client = session(rig)
    const stream = open(client, { ...form, 'content-type': 'image/png' }, false)
    let sent = 0
    const beat = setInterval(() => (sent++ < 20 ? stream.write(Buffer.alloc(2_000, 7)) : stream.end()), 40)
    const [headers] = (await once(stream.resume(), 'response')) as [Record<string, unknown>]
    clearInterval(beat)
    assert.equal(headers[':status'], 200)
    client.destroy()
  })
  await t.test('a body that comes steadily for longer than any may', async () => {
    const slow = await secureRig({ requestMs: 300, wholeMs: 600 })
    await using __ = slow
    const client = session(slow)
    const stream = open(client, { ...form, 'content-type': 'image/png' }, false)
    const beat = setInterval(() => stream.write(Buffer.alloc(2_000, 7)), 40)
    const [headers] = (await once(stream.resume(), 'response')) as [Record<string, unknown>]
    clearInterval(beat)
    assert.equal(headers[':status'], 408)
    client.destroy()
  })
  await t.test('pages that are never read: no stream stays', async () => {
    const client = connect(`https://127.0.0.1:${rig.tls}`, {
      servername: 'shop.vn',
      rejectUnauthorized: false,
      settings: { initialWindowSize: 0 },
    }).on('error', () => undefined)
    const { stalled } = rig.gateway.stats()
    const stream = open(client, { ':path': '/?q=%27%20or%20%271%27%3D%271' })
    await once(stream.resume(), 'close')
    assert.equal(stream.rstCode, 8)
    assert.equal(rig.gateway.stats().stalled, stalled + 1)
    client.destroy()
  })
})

test('HTTP/1.1: a body has its time, which what comes gives back', async (t) => {
  await using rig = await startRig({}, { requestMs: 300 })
  const trickle = (every: number, bytes: number, times: number): Promise<string> =>
    new Promise((resolve) => {
      const socket = connectTcp(rig.port, '127.0.0.1').on('error', () => undefined)
      let answer = ''
      let sent = 0
      socket.write(
        `POST /anh HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: ${bytes * times}\r\nConnection: close\r\n\r\n`,
      )
      const beat = setInterval(() => {
        if (sent++ < times && socket.writable) socket.write(Buffer.alloc(bytes, 7))
      }, every)
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
      socket.on('close', () => {
        clearInterval(beat)
        resolve(answer)
      })
    })
  for (const [what, every, bytes, times, status] of [
    ['long in all, but coming', 40, 2_000, 20, 200],
    ['a byte at a time', 50, 1, 100, 408],
  ] as const)
    await t.test(what, async () => assert.equal((await trickle(every, bytes, times)).slice(9, 12), String(status)))
})

test('HTTP/1.1: an answer before the body is all there says that the connection ends', async () => {
  const size = 3_000_000
  const application = await bareApplication({ '/early': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly' })
  await using _ = application
  await using rig = await startRig({}, { requestMs: 500 })
  await rig.gateway.use(settingsWith(application.origin, [{ mode: 'off', body: { limit: 100_000, beyond: 'pass' } }]))
  const socket = connectTcp(rig.port, '127.0.0.1').on('error', () => undefined)
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
  socket.write(`POST /early HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: ${size}\r\n\r\n`)
  socket.write(Buffer.alloc(200_000, 7))
  await once(socket, 'close')
  assert.match(answer, /^HTTP\/1\.1 200 [\s\S]*connection: close\r\n[\s\S]*early$/i)
})

/** An application that answers each request with the bytes that stand for its path. */
async function bareApplication(
  answers: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { origin: string }> {
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .on('data', (chunk) => {
        const path = /^\w+ (\S+)/.exec(chunk.toString('latin1'))?.[1] ?? ''
        socket.write(Buffer.from(answers[path] ?? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
const said = (line: string, ...headers: string[]): string =>
  [`HTTP/1.1 ${line}`, 'Content-Type: text/html', ...headers, 'Content-Length: 2', '', 'ok'].join('\r\n')

const HEADS = {
  '/reason': said('200 Được rồi'),
  '/bare': said('200'),
  '/nosniff': said('200 OK', ...Array<string>(2).fill('X-Content-Type-Options: nosniff')),
  '/etag': said('200 OK', 'ETag: "1"', 'ETag: "1"'),
  '/location': said('302 Found', 'Location: /tìm-kiếm'),
  '/999': said('999 Denied'),
}
const EXPECTED: Readonly<Record<keyof typeof HEADS, readonly [http1: number, http2: number]>> = {
  '/reason': [200, 200],
  '/bare': [200, 200],
  '/nosniff': [200, 200],
  '/etag': [200, 200],
  '/location': [302, 302],
  // A status that HTTP/2 cannot say.
  '/999': [999, 502],
}

for (const policy of ['off', 'flag'])
  test(`heads of ordinary applications that are not as they should be; answers looked at: ${policy}`, async (t) => {
    await using application = await bareApplication(HEADS)
    const rig = await secureRig({}, { outgoing: { policy, subjects: 100 } }, application.origin)
    await using _ = rig
    const client = session(rig)
    for (const [path, [http1, http2]] of Object.entries(EXPECTED)) {
      await t.test(`HTTP/1.1 ${path}`, async () => {
        const answer = await raw(rig.port, `GET ${path} HTTP/1.1\r\nHost: a.vn\r\nConnection: close\r\n\r\n`)
        assert.match(answer, new RegExp(`^HTTP/1\\.1 ${http1} [ -~]+\\r\\n`))
        if (path === '/location') assert.match(Buffer.from(answer, 'latin1').toString(), /location: \/tìm-kiếm\r\n/i)
      })
      await t.test(`HTTP/2 ${path}`, async () => {
        const stream = open(client, { ':path': path })
        stream.resume()
        const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
        assert.equal(headers[':status'], http2)
        if (path === '/etag') assert.equal(headers['etag'], '"1"')
      })
    }
    client.close()
    await stillAnswers(rig)
  })

/** A request that the application never answers. */
function askForNothing({ port }: Rig, localAddress: string): Socket {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined)
  socket.write('GET /never HTTP/1.1\r\nHost: a.vn\r\n\r\n')
  return socket
}

test('bodies of clients that left while they waited for the application are let go of', async () => {
  const SIZE = 500_000
  const LEFT = 60
  const rig = await startRig({}, { upstreamConnections: 2, heldBytes: 4_000_000 })
  await using _ = rig
  await rig.gateway.use(settingsWith(rig.origin, [{ mode: 'off' }]))
  const waiting = [1, 2].map(() => askForNothing(rig, '127.0.0.1'))
  await until(() => rig.received.length === 2)
  const { held } = (rig.gateway as unknown as { readonly shared: Shared }).shared
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().external
  const head = `POST /up HTTP/1.1\r\nHost: a.vn\r\nContent-Type: image/png\r\nContent-Length: ${SIZE}\r\n\r\n`
  for (let i = 0; i < LEFT; i++) {
    const socket = connectTcp(rig.port, '127.0.0.1').on('error', () => undefined)
    socket.write(head)
    socket.write(Buffer.alloc(SIZE, 7))
    await until(() => held.bytes >= SIZE)
    socket.destroy()
    await until(() => held.bytes === 0)
  }
  let grown = Infinity
  for (let i = 0; i < 50 && grown > 4_000_000; i++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 20))
    grown = process.memoryUsage().external - before
  }
  assert.ok(grown <= 4_000_000, `${grown} bytes still held`)
  for (const socket of waiting) socket.destroy()
  await stillAnswers(rig)
  assert.equal(rig.received.filter(({ url }) => url === '/up').length, 0)
})

test('one client does not hold all connections to an application', async () => {
  const rig = await startRig({}, { upstreamConnections: 8 })
  await using _ = rig
  await rig.gateway.use(settingsWith(rig.origin, [{ mode: 'off' }]))
  const greedy = Array.from({ length: 60 }, () => askForNothing(rig, '127.0.0.2'))
  // It holds five; of the others as many wait as there is room left to wait in.
  await until(() => rig.gateway.stats().turned.room === 60 - 5 - 33)
  assert.equal(rig.received.length, 5)
  await stillAnswers(rig)
  for (const socket of greedy) socket.destroy()
})
