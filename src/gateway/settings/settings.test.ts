import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { manualClock } from '../../kit/clock.ts'
import { systemEntropy } from '../../kit/ids.ts'
import { silentLog } from '../../kit/log.ts'
import { recordedActs } from '../../kit/testing.ts'
import { migrate } from '../../storage/sql/index.ts'
import { STORES } from '../../storage/sql/testing.ts'
import { figureService, HOUR_MS } from '../figures/service.ts'
import { refusalStore, type Refusal } from '../refusals.ts'
import { gatewayMigrations } from '../store.ts'
import { openFrame, sealFrame } from '../traffic/frame.ts'
import { keptTraffic } from '../traffic/kept.ts'
import { trafficKeyMigrations } from '../traffic/store.ts'
import { exclusionService } from '../tuning/exclusions.ts'
import { suddenService } from '../tuning/sudden.ts'
import { banService } from './bans.ts'
import { settingsService } from './service.ts'

const DAY = 86_400_000
const NOW = 20_000 * DAY + 7 * HOUR_MS
const BODY = {
  sites: [{ name: 'shop', hosts: ['*'], upstreams: [{ url: 'http://127.0.0.1:1' }] }],
  ruleSets: [{ name: 'default', rules: ['/rules'] }],
}
type Store = (typeof STORES)[number]

