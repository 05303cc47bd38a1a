import assert from 'node:assert/strict'
import test from 'node:test'
import { Client, request } from 'undici'
import { ATTACKS } from './attacks.ts'
import { BENIGN } from './ordinary.ts'
import { PLACES } from './pack.ts'
import { raw, startRig, type Rig } from './servers.ts'

const send = async (rig: Rig, shot: ReturnType<(typeof PLACES)[string]>, accept = '*/*') => {
  const headers = ['Host', 'shop.vn', 'Accept', accept, ...(shot.headers ?? []).flat()]
  // A Client sends the path as it is; `request` would first write it anew as a URL.
  const client = new Client(`http://127.0.0.1:${rig.port}`)
  const answer = await client.request({
    path: shot.target ?? '/',
    method: (shot.method ?? 'GET') as 'GET',
    headers,
    body: shot.body === undefined ? null : Buffer.from(shot.body),
  })
  const body = await answer.body.text()
  await client.close()
  return { status: answer.statusCode, headers: answer.headers, body }
}

test('no attack reaches the application, and each refusal is kept without its value', async () => {
  await using rig = await startRig()
  for (const payload of Object.values(ATTACKS).flatMap((list) => list.slice(0, 4))) {
    for (const put of [PLACES['query']!, PLACES['form']!, PLACES['json']!, PLACES['x-custom']!, PLACES['cookie']!]) {
      const { status, body } = await send(rig, put(payload))
      assert.equal(status, 403, payload)
      assert.match(body, /R-[0-9A-Z]{4}-[0-9A-Z]{4}/)
      assert.ok(!body.includes(payload))
    }
  }
  assert.equal(rig.received.length, 0)
  assert.ok(rig.refusals.length > 80)
  const kept = JSON.stringify(rig.refusals)
  for (const value of ['username,password', 'x.y/a', 'q=']) assert.ok(!kept.includes(value), value)
})

test('Vietnamese requests arrive byte for byte', async () => {
  await using rig = await startRig()
  let sent = 0
  for (const value of BENIGN) {
    for (const place of ['query', 'form', 'json', 'multipart', 'raw text']) {
      const shot = PLACES[place]!(value)
      const { status } = await send(rig, shot)
      assert.equal(status, 200, `${place} ${value}`)
      const got = rig.received[sent++]!
      assert.equal(got.url, shot.target ?? '/')
      assert.deepEqual(got.body, Buffer.from(shot.body ?? new Uint8Array()))
    }
  }
  assert.equal(rig.refusals.length, 0)
})

test('a page for people, a problem document for programs', async () => {
  await using rig = await startRig()
  const shot = PLACES['query']!(`' or '1'='1`)
  const people = await send(rig, shot, 'text/html,*/*')
  assert.match(people.body, /<h1>Yêu cầu này đã bị chặn/)
  assert.match(people.body, /This request was stopped/)
  assert.doesNotMatch(people.body, /<script/)
  const program = JSON.parse((await send(rig, shot, 'application/json')).body) as Record<string, unknown>
  assert.equal(program['code'], 'gateway/refused')
  assert.equal(program['requestId'], rig.refusals[1]!.id)
})

test('detect: kept, and passed on', async () => {
  await using rig = await startRig({ mode: 'detect' })
  assert.equal((await send(rig, PLACES['query']!(`' or '1'='1`))).status, 200)
  assert.equal(rig.refusals[0]!.mode, 'detect')
  const { refused, observed } = rig.gateway.stats()
  assert.deepEqual({ refused, observed }, { refused: 0, observed: 1 })
  assert.equal(rig.received.length, 1)
})

const header = (list: readonly string[], name: string): string[] =>
  list.filter((_, i) => i % 2 === 1 && list[i - 1]!.toLowerCase() === name)

