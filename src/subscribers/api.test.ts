import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindRoutes, citizenPage, htmlResponse, serve, type Frame } from '../http/index.ts'
import type { Caller } from '../kit/contract.ts'
import { silentLog } from '../kit/log.ts'
import { openSqlite } from '../storage/sql/index.ts'
import { subscribersApi, warningPages } from './index.ts'
import { bodyOf, C2, LOG, contact, letterbox, mailerTo, NOW, openWorld } from './testing.ts'

type Parsed = ReturnType<typeof JSON.parse>
const ROWS = ['198.18.4.1,0,65535,TB-1,2026-11-22T00:00:00Z,2026-11-23T00:00:00Z,bras-1']
const frame: Frame = (asked, { title, path, body, status }) =>
  htmlResponse(citizenPage({ language: asked.language, controller: 'Sông Hồng', title, path, body }), status)

async function served() {
  const db = openSqlite(':memory:')
  const keysDb = openSqlite(':memory:')
  const box = await letterbox()
  const world = await openWorld(db, keysDb, { mailer: mailerTo(box.port) })
  let caller: Caller = { kind: 'nobody' }
  const hosts = new Set<string>()
  const app = bindRoutes([...subscribersApi(world.subscribers), ...warningPages(world.subscribers, frame)], {
    authenticate: async () => caller,
    fingerprint: () => (text) => text,
    hosts,
    name: 'telecom',
    log: silentLog,
    count: () => undefined,
  })
  const listening = await serve(app, { host: '127.0.0.1', port: 0 })
  const base = `http://127.0.0.1:${listening.port}`
  hosts.add(new URL(base).host)
  let key = 0
  const ask = async (path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') => {
    const isText = typeof body === 'string' || body instanceof Uint8Array
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        origin: base,
        'accept-language': 'vi',
        'idempotency-key': `api-test-${++key}`,
        'content-type': path.startsWith('/warning')
          ? 'application/x-www-form-urlencoded'
          : isText && path.endsWith('port-logs')
            ? 'text/csv'
            : 'application/json',
      },
      ...(body === undefined ? {} : { body: (isText ? body : JSON.stringify(body)) as string }),
    })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, text, value: (isJson ? JSON.parse(text) : {}) as Record<string, Parsed> }
  }
  return {
    ...world,
    box,
    ask,
    as: (...roles: Extract<Caller, { kind: 'staff' }>['roles']) => {
      caller =
        roles.length === 0 ? { kind: 'nobody' } : { kind: 'staff', id: 'stf_1', session: 's', roles, name: 'Lan' }
    },
    asService: () => {
      caller = { kind: 'service', id: 'svc_1', scopes: ['subscribers:write'] }
    },
    async [Symbol.asyncDispose]() {
      await listening[Symbol.asyncDispose]()
      await world.outbox[Symbol.asyncDispose]()
      await box[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
      await keysDb[Symbol.asyncDispose]()
    },
  }
}

