import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import test from 'node:test'
import { proxyListener, readProxyHeader, speakFor } from './proxy-protocol.ts'

const v4 = (address: string, port: number): Buffer => {
  const head = Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex')
  const body = Buffer.alloc(12)
  Buffer.from(address.split('.').map(Number)).copy(body)
  body.set([127, 0, 0, 1], 4)
  body.writeUInt16BE(port, 8)
  body.writeUInt16BE(443, 10)
  return Buffer.concat([head, body])
}
const v6 = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a21210024', 'hex'),
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.alloc(16),
  Buffer.from('c8f601bb', 'hex'),
])
const changed = (at: number, to: number): Buffer => {
  const bytes = v4('198.18.0.7', 51_398)
  bytes[at] = to
  return bytes
}

for (const [name, bytes, expected] of [
  ['IPv4', v4('198.18.0.7', 51_398), { told: { address: '198.18.0.7', port: 51_398 }, length: 28 }],
  ['IPv6', v6, { told: { address: '2001:db8::7', port: 51_446 }, length: 52 }],
  ['half of it', v4('198.18.0.7', 1).subarray(0, 20), 'more'],
  ['the first byte', Buffer.from('0d', 'hex'), 'more'],
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n'), undefined],
  ['half of version 1', Buffer.from('PROXY TCP4 198.18.0.7 1'), 'more'],
  [
    'version 1',
    Buffer.from('PROXY TCP4 198.18.0.7 127.0.0.1 51398 443\r\nGET'),
    { told: { address: '198.18.0.7', port: 51_398 }, length: 43 },
  ],
  [
    'version 1, IPv6',
    Buffer.from('PROXY TCP6 2001:DB8::7 ::1 51446 443\r\n'),
    { told: { address: '2001:db8::7', port: 51_446 }, length: 38 },
  ],
  [
    'version 1, UNKNOWN',
    Buffer.from('PROXY UNKNOWN ffff::1 ::1 1 2\r\n'),
    { told: { address: '', port: 0, local: true }, length: 31 },
  ],
  ['version 1, wrong family', Buffer.from('PROXY TCP6 198.18.0.7 127.0.0.1 51398 443\r\n'), undefined],
  ['version 1, wrong port', Buffer.from('PROXY TCP4 198.18.0.7 127.0.0.1 70000 443\r\n'), undefined],
  ['version 1, a word too many', Buffer.from('PROXY TCP4 198.18.0.7 127.0.0.1 5 443 6\r\n'), undefined],
  ['version 1, no end', Buffer.from(`PROXY TCP4 ${'1'.repeat(100)}`), undefined],
  ['the command LOCAL', changed(12, 0x20), { told: { address: '', port: 0, local: true }, length: 28 }],
  ['another version', changed(12, 0x31), undefined],
  ['UDP', changed(13, 0x12), undefined],
  ['too long', changed(14, 0xff), undefined],
  ['too short for its family', changed(15, 4), undefined],
] as const)
  test(`PROXY v2: ${name}`, () => assert.deepEqual(readProxyHeader(bytes), expected))

test('PROXY v2: a request arrives from the client the proxy names, in pieces too; others are closed', async () => {
  const server = createServer((req, res) => res.end(`${req.socket.remoteAddress}:${req.socket.remotePort}`))
  const listener = proxyListener(
    ({ socket, told }) => {
      speakFor(socket, told)
      server.emit('connection', socket)
      socket.resume()
    },
    (peer) => peer.endsWith('127.0.0.1'),
    ({ address }) => address.startsWith('198.18.'),
  )
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  const ask = (pieces: Buffer[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      let out = ''
      socket.on('data', (chunk) => (out += String(chunk)))
      socket.on('close', () => resolve(out)).on('error', reject)
      void (async () => {
        for (const piece of pieces) {
          socket.write(piece)
          await new Promise((r) => setTimeout(r, 5))
        }
      })()
    })
  const request = Buffer.from('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  const header = v4('198.18.3.4', 40_000)
  try {
    assert.match(await ask([Buffer.concat([header, request])]), /\r\n\r\n(?:\S+\r\n)?198\.18\.3\.4:40000/)
    const pieces = [header.subarray(0, 5), header.subarray(5, 20), Buffer.concat([header.subarray(20), request])]
    assert.match(await ask(pieces), /198\.18\.3\.4:40000/)
    assert.equal(await ask([v4('203.0.113.7', 1), request]), '', 'an address it may not speak for')
    assert.equal(await ask([request]), '', 'no header')
  } finally {
    listener.close()
    server.closeAllConnections()
  }
})
