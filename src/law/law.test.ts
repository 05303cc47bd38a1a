import assert from 'node:assert/strict'
import test from 'node:test'
import { classOf, clockAt, deadline, groundAt } from './index.ts'

const at = (text: string): number => Date.parse(text)

test('the rule is chosen by the date of the act, in Vietnam', () => {
  for (const [day, kind, article] of [
    ['2023-06-30T12:00:00+07:00', 'consent', undefined],
    ['2023-07-01T00:00:00+07:00', 'consent', 'Điều 11 Nghị định 13/2023'],
    ['2025-12-31T23:59:59+07:00', 'agreement', 'Điều 17 Nghị định 13/2023'],
    ['2026-01-01T00:00:00+07:00', 'agreement', 'Điều 19 Luật 91/2025'],
    ['2026-11-21T10:00:00+07:00', 'consent', 'Điều 9 Luật 91/2025'],
  ] as const) {
    assert.equal(groundAt(kind, at(day))?.article.vi, article, day)
  }
})

test('clocks: 72 hours under Decree 13, the table of Decree 356 art. 5 after it', () => {
  for (const [start, kind, end] of [
    ['2025-03-03T09:00:00+07:00', 'request.delete', '2025-03-06T09:00:00+07:00'],
    ['2026-11-20T09:00:00+07:00', 'request.reply', '2026-11-24T09:00:00+07:00'], // Friday → Tuesday
    ['2026-11-21T09:00:00+07:00', 'request.reply', '2026-11-24T09:00:00+07:00'], // Saturday → Tuesday
    ['2026-11-20T09:00:00+07:00', 'request.delete', '2026-12-10T09:00:00+07:00'],
    ['2026-11-20T09:00:00+07:00', 'incident.first', '2026-11-21T09:00:00+07:00'],
  ] as const) {
    const clock = clockAt(kind, at(start))
    assert.ok(clock, kind)
    assert.equal(deadline(clock, at(start)), at(end), `${kind} from ${start}`)
  }
  assert.equal(clockAt('incident.first', at('2026-08-18T23:00:00+07:00')), undefined)
})

test('bank data and private messages are sensitive by law', () => {
  const now = at('2026-11-21T00:00:00Z')
  assert.equal(classOf('bank', now)?.class, 'sensitive')
  assert.equal(classOf('message', now)?.class, 'sensitive')
  assert.equal(classOf('phone', now)?.class, 'basic')
})
