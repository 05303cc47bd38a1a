import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { manualClock } from '../../src/kit/clock.ts'
import { raw, startRig } from './servers.ts'
import { settingsWith } from './sites.ts'

const handshake = (path: string): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: a.vn',
    'User-Agent: Mozilla/5.0',
    'Accept: */*',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    '\r\n',
  ].join('\r\n')
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.vn\r\n\r\n`

// What nobody catches ends the process of a worker; here it fails the test.
for (const [what, next] of [
  ['a WebSocket handshake', handshake('/chat')],
  ['a change to HTTP/2 in the clear', get('/').replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')],
  ['CONNECT', 'CONNECT a.vn:443 HTTP/1.1\r\nHost: a.vn\r\n\r\n'],
  ['what cannot be read', '\u0001\u0002\r\n\r\n'],
] as const) {
  test(`${what} behind a request that is not answered yet: nothing may be sent before that answer`, async () => {
    await using rig = await startRig()
    assert.equal(await raw(rig.port, get('/never') + next, 3_000), '')
    assert.match(await raw(rig.port, get('/').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')), /^HTTP\/1\.1 200 /)
  })

  test(`${what} after an answer on the same connection`, async () => {
    await using rig = await startRig()
    const out = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(rig.port, '127.0.0.1', () => socket.write(get('/')))
      socket.on('error', () => undefined).on('close', () => resolve(text))
      socket.on('data', (chunk) => {
        const first = text === ''
        text += chunk.toString('latin1')
        if (first) socket.write(next)
        if ((text.match(/HTTP\/1\.1 \d/g) ?? []).length === 2) socket.end()
      })
    })
    assert.deepEqual(
      [...out.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
      ['200', { 'a WebSocket handshake': '200', 'what cannot be read': '400' }[what as string] ?? '501'],
    )
  })
}

/** Answers /endless with a download without end, every other handshake with 101, all else with a page. */
async function application(): Promise<AsyncDisposable & { readonly origin: string; readonly seen: string[] }> {
  const seen: string[] = []
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .on('data', (chunk) => {
        const text = chunk.toString('latin1')
        seen.push(text.slice(0, text.indexOf('\r\n')))
        if (text.startsWith('GET /endless')) {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n')
          const more = (): void => {
            while (!socket.destroyed && socket.write(Buffer.alloc(65_536))) continue
          }
          socket.on('drain', more)
          return more()
        }
        if (/\r\nupgrade: websocket\r\n/i.test(text))
          return void socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
          )
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
const closing = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.on('error', () => undefined).on('close', () => resolve()))
const status = (answer: string): number => Number(answer.slice(9, 12))
const PATCH = 'SecRule ARGS:q "@streq la" "id:1234,phase:1,deny,status:403,t:none,log,msg:\'x\'"'

test('a handshake is judged as a request is', async (t) => {
  await using app = await application()
  await using rig = await startRig()
  const ask = async (site: object, target: string): Promise<readonly [number, number]> => {
    await rig.gateway.use(settingsWith(app.origin, [site]))
    app.seen.length = 0
    rig.refusals.length = 0
    return [status(await raw(rig.port, handshake(target), 300)), app.seen.length]
  }
  await t.test('a copy from a mirror is judged and goes nowhere', async () => {
    const mirror = { placement: 'mirror', virtualPatches: PATCH }
    assert.deepEqual(await ask(mirror, '/chat'), [204, 0])
    assert.equal(rig.refusals.length, 0)
    assert.deepEqual(await ask(mirror, '/chat?q=la'), [204, 0])
    assert.equal(rig.refusals[0]?.mode, 'detect')
  })
  await t.test('a rule that only watches is kept and lets it pass', async () => {
    assert.deepEqual(await ask({ virtualPatches: PATCH, watched: [1234] }, '/chat?q=la'), [101, 1])
    assert.deepEqual(
      rig.refusals.map(({ mode, ruleIds }) => [mode, ruleIds]),
      [['detect', [1234]]],
    )
  })
  await t.test('one that refuses, refuses', async () => {
    assert.deepEqual(await ask({ virtualPatches: PATCH }, '/chat?q=la'), [403, 0])
    assert.equal(rig.refusals[0]?.mode, 'block')
  })
})

test('handshakes that succeed do not count as failures', async () => {
  await using app = await application()
  await using rig = await startRig({}, {}, { clock: manualClock(Date.UTC(2026, 10, 20)) })
  const routes = [{ path: '/ws', challenge: { methods: ['GET'], newcomers: 2 } }]
  await rig.gateway.use(settingsWith(app.origin, [{ mode: 'off', routes }]))
  for (let i = 0; i < 6; i++) assert.equal(status(await raw(rig.port, handshake('/ws'), 200)), 101)
})

test('a handshake answered with a download: a client that reads nothing is closed', async () => {
  await using app = await application()
  await using rig = await startRig({}, { stallMs: 300, tunnelIdleMs: 60_000 })
  await rig.gateway.use(settingsWith(app.origin, [{ mode: 'off' }]))
  const socket = connect(rig.port, '127.0.0.1', () => socket.write(handshake('/endless')))
  const closed = closing(socket)
  socket.pause()
  while (rig.gateway.stats().stalled === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  socket.resume()
  await closed
})

test('a refused handshake: the connection is closed though its client keeps its own half open', async () => {
  await using rig = await startRig()
  await rig.gateway.use(settingsWith(rig.origin, [{ virtualPatches: PATCH }]))
  const socket = connect({ port: rig.port, host: '127.0.0.1', allowHalfOpen: true })
  const closed = closing(socket.resume())
  socket.write(handshake('/chat?q=la'))
  await once(socket, 'end')
  // What arrives where nobody is any more is answered with a reset.
  const beat = setInterval(() => socket.write('x'), 50)
  await closed
  clearInterval(beat)
})
