import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindRoutes, serve } from '../http/index.ts'
import { silentLog } from '../kit/log.ts'
import { taxiiClient, taxiiRows } from './index.ts'
import { openNode } from './testing.ts'

test('the rows of the public listener: a client reads through them, errors stay TAXII’s', async () => {
  await using node = await openNode('NCSC')
  const hosts = new Set<string>()
  const app = bindRoutes(taxiiRows(node.exchange), {
    authenticate: async () => ({ kind: 'nobody' }),
    fingerprint: () => (text) => text,
    hosts,
    name: 'x',
    log: silentLog,
    count: () => {},
  })
  await using listening = await serve(app, { host: '127.0.0.1', port: 0 })
  hosts.add(`127.0.0.1:${listening.port}`)
  const origin = `http://127.0.0.1:${listening.port}`
  const { user, secret } = await node.exchange.peers.add(
    { name: 'x', role: 'other', maxTlp: 'amber', own: false, networks: [] },
    'staff:a',
  )
  const { id } = await node.exchange.indicators.propose({
    value: 'c2.xau.test',
    kind: 'domain',
    role: 'c2',
    confidence: 90,
    validUntil: node.clock() + 86_400_000,
    tlp: 'green',
    caseId: null,
    actor: 'staff:a',
  })
  await node.exchange.indicators.share(id, undefined, 'staff:a')
  const client = taxiiClient({ root: `${origin}/taxii2/root/`, collection: 'out', user, secret })
  const page = await client.page({ addedAfter: null, next: null, last: null }, 2)
  assert.deepEqual([page.objects.length, page.more], [2, true])
  assert.deepEqual((await client.page(page.cursor, 2)).more, false)
  const [delivery] = await node.exchange.deliveries.of(id)
  assert.equal(delivery!.state, 'sent')
  const refused = await fetch(`${origin}/taxii2/`, { headers: { accept: 'application/taxii+json;version=2.1' } })
  assert.equal(refused.status, 401)
  assert.equal(refused.headers.get('content-type'), 'application/taxii+json;version=2.1')
  assert.equal(((await refused.json()) as { http_status: string }).http_status, '401')
})
