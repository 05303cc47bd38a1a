import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validateBundle } from '../engine/stix/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { FROM_START, taxiiClient } from './taxii/client.ts'
import { exchangeKey, openNode, START, type Node } from './testing.ts'

const DAY = 86_400_000
const wish = (value: string, more: object = {}) =>
  ({
    value,
    kind: 'domain',
    role: 'c2',
    confidence: 90,
    validUntil: START + 7 * DAY,
    tlp: 'amber',
    caseId: null,
    actor: 'staff:a',
    ...more,
  }) as Parameters<Node['exchange']['indicators']['propose']>[0]

const JOINED = { role: 'telecom', maxTlp: 'amber', own: false, networks: [] } as const
type Sent = { readonly type: string }

/** `from` signs in at `to`, pushes to its `in` and fetches its `out`. */
async function join(from: Node, to: Node, name: string, role: 'platform' | 'telecom', more: object = {}) {
  const { user, secret, peer } = await to.exchange.peers.add(
    { name, role, maxTlp: 'amber', own: false, networks: [], ...more },
    'staff:admin',
  )
  const here = await from.exchange.peers.add(
    {
      name: 'authority',
      role: 'authority',
      maxTlp: 'amber',
      own: false,
      networks: [],
      remote: { root: to.root, user, secret, push: 'in', pull: 'out' },
    },
    'staff:admin',
  )
  return { there: peer, here: here.peer }
}

for (const { name, skip, open } of STORES)
  test(
    `${name}: an indicator travels from platform over authority to telecom, and its sighting back`,
    { skip },
    async () => {
      await using platform = await openNode('Chợ Sen', { role: 'platform' })
      await using authority = await openNode('NCSC', { role: 'authority', relay: true, db: await open() })
      await using telecom = await openNode('Viễn thông', {
        role: 'telecom',
        db: await open(),
        ownRanges: ['198.18.32.0/19'],
      })
      await join(platform, authority, 'Chợ Sen', 'platform')
      await join(telecom, authority, 'Viễn thông', 'telecom')

      const { id } = await platform.exchange.indicators.propose(wish('C2.Xau.test'))
      await platform.exchange.indicators.share(id, undefined, 'staff:a')
      const heard: number[] = []
      telecom.exchange.indicators.listen(() => heard.push(1))
      assert.equal(await platform.exchange.push(), 3)
      await authority.exchange.digest()
      await telecom.exchange.pull()

      const usable = await telecom.exchange.indicators.usable()
      assert.deepEqual(
        usable.items.map(({ kind, value, role }) => ({ kind, value, role })),
        [{ kind: 'domain', value: 'c2.xau.test', role: 'c2' }],
      )
      assert.equal(heard.length, 1)
      assert.equal((await telecom.exchange.indicators.usable()).version, usable.version)

      const here = usable.items[0]!.id
      await telecom.exchange.sightings.sight({
        indicator: here,
        count: 2,
        firstSeen: START,
        lastSeen: START + 5,
        actor: 'system',
      })
      await telecom.exchange.sightings.sight({
        indicator: here,
        count: 3,
        firstSeen: START + 6,
        lastSeen: START + 9,
        actor: 'system',
      })
      await telecom.exchange.push()
      await authority.exchange.digest()
      const there = (await authority.exchange.store.list({ cursor: undefined, limit: 10 }))[0]!
      assert.equal(there.sightings, 5)
      const [seen] = await authority.exchange.sightings.of(there.id)
      assert.deepEqual([seen!.count, seen!.first_seen, seen!.last_seen], [5, START, START + 9])
      // The authority passes it on to where the indicator came from, which fetches it.
      await platform.exchange.pull()
      assert.equal((await platform.exchange.store.one(id))!.sightings, 5)
      assert.ok(platform.events.some(({ topic, payload }) => topic === 'exchange.sighted' && payload['count'] === 5))
      const told = JSON.stringify(
        await authority.db
          .tables<never>()
          .selectFrom('exchange_object' as never)
          .selectAll()
          .execute(),
      )
      assert.ok(!told.includes('subscriber') && told.includes('sighting--'))

      // A revocation goes the same way and takes it out of use.
      platform.clock.advance(1_000)
      await platform.exchange.indicators.revoke(id, 'mistake', 'staff:a')
      await platform.exchange.push()
      authority.clock.advance(2_000)
      await authority.exchange.digest()
      await telecom.exchange.pull()
      const after = await telecom.exchange.indicators.usable()
      assert.deepEqual(after.items, [])
      assert.notEqual(after.version, usable.version)
    },
  )

