import assert from 'node:assert/strict'
import { connect } from 'node:net'
import test from 'node:test'
import { clientAddressOf, trustOf as trustOfGuard } from '../../src/guard/client.ts'
import { clientOf, plainAddress, trustOf } from '../../src/gateway/worker/forwarding.ts'
import { LIMITS, shapeStatus } from '../../src/gateway/worker/limits.ts'
import { raw, startRig } from './servers.ts'
import { settingsWith } from './sites.ts'

for (const [method, status] of [
  ['GET', 0],
  ['M-SEARCH', 0],
  ['BASELINE-CONTROL', 0],
  ['post', 400],
  ['Post', 400],
  ['POST ', 400],
  ['', 400],
  ['A'.repeat(600), 400],
] as const)
  test(`the method ${JSON.stringify(method.slice(0, 20))}: ${status || 'in order'}`, () =>
    assert.equal(shapeStatus(method, '/', '2', [['host', 'a']], LIMITS), status))

for (const [written, plain] of [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1'],
  ['0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
  ['2001:db8::7', '2001:db8::7'],
  ['::1', '::1'],
  ['64:ff9b::c000:201', '64:ff9b::c000:201'],
  ['::ffff', '::ffff'],
  ['', ''],
] as const)
  test(`the address ${JSON.stringify(written)} is ${JSON.stringify(plain)}`, () => {
    assert.equal(plainAddress(written), plain)
    assert.equal(
      clientAddressOf(written, [], () => false),
      plain,
    )
  })

test('a proxy of our own is known again when its address is told in hexadecimal', () => {
  const told = [['X-Forwarded-For', '203.0.113.9, ::ffff:0a00:0002']] as const
  assert.equal(clientOf('10.0.0.1', 1, told, trustOf(['10.0.0.0/8'])).address, '203.0.113.9')
  assert.equal(clientAddressOf('::ffff:a00:1', told, trustOfGuard(['10.0.0.0/8'])), '203.0.113.9')
})

/** A PROXY header of version 2 that tells an IPv4 client as an IPv6 address: ::ffff:a.b.c.d. */
function mappedHeader(address: string, port: number): Buffer {
  const body = Buffer.alloc(36)
  body.fill(0xff, 10, 12)
  Buffer.from(address.split('.').map(Number)).copy(body, 12)
  body.writeUInt16BE(port, 32)
  return Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a21210024', 'hex'), body])
}

test('an IPv4 client told as an IPv6 address has its own limits and its own bans', async () => {
  await using rig = await startRig({ trustedProxies: ['127.0.0.1'], proxyListen: { host: '127.0.0.1', port: 0 } })
  await rig.gateway.use(
    settingsWith(rig.origin, [{ rateLimits: [{ name: 'c', per: 'client', requests: 2, seconds: 600 }] }], {
      bans: [{ address: '203.0.113.50', port: 4_000, until: '2030-01-01T00:00:00Z' }],
    }),
  )
  const via = (address: string, port: number): Promise<string> =>
    new Promise((resolve) => {
      let out = ''
      const socket = connect(rig.gateway.proxyPort!, '127.0.0.1')
      socket.on('data', (chunk) => (out += chunk.toString())).on('error', () => undefined)
      socket.on('close', () => resolve(out.slice(9, 12)))
      socket.write(mappedHeader(address, port))
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    })
  for (const last of [1, 2, 3]) assert.equal(await via(`203.0.113.${last}`, 4_000), '200')
  assert.equal(rig.events.at(-1)!['clientAddress'], '203.0.113.3')
  assert.equal(await via('203.0.113.50', 4_000), '403')
  assert.equal(await via('203.0.113.50', 4_001), '200')
})

test('another spelling of a guarded path is held to what that path asks', async (t) => {
  await using rig = await startRig()
  const once = (name: string) => ({ name, per: 'route', requests: 1, seconds: 600 })
  await rig.gateway.use(
    settingsWith(rig.origin, [
      {
        routes: [
          { path: '/dang-nhap', rateLimits: [once('dang-nhap')] },
          { path: '/đăng-nhập', rateLimits: [once('dau')] },
          { path: '/Quen-Mat-Khau/', rateLimits: [once('quen')] },
          { path: '/api/otp', rateLimits: [once('otp')] },
          { path: '/api/**', mode: 'detect' },
          { path: '/tu-do', mode: 'off' },
          { path: '/CHI-HOI', rateLimits: [once('chi-hoi')] },
          { path: '/chi-hoi' },
          { path: '/kho/mo/**', body: { limit: 9, beyond: 'reject' } },
          { path: '/kho/**', rateLimits: [once('kho')] },
        ],
      },
    ]),
  )
  const ask = async (path: string): Promise<string> => {
    const out = await raw(rig.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    return out.slice(9, 12)
  }
  for (const path of ['/dang-nhap', encodeURI('/đăng-nhập'), '/Quen-Mat-Khau/', '/api/otp', '/CHI-HOI', '/kho/x'])
    assert.equal(await ask(path), '200')
  const attack = '?q=%27%20or%20%271%27%3D%271'
  for (const [path, status] of [
    ['/dang-nhap', '429'],
    ['/dang-nhap/', '429'],
    ['/dang-nhap///', '429'],
    ['/Dang-Nhap', '429'],
    ['/DANG-NHAP/?a=1', '429'],
    ['/dang-nhap%20', '429'],
    ['/dang-nhap%20/', '429'],
    ['/dang-nhap/.', '400'],
    ['/%64ang-nhap', '429'],
    [encodeURI('/Đăng-Nhập/'), '429'],
    ['/quen-mat-khau', '429'],
    ['/API/OTP', '429'],
    ['/api/otp/', '429'],
    ['//dang-nhap', '400'],
    ['/dang-nhap;a=1', '400'],
    ['/dang-nhap.json', '200'],
    ['/dang-nhap/x', '200'],
    ['/chi-hoi', '200'],
    ['/kho/x', '429'],
    ['/KHO/x', '429'],
    ['/kho/mo/x', '200'],
    ['/kho/mo/x/', '200'],
    [`/tu-do${attack}`, '200'],
    [`/Tu-Do${attack}`, '403'],
    [`/api/x${attack}`, '200'],
    [`/API/x${attack}`, '403'],
  ] as const)
    await t.test(`${path}: ${status}`, async () => assert.equal(await ask(path), status))
})
