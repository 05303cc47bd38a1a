import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { runInNewContext } from 'node:vm'
import { manualClock } from '../kit/clock.ts'
import { systemEntropy } from '../kit/ids.ts'
import { recordedActs } from '../kit/testing.ts'
import { migrate } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { leakwatchMigrations, openLeakwatch } from './index.ts'
import { isSolved } from './ticket.ts'

const NOW = Date.UTC(2026, 10, 20, 3, 6)
const OFFICER = 'staff:lan'
const STORY = 'Có người gọi tên tôi, đọc đúng số 0912345678 và đơn hàng.'
const REPORT = { what: 'leak', about: 'Chợ Sen', when: '', story: STORY } as const

const solve = (ticket: string): string => {
  const bits = Number(ticket.split('.')[1])
  for (let n = 0; ; n++) if (isSolved(ticket, String(n), bits)) return String(n)
}

test('the browser computes the same SHA-256 as the node', () => {
  const source = readFileSync(new URL('../../ui/assets/report.js', import.meta.url), 'utf8')
  const head = runInNewContext(`${source}; head`, { document: { querySelector: () => null } }) as (t: string) => number
  for (const text of [
    '',
    'abc',
    'a'.repeat(55),
    'a'.repeat(56),
    'b'.repeat(64),
    'ticket.16.X.y:123456',
    'z'.repeat(200),
  ])
    assert.equal(head(text), createHash('sha256').update(text).digest().readUInt32BE(0), `${text.length} signs`)
})

for (const store of STORES)
  test(`${store.name}: a report from the code to the outcome`, { skip: store.skip }, async () => {
    await using db = await store.open()
    await migrate(db, leakwatchMigrations)
    const clock = manualClock(NOW)
    const { acts, record } = recordedActs()
    const mask = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0x5a)
    const leakwatch = openLeakwatch({
      db,
      clock,
      entropy: systemEntropy,
      record,
      fingerprint: (text) => createHmac('sha256', 'key').update(text).digest('base64url'),
      seal: mask,
      open: mask,
    })
    const ticket = await leakwatch.ticket()
    const paid = { ...REPORT, ticket, answer: solve(ticket) } as const
    for (const [name, wish, code] of [
      ['no work, too soon', { ...paid, answer: '' }, 'report/slow-down'],
      ['wrong work', { ...paid, answer: '1x' }, 'report/ticket'],
      ['easier ticket', { ...paid, ticket: ticket.replace('.16.', '.1.') }, 'report/ticket'],
      ['a ticket of nobody', { ...paid, ticket: 'a.1.b.c' }, 'report/ticket'],
      ['rubbish', { ...paid, ticket: '....' }, 'report/ticket'],
    ] as const)
      await assert.rejects(leakwatch.receive(wish, '::1'), { code }, name)
    const { code } = await leakwatch.receive(paid, '::1')
    assert.match(code, /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/)
    await assert.rejects(leakwatch.receive(paid, '::1'), { code: 'report/ticket' }, 'a replay')

    const slow = await leakwatch.ticket()
    clock.advance(21_000)
    await leakwatch.receive({ ...REPORT, ticket: slow, answer: '' }, '::1')
    const spent = { ...REPORT, ticket: slow, answer: '' }
    for (let n = 0; n < 40; n++)
      await assert.rejects(
        leakwatch.receive(spent, '203.0.113.7'),
        { code: 'report/ticket' },
        'a spent ticket takes no place',
      )
    const honest = await leakwatch.ticket()
    clock.advance(25_000)
    await leakwatch.receive({ ...REPORT, ticket: honest, answer: '' }, '198.51.100.1')
    const late = await leakwatch.ticket()
    clock.advance(3_600_001)
    await assert.rejects(leakwatch.receive({ ...REPORT, ticket: late, answer: solve(late) }, '::1'), {
      code: 'report/ticket',
    })

    const { items, total } = await leakwatch.page({ limit: 10, actor: OFFICER })
    const { id } = items[0]!
    assert.deepEqual(
      [total, items[0]?.about, items[0]?.unread, items[0]?.clocks[0]?.due],
      [3, 'Chợ Sen', true, '2026-11-27T03:06:00.000Z'],
    )
    assert.equal((await leakwatch.one(id, OFFICER)).story, STORY)
    assert.equal((await leakwatch.take(id, OFFICER)).state, 'in-work')
    await leakwatch.ask(id, 'Cuộc gọi lúc nào?', OFFICER)
    const asCopied = code.toLowerCase().replaceAll('-', ' ')
    assert.deepEqual(
      (await leakwatch.state(asCopied, '::1')).messages.map((m) => m.text),
      ['Cuộc gọi lúc nào?'],
    )
    await leakwatch.reply(code, 'Tối qua', '::1')
    await assert.rejects(leakwatch.reply(code, 'Nữa', '::1'), { code: 'report/state' })
    await leakwatch.close(id, 'passed-on', 'Đã chuyển.', OFFICER)
    await assert.rejects(leakwatch.take(id, OFFICER), { code: 'report/state' })
    assert.equal((await leakwatch.state(code, '::1')).outcome, 'passed-on')

    for (let n = 0; n < 10; n++)
      await assert.rejects(leakwatch.state('0000-0000-0000-0000', '203.0.113.7'), { code: 'report/no-code' })
    await assert.rejects(leakwatch.state('0000-0000-0000-0000', '203.0.113.7'), { code: 'report/slow-down' })
    assert.ok(!JSON.stringify(acts).includes('0912345678') && !JSON.stringify(acts).includes(code))
    const rows = JSON.stringify(
      await db.tables<{ citizen_report: object }>().selectFrom('citizen_report').selectAll().execute(),
    )
    assert.ok(!rows.includes(code), 'the code stands nowhere')
  })