test('the marking gate: what is above a ceiling leaves by no way, and each refusal is written down', async () => {
  for (const s of [
    { tlp: 'clear', maxTlp: 'clear', own: false, gets: true },
    { tlp: 'green', maxTlp: 'green', own: false, gets: true },
    { tlp: 'amber', maxTlp: 'green', own: false, gets: false, reason: 'tlp-ceiling' },
    { tlp: 'amber+strict', maxTlp: 'red', own: false, gets: false, reason: 'tlp-strict' },
    { tlp: 'amber+strict', maxTlp: 'amber+strict', own: true, gets: true },
    { tlp: 'red', maxTlp: 'red', own: true, gets: false, reason: 'tlp-red' },
  ] as const) {
    await using authority = await openNode('NCSC')
    await using telecom = await openNode('Viễn thông', { role: 'telecom' })
    const { there } = await join(telecom, authority, 'Viễn thông', 'telecom', { maxTlp: s.maxTlp, own: s.own })
    const { id } = await authority.exchange.indicators.propose(wish('c2.xau.test', { tlp: s.tlp }))
    await authority.exchange.indicators.share(id, undefined, 'staff:a')
    await telecom.exchange.pull()
    const got = (await telecom.exchange.store.list({ cursor: undefined, limit: 10 })).length
    const log = await authority.exchange.gate.list({ cursor: undefined, peer: undefined, limit: 10 })
    assert.equal(got, s.gets ? 1 : 0, JSON.stringify(s))
    assert.equal(log.length, s.gets ? 0 : 1)
    if ('reason' in s) {
      assert.equal(log[0]!.reason, s.reason)
      assert.equal(log[0]!.peer, there.id)
      const [delivery] = await authority.exchange.deliveries.of(id)
      assert.deepEqual([delivery!.state, delivery!.reason], ['refused', s.reason])
    }
  }
})

for (const { name, skip, open } of STORES)
  test(`${name}: shared with one, then with another, then with all: each who fetches gets it`, { skip }, async () => {
    await using authority = await openNode('NCSC', { db: await open() })
    const { clock } = authority
    await using first = await openNode('A', { role: 'telecom', clock })
    await using second = await openNode('B', { role: 'telecom', clock })
    await using third = await openNode('C', { role: 'telecom', clock })
    const nodes = [first, second, third]
    const peers = []
    for (const [i, node] of nodes.entries()) peers.push((await join(node, authority, 'ABC'[i]!, 'telecom')).there.id)
    const { id } = await authority.exchange.indicators.propose(wish('c2.xau.test'))
    const have = async (...wanted: number[]) => {
      clock.advance(1_000)
      for (const [i, node] of nodes.entries()) {
        await node.exchange.pull()
        assert.equal((await node.exchange.indicators.usable()).items.length, wanted[i], `${'ABC'[i]} of ${wanted}`)
      }
    }
    await authority.exchange.indicators.share(id, [peers[0]!], 'staff:a')
    await have(1, 0, 0)
    await authority.exchange.indicators.share(id, [peers[1]!], 'staff:a')
    await have(1, 1, 0)
    // Told again to somebody who has it, nobody else learns of it.
    await authority.exchange.indicators.share(id, [peers[1]!], 'staff:a')
    await have(1, 1, 0)
    const client = taxiiClient({
      ...(await authority.exchange.peers.add({ ...JOINED, name: 'D' }, 'staff:admin')),
      root: authority.root,
      collection: 'out',
    })
    const seen = async () =>
      (await client.page(FROM_START)).objects.filter((each) => (each as Sent).type === 'indicator')
    assert.equal((await seen()).length, 0)
    await authority.exchange.indicators.share(id, undefined, 'staff:a')
    await have(1, 1, 1)
    assert.equal((await seen()).length, 1)
    assert.deepEqual(
      (await authority.exchange.deliveries.of(id)).map((each) => each.state),
      ['sent', 'sent', 'sent', 'sent'],
    )
  })

