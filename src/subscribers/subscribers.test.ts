import assert from 'node:assert/strict'
import test from 'node:test'
import type { Database } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { codeOf } from './codes.ts'
import type { Hit } from './hits.ts'
import { bodyOf, C2, LOG, contact, letterbox, mailerTo, NOW, openWorld } from './testing.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const BLOCKS = LOG([
  '198.18.4.1,1024,2047,TB-1,2026-11-22T00:00:00Z,2026-11-23T00:00:00Z,cgnat-1',
  '198.18.4.1,2048,3071,TB-2,2026-11-22T00:00:00Z,2026-11-23T00:00:00Z,cgnat-1',
  '198.18.4.2,0,65535,TB-3,2026-11-22T00:00:00Z,2026-11-23T00:00:00Z,cgnat-1',
])
let events = 0
const hit = (indicator: string, over: Partial<Hit> = {}): Hit => ({
  source: 'svc_dns',
  event: `evt-${++events}`,
  time: NOW - 2 * MINUTE,
  clientAddress: '198.18.4.1',
  clientPort: 2100,
  indicator,
  contacted: C2,
  kind: 'net.flow',
  ...over,
})

for (const store of STORES) {
  const onStore = (name: string, work: (db: Database, keysDb: Database) => Promise<void>) =>
    test(`${store.name}: ${name}`, { skip: store.skip }, async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      await work(db, keysDb)
    })

  onStore('of two behind one address exactly the right one is warned, once, and can check it', async (db, keysDb) => {
    await using box = await letterbox()
    await using world = await opened(db, keysDb, { mailer: mailerTo(box.port) })
    const { subscribers, outbox, exchange, acts, clock } = world
    await subscribers.importPortLog('a', BLOCKS, 'staff:lan')
    const put = await subscribers.contacts(
      [contact('TB-1'), contact('TB-2'), contact('TB-3')],
      'service:bss',
      undefined,
    )
    assert.ok(put.every((one) => one.ok))
    const indicator = await world.list(C2)
    const first = hit(indicator)
    assert.deepEqual(await subscribers.infections.receive([first, hit(indicator), first]), { taken: 2 })
    assert.deepEqual(await subscribers.infections.receive([first]), { taken: 0 })
    await outbox.drain()
    await subscribers.infections.receive([hit(indicator, { time: NOW })])
    await outbox.drain()
    assert.deepEqual(
      box.got.map((mail) => mail.to),
      ['tb-2@example.vn'],
    )
    const page = await subscribers.infections.page({ limit: 10 })
    assert.deepEqual([page.total, page.items[0]!.state, page.items[0]!.sightings], [1, 'warned', 3])
    assert.equal((await exchange.store.one(indicator))?.sightings, 3)

    const text = bodyOf(box.got[0]!.text)
    const code = /Mã: ([0-9A-Z]{4}-[0-9A-Z]{4})/.exec(text)![1]!
    assert.match(text, /update-cdn\[\.\]test/)
    assert.match(text, /song-hong\(chấm\)vn\/warning/)
    assert.match(text, /19:58:00, 22\/11\/2026/)
    assert.doesNotMatch(text, /https?:|www\.|\w\.(?:vn|test)\b/)
    const found = await subscribers.codes.find(code.toLowerCase().replace('-', ' '), '192.0.2.1')
    assert.equal(found?.notice.state, 'sent')
    assert.equal(await subscribers.codes.find('7Q4K-2MXB', '192.0.2.1'), undefined)

    const token = page.items[0]!.subscriber!
    const about = new Set(acts.filter((act) => act.subject === token).map((act) => act.kind))
    for (const kind of ['subscribers.infection-found', 'vault.read', 'subscribers.notice', 'subscribers.confirmed'])
      assert.ok(about.has(kind), kind)
    assert.doesNotMatch(JSON.stringify(acts), /"TB-|Người|@example|198\.18/)

    // Stop when clean; once it comes back, one new mail.
    clock.advance(8 * DAY)
    await subscribers.infections.sweep()
    assert.equal((await subscribers.infections.page({ limit: 1 })).items[0]!.state, 'clean')
    const late = '198.18.4.1,2048,3071,TB-2,2026-11-29T00:00:00Z,2026-12-23T00:00:00Z,cgnat-1'
    await subscribers.importPortLog('b', LOG([late]), 'staff:lan')
    await subscribers.infections.receive([hit(indicator, { time: NOW + MINUTE })])
    assert.equal((await subscribers.infections.page({ limit: 1 })).items[0]!.state, 'clean', 'old news is no return')
    for (let n = 0; n < 3; n++) await subscribers.infections.receive([hit(indicator, { time: clock() - n })])
    await outbox.drain()
    assert.equal(box.got.length, 2)
    assert.notEqual(box.got[0]!.id, box.got[1]!.id)

    // Not my device: nothing more, and a person looks.
    await subscribers.codes.notTheirs(code, '192.0.2.2')
    await subscribers.infections.receive([hit(indicator, { time: clock() })])
    await outbox.drain()
    assert.equal((await subscribers.infections.page({ limit: 1 })).items[0]!.state, 'not-theirs')
    assert.equal(box.got.length, 2)
  })

  onStore('nobody is guessed; a late log says whose it was', async (db, keysDb) => {
    await using box = await letterbox()
    await using world = await opened(db, keysDb, { mailer: mailerTo(box.port) })
    const { subscribers, outbox } = world
    await subscribers.contacts([contact('TB-1'), contact('TB-2')], 'service:bss', undefined)
    const indicator = await world.list(C2)
    const told = [
      hit(indicator),
      hit(indicator, { clientPort: null, clientAddress: '198.18.4.9' }),
      hit(indicator, { clientAddress: '203.0.113.9' }),
    ]
    await subscribers.infections.receive(told)
    const before = await subscribers.infections.figures()
    assert.deepEqual(before.attribution, { attributed: 0, ambiguous: 0, 'not-attributable': 2, outside: 1 })
    assert.deepEqual(before.states, { unattributed: 3 })
    assert.equal(await outbox.drain(), 0)
    await subscribers.importPortLog('a', BLOCKS, 'staff:lan')
    await outbox.drain()
    assert.deepEqual(
      box.got.map((mail) => mail.to),
      ['tb-2@example.vn'],
    )
    assert.deepEqual((await subscribers.infections.figures()).states, { unattributed: 2, warned: 1 })
    const again = await subscribers.importPortLog('a', BLOCKS, 'staff:lan')
    assert.equal(again.rows, 3)
    assert.equal((await subscribers.logs.list()).rows, 3)

    const asked = { address: '198.18.4.1', port: null, at: NOW, reason: 'VA-1' }
    const answer = await subscribers.logs.ask(asked, 'staff:lan')
    assert.deepEqual([answer.result, answer.candidates, answer.why], ['not-attributable', 2, 'no-port'])
    assert.equal(world.acts.at(-1)?.kind, 'subscribers.attributed')
  })

  onStore('a later log says it was somebody else: what waited is held, the right one is warned', async (db, keysDb) => {
    await using box = await letterbox()
    await using world = await opened(db, keysDb, { mailer: mailerTo(box.port), firstMode: 'off' })
    const { subscribers, outbox } = world
    await subscribers.contacts([contact('SUB-A'), contact('SUB-B')], 'service:bss', undefined)
    await subscribers.importPortLog(
      'a',
      LOG([
        '198.18.4.7,1024,2047,SUB-A,2026-11-22T04:00:00Z,,cgnat-1',
        '198.18.4.20,1024,2047,SUB-Z,2026-11-22T12:59:00Z,,cgnat-1',
      ]),
      'staff:lan',
    )
    const indicator = await world.list(C2)
    const seen = { clientAddress: '198.18.4.7', clientPort: 1500, time: NOW - 180 * MINUTE }
    await subscribers.infections.receive([hit(indicator, seen), hit(indicator, { ...seen, time: NOW - 540 * MINUTE })])
    const [held] = (await subscribers.notices.page({ limit: 10 })).items
    const late = LOG([
      '198.18.4.7,1024,2047,SUB-A,2026-11-22T04:00:00Z,2026-11-22T08:00:00Z,cgnat-1',
      '198.18.4.7,1024,2047,SUB-B,2026-11-22T08:00:00Z,,cgnat-1',
    ])
    // The log alone, as when the process ends before the contacts are judged again: the claim itself refuses.
    await subscribers.logs.import('b', late, 'staff:lan')
    await subscribers.notices.set({ mode: 'on', cap: 100, cleanAfterDays: 7 }, 'staff:lan')
    await outbox.drain()
    assert.equal(box.got.length, 0)
    assert.equal((await subscribers.notices.page({ limit: 10 })).items[0]!.why, 'attribution-changed')
    assert.equal(await subscribers.infections.judgeAgain(), 1)
    await outbox.drain()
    assert.deepEqual(
      box.got.map((mail) => mail.to),
      ['sub-b@example.vn'],
    )
    const of = async (id: string) => (await subscribers.infections.one(id)).sightings
    assert.equal(await of(held!.infection), 1, 'what is still theirs stays')
    await subscribers.logs.import(
      'c',
      LOG(['198.18.4.7,1024,2047,SUB-B,2026-11-22T03:00:00Z,2026-11-22T04:30:00Z,cgnat-1']),
      'staff:lan',
    )
    assert.equal(await subscribers.infections.judgeAgain(), 1)
    assert.equal(await of(held!.infection), 0)
    assert.equal(await subscribers.infections.judgeAgain(), 0)
  })

  onStore('"not my device" stands while more contacts come in', async (db, keysDb) => {
    await using box = await letterbox()
    await using world = await opened(db, keysDb, { mailer: mailerTo(box.port) })
    const { subscribers, outbox, clock, ctx } = world
    const people = Array.from({ length: 12 }, (_, i) => i)
    await subscribers.contacts(
      people.map((i) => contact(`TB-${i}`)),
      'service:bss',
      undefined,
    )
    const rows = people.map((i) => `198.18.6.${i},0,65535,TB-${i},2026-11-22T00:00:00Z,2026-11-23T00:00:00Z,cgnat-1`)
    await subscribers.importPortLog('a', LOG(rows), 'staff:lan')
    const indicator = await world.list(C2)
    const contacts = () => people.map((i) => hit(indicator, { clientAddress: `198.18.6.${i}` }))
    await subscribers.infections.receive(contacts())
    for (let i = 0; i < 3; i++) await outbox.drain()
    assert.equal(box.got.length, people.length)
    const all = (await subscribers.infections.page({ limit: 100 })).items
    let isOver = false
    const load = (async () => {
      while (!isOver) await subscribers.infections.receive(contacts())
    })()
    clock.advance(MINUTE)
    await Promise.all(
      all.map((one, i) => subscribers.codes.notTheirs(codeOf(ctx, one.notice!), `192.0.2.${i}`)),
    ).finally(() => (isOver = true))
    await load
    assert.deepEqual((await subscribers.infections.figures()).states, { 'not-theirs': people.length })
  })

  onStore('two senders may give their events the same id', async (db, keysDb) => {
    await using world = await opened(db, keysDb)
    const { infections, importPortLog } = world.subscribers
    await importPortLog('a', BLOCKS, 'staff:lan')
    const one = hit(await world.list(C2), { event: '7' })
    const other = { ...one, source: 'svc_bras', clientAddress: '198.18.4.2' }
    assert.deepEqual(await infections.receive([one, other]), { taken: 2 })
    assert.deepEqual(await infections.receive([other, one]), { taken: 0 })
    assert.deepEqual((await infections.figures()).states, { found: 2 })
  })

  onStore('many right codes of one address are answered, many wrong ones of one line are not', async (db, keysDb) => {
    await using box = await letterbox()
    await using world = await opened(db, keysDb, { mailer: mailerTo(box.port) })
    const { subscribers, outbox, ctx } = world
    await subscribers.contacts([contact('TB-2')], 'service:bss', undefined)
    await subscribers.importPortLog('a', BLOCKS, 'staff:lan')
    await subscribers.infections.receive([hit(await world.list(C2))])
    await outbox.drain()
    const code = codeOf(ctx, (await subscribers.notices.page({ limit: 1 })).items[0]!.id)
    const ask = (text: string, address: string): Promise<string> =>
      subscribers.codes.find(text, address).then(
        (found) => (found ? 'yes' : 'no'),
        (error: { code: string }) => error.code,
      )
    const right = await Promise.all(Array.from({ length: 12 }, () => ask(code, '192.0.2.1')))
    assert.deepEqual(new Set(right), new Set(['yes']))
    const wrong = await Promise.all(Array.from({ length: 30 }, (_, i) => ask('7Q4K-2MXB', `2001:db8:0:1::${i + 1}`)))
    assert.equal(wrong.filter((answer) => answer === 'no').length, 10)
    assert.equal(await ask(code, '2001:db8:0:1::ffff'), 'subscribers/slow-down')
    assert.equal(await ask(code, '2001:db8:0:2::1'), 'yes')
  })

  onStore('let go twice at once, a notice is sent once', async (db, keysDb) => {
    await using box = await letterbox()
    await using world = await opened(db, keysDb, { mailer: mailerTo(box.port), firstMode: 'off' })
    const { subscribers, outbox } = world
    await subscribers.contacts([contact('TB-2')], 'service:bss', undefined)
    await subscribers.importPortLog('a', BLOCKS, 'staff:lan')
    await subscribers.infections.receive([hit(await world.list(C2))])
    await subscribers.notices.set({ mode: 'on', cap: 9, cleanAfterDays: 7 }, 'staff:lan')
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        await subscribers.notices.release()
        await outbox.drain()
      }),
    )
    await outbox.drain()
    assert.equal(box.got.length, 1)
  })

  onStore('switch, dry run, cap, contact and mail server hold a notice and let it go', async (db, keysDb) => {
    await using box = await letterbox()
    await using world = await opened(db, keysDb, { mailer: mailerTo(box.port), firstMode: 'off' })
    const { subscribers, outbox, clock } = world
    await subscribers.importPortLog('a', BLOCKS, 'staff:lan')
    const [one, two] = [await world.list(C2), await world.list('other-cdn.test')]
    const states = async () =>
      (await subscribers.notices.page({ limit: 10 })).items.map((notice) => [notice.state, notice.why]).toReversed()
    await subscribers.infections.receive([hit(one)])
    assert.deepEqual(await states(), [['held', 'kill-switch']])
    await subscribers.notices.set({ mode: 'on', cap: 1, cleanAfterDays: 7 }, 'staff:lan')
    await outbox.drain()
    assert.deepEqual(await states(), [['held', 'no-contact']])
    await subscribers.contacts([contact('TB-2', 'en'), contact('TB-3')], 'service:bss', undefined)
    await subscribers.notices.release()
    await outbox.drain()
    assert.deepEqual(await states(), [['sent', null]])
    assert.match(bodyOf(box.got[0]!.text), /Dear Người TB-2,/)
    clock.advance(1)
    await subscribers.infections.receive([hit(two, { clientAddress: '198.18.4.2', clientPort: 4000 })])
    await outbox.drain()
    assert.deepEqual((await states())[1], ['held', 'cap'])
    await subscribers.notices.release()
    await outbox.drain()
    assert.equal(box.got.length, 1)
    clock.advance(DAY / 2)
    await subscribers.notices.release()
    await outbox.drain()
    assert.equal(box.got.length, 2)

    await subscribers.notices.set({ mode: 'dry-run', cap: 100, cleanAfterDays: 7 }, 'staff:lan')
    clock.advance(1)
    await subscribers.infections.receive([hit(two)])
    await outbox.drain()
    assert.deepEqual((await states())[2], ['dry-run', null])
    await subscribers.infections.receive([hit(two)])
    await subscribers.notices.set({ mode: 'on', cap: 100, cleanAfterDays: 7 }, 'staff:lan')
    await outbox.drain()
    assert.equal(box.got.length, 2)
    await subscribers.infections.receive([hit(two)])
    await outbox.drain()
    assert.equal(box.got.length, 3)
  })

  onStore('a server that is away or refuses', async (db, keysDb) => {
    let way: 'away' | 'refuse' | 'take' = 'away'
    await using box = await letterbox({
      onRcptTo(_, __, done) {
        if (way === 'away') done(Object.assign(new Error('later'), { responseCode: 451 }))
        else if (way === 'refuse') done(Object.assign(new Error('no'), { responseCode: 550 }))
        else done()
      },
    })
    await using world = await opened(db, keysDb, { mailer: mailerTo(box.port) })
    const { subscribers, outbox, clock } = world
    await subscribers.importPortLog('a', BLOCKS, 'staff:lan')
    await subscribers.contacts([contact('TB-1'), contact('TB-2')], 'service:bss', undefined)
    const indicator = await world.list(C2)
    await subscribers.infections.receive([hit(indicator)])
    await outbox.drain()
    const last = async () => (await subscribers.notices.page({ limit: 1 })).items[0]!
    assert.deepEqual([(await last()).state, (await last()).why], ['waiting', 'mail-away'])
    way = 'take'
    clock.advance(5_000)
    await outbox.drain()
    assert.deepEqual([(await last()).state, (await last()).tries, box.got.length], ['sent', 2, 1])
    way = 'refuse'
    clock.advance(1)
    await subscribers.infections.receive([hit(indicator, { clientPort: 1100 })])
    await outbox.drain()
    assert.deepEqual([(await last()).state, (await last()).why], ['failed', 'refused'])
    assert.equal((await subscribers.infections.figures()).states['held'], 1)
  })
}

async function opened(...args: Parameters<typeof openWorld>) {
  const world = await openWorld(...args)
  return Object.assign(world, {
    async [Symbol.asyncDispose]() {
      await world.outbox[Symbol.asyncDispose]()
    },
  })
}
