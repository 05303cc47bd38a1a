import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STORES } from '../storage/sql/testing.ts'
import { fitting } from './pages.ts'
import { numbered, openNode, START, type Node } from './testing.ts'
import { FROM_START, taxiiClient, type PullCursor } from './taxii/client.ts'

// One peer that sends much, or large things, keeps nobody else from fetching.

const LARGEST = 65_536
const GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
const AMBER = 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'
const PEER = { role: 'telecom', maxTlp: 'green', own: false, networks: [] } as const
const indicator = (n: number, bytes: number, marking = GREEN) => {
  const object = {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--${String(n).padStart(8, '0')}-1111-4111-8111-111111111111`,
    created: '2026-11-20T00:00:00.000Z',
    modified: '2026-11-20T00:00:00.000Z',
    confidence: 90,
    labels: ['role:c2'],
    indicator_types: ['malicious-activity'],
    description: '',
    pattern: `[domain-name:value = 'c${n}-evil.top']`,
    pattern_type: 'stix',
    valid_from: '2026-11-20T00:00:00Z',
    object_marking_refs: [marking],
  }
  // Of two bytes each, so that counting signs is not enough.
  const gap = bytes - Buffer.byteLength(JSON.stringify(object))
  return { ...object, description: 'đ'.repeat(gap >> 1) + 'd'.repeat(gap & 1) }
}
const pushed = (object: { id: string; modified: string }) => ({
  id: object.id,
  version: object.modified,
  body: JSON.stringify(object),
})
async function joined(node: Node, name: string, collection: 'in' | 'out', maxBody?: number) {
  const { user, secret } = await node.exchange.peers.add({ ...PEER, name }, 'staff:a')
  return taxiiClient({ root: node.root, collection, user, secret, ...(maxBody === undefined ? {} : { maxBody }) })
}
async function fetchAll(client: Awaited<ReturnType<typeof joined>>) {
  const pages: { id: string }[][] = []
  let largest = 0
  let cursor: PullCursor = FROM_START
  for (let more = true; more;) {
    const page = await client.page(cursor)
    pages.push((page.objects as { id: string; type: string }[]).filter((each) => each.type === 'indicator'))
    largest = Math.max(largest, page.bytes)
    ;({ more, cursor } = page)
  }
  return { pages, largest, ids: pages.flat().map((each) => each.id) }
}

test('an object of more than 64 KiB fails in the status and in a file; a body of more than 1 MiB is not read', async () => {
  await using node = await openNode('NCSC')
  const client = await joined(node, 'P', 'in')
  assert.equal(await client.limit(), 1_048_576)
  const objects = [indicator(1, LARGEST), indicator(2, LARGEST + 1), indicator(3, 1_000)]
  assert.deepEqual(
    objects.map((each) => Buffer.byteLength(JSON.stringify(each))),
    [LARGEST, LARGEST + 1, 1_000],
  )
  const why = `Larger than ${LARGEST} bytes, the most that an object may have here.`
  assert.deepEqual(
    (await client.push(objects.map(pushed))).map(({ outcome, message }) => [outcome, message]),
    [
      ['success', undefined],
      ['failure', why],
      ['success', undefined],
    ],
  )
  const [tooLarge] = await client.push([pushed(indicator(4, 1_048_576))])
  assert.equal(tooLarge!.outcome, 'failure')
  const { user, secret } = await node.exchange.peers.add({ ...PEER, name: 'Q' }, 'staff:a')
  const media = 'application/taxii+json;version=2.1'
  const response = await fetch(`${node.root}collections/in/objects/`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`,
      accept: media,
      'content-type': media,
    },
    body: JSON.stringify({ objects: [indicator(5, 1_048_576)] }),
  })
  assert.equal(response.status, 413)

  await using there = await openNode('Khác', { clock: node.clock })
  const wish = { kind: 'domain', role: 'c2', confidence: 90, tlp: 'clear', caseId: null, actor: 'staff:a' } as const
  const made = await there.exchange.indicators.propose({ ...wish, value: 'x.top', validUntil: START + 86_400_000 })
  // What a neighbour’s own file says may be as long as it likes: only the object is refused.
  await there.db
    .tables<{ indicator: { id: string; source: string; body: string } }>()
    .updateTable('indicator')
    .set({ source: 'peer', body: JSON.stringify(indicator(6, LARGEST + 1)) })
    .where('id', '=', made.id)
    .execute()
  const file = await there.exchange.files.exportFile([made.id], 'clear', 'staff:a')
  const taken = await node.exchange.files.importFile(
    Buffer.from(file.bundle),
    file.signature,
    { vkey: file.vkey },
    'staff:a',
  )
  assert.deepEqual(
    taken.failures.map((each) => each.message),
    [why],
  )
})