/** The services over one store, with what rules would say left to the test of a running node. */
async function opened(store: Store) {
  await using stack = new AsyncDisposableStack()
  const [db, keysDb] = [stack.use(await store.open()), stack.use(await store.open())]
  await migrate(db, gatewayMigrations)
  await migrate(keysDb, trafficKeyMigrations)
  const clock = manualClock(NOW)
  const { acts, record } = recordedActs()
  const base = { db, keysDb, clock, entropy: systemEntropy, record, log: silentLog }
  const settings = settingsService({ ...base, check: async () => undefined })
  const refusals = refusalStore({ db, clock })
  const alerts: string[] = []
  const alert = async ({ rule }: { rule: number }): Promise<void> => void alerts.push(String(rule))
  const folder = mkdtempSync(join(tmpdir(), 'khien-traffic-'))
  const plain = (bytes: Uint8Array): Uint8Array => bytes
  const owned = stack.move()
  return {
    clock,
    acts,
    alerts,
    folder,
    settings,
    refusals,
    bans: banService(settings, systemEntropy),
    exclusions: exclusionService({ ...base, settings, refusals }),
    sudden: suddenService({ ...base, settings, refusals, alert }),
    figures: figureService(base),
    kept: keptTraffic({ ...base, settings, folder, seal: plain, open: plain }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
type Opened = Awaited<ReturnType<typeof opened>>
const by = { actor: 'staff:a', reason: 'Thử', version: undefined }
const site = async ({ settings }: Opened) => (await settings.current.kept())!.body.sites[0]!
const edited = (world: Opened, change: object) =>
  world.settings.change({
    ...by,
    edit: (body) => ({ ...body, sites: body.sites.map((one) => ({ ...one, ...change })) }),
  })

let n = 0
const SIGNS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const code = (i: number): string => `R-0000-${[15, 10, 5, 0].map((shift) => SIGNS[(i >> shift) & 31]).join('')}`
const refusedBy = (rule: number, clientAddress: string, at: number, change: Partial<Refusal> = {}): string =>
  JSON.stringify({
    id: code(n++),
    at,
    worker: 1,
    clientAddress,
    clientPort: 1,
    method: 'POST',
    host: 'a.vn',
    path: '/bai/12',
    status: 403,
    score: 5,
    threshold: 5,
    mode: 'block',
    matches: [{ ruleId: rule, message: 'm', severity: 'CRITICAL', tags: [], place: 'ARGS:q', masked: '•', score: 5 }],
    ruleIds: [rule],
    bytes: 1,
    site: 'shop',
    ...change,
  })

for (const store of STORES) {
  const on = (name: string, work: (world: Opened) => Promise<void>): void =>
    void test(`${store.name}: ${name}`, { skip: store.skip }, async () => {
      await using world = await opened(store)
      await world.settings.seed(BODY)
      await work(world)
    })

  on('the command line counts until a person has said something', async ({ settings, ...world }) => {
    assert.deepEqual(await settings.seed(BODY), { kept: false, version: 1 })
    const other = { ...BODY, sites: [{ ...BODY.sites[0]!, upstreams: [{ url: 'http://127.0.0.1:2' }] }] }
    assert.deepEqual(await settings.seed(other), { kept: true, version: 2 })
    await edited({ settings, ...world } as Opened, { threshold: 9 })
    assert.deepEqual(await settings.seed(BODY), { kept: false, version: 3 })
    assert.deepEqual(
      world.acts.map(({ kind, actor }) => `${kind} ${actor}`),
      ['gateway.settings-changed node', 'gateway.settings-changed node', 'gateway.settings-changed staff:a'],
    )
  })

  on('two at once: one is kept, the other told', async (world) => {
    const both = await Promise.allSettled([
      world.settings.change({
        ...by,
        version: 1,
        edit: (body) => ({ ...body, ruleSets: [{ ...body.ruleSets[0]!, rules: ['/a'] }] }),
      }),
      world.settings.change({
        ...by,
        version: 1,
        edit: (body) => ({ ...body, ruleSets: [{ ...body.ruleSets[0]!, rules: ['/b'] }] }),
      }),
    ])
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    const lost = both.find((one) => one.status === 'rejected')!
    assert.equal((lost.reason as { code: string }).code, 'gateway/changed')
  })

  on('history is paged; an old version comes back as a new one', async (world) => {
    for (const threshold of [6, 7, 8]) await edited(world, { threshold })
    const first = await world.settings.page(undefined, 3)
    const second = await world.settings.page(first.next!, 3)
    assert.deepEqual(
      [...first.items, ...second.items].map(({ version }) => version),
      [4, 3, 2, 1],
    )
    assert.equal(second.next, null)
    assert.match(first.items[0]!.changes[0]!.vi, /Trang shop: ngưỡng điểm 7 → 8/)
    const back = await world.settings.restore(2, by)
    assert.deepEqual([back.version, (await site(world)).threshold], [5, 6])
  })

  on('history of one site: its own versions alone', async (world) => {
    const other = { ...(await site(world)), name: 'tin', hosts: ['tin.vn'] }
    await world.settings.change({ ...by, edit: (body) => ({ ...body, sites: [...body.sites, other] }) })
    for (const [name, threshold] of [
      ['tin', 6],
      ['shop', 7],
      ['tin', 8],
    ] as const)
      await world.settings.change({
        ...by,
        edit: (body) => ({
          ...body,
          sites: body.sites.map((one) => (one.name === name ? { ...one, threshold } : one)),
        }),
      })
    const of = async (name: string, cursor?: string) => {
      const { items, next } = await world.settings.page(cursor, 2, name)
      return [items.map(({ version }) => version), next]
    }
    assert.deepEqual(
      [await of('tin'), await of('tin', '3')],
      [
        [[5, 3], '3'],
        [[2], null],
      ],
    )
    assert.deepEqual(
      [await of('shop'), await of('khac')],
      [
        [[4, 1], null],
        [[], null],
      ],
    )
  })

  on('a ban is in the document until it ends or is lifted', async (world) => {
    const until = new Date(NOW + HOUR_MS).toISOString()
    const ban = await world.bans.add({ address: '2001:db8::1', until }, 'staff:a', 'Quét')
    assert.deepEqual((await world.settings.current.document())!.bans, [{ address: '2001:db8::1', until }])
    assert.equal(await world.settings.current.version(), 2)
    assert.equal((await world.settings.current.kept())!.version, 1, 'nobody’s edit is in the way of another’s ban')
    assert.deepEqual(
      [await world.bans.lift(ban.id, 'staff:a', 'Nhầm'), await world.bans.lift(ban.id, 'staff:a', 'x')],
      [true, false],
    )
    await world.bans.add({ account: 'A'.repeat(22), until }, 'staff:a', 'Quét')
    world.clock.advance(2 * HOUR_MS)
    assert.deepEqual((await world.settings.current.document())!.bans, [])
    await assert.rejects(world.bans.add({ address: '2001:db8::1', until }, 'staff:a', 'x'), {
      code: 'gateway/ban-over',
    })
  })

  on('an exclusion with an end is taken out after it, and counted until then', async (world) => {
    await world.refusals.keep(
      [refusedBy(1002001, '203.0.113.9', NOW), refusedBy(1002001, '203.0.113.8', NOW)].join('\n'),
    )
    const [id] = (await world.refusals.page(undefined)).map((one) => one.id)
    const proposal = await world.exclusions.propose(id!)
    assert.deepEqual([proposal.passes, proposal.effect.through, proposal.effect.clients], ['yes', 2, 2])
    const { exclusions } = await world.exclusions.exclude(id!, { ...by, version: 1, days: 1 })
    const batch = {
      sender: 'w-0123456789abcdef',
      seq: 1,
      tallies: [{ kind: 'exclusion', hour: 1, site: 'shop', route: '', label: exclusions[0]!.id, n: 3 }],
      answers: [],
    }
    assert.deepEqual(await world.figures.receive(batch), { taken: true })
    assert.deepEqual(await world.figures.receive(batch), { taken: false }, 'a repeat changes nothing')
    const { items } = await world.exclusions.page({ limit: 10 })
    assert.deepEqual(
      items.map(({ applied, refusal, by: who }) => [applied, refusal, who]),
      [[3, id, 'staff:a']],
    )
    world.clock.advance(DAY + 1)
    await world.exclusions.expire()
    assert.deepEqual((await site(world)).ruleExclusions, [])
  })

  on(
    'a rule that suddenly refuses many turns to watching; a flood of one client, or of attacks, does not',
    async (world) => {
      await world.sudden.start()
      const at = (i: number): string => `198.51.${100 + Math.floor(i / 250)}.${i % 250}`
      const told = async (lines: string[]): Promise<void> => {
        await world.refusals.keep(lines.join('\n'))
        // What was heard is looked at behind the answer.
        for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 2))
      }
      await told(Array.from({ length: 90 }, (_, i) => refusedBy(1, '203.0.113.9', NOW, { account: `invented${i}` })))
      const two = { ruleIds: [2, 3], score: 10 }
      const matches = [2, 3].map((ruleId) => ({
        ruleId,
        message: 'm',
        severity: 'CRITICAL',
        tags: [],
        place: 'ARGS:q',
        masked: '•',
        score: 5,
      }))
      await told(
        Array.from({ length: 90 }, (_, i) => refusedBy(2, at(i), NOW, { ...two, matches } as Partial<Refusal>)),
      )
      assert.deepEqual((await site(world)).watched, [], 'one client; two rules at once')
      await told(Array.from({ length: 50 }, (_, i) => refusedBy(4, at(i), NOW)))
      assert.deepEqual((await site(world)).watched, [], 'fifty are not more than fifty')
      await told([refusedBy(4, at(60), NOW)])
      assert.deepEqual([(await site(world)).watched, world.alerts], [[4], ['4']])
      const { items } = await world.sudden.page({ limit: 10, state: 'open' })
      assert.deepEqual(
        items.map(({ rule, clients, before }) => [rule, clients, before]),
        [[4, 51, 0]],
      )
      await world.sudden.decide(items[0]!.id, 'restored', 'staff:a', 'Tấn công thật')
      assert.deepEqual((await site(world)).watched, [])
      await told(Array.from({ length: 60 }, (_, i) => refusedBy(4, at(100 + i), NOW)))
      assert.deepEqual((await site(world)).watched, [], 'a person knows better, for seven days')
      await assert.rejects(world.sudden.decide(items[0]!.id, 'accepted', 'staff:a', 'x'), { code: 'gateway/decided' })
    },
  )

  on('what is kept goes with its key after its days', async (world) => {
    assert.deepEqual(await world.kept.keyFor({ site: 'shop' }), {}, 'nothing is kept unasked')
    await edited(world, { keep: { share: 1, days: 2 } })
    const key = await world.kept.keyFor({ site: 'shop' })
    assert.ok('key' in key)
    const to = { key: key.key!, publicKey: Buffer.from(key.publicKey!, 'base64url'), site: 'shop' }
    const head = { method: 'GET', target: '/', httpVersion: '1.1', headers: [], clientAddress: '::1', clientPort: 1 }
    const kept = { at: NOW, head, body: Uint8Array.of(1, 2, 3) }
    const sealed = Buffer.from(sealFrame([kept, kept], to, systemEntropy(32))).toString('base64')
    const frame = { site: 'shop', key: to.key, requests: 2, sealed }
    assert.deepEqual(await world.kept.receive(frame), { kept: true })
    assert.deepEqual(await world.kept.receive({ ...frame, site: 'khac' }), { kept: false })
    const [file] = await world.kept.filesOf('shop')
    assert.equal(openFrame(Buffer.from(sealed, 'base64'), { ...file!, site: 'shop' })!.length, 2)
    assert.equal(openFrame(Buffer.from(sealed, 'base64'), { ...file!, site: 'khac' }), undefined)
    world.clock.advance(DAY)
    await world.kept.sweep()
    assert.ok(existsSync(file!.path))
    world.clock.advance(DAY)
    await world.kept.sweep()
    assert.deepEqual([readdirSync(world.folder), await world.kept.filesOf('shop')], [[], []])
    assert.equal((await world.kept.figures()).dropped, 2)
  })
}