for (const { trusted, peerSays, xff, proto } of [
  { trusted: [], peerSays: '198.51.100.7', xff: '127.0.0.1', proto: 'http' },
  { trusted: ['127.0.0.0/8'], peerSays: '198.51.100.7', xff: '198.51.100.7, 127.0.0.1', proto: 'https' },
]) {
  test(`who the client is, ${trusted.length === 0 ? 'from the socket' : 'from a trusted proxy'}`, async () => {
    await using rig = await startRig({ trustedProxies: trusted })
    const headers: [string, string][] = [
      ['X-Forwarded-For', peerSays],
      ['X-Forwarded-Proto', 'https'],
      ['X-Request-Id', 'mine'],
      ['Connection', 'X-Secret, keep-alive'],
      ['X-Secret', '1'],
      ['TE', 'trailers'],
    ]
    await request(`http://127.0.0.1:${rig.port}/a`, {
      headers: Object.fromEntries(headers.filter(([name]) => name !== 'Connection' && name !== 'TE')),
    }).then((r) => r.body.dump())
    const got = rig.received[0]!.headers
    assert.deepEqual(header(got, 'x-forwarded-for'), [xff])
    assert.deepEqual(header(got, 'x-forwarded-proto'), [proto])
    assert.match(header(got, 'x-request-id').join(), /^R-/)
    await raw(
      rig.port,
      `GET /b HTTP/1.1\r\nHost: a\r\n${headers.map((h) => h.join(': ')).join('\r\n')}\r\nConnection: close\r\n\r\n`,
    )
    for (const name of ['x-secret', 'te']) assert.deepEqual(header(rig.received[1]!.headers, name), [], name)
    await request(`http://127.0.0.1:${rig.port}/?q=${encodeURIComponent("' or '1'='1")}`, {
      headers: { 'X-Forwarded-For': peerSays },
    }).then((r) => r.body.dump())
    assert.equal(rig.refusals[0]!.clientAddress, trusted.length === 0 ? '127.0.0.1' : peerSays)
  })
}

const FROM_NGINX = 'X-Forwarded-For: 203.0.113.9\r\nX-Real-Port: 40000\r\nX-Forwarded-Proto: http\r\n'
for (const { name, told, port, passedOn } of [
  { name: 'nginx alone', told: FROM_NGINX, port: 40_000, passedOn: {} },
  {
    name: 'a Forwarded of the client that nginx passes on',
    told: `Forwarded: for="203.0.113.9:51000";host=evil.example;proto=https\r\n${FROM_NGINX}`,
    port: 40_000,
    passedOn: { forwarded: 'for="203.0.113.9:40000";host="a";proto=http, for=127.0.0.1' },
  },
  {
    name: 'Forwarded where no port is told otherwise',
    told: 'X-Forwarded-For: 203.0.113.9\r\nForwarded: for="203.0.113.9:51000"\r\n',
    port: 51_000,
    passedOn: { forwarded: 'for="203.0.113.9:51000";host="a";proto=http, for=127.0.0.1' },
  },
  {
    name: 'names the client invented',
    told: `X-Real-IP: 10.0.0.1\r\nX-Forwarded-Host: evil.example\r\n${FROM_NGINX}`,
    port: 40_000,
    passedOn: { 'x-real-ip': '203.0.113.9', 'x-forwarded-host': 'a' },
  },
  {
    name: 'addresses invented before the client’s own',
    told: FROM_NGINX.replace('203', '10.0.0.1, ::ffff:7f00:1, 203'),
    port: 40_000,
    passedOn: { 'x-forwarded-for': '203.0.113.9, 127.0.0.1' },
  },
  {
    name: 'a proxy of ours written in hexadecimal',
    told: FROM_NGINX.replace('203.0.113.9', '203.0.113.9, ::ffff:7f00:9'),
    port: 40_000,
    passedOn: { 'x-forwarded-for': '203.0.113.9, 127.0.0.9, 127.0.0.1' },
  },
] as const)
  test(`behind a trusted proxy: ${name}`, async () => {
    await using rig = await startRig({ trustedProxies: ['127.0.0.0/8'] })
    await raw(rig.port, `GET / HTTP/1.1\r\nHost: a\r\n${told}Connection: close\r\n\r\n`)
    assert.deepEqual([rig.events[0]!['clientAddress'], rig.events[0]!['clientPort']], ['203.0.113.9', port])
    for (const [key, value] of Object.entries(passedOn))
      assert.deepEqual(header(rig.received[0]!.headers, key), [value], key)
    assert.doesNotMatch(rig.received[0]!.headers.join('\n'), /10\.0\.0\.1|evil/)
  })

