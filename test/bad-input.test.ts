import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { request } from 'node:http'
import test from 'node:test'
import { createKhien, newSubject } from '../src/client/index.ts'
import { form, runningNode, cookieOf, enrol } from './running-node.ts'

const S = newSubject()
const JSON_TYPE = 'application/json'
const put = (fields: unknown, more: object = {}): string =>
  JSON.stringify({ items: [{ subject: S, collection: 'person', fields, ...more }] })
const PLANTED = '0912345678'

type Case = {
  readonly what: string
  readonly path?: string
  readonly method?: string
  readonly type?: string
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly headers?: Record<string, string>
  readonly status: number
  readonly code: string
  readonly field?: string
}

const CASES: readonly Case[] = [
  { what: 'no JSON', body: '{"items":[', status: 400, code: 'http/json', field: 'body' },
  { what: 'JSON of another shape', body: '[]', status: 400, code: 'http/invalid', field: 'body' },
  { what: 'nothing', body: '', status: 400, code: 'http/json', field: 'body' },
  {
    what: 'an unknown field',
    body: put({ phone: PLANTED }, { extra: PLANTED }),
    status: 400,
    code: 'http/invalid',
    field: 'body.items.0.extra',
  },
  {
    what: 'a value of another type',
    body: put({ phone: 912345678 }),
    status: 400,
    code: 'http/invalid',
    field: 'body.items.0.fields.phone',
  },
  {
    what: 'a phone number as a subject',
    body: JSON.stringify({ items: [{ subject: PLANTED, collection: 'person', fields: { name: 'x' } }] }),
    status: 400,
    code: 'http/invalid',
    field: 'body.items.0.subject',
  },
  {
    what: 'too many items',
    body: JSON.stringify({
      items: Array.from({ length: 501 }, () => ({ subject: S, collection: 'person', fields: { name: 'x' } })),
    }),
    status: 400,
    code: 'http/invalid',
    field: 'body.items',
  },
  { what: 'no items', body: '{"items":[]}', status: 400, code: 'http/invalid', field: 'body.items' },
  { what: 'wrong encoding', body: Uint8Array.of(0x7b, 0xff, 0x7d), status: 400, code: 'http/encoding', field: 'body' },
  {
    what: 'Windows-1258 instead of UTF-8',
    body: Uint8Array.from(Buffer.concat([Buffer.from('{"items":"'), Buffer.of(0xd0, 0xf2), Buffer.from('"}')])),
    status: 400,
    code: 'http/encoding',
    field: 'body',
  },
  {
    what: 'a form where JSON is wanted',
    type: 'application/x-www-form-urlencoded',
    body: 'a=1',
    status: 415,
    code: 'http/media-type',
    field: 'header.content-type',
  },
  {
    what: 'more than the route takes',
    path: '/api/vault/search',
    body: JSON.stringify({ x: 'x'.repeat(70_000) }),
    status: 413,
    code: 'http/too-large',
    field: 'body',
  },
  {
    what: 'an unknown query field',
    path: `/api/vault/put?phone=${PLANTED}`,
    body: put({ name: 'x' }),
    status: 400,
    code: 'http/invalid',
    field: 'query.phone',
  },
  {
    what: 'a query field twice',
    path: '/api/vault/put?a=1&a=2',
    body: put({ name: 'x' }),
    status: 400,
    code: 'http/duplicate',
    field: 'query.a',
  },
  { what: 'a wrong method', path: '/api/vault/put', method: 'DELETE', status: 405, code: 'http/method' },
  { what: 'an address that is not there', path: `/api/${PLANTED}`, method: 'GET', status: 404, code: 'http/not-found' },
  {
    what: 'a bad idempotency key',
    body: put({ name: 'x' }),
    headers: { 'idempotency-key': 'kurz' },
    status: 400,
    code: 'http/invalid',
    field: 'header.idempotency-key',
  },
  {
    what: 'a reason that is a sentence',
    path: '/api/vault/get',
    body: JSON.stringify({
      purpose: 'p',
      reason: 'vì khách gọi',
      items: [{ subject: S, collection: 'person', fields: ['name'] }],
    }),
    status: 400,
    code: 'http/invalid',
    field: 'body.reason',
  },
  {
    what: 'a reason that is a phone number',
    path: '/api/vault/get',
    body: JSON.stringify({
      purpose: 'p',
      reason: PLANTED,
      items: [{ subject: S, collection: 'person', fields: ['name'] }],
    }),
    status: 400,
    code: 'http/invalid',
    field: 'body.reason',
  },
  {
    what: 'an order number that is a phone number',
    path: '/api/agreements',
    body: JSON.stringify({ subject: S, kind: 'order', ref: PLANTED }),
    status: 400,
    code: 'http/invalid',
    field: 'body.ref',
  },
  {
    what: 'prototype fields',
    body: `{"items":[{"subject":"${S}","collection":"person","fields":{"__proto__":{"x":1}}}]}`,
    status: 200,
    code: '',
  },
  {
    what: 'a foreign origin',
    body: put({ name: 'x' }),
    headers: { origin: 'https://evil.example' },
    status: 403,
    code: 'http/foreign-origin',
  },
  {
    what: 'a revoked or unknown key',
    body: put({ name: 'x' }),
    headers: { authorization: `Bearer khk_${'0'.repeat(26)}_${'A'.repeat(43)}` },
    status: 401,
    code: 'identity/bad-key',
    field: 'header.authorization',
  },
  {
    what: 'another kind of credential',
    body: put({ name: 'x' }),
    headers: { authorization: 'Basic aG9hOmhvYQ==' },
    status: 401,
    code: 'identity/bad-key',
    field: 'header.authorization',
  },
]

