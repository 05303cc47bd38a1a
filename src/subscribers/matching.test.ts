import assert from 'node:assert/strict'
import test from 'node:test'
import type { UsableIndicator, UsableSet } from '../exchange/index.ts'
import { openSqlite } from '../storage/sql/index.ts'
import type { Hit } from './hits.ts'
import { openMatching, openSubscribers } from './index.ts'
import { retroSearch } from './retro.ts'
import type { SubscriberTables } from './store.ts'
import { C2, LOG, NOW, openWorld } from './testing.ts'

const DEVICE = { source: 'svc_dns', clientAddress: '198.18.4.1', clientPort: 2100 }
const item = (id: string, kind: 'domain' | 'ipv4' | 'url', value: string, role = 'c2') =>
  ({ id, kind, value, role, confidence: 90, validUntil: NOW * 2 }) as UsableIndicator
const SET: UsableSet = {
  version: 1,
  items: [
    item('ind_name', 'domain', C2),
    item('ind_net', 'ipv4', '203.0.113.0/24'),
    item('ind_url', 'url', 'http://popular.vn/page'),
    // No type lets it in; a set that came over a wire might hold one all the same.
    item('ind_attacker', 'ipv4', '198.51.100.7', 'attacker'),
  ],
}
const dns = (query: string, more = {}) => ({ id: 'e1', time: NOW, kind: 'dns.query', ...DEVICE, query, ...more })
const flow = (serverAddress: string, more = {}) => ({
  id: 'e1',
  time: NOW,
  kind: 'net.flow',
  ...DEVICE,
  serverAddress,
  serverPort: 443,
  protocol: 'tcp',
  ...more,
})

for (const [name, event, found] of [
  ['a query of the name', dns(C2), ['ind_name']],
  ['a query below it', dns(`a.b.${C2}`), ['ind_name']],
  ['a query of another name', dns(`x${C2}`), []],
  ['the answers of a query are no contact', dns('popular.vn', { answers: ['203.0.113.7'] }), []],
  ['a connection to the network', flow('203.0.113.7'), ['ind_net']],
  ['a connection by name and address', flow('203.0.113.7', { host: C2 }), ['ind_name', 'ind_net']],
  ['the listed host connects to us', flow('198.18.4.1', { clientAddress: '203.0.113.7' }), []],
  ['a connection to an address that only attacked', flow('198.51.100.7'), []],
  ['a request at the gateway', { ...flow('203.0.113.7'), kind: 'gateway.refused', callbackHost: C2 }, []],
] as readonly (readonly [string, Record<string, unknown>, string[]])[])
  test(name, () => {
    const told: Hit[] = []
    const tell = ({ hits }: { readonly hits: readonly Hit[] }) => told.push(...hits) > 0
    const matching = openMatching({ tell, began: 1 })
    matching.push([event])
    assert.equal(told.length, 0)
    matching.replace(SET)
    assert.deepEqual(
      told.splice(0).map((hit) => hit.indicator),
      found,
      'a moment before the indicator came',
    )
    matching.replace(SET)
    assert.equal(told.length, 0, 'an indicator that is known already looks back no more')
    matching.push([event])
    assert.deepEqual(
      told.map((hit) => hit.indicator),
      found,
    )
    for (const hit of told) assert.deepEqual([hit.clientAddress, hit.source], [DEVICE.clientAddress, 'svc_dns'])
    assert.equal(matching.status().events, 2)
  })

test('a shared indicator reaches the matching in pages, and only when it changed', async () => {
  await using db = openSqlite(':memory:')
  await using keysDb = openSqlite(':memory:')
  const { subscribers, list, outbox } = await openWorld(db, keysDb)
  await using _ = outbox
  const matching = openMatching({ tell: () => false, began: 1 })
  let asked = 0
  const ask = (body: unknown) => {
    asked++
    return subscribers.duties.indicators(body)
  }
  await matching.follow(ask)
  assert.deepEqual([asked, matching.status().indicators], [1, 0])
  await list(C2)
  await matching.follow(ask)
  await matching.follow(ask)
  assert.deepEqual([asked, matching.status().indicators], [3, 1])
  matching.push([dns(C2)])
  assert.equal(matching.status().dropped, 1)
  await matching.follow(async () => undefined)
  assert.equal(matching.status().indicators, 1)
})