for (const { name, trusted, headers, gone, kept } of [
  {
    name: 'a stranger tells nothing of who or what it is',
    trusted: [],
    headers: ['X-Client-IP', 'True-Client-IP', 'CF-Connecting-IP', 'X-Cluster-Client-IP', 'X-Forwarded-Prefix'],
    gone: true,
    kept: ['X-Shop'],
  },
  {
    name: 'nor does a trusted proxy, which lets through what its client wrote',
    trusted: ['127.0.0.0/8'],
    headers: ['True-Client-IP', 'Client-IP', 'CF-Connecting-IP', 'WL-Proxy-Client-IP', 'X-Forwarded-Prefix'],
    gone: true,
    kept: ['X-Shop'],
  },
  {
    name: 'no one asks for another request than the one inspected',
    trusted: ['127.0.0.0/8'],
    headers: ['X-Original-URL', 'X-Rewrite-URL', 'X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'],
    gone: true,
    kept: ['X-Shop'],
  },
]) {
  test(`headers: ${name}`, async () => {
    await using rig = await startRig({ trustedProxies: trusted })
    const sent = [...headers, ...kept]
    const answer = await raw(
      rig.port,
      `GET / HTTP/1.1\r\nHost: a\r\n${sent.map((h) => `${h}: 6.6.6.6\r\n`).join('')}Connection: close\r\n\r\n`,
    )
    assert.match(answer, /^HTTP\/1\.1 200 /)
    const got = rig.received[0]!.headers
    for (const h of headers) assert.deepEqual(header(got, h.toLowerCase()), gone ? [] : ['6.6.6.6'], h)
    for (const h of kept) assert.deepEqual(header(got, h.toLowerCase()), ['6.6.6.6'], h)
  })
}

for (const [sent, arrives] of [
  ['a=1; khien-platform-staff=x; b=2', ['a=1; b=2']],
  ['khien-authority-person=x', []],
  ['khien-telecom-person=x; a=1', ['a=1']],
  ['a=khien-platform-staff', ['a=khien-platform-staff']],
  ['khien-gio-hang=1', ['khien-gio-hang=1']],
] as const) {
  test(`sessions of the node stay with the node: ${sent}`, async () => {
    await using rig = await startRig()
    await send(rig, { headers: [['Cookie', sent]] })
    assert.deepEqual(header(rig.received[0]!.headers, 'cookie'), arrives)
  })
}

