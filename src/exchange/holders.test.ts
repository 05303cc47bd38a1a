import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STORES } from '../storage/sql/testing.ts'
import { exchangeKey, openNode, START, type Node } from './testing.ts'

// Who brought an indicator first has it: nobody else changes or revokes it, whichever way it comes.

const AMBER = 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'
const sent = (modified: string, name: string, more: object = {}) => ({
  type: 'indicator',
  spec_version: '2.1',
  id: 'indicator--11111111-1111-4111-8111-111111111111',
  created_by_ref: 'identity--22222222-2222-4222-8222-222222222222',
  created: '2026-11-20T00:00:00.000Z',
  modified: `2026-11-${modified}:00:00.000Z`,
  confidence: 90,
  labels: ['role:c2'],
  indicator_types: ['malicious-activity'],
  pattern: `[domain-name:value = '${name}']`,
  pattern_type: 'stix',
  valid_from: '2026-11-20T00:00:00Z',
  object_marking_refs: [AMBER],
  ...more,
})
type Sent = ReturnType<typeof sent>

const inUse = async (node: Node) => (await node.exchange.indicators.usable()).items.map((item) => item.value)
const newPeer = async (node: Node, name: string) =>
  (await node.exchange.peers.add({ name, role: 'platform', maxTlp: 'amber', own: false, networks: [] }, 'staff:a')).peer
    .id
/** Puts objects where a push, a pull or a file puts them, and digests. */
async function arrive(node: Node, place: 'in' | 'pulled' | 'files', source: string, object: Sent): Promise<boolean> {
  const { exchange } = node
  const [outcome] = await exchange.collections.add(exchange.places[place].id, [object], { source, check: 'stix' })
  await exchange.digest()
  return !outcome!.failed
}

for (const { name, skip, open } of STORES)
  for (const way of ['in', 'pulled', 'files'] as const)
    test(`${name}: what one peer brought is not another’s to change (it came by ${way})`, { skip }, async () => {
      await using hub = await openNode('NCSC', { relay: true, db: await open() })
      await using telecom = await openNode('Viễn thông', { role: 'telecom', clock: hub.clock })
      const { user, secret } = await hub.exchange.peers.add(
        { name: 'T', role: 'telecom', maxTlp: 'amber', own: false, networks: [] },
        'staff:a',
      )
      const remote = { root: hub.root, user, secret, push: 'in', pull: 'out' }
      await telecom.exchange.peers.add(
        { name: 'NCSC', role: 'authority', maxTlp: 'amber', own: false, networks: [], remote },
        'staff:a',
      )
      const [first, second] = [await newPeer(hub, 'P1'), await newPeer(hub, 'P2')]
      const both = async (wanted: readonly string[], why: string) => {
        hub.clock.advance(2_000)
        await telecom.exchange.pull()
        assert.deepEqual([await inUse(hub), await inUse(telecom)], [wanted, wanted], why)
      }
      assert.ok(await arrive(hub, 'in', first, sent('20T01', 'evil.top')))
      await both(['evil.top'], 'the first')
      const refused = () => hub.exchange.store.counted('held-by-another')

      const taken = await arrive(hub, way, second, sent('21T01', 'innocent.com.vn'))
      assert.equal(taken, way !== 'in', 'in the same collection the status says so at once')
      await both(['evil.top'], 'rewritten by another')
      assert.equal(await refused(), way === 'in' ? 0 : 1)
      await arrive(hub, way, second, sent('21T02', 'evil.top', { revoked: true }))
      await both(['evil.top'], 'revoked by another')
      assert.equal(await refused(), way === 'in' ? 0 : 2)
      await arrive(hub, way, second, sent('20T01', 'evil.top'))
      assert.equal(await refused(), way === 'in' ? 0 : 2, 'a copy of what is known is no attempt')

      // A version that another took beforehand in the same collection would keep the holder’s from being stored.
      await arrive(hub, way, second, sent('21T03', 'innocent.com.vn'))
      assert.ok(await arrive(hub, 'in', first, sent('21T03', 'worse.top')))
      await both(['worse.top'], 'changed by its holder')
      assert.ok(await arrive(hub, 'in', first, sent('21T04', 'worse.top', { revoked: true })))
      await both([], 'revoked by its holder')
      await arrive(hub, way, second, sent('21T05', 'worse.top'))
      await both([], 'revived by another')
      assert.equal((await hub.exchange.store.list({ cursor: undefined, limit: 10 })).length, 1)
    })

test('ours is nobody else’s to change', async () => {
  await using node = await openNode('NCSC')
  const wish = { kind: 'domain', role: 'c2', confidence: 90, tlp: 'amber', caseId: null, actor: 'staff:a' } as const
  const { id } = await node.exchange.indicators.propose({ ...wish, value: 'ours.top', validUntil: START + 86_400_000 })
  await node.exchange.indicators.share(id, undefined, 'staff:a')
  const row = (await node.exchange.store.one(id))!
  const forged = { ...(JSON.parse(row.body!) as Sent), modified: '2027-01-01T00:00:00.000Z', revoked: true }
  await arrive(node, 'pulled', await newPeer(node, 'P'), forged)
  assert.deepEqual(await inUse(node), ['ours.top'])
  assert.equal(await node.exchange.store.counted('held-by-another'), 1)
})

test('a file signed with another key changes nothing that came in the first; a peer’s key is that peer', async () => {
  await using node = await openNode('NCSC')
  const clock = node.clock
  await using one = await openNode('Một', { clock })
  const wish = { kind: 'domain', role: 'c2', confidence: 90, tlp: 'clear', caseId: null, actor: 'staff:a' } as const
  const { id } = await one.exchange.indicators.propose({ ...wish, value: 'one.top', validUntil: START + 86_400_000 })
  const file = await one.exchange.files.exportFile([id], 'clear', 'staff:a')
  const { vkey } = one.exchange.ctx
  const take = (of: { bundle: string; signature: string }, key: string) =>
    node.exchange.files.importFile(Buffer.from(of.bundle), of.signature, { vkey: key }, 'staff:b')
  const { peer } = await node.exchange.peers.add(
    { name: 'Một', role: 'other', maxTlp: 'clear', own: false, networks: [], vkey },
    'staff:a',
  )
  await take(file, vkey)
  assert.deepEqual(await inUse(node), ['one.top'])
  assert.equal((await node.exchange.store.list({ cursor: undefined, limit: 1 }))[0]!.source, peer.id)

  // Somebody else’s key over a bundle that revokes it.
  const theirs = exchangeKey('other/exchange')
  await using other = await openNode('Khác', { clock, ...theirs })
  const stixId = (await one.exchange.store.one(id))!.stix_id
  clock.advance(1_000)
  await one.exchange.indicators.revoke(id, 'mistake', 'staff:a')
  const revoked = JSON.parse((await one.exchange.store.one(id))!.body!) as Sent
  assert.deepEqual([revoked.id, (revoked as { revoked?: boolean }).revoked], [stixId, true])
  await arrive(other, 'pulled', 'x', revoked)
  const [held] = await other.exchange.store.list({ cursor: undefined, limit: 1 })
  const forged = await other.exchange.files.exportFile([held!.id], 'clear', 'staff:a')
  await take(forged, theirs.vkey)
  assert.deepEqual(await inUse(node), ['one.top'])

  const honest = await one.exchange.files.exportFile([id], 'clear', 'staff:a')
  await take(honest, vkey)
  assert.deepEqual(await inUse(node), [])
})
