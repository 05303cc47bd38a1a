import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { raw, startRig } from './servers.ts'

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
      ['200', what === 'a WebSocket handshake' ? '200' : '501'],
    )
  })
}