test('from the console and the pages: log, contact, infection, preview, mail, yes, not mine', async () => {
  await using node = await served()
  const { ask, as, asService, subscribers, outbox, box } = node
  for (const path of ['summary', 'infections', 'notices', 'port-logs'])
    assert.equal((await ask(`/api/subscribers/${path}`)).status, 401, path)
  asService()
  const put = await ask('/api/subscribers/contacts', { items: [contact('TB-1'), { ...contact('TB-2'), email: 'x@y' }] })
  assert.equal(put.status, 200, put.text)
  assert.deepEqual(
    put.value['items'].map((one: { code?: string }) => one.code ?? 'ok'),
    ['ok', 'vault/not-an-email'],
  )
  const imported = await ask('/api/subscribers/port-logs', LOG([...ROWS, 'rubbish']))
  assert.deepEqual([imported.value['rows'], imported.value['refused'], imported.value['errors'][0].line], [1, 1, 3])
  const indicator = await node.list(C2)
  const hit = { event: 'e', time: NOW, clientAddress: '198.18.4.1', clientPort: 5, indicator, contacted: C2 }
  await subscribers.duties.matches({ hits: [{ ...hit, kind: 'dns.query' }] })
  as('auditor')
  const [infection] = (await ask('/api/subscribers/infections?state=found&result=attributed')).value['items']
  const one = (await ask(`/api/subscribers/infections/${infection.id}`)).value
  assert.deepEqual([one['seen'].length, one['notices'][0].state], [1, 'waiting'])
  const preview = (await ask(`/api/subscribers/infections/${infection.id}/preview`)).value
  assert.match(preview['text'], /Mã: XXXX-XXXX/)
  assert.equal((await ask('/api/subscribers/warning', { mode: 'off', cap: 1, cleanAfterDays: 1 }, 'PUT')).status, 403)
  await outbox.drain()
  const summary = (await ask('/api/subscribers/summary')).value
  assert.deepEqual([summary['found'], summary['states'], summary['noticesToday']], [1, { warned: 1 }, 1])

  as()
  const code = /Mã: (\S+)/.exec(bodyOf(box.got[0]!.text))![1]!
  assert.match((await ask('/warning')).text, /Thư cảnh báo này có phải của chúng tôi không/)
  const wrong = await ask('/warning', 'code=AAAA-AAAA')
  assert.match(wrong.text, /Chúng tôi không gửi thư nào có mã này/)
  const right = await ask('/warning', `code=${code}`)
  assert.match(right.text, /Đúng, thư này do chúng tôi gửi[\s\S]*update-cdn\[\.\]test/)
  assert.doesNotMatch(right.text, /Người TB-1|example\.vn|198\.18|<script/)
  assert.match((await ask('/warning/not-mine', `code=${code}`)).text, /Chúng tôi ngừng nhắc/)
  assert.match((await ask('/warning?lang=en')).text, /Is this warning really from us/)
  as('analyst')
  assert.equal((await ask('/api/subscribers/infections?state=not-theirs')).value['total'], 1)
  assert.equal((await ask('/api/subscribers/summary')).value['confirmed'], 1)

  as()
  const started = performance.now()
  const tries = await Promise.all(Array.from({ length: 12 }, () => ask('/warning', 'code=ZZZZ-ZZZZ')))
  assert.ok(tries.some(({ status }) => status === 429))
  assert.ok(performance.now() - started < 5_000)
})