test('a revocation reaches all who were told one after the other', async () => {
  await using authority = await openNode('NCSC')
  const { clock } = authority
  await using first = await openNode('A', { role: 'telecom', clock })
  await using second = await openNode('B', { role: 'telecom', clock })
  const { id } = await authority.exchange.indicators.propose(wish('c2.xau.test'))
  for (const [name, node] of [['A', first] as const, ['B', second] as const]) {
    const { there } = await join(node, authority, name, 'telecom')
    await authority.exchange.indicators.share(id, [there.id], 'staff:a')
  }
  for (const node of [first, second]) await node.exchange.pull()
  clock.advance(1_000)
  await authority.exchange.indicators.revoke(id, 'mistake', 'staff:a')
  for (const node of [first, second]) {
    await node.exchange.pull()
    const [row] = await node.exchange.store.list({ cursor: undefined, limit: 1 })
    assert.equal(row!.state, 'revoked')
  }
})

test('a ceiling that comes down after queueing holds the push back', async () => {
  await using platform = await openNode('Chợ Sen', { role: 'platform' })
  await using authority = await openNode('NCSC')
  const { here } = await join(platform, authority, 'Chợ Sen', 'platform')
  const { id } = await platform.exchange.indicators.propose(wish('c2.xau.test'))
  await platform.exchange.indicators.share(id, undefined, 'staff:a')
  await platform.exchange.peers.set(here.id, { maxTlp: 'green' }, 'staff:admin')
  await platform.exchange.push()
  await authority.exchange.digest()
  assert.equal((await authority.exchange.store.list({ cursor: undefined, limit: 10 })).length, 0)
  assert.equal((await platform.exchange.gate.list({ cursor: undefined, peer: undefined, limit: 10 })).length, 1)
})

test('an attacker is a block suggestion to the network that owns the address, and never used for matching', async () => {
  await using platform = await openNode('Chợ Sen', { role: 'platform' })
  await using authority = await openNode('NCSC')
  await using owner = await openNode('Viễn thông A', { role: 'telecom' })
  await using other = await openNode('Viễn thông B', { role: 'telecom' })
  await join(platform, authority, 'Chợ Sen', 'platform')
  await join(owner, authority, 'Viễn thông A', 'telecom', { networks: ['198.18.32.0/19'] })
  await join(other, authority, 'Viễn thông B', 'telecom', { networks: ['198.18.64.0/19'] })
  const attack = { kind: 'ipv4', role: 'attacker', confidence: 95, port: 40_001, seenAt: START - 1_000 }
  await assert.rejects(platform.exchange.indicators.propose(wish('198.18.40.7', { ...attack, port: undefined })), {
    code: 'exchange/port-needed',
  })
  await assert.rejects(platform.exchange.indicators.propose(wish('198.18.40.0/24', attack)), {
    code: 'exchange/not-an-address',
  })
  const { id } = await platform.exchange.indicators.propose(wish('198.18.40.7', attack))
  await platform.exchange.indicators.share(id, undefined, 'staff:a')
  await platform.exchange.push()
  await authority.exchange.digest()
  for (const node of [owner, other]) await node.exchange.pull()
  const blocks = async (node: Node) =>
    (
      await node.db
        .tables<{ block_suggestion: Record<string, unknown> }>()
        .selectFrom('block_suggestion')
        .selectAll()
        .execute()
    ).map(({ way, address, port, seen_at: at }) => ({ way, address, port, at }))
  const block = { address: '198.18.40.7', port: 40_001, at: START - 1_000 }
  assert.deepEqual(await blocks(owner), [{ way: 'in', ...block }])
  assert.deepEqual(await blocks(other), [])
  assert.deepEqual(await blocks(authority), [
    { way: 'in', ...block },
    { way: 'out', ...block },
  ])
  for (const node of [platform, authority, owner, other])
    assert.deepEqual((await node.exchange.indicators.usable()).items, [])
})