test('bad input gets an error that names the field and never repeats the value', async (t) => {
  await using node = await runningNode()
  const { key } = node.serviceKey()
  for (const c of CASES) {
    await t.test(c.what, async () => {
      const method = c.method ?? 'POST'
      const headers = {
        authorization: `Bearer ${key}`,
        ...(method === 'POST' ? { 'content-type': c.type ?? JSON_TYPE } : {}),
        ...c.headers,
      }
      const response = await fetch(`${node.internal}${c.path ?? '/api/vault/put'}`, {
        method,
        headers,
        ...(c.body === undefined ? {} : { body: c.body }),
      })
      const text = await response.text()
      assert.equal(response.status, c.status, text)
      assert.doesNotMatch(text, new RegExp(PLANTED), 'the value is not repeated')
      assert.doesNotMatch(text, /at .*\.ts:\d+/, 'no stack')
      if (c.code === '') return
      assert.equal(response.headers.get('content-type'), 'application/problem+json')
      const problem = JSON.parse(text) as { code: string; field?: string; detail: string; requestId?: string }
      assert.equal(problem.code, c.code)
      assert.equal(problem.field, c.field)
      assert.match(problem.detail, /\.$|^[a-z]+\.[\w.-]+: |^Idempotency-Key: |^[a-z-]+: /)
      assert.match(problem.requestId ?? '', /^q-[0-9a-f]{16}$/)
    })
  }
  assert.doesNotMatch(node.logged(), new RegExp(PLANTED))
})

/** Raw bytes on the listener: what came back and whether the node went on serving. */
function raw(port: number, bytes: string | Uint8Array, waitMs = 700): Promise<string> {
  return new Promise((resolve) => {
    let got = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const timer = setTimeout(() => socket.destroy(), waitMs)
    socket.on('data', (chunk) => (got += chunk.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(got)
    })
  })
}

