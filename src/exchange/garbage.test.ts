import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { bindRoutes, serve } from '../http/index.ts'
import type { Caller } from '../kit/contract.ts'
import { silentLog } from '../kit/log.ts'
import { exchangeApi } from './index.ts'
import { numbered, openNode } from './testing.ts'

const MEDIA = 'application/taxii+json;version=2.1'
type Parsed = ReturnType<typeof JSON.parse>
const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

test('garbage at the TAXII server: a clear error each time, in bounded time, and the server goes on', async () => {
  await using node = await openNode('NCSC')
  const { user, secret } = await node.exchange.peers.add(
    { name: 'x', role: 'other', maxTlp: 'green', own: false, networks: [], readable: ['in', 'out'] },
    'staff:a',
  )
  const authorization = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`
  const at = `${node.root}collections/${node.exchange.places.in.id}/objects/`
  const send = async (path: string, body?: string | Buffer, method = body === undefined ? 'GET' : 'POST') => {
    const started = performance.now()
    const response = await fetch(path, {
      method,
      headers: { accept: MEDIA, 'content-type': MEDIA, authorization },
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    assert.ok(performance.now() - started < 5_000, `took ${performance.now() - started} ms`)
    assert.equal(response.headers.get('content-type'), MEDIA)
    const value = (text === '' ? {} : JSON.parse(text)) as Record<string, Parsed>
    if (response.status >= 400)
      for (const key of ['title', 'description', 'error_id', 'http_status']) assert.ok(value[key])
    return { status: response.status, value }
  }
  const object = JSON.stringify(numbered(1)).slice(0, -1)
  for (const [name, body, status] of [
    ['nothing', '', 400],
    ['half', '{"objects":[{', 400],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 400],
    ['a number', '7', 422],
    ['null', 'null', 422],
    ['a list', '[]', 422],
    ['null objects', '{"objects":[null]}', 422],
    ['numbers for objects', '{"objects":[1,2]}', 422],
    ['a type that is a number', '{"objects":[{"id":"x","type":7}]}', 422],
    ['10,000 levels of lists', deep(10_000), 422],
    ['10,000 levels of objects', nested(10_000), 422],
    ['500,000 levels', deep(500_000), 400],
    ['1,000,000 levels', deep(1_000_000), 413],
    ['an id of a million signs', `{"objects":[{"type":"identity","id":"${'x'.repeat(1_000_000)}"}]}`, 422],
    ['100,000 empty objects', `{"objects":[${'{"id":"a","type":"b"},'.repeat(100_000).slice(0, -1)}]}`, 413],
  ] as const) {
    const answer = await send(at, body)
    // How deep JSON may be before the parser gives up is the parser's own affair: both are clear refusals.
    assert.ok(
      answer.status === status || (name.includes('levels') && [400, 422].includes(answer.status)),
      `${name}: ${answer.status}`,
    )
  }
  for (const [name, more] of [
    ['an object nested 10,000 deep', `,"x_deep":${nested(10_000)}}`],
    ['a list nested 10,000 deep', `,"x_deep":${deep(10_000)}}`],
    ['a type of 200 dashes', `,"type":"${'a-'.repeat(100)}"}`],
    ['a time that is none', ',"modified":"yesterday"}'],
    ['a name that is a number', ',"name":7}'],
    ['a null', ',"description":null}'],
  ] as const) {
    const { status, value } = await send(at, `{"objects":[${object}${more}]}`)
    assert.equal(status, 202, name)
    assert.deepEqual([value['total_count'], value['failure_count'], value['success_count']], [1, 1, 0], name)
    assert.ok(value['failures'][0].message.length > 5)
  }
  const { value } = await send(at, `{"objects":[${object}},${JSON.stringify(numbered(2))},${object},"name":7}]}`)
  assert.deepEqual([value['total_count'], value['success_count'], value['failure_count']], [3, 2, 1])

  const long = 'x'.repeat(5_000)
  for (const path of [
    `${at}${long}/`,
    `${at}${'%00'.repeat(50)}/`,
    `${at}..%2f..%2fetc/`,
    `${at}?match[id]=${long}`,
    `${at}?match[type]=${'a,'.repeat(3_000)}`,
    `${at}?match[version]=${long}`,
    `${at}?next=${long}`,
    `${at}?added_after=${long}`,
    `${at}?limit=99999999999999999999`,
    `${at}?%F0%28=1&match[=2`,
    `${node.root}status/${long}/`,
    `${node.root}collections/${long}/`,
    `${node.root}${'a/'.repeat(2_000)}`,
  ]) {
    const { status } = await send(path)
    assert.ok(status === 400 || status === 404, `${path.slice(-60)}: ${status}`)
  }
  for (const header of [
    'Basic',
    'Basic ====',
    `Basic ${'A'.repeat(10_000)}`,
    'Basic OnRlc3Q=',
    `Basic ${Buffer.from('nobody').toString('base64')}`,
  ]) {
    const response = await fetch(at, { headers: { accept: MEDIA, authorization: header } })
    assert.equal(response.status, 401)
    await response.text()
  }
  assert.equal((await send(at)).value['objects'].length, 2)
})

test('a body of 100 MB is refused before it is read', async () => {
  await using node = await openNode('NCSC')
  const { user, secret } = await node.exchange.peers.add(
    { name: 'x', role: 'other', maxTlp: 'green', own: false, networks: [] },
    'staff:a',
  )
  const { port, pathname } = new URL(`${node.root}collections/${node.exchange.places.in.id}/objects/`)
  const head = (more: string) =>
    `POST ${pathname} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}\r\naccept: ${MEDIA}\r\ncontent-type: ${MEDIA}\r\n${more}\r\n\r\n`
  for (const chunked of [false, true]) {
    const before = process.memoryUsage().rss
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1')
      let text = ''
      socket.on('data', (part) => (text += part.toString()))
      socket.on('close', () => resolve(text))
      socket.on('error', () => resolve(text))
      socket.write(head(chunked ? 'transfer-encoding: chunked' : 'content-length: 104857600'))
      const part = Buffer.alloc(1_048_576, 0x20)
      let sent = 0
      const more = (): void => {
        if (sent++ === 100 || socket.destroyed || text !== '') return void socket.end()
        if (chunked) socket.write(`${part.length.toString(16)}\r\n`)
        socket.write(part)
        socket.write(chunked ? '\r\n' : '', () => setImmediate(more))
      }
      more()
    })
    assert.match(answer, /^HTTP\/1\.1 413 /)
    assert.ok(process.memoryUsage().rss - before < 80_000_000)
  }
})

test('guessing secrets is slowed down, and the peer itself is not locked out', async () => {
  await using node = await openNode('NCSC')
  const { user, secret } = await node.exchange.peers.add(
    { name: 'x', role: 'other', maxTlp: 'green', own: false, networks: [] },
    'staff:a',
  )
  const ask = async (password: string) => {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    const response = await fetch(node.root, { headers: { accept: MEDIA, authorization } })
    await response.text()
    return response
  }
  const answers = []
  for (let i = 0; i < 30; i++) answers.push(await ask(`guess ${i}`))
  assert.equal(answers[0]!.status, 401)
  assert.equal(answers[29]!.status, 429)
  assert.match(answers[29]!.headers.get('retry-after')!, /^\d+$/)
  assert.equal((await ask(secret)).status, 200)
  const { items } = { items: await node.exchange.peers.list() }
  assert.ok(!JSON.stringify(items).includes(secret))
  await node.exchange.peers.set(items[0]!.id, { enabled: false }, 'staff:a')
  node.clock.advance(60_000)
  assert.equal((await ask(secret)).status, 401)
})

test('the console API: who may, what it answers, what it says to garbage', async () => {
  await using node = await openNode('NCSC')
  let caller: Caller = { kind: 'nobody' }
  const hosts = new Set<string>()
  const app = bindRoutes(exchangeApi(node.exchange), {
    authenticate: async () => caller,
    fingerprint: () => (text) => String(text.length),
    hosts,
    name: 'x',
    log: silentLog,
    count: () => {},
  })
  await using listening = await serve(app, { host: '127.0.0.1', port: 0 })
  hosts.add(`127.0.0.1:${listening.port}`)
  const base = `http://127.0.0.1:${listening.port}`
  const as = (...roles: ('analyst' | 'administrator' | 'auditor' | 'dpo')[]): void => {
    caller = roles.length === 0 ? { kind: 'nobody' } : { kind: 'staff', id: 'stf_1', session: 's', roles, name: 'A' }
  }
  const ask = async (path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { origin: base, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { status: response.status, value: (await response.json()) as Record<string, Parsed> }
  }
  const lists = ['summary', 'indicators', 'peers', 'refusals', 'transfers', 'blocks']
  for (const list of lists) {
    as()
    assert.equal((await ask(`/api/exchange/${list}`)).status, 401)
    as('dpo')
    assert.equal((await ask(`/api/exchange/${list}`)).status, 403)
    for (const role of ['analyst', 'administrator', 'auditor'] as const) {
      as(role)
      assert.equal((await ask(`/api/exchange/${list}`)).status, 200, `${role} ${list}`)
    }
  }
  const proposal = {
    value: 'c2.xau.test',
    kind: 'domain',
    role: 'c2',
    confidence: 90,
    validUntil: new Date(node.clock() + 86_400_000).toISOString(),
  }
  as('auditor', 'administrator')
  assert.equal((await ask('/api/exchange/indicators', proposal)).status, 403)
  as('analyst')
  assert.equal((await ask('/api/exchange/peers', { name: 'x', role: 'telecom' })).status, 403)
  const made = await ask('/api/exchange/indicators', proposal)
  assert.equal(made.status, 200, JSON.stringify(made.value))
  assert.deepEqual([made.value['state'], made.value['tlp'], made.value['usable']], ['draft', 'amber', false])
  assert.equal((await ask('/api/exchange/indicators', proposal)).value['code'], 'exchange/known')
  const at = `/api/exchange/indicators/${made.value['id']}`
  as('administrator')
  const peer = await ask('/api/exchange/peers', { name: 'Viễn thông', role: 'telecom', networks: ['198.18.0.0/16'] })
  assert.equal(peer.status, 200, JSON.stringify(peer.value))
  assert.equal(Buffer.from(peer.value['secret'], 'base64url').length, 32)
  assert.equal(
    (await ask('/api/exchange/peers', { name: 'Viễn thông', role: 'telecom' })).value['code'],
    'exchange/peer-exists',
  )
  assert.equal(
    (
      await ask('/api/exchange/peers', {
        name: 'y',
        role: 'telecom',
        remote: { root: 'http://far.example/', user: 'u', secret: 's' },
      })
    ).value['code'],
    'exchange/peer-insecure',
  )
  as('analyst')
  node.clock.advance(1_000)
  const shared = await ask(`${at}/share`, {})
  assert.equal(shared.status, 200, JSON.stringify(shared.value))
  assert.deepEqual([shared.value['indicator'].state, shared.value['deliveries'][0].state], ['shared', 'refused'])
  const whole = (await ask(at)).value
  assert.deepEqual(
    whole['stix'].map((object: { type: string }) => object.type),
    ['identity', 'marking-definition', 'indicator'],
  )
  assert.deepEqual(
    whole['acts'].map((act: { act: string }) => act.act),
    ['shared', 'proposed'],
  )
  const refusals = (await ask('/api/exchange/refusals')).value
  assert.deepEqual(
    [refusals['total'], refusals['items'][0].reason, refusals['items'][0].name],
    [1, 'tlp-ceiling', 'Viễn thông'],
  )
  assert.equal((await ask(`${at}/revoke`, { reason: 'mistake' })).value['state'], 'revoked')
  const summary = (await ask('/api/exchange/summary')).value
  assert.deepEqual([summary['indicators'].revoked, summary['withheld'], summary['peers']], [1, 1, 1])
  assert.equal((await ask('/api/exchange/indicators?q=XAU&state=revoked')).value['items'].length, 1)
  assert.equal((await ask('/api/exchange/indicators?q=%25')).value['items'].length, 0)
  for (let i = 0; i < 5; i++) await ask('/api/exchange/indicators', { ...proposal, value: `n${i}.xau.test` })
  const seen = []
  for (let cursor = ''; ;) {
    const page = (await ask(`/api/exchange/indicators?limit=2${cursor}`)).value
    seen.push(...page['items'].map((item: { id: string }) => item.id))
    if (page['next'] === null) break
    cursor = `&cursor=${page['next']}`
  }
  assert.equal(new Set(seen).size, 6)
  const exported = await ask('/api/exchange/export', { indicators: seen.slice(0, 2), maxTlp: 'amber' })
  assert.equal(exported.status, 200, JSON.stringify(exported.value))
  const imported = await ask(
    '/api/exchange/import',
    exported.value['bundle'] && {
      bundle: exported.value['bundle'],
      signature: exported.value['signature'],
      vkey: exported.value['vkey'],
    },
  )
  assert.equal(imported.status, 200, JSON.stringify(imported.value))

  const big = 'x'.repeat(100_000)
  for (const [path, body, code] of [
    ['/api/exchange/indicators', '{', 'http/json'],
    ['/api/exchange/indicators', {}, 'http/invalid'],
    ['/api/exchange/indicators', { ...proposal, value: big }, 'http/too-large'],
    ['/api/exchange/indicators', { ...proposal, value: 'x'.repeat(3_000) }, 'http/invalid'],
    ['/api/exchange/indicators', { ...proposal, confidence: 101 }, 'http/invalid'],
    ['/api/exchange/indicators', { ...proposal, kind: 'pattern' }, 'http/invalid'],
    ['/api/exchange/indicators', { ...proposal, value: 'vn' }, 'exchange/guard-single-label'],
    ['/api/exchange/indicators', { ...proposal, more: 1 }, 'http/invalid'],
    ['/api/exchange/indicators', nested(10_000), 'http/invalid'],
    [`${at}/share`, { peers: ['peer_x'] }, 'http/invalid'],
    ['/api/exchange/indicators/ind_00000000000000000000000000/share', {}, 'exchange/unknown-indicator'],
    ['/api/exchange/export', { indicators: [] }, 'http/invalid'],
    ['/api/exchange/import', { bundle: '{}', signature: 'x', vkey: 'x' }, 'exchange/bad-key'],
  ] as const) {
    const answer = await ask(path, body)
    assert.equal(answer.value['code'], code, `${path}: ${JSON.stringify(answer.value)}`)
  }
  for (const path of [
    'indicators?cursor=zzzz',
    'indicators?limit=0',
    'indicators?state=x',
    `indicators/${'x'.repeat(3_000)}`,
    'transfers?peer=x',
    'blocks?way=up',
  ])
    assert.equal((await ask(`/api/exchange/${path}`)).status, 400, path)
})
