import assert from 'node:assert/strict'
import test from 'node:test'
import { detectionMigrations, openDetection, type Firing } from '../detection/index.ts'
import { manualClock } from '../kit/clock.ts'
import { systemEntropy } from '../kit/ids.ts'
import { recordedActs } from '../kit/testing.ts'
import { migrate, onceMigrations } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { caseMigrations, openCases } from './index.ts'

const NOW = Date.UTC(2026, 10, 20, 3, 6)
const HOUR = 3_600_000
const hoa = 'staff:hoa'

const firing = (at: number, more: Partial<Firing> = {}): Firing => ({
  rule: 'log4shell',
  title: 'Log4Shell wants our side to call out',
  level: 'high',
  group: { clientAddress: '203.0.113.7', callbackHost: 'cap-nhat-anh.example' },
  from: at,
  at,
  events: [`e${at}`],
  observables: [
    { kind: 'domain', value: 'cap-nhat-anh.example', port: 1389, role: 'callback' },
    { kind: 'address', value: '203.0.113.7', port: 51_398, role: 'attacker' },
  ],
  ...more,
})

for (const store of STORES) {
  const world = async () => {
    const db = await store.open()
    await migrate(db, [...onceMigrations, ...detectionMigrations, ...caseMigrations])
    const clock = manualClock(NOW)
    const { acts, record } = recordedActs()
    const raised: unknown[] = []
    const detection = openDetection({
      db,
      clock,
      entropy: systemEntropy,
      record,
      emit: async (_, topic, payload) => void raised.push([topic, payload]),
    })
    const names = async () => new Map([[hoa, 'Hoa']])
    const cases = openCases({ db, clock, record, detection, names })
    return { db, clock, acts, raised, detection, cases }
  }
  const on = (name: string, run: (w: Awaited<ReturnType<typeof world>>) => Promise<void>): void =>
    void test(`${store.name}: ${name}`, { skip: store.skip }, async () => {
      const w = await world()
      await using _ = w.db
      await run(w)
    })

  on('an alert is raised once and counts while it is open', async ({ detection, raised }) => {
    const { alerts } = detection
    const [first] = await alerts.receive([firing(NOW)])
    assert.equal(first?.count, 1)
    assert.deepEqual(await alerts.receive([firing(NOW), firing(NOW - 1)]), [], 'a replay changes nothing')
    const [again] = await alerts.receive([
      firing(NOW + 5, { observables: [{ kind: 'address', value: '::1', port: null, role: 'seen' }] }),
    ])
    assert.deepEqual([again?.id, again?.count, again?.events.length, again?.observables.length], [first?.id, 2, 2, 3])
    const [other] = await alerts.receive([firing(NOW, { group: { clientAddress: '203.0.113.8' } })])
    assert.notEqual(other?.id, first?.id)
    assert.equal(raised.length, 2)
    await alerts.dismiss(first!.id, 'expected', hoa)
    assert.deepEqual(await alerts.receive([firing(NOW + 5)]), [], 'nor does it after the decision')
    const [anew] = await alerts.receive([firing(NOW + 9)])
    assert.notEqual(anew?.id, first?.id)
    await assert.rejects(alerts.dismiss(first!.id, 'expected', hoa), { code: 'detection/decided' })
    const list = await alerts.page({ limit: 2 })
    assert.deepEqual([list.items.length, list.total], [2, 3])
    const rest = await alerts.page({ limit: 2, cursor: list.next! })
    assert.deepEqual([rest.items.length, rest.next], [1, null])
  })

  on('very many sources become one alert that counts them', async ({ detection }) => {
    const many = Array.from({ length: 1_003 }, (_, i) =>
      firing(NOW + i, { group: { clientAddress: `198.51.100.${i}` } }),
    )
    await detection.alerts.receive(many)
    const { total, items } = await detection.alerts.page({ limit: 2_000 })
    const rest = items.find(({ group }) => '…' in group)
    assert.deepEqual([total, rest?.count], [1_001, 3])
  })

  on('a case from an alert: clocks, tasks, reports, closing', async ({ detection, cases, clock, acts }) => {
    const [alert] = await detection.alerts.receive([firing(NOW)])
    const opened = await cases.open({ alert: alert!.id }, hoa)
    assert.deepEqual([opened.id, opened.severity, opened.ownerName], ['VV-2026-0001', 'high', 'Hoa'])
    assert.deepEqual(
      opened.observables.map((o) => [o.value, o.role]),
      [
        ['cap-nhat-anh.example', 'callback'],
        ['203.0.113.7', 'attacker'],
      ],
    )
    await assert.rejects(cases.open({ alert: alert!.id }, hoa), { code: 'detection/decided' })
    await assert.rejects(cases.open({}, hoa), { code: 'cases/title' })
    assert.equal((await cases.open({ title: 'Bằng tay' }, hoa)).id, 'VV-2026-0002')

    clock.advance(2 * HOUR)
    await assert.rejects(cases.reported(opened.id, 'incident.first', 'SC-1', hoa), { code: 'cases/not-serious' })
    const serious = await cases.declareSerious(opened.id, NOW, hoa)
    assert.deepEqual(
      serious.clocks.map((c) => [c.kind, Date.parse(c.due) - NOW, c.article?.en]),
      [
        ['incident.first', 24 * HOUR, 'Article 31, Decree 331/2026'],
        ['incident.full', 72 * HOUR, 'Article 31, Decree 331/2026'],
      ],
    )
    assert.equal(serious.barred[0]?.act, 'close')
    await assert.rejects(cases.close(opened.id, 'true-positive', hoa), { code: 'cases/report-missing' })
    assert.equal((await cases.page({ actor: hoa, limit: 10 })).items[0]?.id, opened.id, 'the nearest deadline first')
    await cases.reported(opened.id, 'incident.first', 'SC-0412', hoa)
    await assert.rejects(cases.reported(opened.id, 'incident.first', 'x', hoa), { code: 'cases/reported' })
    await cases.reported(opened.id, 'incident.full', 'SC-0412', hoa)
    const task = await cases.addTask(opened.id, 'Khoanh phạm vi', hoa)
    const done = await cases.finishTask(opened.id, task.tasks[0]!.id, hoa)
    assert.deepEqual(
      [done.tasks[0]?.doneBy, done.timeline[0]?.kind, done.timeline[0]?.text],
      ['Hoa', 'task-done', 'Khoanh phạm vi'],
    )
    await assert.rejects(cases.finishTask(opened.id, task.tasks[0]!.id, hoa), { code: 'cases/no-task' })
    await assert.rejects(
      cases.addObservable(
        opened.id,
        { kind: 'domain', value: 'cap-nhat-anh.example', port: null, role: 'callback' },
        hoa,
      ),
      { code: 'cases/known' },
    )
    await cases.note(opened.id, 'Gọi 0912345678', hoa)
    const closed = await cases.close(opened.id, 'true-positive', hoa)
    assert.deepEqual([closed.state, closed.outcome], ['closed', 'true-positive'])
    await assert.rejects(cases.note(opened.id, 'x', hoa), { code: 'cases/state' })
    const [after] = await detection.alerts.receive([firing(NOW + 5 * HOUR)])
    assert.deepEqual([after?.state, after?.id === alert!.id], ['new', false], 'a closed case takes nothing more')
    assert.equal((await cases.reopen(opened.id, hoa)).state, 'open')
    assert.ok(!JSON.stringify(acts).includes('0912345678'), 'free text never reaches the log')
  })

  on('what does not exist is said', async ({ cases, detection }) => {
    await assert.rejects(cases.one('VV-2026-0001'), { code: 'cases/no-case' })
    await assert.rejects(cases.take('VV-2026-0001', hoa), { code: 'cases/no-case' })
    await assert.rejects(cases.open({ alert: 'alr_0' }, hoa), { code: 'detection/no-alert' })
    await assert.rejects(detection.receive({ firings: [{ rule: 1 }] }), { code: 'detection/firing' })
    await assert.rejects(cases.page({ actor: hoa, limit: 1, cursor: 'x' }), { code: 'http/cursor' })
  })
}