test('garbage on the sockets is refused and survived', async () => {
  await using node = await runningNode()
  const ports = [node.config.internal.port, node.config.public.port]
  for (const port of ports) {
    const host = `Host: localhost:${port}\r\n`
    for (const [what, bytes, expected] of [
      ['not HTTP', '\u0016\u0003\u0001\u0002\u0000\u0001', /^HTTP\/1\.1 400/],
      ['a bad request line', 'GET\r\n\r\n', /^HTTP\/1\.1 400/],
      ['no host', 'GET / HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400/],
      ['two hosts', `GET / HTTP/1.1\r\n${host}${host}\r\n`, /^HTTP\/1\.1 400/],
      ['a foreign host', 'GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 421/],
      [
        'two lengths',
        `POST /sign-in HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
        /^HTTP\/1\.1 400/,
      ],
      [
        'length and chunks',
        `POST /sign-in HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        /^HTTP\/1\.1 400/,
      ],
      [
        'an obfuscated chunked',
        `POST /sign-in HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
        /^(?:HTTP\/1\.1 4\d\d|$)/,
      ],
      ['a header that never ends', `GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431/],
      ['a NUL in a header', `GET / HTTP/1.1\r\n${host}X: a\u0000b\r\n\r\n`, /^HTTP\/1\.1 400/],
      [
        'a truncated body',
        `POST /sign-in HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"a"`,
        /^(?:HTTP\/1\.1 4\d\d|$)/,
      ],
      [
        'a path outside',
        `GET /assets/../../package.json HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
        /^HTTP\/1\.1 (?:404|401|400)/,
      ],
      [
        'an encoded path outside',
        `GET /assets/..%2f..%2fpackage.json HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
        /^HTTP\/1\.1 (?:404|400)/,
      ],
      [
        'a tile that is none',
        `GET /tile/../checkpoint HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
        /^HTTP\/1\.1 (?:200|404|401|400)/,
      ],
    ] as const) {
      const got = await raw(port, bytes)
      assert.match(got, expected, `${what} on ${port}: ${got.slice(0, 80)}`)
      assert.doesNotMatch(got, /"devDependencies"|at .*\.ts:\d+/, what)
    }
  }
  assert.equal((await fetch(`${node.internal}/readyz`)).status, 200)
})

test('a sealed node answers health, and 503 sealed to everything else, until it gets its passphrase', async () => {
  await using first = await runningNode()
  const folder = first.config.folder
  await first[Symbol.asyncDispose]()
  await using node = await runningNode({ config: { folder, key: { from: 'sealed' } } })
  assert.equal((await fetch(`${node.internal}/healthz`)).status, 200)
  const ready = await fetch(`${node.internal}/readyz`)
  assert.equal(ready.status, 503)
  assert.partialDeepStrictEqual(await ready.json(), { ready: false, code: 'sealed' })
  for (const url of [
    `${node.internal}/api/vault/get`,
    `${node.internal}/sign-in`,
    `${node.internal}/nothing`,
    `${node.public}/me`,
    `${node.public}/checkpoint`,
  ]) {
    const response = await fetch(url, {
      method: url.endsWith('get') ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${first.serviceKey().key}` },
    })
    assert.equal(response.status, 503, url)
    assert.equal(((await response.json()) as { code: string }).code, 'sealed')
  }
  assert.match(await (await fetch(`${node.internal}/metrics`)).text(), /^khien_sealed 1$/m)
  const unseal = (passphrase: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const asking = request(
        { socketPath: node.socket, path: '/unseal', method: 'POST', headers: { 'content-type': JSON_TYPE } },
        (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        },
      )
      asking.on('error', reject)
      asking.end(JSON.stringify({ passphrase }))
    })
  assert.equal(await unseal('sai'), 403)
  assert.equal(await unseal('khien demo key, guards nothing'), 200)
  assert.equal((await fetch(`${node.internal}/readyz`)).status, 200)
  assert.equal(await unseal('khien demo key, guards nothing'), 409)
})

test('sessions: expired, foreign and cross-site ones do nothing', async () => {
  let now = Date.now()
  await using node = await runningNode({ clock: () => now })
  const cookie = await enrol(node.internal, node.setupToken, 'quan-tri')
  const settings = (headers: Record<string, string>) =>
    fetch(`${node.internal}/settings`, { headers, redirect: 'manual' })
  assert.equal((await settings({ cookie })).status, 200)
  assert.equal((await settings({ cookie: `${cookie}x` })).status, 401)
  assert.equal(
    (await fetch(`${node.internal}/settings/invitations`, form('https://evil.example', cookie, [['roles[]', 'dpo']])))
      .status,
    403,
  )
  const silent = await fetch(`${node.internal}/settings/invitations`, {
    method: 'POST',
    headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'roles%5B%5D=dpo',
  })
  assert.equal(silent.status, 403, 'a request that does not say where it comes from')
  now += 5 * 60_000 + 1
  assert.equal((await settings({ cookie })).status, 401, 'administrators idle out in five minutes')

  const { key } = node.serviceKey()
  now = Date.now()
  const link = await createKhien({ origin: node.internal, key, publicOrigin: node.public }).handoverLink(S)
  const person = cookieOf(await fetch(link, { redirect: 'manual' }))
  assert.equal((await fetch(`${node.public}/me`, { headers: { cookie: person } })).status, 200)
  assert.equal(
    (await fetch(`${node.public}/me/withdraw`, form('https://evil.example', person, { purpose: 'marketing' }))).status,
    403,
  )
})