test('what a peer sends passes the same guard, and only what is sure and says its role may warn anybody', async () => {
  await using authority = await openNode('NCSC')
  const { user, secret } = await authority.exchange.peers.add(
    { name: 'x', role: 'other', maxTlp: 'green', own: false, networks: [] },
    'staff:admin',
  )
  const sent = (n: number, pattern: string, more: object = {}) => ({
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`,
    created: '2026-11-20T00:00:00.000Z',
    modified: '2026-11-20T00:00:00.000Z',
    indicator_types: ['malicious-activity'],
    pattern,
    pattern_type: 'stix',
    valid_from: '2026-11-20T00:00:00Z',
    confidence: 80,
    labels: ['role:c2'],
    ...more,
  })
  const cases = [
    [sent(1, "[domain-name:value = 'good-c2.top']"), 'received', true],
    [sent(2, "[domain-name:value = 'google.com']"), 'refused', false],
    [sent(3, "[ipv4-addr:value = '10.0.0.1']"), 'refused', false],
    [sent(4, "[domain-name:value = 'unsure.top']", { confidence: 74 }), 'received', false],
    [sent(5, "[domain-name:value = 'roleless.top']", { labels: ['x'] }), 'received', false],
    [sent(6, "[domain-name:value = 'old.top']", { valid_until: '2026-11-21T00:00:00Z' }), 'expired', false],
    [sent(7, "[domain-name:value = 'a.top'] FOLLOWEDBY [ipv4-addr:value = '45.1.1.1']"), 'received', false],
    [sent(8, "[url:value = 'http://p.top/x' OR domain-name:value = 'q.top']"), 'received', true],
    [sent(9, "[domain-name:value = 'r.top' OR domain-name:value = 'facebook.com']"), 'refused', false],
    [sent(10, "[domain-name:value = 'gone.top']", { revoked: true }), 'revoked', false],
    // Networks that everybody uses, and ranges: a peer may not send those at all.
    [sent(11, "[ipv4-addr:value IN ('142.250.0.0/16','157.240.0.0/16','104.16.0.0/16')]"), 'refused', false],
    [sent(12, "[ipv4-addr:value = '142.250.66.78']"), 'refused', false],
    [sent(13, "[ipv4-addr:value = '45.12.0.0/16']"), 'refused', false],
    [sent(14, "[ipv4-addr:value = '45.12.3.0/24']"), 'refused', false],
    [sent(15, "[ipv4-addr:value = '45.12.3.9/32']"), 'received', true],
    [sent(16, "[ipv6-addr:value = '2a0e:97c0:1:2::/64']"), 'refused', false],
  ] as const
  const response = await fetch(`${authority.root}collections/${authority.exchange.places.in.id}/objects/`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`,
      accept: 'application/taxii+json;version=2.1',
      'content-type': 'application/taxii+json;version=2.1',
    },
    body: JSON.stringify({ objects: cases.map(([object]) => object) }),
  })
  const status = (await response.json()) as { success_count: number; failures?: unknown }
  assert.equal(status.success_count, cases.length, JSON.stringify(status.failures))
  await authority.exchange.digest()
  const rows = await authority.exchange.store.list({ cursor: undefined, limit: 50 })
  const usable = new Set((await authority.exchange.indicators.usable()).items.map((item) => item.id))
  for (const [object, state, isUsed] of cases) {
    const row = rows.find((each) => each.stix_id === object.id)!
    assert.deepEqual([row.state, usable.has(row.id)], [state, isUsed], object.pattern)
  }
  // One without an end ends after thirty days.
  assert.ok(rows.every((row) => row.valid_until <= START + 30 * DAY))
  const before = await authority.exchange.indicators.usable()
  authority.clock.advance(31 * DAY)
  const after = await authority.exchange.indicators.usable()
  assert.deepEqual(after.items, [])
  assert.notEqual(after.version, before.version)
})