for (const { name, skip, open } of STORES)
  test(`${name}: a peer that fills the collection keeps nobody from fetching it`, { skip }, async () => {
    await using hub = await openNode('NCSC', { relay: true, db: await open() })
    const evil = await joined(hub, 'evil', 'in')
    const good = await joined(hub, 'good', 'out', 4_300_000)
    const total = 100
    for (let n = 0; n < total; n += 10)
      await evil.push(
        // Every fourth may not go to whom fetches.
        Array.from({ length: 10 }, (_, i) => pushed(indicator(n + i, LARGEST, (n + i) % 4 === 0 ? AMBER : GREEN))),
      )
    await hub.exchange.digest()
    const { pages, largest, ids } = await fetchAll(good)
    assert.deepEqual(
      ids,
      Array.from({ length: total }, (_, n) => indicator(n, 1_000).id).filter((_, n) => n % 4 !== 0),
    )
    assert.deepEqual([pages.length, pages.every((page) => page.length <= 64)], [2, true])
    assert.ok(largest <= 4_200_000, String(largest))
  })

test('what is relayed by push leaves in pieces that the other side takes', async () => {
  await using hub = await openNode('NCSC', { relay: true })
  await using telecom = await openNode('Viễn thông', { role: 'telecom', clock: hub.clock })
  const { user, secret } = await telecom.exchange.peers.add({ ...PEER, name: 'NCSC' }, 'staff:a')
  const bodies: number[] = []
  const remote = { root: telecom.root, user, secret, push: 'in', pull: null }
  await hub.exchange.peers.add({ ...PEER, name: 'T', remote }, 'staff:a')
  const evil = await joined(hub, 'evil', 'in')
  for (let n = 0; n < 40; n += 10)
    await evil.push(Array.from({ length: 10 }, (_, i) => pushed(indicator(n + i, 60_000))))
  await hub.exchange.digest()
  for (let sent = await hub.exchange.push(); sent > 0; sent = await hub.exchange.push()) bodies.push(sent)
  assert.deepEqual(bodies, [17, 17, 6])
  await telecom.exchange.digest()
  assert.equal((await telecom.exchange.store.list({ cursor: undefined, limit: 50 })).length, 40)
})

for (const [sizes, most, wanted] of [
  [[], 10, 0],
  [[11], 10, 1],
  [[11, 1], 10, 1],
  [[1, 11], 10, 1],
  [[5, 5, 1], 10, 2],
  [[1, 1], 10, 2],
] as const)
  test(`of ${sizes.join(', ') || 'nothing'} fit ${wanted} into ${most}`, () =>
    assert.equal(
      fitting(
        sizes.map((size) => ({ size })),
        most,
      ),
      wanted,
    ))

test('cut by bytes, a page still goes on where it stopped, whatever the sizes', async () => {
  await using node = await openNode('NCSC')
  const { collections, places } = node.exchange
  const sizes = Array.from({ length: 400 }, (_, n) => (n % 3 === 0 ? 60_000 : n % 7 === 0 ? 30_000 : 10))
  const objects = sizes.map((size, n) => numbered(n, { description: 'x'.repeat(size) }))
  await collections.add(places.out.id, objects, { check: 'stix' })
  const client = await joined(node, 'P', 'out')
  const seen: string[] = []
  let cursor: PullCursor = FROM_START
  for (let more = true; more;) {
    const page = await client.page(cursor, 100)
    assert.ok(page.objects.length <= 100 && page.bytes < 4_300_000, `${page.objects.length}, ${page.bytes}`)
    seen.push(...(page.objects as { id: string }[]).map((each) => each.id))
    ;({ more, cursor } = page)
  }
  assert.deepEqual(
    seen,
    objects.map((each) => each.id),
  )
})