test('a new indicator is looked for in the last day, twice; an event that the stream told is the same event', async () => {
  await using db = openSqlite(':memory:')
  await using keysDb = openSqlite(':memory:')
  const asked: string[] = []
  const stored = [dns(`x.${C2}`, { id: 'old', time: new Date(NOW - 3_600_000).toISOString() })]
  const { subscribers, list, clock, outbox } = await openWorld(db, keysDb, {
    searchEvents: async (query, from, to, cursor) => {
      asked.push(`${query} ${cursor ?? ''}`)
      assert.equal(to - from, 86_400_001)
      return {
        events: query.includes('query:*.') ? stored : [],
        next: query.includes('host:"') && !cursor ? 'c' : null,
      }
    },
  })
  await using _ = outbox
  await subscribers.importPortLog(
    'a',
    LOG(['198.18.4.1,0,65535,TB-1,2026-11-22T00:00:00Z,2026-11-23T00:00:00Z,bras']),
    'staff:lan',
  )
  const indicator = await list(C2)
  assert.equal(await subscribers.retro.turn(), 1)
  assert.deepEqual(asked, [
    `kind:dns.query query:"${C2}" `,
    `kind:dns.query query:*.${C2} `,
    `kind:net.flow host:"${C2}" `,
    `kind:net.flow host:"${C2}" c`,
    `kind:net.flow host:*.${C2} `,
  ])
  assert.equal(await subscribers.retro.turn(), 0)
  stored.push(dns(C2, { id: 'late' }) as (typeof stored)[0])
  clock.advance(31_000)
  assert.equal(await subscribers.retro.turn(), 1)
  assert.equal(await subscribers.retro.turn(), 0)
  const [found] = (await subscribers.infections.page({ limit: 10 })).items
  assert.deepEqual([found?.indicator, found?.sightings, found?.state], [indicator, 2, 'found'])
  const status = { began: 7, indicators: 1, version: 1, events: 1, hits: 0, dropped: 0 }
  await subscribers.duties['matching-status'](status)
  await subscribers.duties['matching-status'](status)
  clock.advance(31_000)
  assert.equal(await subscribers.retro.turn(), 1, 'the watcher began anew')
  assert.equal(await subscribers.retro.turn(), 0)
})

test('a restart with many indicators searches for every one of them', async () => {
  await using db = openSqlite(':memory:')
  await using keysDb = openSqlite(':memory:')
  const { ctx, clock, outbox } = await openWorld(db, keysDb)
  await using _ = outbox
  const items = Array.from({ length: 600 }, (_, i) => item(`ind_${i}`, 'domain', `c${i}.test`))
  const at = NOW
  for (let from = 0; from < items.length; from += 200)
    await db
      .tables<SubscriberTables>()
      .insertInto('indicator_searched')
      .values(items.slice(from, from + 200).map(({ id }) => ({ indicator: id, passes: 2, at })))
      .execute()
  const asked = new Set<string>()
  const searchEvents = async (query: string) => {
    asked.add(/c\d+\.test/.exec(query)![0])
    return { events: [], next: null }
  }
  const retro = retroSearch({ ...ctx, indicators: { usable: async () => ({ version: 1, items }) }, searchEvents }, () =>
    Promise.resolve(),
  )
  await retro.again()
  clock.advance(60_000)
  await retro.turn()
  assert.deepEqual([retro.counts.searched, retro.counts.waiting], [20, 580])
  for (let turn = 0; turn < 40 && (await retro.turn()) > 0; turn++);
  assert.deepEqual([asked.size, retro.counts.waiting], [600, 0])
})

test('a log taken in just before the end of the process is judged by the next one', async () => {
  await using db = openSqlite(':memory:')
  await using keysDb = openSqlite(':memory:')
  const { subscribers, ctx, list, outbox } = await openWorld(db, keysDb)
  await using _ = outbox
  const hit = { event: 'e', time: NOW - 1, ...DEVICE, indicator: await list(C2), contacted: C2, kind: 'net.flow' }
  await subscribers.duties.matches({ hits: [hit] })
  const row = '198.18.4.1,0,65535,TB-1,2026-11-22T00:00:00Z,2026-11-23T00:00:00Z,bras'
  await subscribers.logs.import('a', LOG([row]), 'staff:lan')
  const next = await openSubscribers(ctx)
  assert.deepEqual((await next.infections.figures()).states, { found: 1 })
})

test('what a duty is told is checked', async () => {
  await using db = openSqlite(':memory:')
  await using keysDb = openSqlite(':memory:')
  const { subscribers, outbox } = await openWorld(db, keysDb)
  await using _ = outbox
  for (const body of [null, {}, [], { hits: 7 }, { hits: [{}] }, { hits: Array.from({ length: 501 }, () => ({})) }])
    await assert.rejects(subscribers.duties.matches(body), { code: 'subscribers/told' })
  await assert.rejects(subscribers.duties.indicators({ from: -1 }), { code: 'subscribers/told' })
  await assert.rejects(subscribers.duties['matching-status']('x'), { code: 'subscribers/told' })
  // What nobody lists (any more) leads to nothing.
  const hit = { event: 'e', time: NOW, ...DEVICE, indicator: 'ind_x', contacted: C2, kind: 'dns.query' }
  assert.deepEqual(await subscribers.duties.matches({ hits: [hit] }), { taken: 0 })
})