test('garbage at forms, API and import: a clear answer each time', async () => {
  await using node = await served()
  const { ask, as, clock } = node
  as('analyst', 'administrator')
  for (const [name, body, status] of [
    ['nothing', '', 400],
    ['another head', 'a,b,c\n', 400],
    ['not UTF-8', Buffer.from([0xff, 0xfe, 0x0a, 0x41]), 400],
    ['one long line', 'x'.repeat(1_000_000), 400],
    ['only bad lines', LOG(Array(5_000).fill('1,2,3')), 400],
    ['a head and no lines', LOG([]), 400],
    ['zero bytes', Buffer.alloc(100_000), 400],
  ] as const) {
    const answer = await ask('/api/subscribers/port-logs', body)
    assert.equal(answer.status, status, `${name}: ${answer.text.slice(0, 300)}`)
    assert.equal(answer.value['code'], 'subscribers/port-log', name)
  }
  const bad: readonly (readonly [string, string])[] = [
    ['198.18.4.300,1,2,TB,2026-11-22T00:00:00Z,,d', 'address'],
    ['198.18.0.0/15,1,2,TB,2026-11-22T00:00:00Z,,d', 'address'],
    ['198.18.4.1,-1,2,TB,2026-11-22T00:00:00Z,,d', 'port_from'],
    ['198.18.4.1,1,65536,TB,2026-11-22T00:00:00Z,,d', 'port_to'],
    ['198.18.4.1,3,2,TB,2026-11-22T00:00:00Z,,d', 'port_to'],
    ['198.18.4.1,1,2,,2026-11-22T00:00:00Z,,d', 'subscriber'],
    ['198.18.4.1,1,2,TB 1,2026-11-22T00:00:00Z,,d', 'subscriber'],
    ['198.18.4.1,1,2,TB,2026-11-22T00:00:00,,d', 'start'],
    ['198.18.4.1,1,2,TB,22/11/2026,,d', 'start'],
    ['198.18.4.1,1,2,TB,2026-11-22T00:00:00Z,2026-11-22T00:00:00Z,d', 'end'],
    ['198.18.4.1,1,2,TB,2026-11-22T00:00:00Z,,', 'device'],
    ['gap,,,,2026-11-22T00:00:00Z,,d', 'end'],
    ['198.18.4.1,1,2,TB,2026-11-22T00:00:00Z,,d,more', 'line'],
    [`198.18.4.1,1,2,${'x'.repeat(600)},2026-11-22T00:00:00Z,,d`, 'line'],
  ]
  const good = [
    '198.18.4.1,1,2,"TB-1",2026-11-22T07:00:00+07:00,,d',
    'gap,,,,2026-11-22T01:00:00Z,2026-11-22T02:00:00Z,d',
  ]
  const answer = await ask('/api/subscribers/port-logs', LOG([...bad.map(([line]) => line), ...good]))
  assert.deepEqual(
    answer.value['errors'].map((error: { field: string }) => error.field),
    bad.map(([, field]) => field),
  )
  assert.deepEqual([answer.value['rows'], answer.value['refused']], [1, bad.length])
  assert.deepEqual(answer.value['gaps'], [
    { device: 'd', from: '2026-11-22T01:00:00.000Z', to: '2026-11-22T02:00:00.000Z' },
    // Of what was refused.
    { device: 'd', from: '2026-11-22T00:00:00.000Z', to: '2026-11-22T02:00:00.001Z' },
  ])
  assert.doesNotMatch(answer.text, /TB|198\.18/)
  const kept = await ask('/api/subscribers/port-logs')
  assert.deepEqual([kept.value['items'].length, kept.value['rows']], [1, 1])

  for (const [path, body, method = 'POST'] of [
    ['/api/subscribers/attribute', '{'],
    ['/api/subscribers/attribute', {}],
    ['/api/subscribers/attribute', { address: 'x', port: 1, at: '2026-11-22T00:00:00Z', reason: 'a' }],
    ['/api/subscribers/attribute', { address: '198.18.4.1', port: 70_000, at: '2026-11-22T00:00:00Z', reason: 'a' }],
    ['/api/subscribers/warning', { mode: 'loud', cap: 1, cleanAfterDays: 1 }, 'PUT'],
    ['/api/subscribers/warning', { mode: 'on', cap: -1, cleanAfterDays: 1 }, 'PUT'],
    ['/api/subscribers/warning', { mode: 'on', cap: 1, cleanAfterDays: 0 }, 'PUT'],
    ['/warning', 'code='],
    ['/warning', 'x=1'],
    ['/warning', `code=${'A'.repeat(41)}`],
    ['/warning/not-mine', ''],
  ] as const)
    assert.equal((await ask(path, body, method)).status, 400, `${path} ${JSON.stringify(body)}`)
  for (const path of [
    'infections?cursor=x',
    'infections?state=x',
    'infections?limit=0',
    'notices?cursor=%00',
    'notices?state=x',
    'infections/x',
  ])
    assert.equal((await ask(`/api/subscribers/${path}`)).status, 400, path)
  assert.equal((await ask('/api/subscribers/infections/inf_00000000000000000000000000')).status, 404)
  for (const code of ['%00%ff', "'--", '<script>', '🙂🙂🙂🙂', '%F0%9F']) {
    clock.advance(61_000)
    const page = await ask('/warning', `code=${code}`)
    assert.ok([200, 400].includes(page.status), code)
    assert.doesNotMatch(page.text, /<script>/)
  }
})