test('bodies held at once are bounded; what is too much is told to come again', async () => {
  await using rig = await startRig({}, { heldBytes: 600_000, textBytes: 20_000 })
  const half = (size: number): string =>
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: ${size + 1}\r\n\r\n${'\0'.repeat(size)}`
  const waiting = [1, 2, 3].map(() => raw(rig.port, half(90_000), 1_500))
  await new Promise((resolve) => setTimeout(resolve, 200))
  const shot = {
    method: 'POST',
    headers: [['Content-Type', 'image/png']] as [string, string][],
    body: new Uint8Array(90_000),
  }
  const turned = await send(rig, shot)
  assert.equal(turned.status, 503)
  assert.equal(turned.headers['retry-after'], '30')
  assert.equal(rig.gateway.stats().turnedAway, 1)
  // One address has half of the room, of which a little is left.
  assert.equal((await send(rig, { ...shot, body: new Uint8Array(9_000) })).status, 200)
  await Promise.all(waiting)
  assert.equal((await send(rig, shot)).status, 200)
})

test('answers stream through, cookies stay apart', async () => {
  await using rig = await startRig()
  const { status, headers, body } = await send(rig, { target: '/big' })
  assert.equal(status, 200)
  assert.equal(body.length, 64 * 65_536 + 'xong /big'.length)
  assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2'])
})

test('an application that is down, breaks off or is silent', async () => {
  await using rig = await startRig({}, { upstreamHeadMs: 300 })
  assert.equal((await send(rig, { target: '/never' })).status, 504)
  assert.equal((await send(rig, { target: '/break' })).status, 502)
  await using dead = await startRig({ upstream: 'http://127.0.0.1:9' })
  const { status, body } = await send(dead, {}, 'text/html')
  assert.equal(status, 502)
  assert.match(body, /R-[0-9A-Z]{4}-/)
  assert.equal(dead.gateway.stats().upstreamErrors, 1)
})

const H = 'Host: a\r\n'
/** What no well-behaved client sends. `status` 0: the connection is closed without an answer. */
const GARBAGE: readonly { readonly name: string; readonly send: string; readonly status: number }[] = [
  { name: 'not HTTP', send: 'xin chào\r\n\r\n', status: 400 },
  { name: 'HTTP/0.9', send: 'GET /\r\n\r\n', status: 505 },
  { name: 'HTTP/3.0', send: `GET / HTTP/3.0\r\n${H}\r\n`, status: 400 },
  { name: 'no host', send: 'GET / HTTP/1.1\r\n\r\n', status: 400 },
  { name: 'two hosts', send: `GET / HTTP/1.1\r\n${H}Host: b\r\n\r\n`, status: 400 },
  { name: 'strange host', send: 'GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n', status: 400 },
  { name: 'absolute form', send: `GET http://evil/ HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { name: 'asterisk form', send: `OPTIONS * HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { name: 'CONNECT', send: `CONNECT a:443 HTTP/1.1\r\n${H}\r\n`, status: 501 },
  { name: 'upgrade', send: `GET / HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, status: 501 },
  { name: 'TRACE', send: `TRACE / HTTP/1.1\r\n${H}\r\n`, status: 405 },
  { name: 'two lengths', send: `POST / HTTP/1.1\r\n${H}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, status: 400 },
  {
    name: 'two equal lengths',
    send: `POST / HTTP/1.1\r\n${H}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`,
    status: 400,
  },
  { name: 'length list', send: `POST / HTTP/1.1\r\n${H}Content-Length: 1, 1\r\n\r\na`, status: 400 },
  { name: 'signed length', send: `POST / HTTP/1.1\r\n${H}Content-Length: +1\r\n\r\na`, status: 400 },
  {
    name: 'length and chunks',
    send: `POST / HTTP/1.1\r\n${H}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: 'chunks and length',
    send: `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: 'two encodings',
    send: `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: 'unknown encoding',
    send: `POST / HTTP/1.1\r\n${H}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: 'encoding list',
    send: `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: 'encoding with a space before the colon',
    send: `POST / HTTP/1.1\r\n${H}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: 'encoding on HTTP/1.0',
    send: `POST / HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  { name: 'underscore length', send: `POST / HTTP/1.1\r\n${H}Content_Length: 5\r\n\r\n`, status: 400 },
  { name: 'underscore in a name', send: `GET / HTTP/1.1\r\n${H}X_Real_IP: 6.6.6.6\r\n\r\n`, status: 400 },
  {
    name: 'two authorizations',
    send: `GET / HTTP/1.1\r\n${H}Authorization: a\r\nAuthorization: b\r\n\r\n`,
    status: 400,
  },
  { name: 'folded header', send: `GET / HTTP/1.1\r\n${H}X-A: b\r\n c\r\n\r\n`, status: 400 },
  {
    name: 'bad chunk size',
    send: `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: 'chunk longer than told',
    send: `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n`,
    status: 400,
  },
  { name: 'NUL in a header', send: `GET / HTTP/1.1\r\n${H}X-A: a\0b\r\n\r\n`, status: 400 },
  { name: 'NUL in the target', send: `GET /a\0b HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { name: 'fragment', send: `GET /a#b HTTP/1.1\r\n${H}\r\n`, status: 400 },
  { name: 'bare line feeds', send: 'GET / HTTP/1.1\nHost: a\n\n', status: 400 },
  { name: 'header without a colon', send: `GET / HTTP/1.1\r\n${H}nothing\r\n\r\n`, status: 400 },
  { name: 'huge header', send: `GET / HTTP/1.1\r\n${H}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, status: 431 },
  { name: 'too many headers', send: `GET / HTTP/1.1\r\n${H}${'X: 1\r\n'.repeat(200)}\r\n`, status: 431 },
  { name: 'long target', send: `GET /${'a'.repeat(9_000)} HTTP/1.1\r\n${H}\r\n`, status: 414 },
  { name: 'body told too large', send: `POST / HTTP/1.1\r\n${H}Content-Length: 99999999\r\n\r\n`, status: 413 },
  {
    name: 'body found too large',
    send: `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n1e8480\r\n${'a'.repeat(1_000_100)}`,
    status: 413,
  },
  {
    name: 'compressed body',
    send: `POST / HTTP/1.1\r\n${H}Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na`,
    status: 415,
  },
  {
    name: 'broken JSON',
    send: `POST / HTTP/1.1\r\n${H}Content-Type: application/json\r\nContent-Length: 3\r\n\r\n{"a`,
    status: 400,
  },
  {
    name: 'broken multipart',
    send: `POST / HTTP/1.1\r\n${H}Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 3\r\n\r\n--y`,
    status: 400,
  },
  {
    name: 'UTF-7',
    send: `POST / HTTP/1.1\r\n${H}Content-Type: text/html; charset=utf-7\r\nContent-Length: 1\r\n\r\na`,
    status: 415,
  },
  { name: 'slow head', send: `GET / HTTP/1.1\r\n${H}X-A`, status: 408 },
  { name: 'slow body', send: `POST / HTTP/1.1\r\n${H}Content-Length: 10\r\n\r\nab`, status: 408 },
]

test(`${GARBAGE.length} kinds of garbage are answered, never passed on, and the worker lives`, async () => {
  await using rig = await startRig({}, { headMs: 400, requestMs: 600 })
  const answers = await Promise.all(
    GARBAGE.map(async ({ name, send, status }) => ({ name, status, got: await raw(rig.port, send, 3_000) })),
  )
  const wrong = answers
    .filter(({ status, got }) => !got.startsWith(`HTTP/1.1 ${status} `))
    .map(({ name, status, got }) => `${name}: ${status} wanted, got ${JSON.stringify(got.slice(0, 80))}`)
  assert.deepEqual(wrong, [])
  for (const { name, got } of answers) assert.equal(got.match(/^HTTP\/1\.1 /gm)?.length, 1, name)
  assert.equal(rig.received.length, 0)
  assert.equal((await send(rig, { target: '/con-song' })).status, 200)
})

test('a client that leaves midway is no one to wait for', async () => {
  await using rig = await startRig()
  await raw(rig.port, `POST / HTTP/1.1\r\n${H}Content-Length: 10\r\n\r\nab`, 50)
  await raw(rig.port, `GET /big HTTP/1.1\r\n${H}\r\n`, 20)
  assert.equal((await send(rig, {})).status, 200)
})

test('closing lets what is under way finish, within bounds', async () => {
  const rig = await startRig({}, { drainMs: 300 })
  const hanging = raw(rig.port, `GET /never HTTP/1.1\r\n${H}\r\n`, 3_000)
  await new Promise((resolve) => setTimeout(resolve, 50))
  const began = Date.now()
  await rig[Symbol.asyncDispose]()
  assert.ok(Date.now() - began < 2_900)
  await hanging
})