test('what is popular needs a second person', async () => {
  await using node = await openNode('NCSC')
  const { id } = await node.exchange.indicators.propose(wish('google.com'))
  await assert.rejects(node.exchange.indicators.share(id, undefined, 'staff:a'), { code: 'exchange/not-shareable' })
  await assert.rejects(node.exchange.indicators.approve(id, 'staff:a'), { code: 'exchange/same-person' })
  await node.exchange.indicators.approve(id, 'staff:b')
  await node.exchange.indicators.share(id, undefined, 'staff:a')
  assert.equal((await node.exchange.indicators.usable()).items.length, 1)
  assert.deepEqual(
    node.acts.map((act) => act.kind),
    ['exchange.indicator-proposed', 'exchange.indicator-approved', 'exchange.indicator-shared'],
  )
  assert.ok(!JSON.stringify(node.acts).includes('google'))
  await assert.rejects(node.exchange.indicators.propose(wish('com.vn')), {
    code: 'exchange/guard-public-suffix',
  })
  await assert.rejects(node.exchange.indicators.propose(wish('x.top', { validUntil: START + 31 * DAY })), {
    code: 'exchange/valid-until',
  })
})

test('a signed file goes out, is valid STIX, and comes in elsewhere; a changed one does not', async () => {
  await using one = await openNode('NCSC')
  await using two = await openNode('Viễn thông')
  const ids = []
  for (const [value, tlp] of [
    ['a.top', 'green'],
    ['b.top', 'clear'],
    ['c.top', 'amber'],
  ] as const)
    ids.push((await one.exchange.indicators.propose(wish(value, { tlp }))).id)
  const file = await one.exchange.files.exportFile(ids, 'green', 'staff:a')
  assert.deepEqual([file.objects, file.withheld], [5, 1])
  assert.deepEqual(
    validateBundle(JSON.parse(file.bundle)).filter((fault) => fault.level === 'error'),
    [],
  )
  const bytes = Buffer.from(file.bundle)
  const taken = await two.exchange.files.importFile(bytes, file.signature, { vkey: file.vkey }, 'staff:b')
  assert.deepEqual([taken.accepted, taken.failures, taken.indicators.length], [5, [], 2])
  assert.equal((await two.exchange.indicators.usable()).items.length, 2)
  const again = await two.exchange.files.importFile(bytes, file.signature, { vkey: file.vkey }, 'staff:b')
  assert.equal(again.indicators.length, 2)
  const changed = Buffer.from(file.bundle.replace('a.top', 'z.top'))
  const other = exchangeKey('khien/other').vkey
  for (const [content, signature, vkey, code] of [
    [changed, file.signature, file.vkey, 'exchange/bad-signature'],
    [bytes, file.signature, other, 'exchange/bad-signature'],
    [bytes, 'nonsense', file.vkey, 'exchange/bad-signature'],
    [bytes, file.signature, 'nonsense', 'exchange/bad-key'],
  ] as const)
    await assert.rejects(two.exchange.files.importFile(content, signature, { vkey }, 'staff:b'), { code })
  assert.equal(await two.exchange.files.refused(), 3)
})

test('one host that two peers name is one thing to the matchers', async () => {
  await using one = await openNode('Một', { role: 'platform' })
  await using two = await openNode('Hai', { role: 'platform' })
  await using telecom = await openNode('Viễn thông', { role: 'telecom', ownRanges: [] })
  await join(one, telecom, 'Một', 'platform')
  await join(two, telecom, 'Hai', 'platform')
  for (const node of [one, two]) {
    const { id } = await node.exchange.indicators.propose(wish('c2.xau.test'))
    await node.exchange.indicators.share(id, undefined, 'staff:a')
    await node.exchange.push()
    await telecom.exchange.digest()
  }
  const { items } = await telecom.exchange.indicators.usable()
  assert.deepEqual(
    items.map(({ value }) => value),
    ['c2.xau.test'],
  )
})
