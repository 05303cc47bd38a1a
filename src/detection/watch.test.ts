import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import type { Firing } from './firing.ts'
import { openWatch } from './watch.ts'

const FOLDER = join(import.meta.dirname, '../../rules/sigma')
const NOW = Date.UTC(2026, 10, 22)

function watched() {
  const told: Firing[] = []
  const clock = { now: NOW }
  const watch = openWatch({ folder: FOLDER, tell: (firings) => told.push(...firings), clock: () => clock.now })
  return { told, clock, watch }
}
const refused = (n: number, more: object = {}) => ({
  kind: 'gateway.refused',
  id: `e${n}`,
  time: NOW + n,
  mode: 'block',
  clientAddress: '203.0.113.7',
  clientPort: 40_000 + n,
  tags: ['jndi'],
  ...more,
})

test('one attacker is one group, whatever hosts the attack names', () => {
  const { told, watch } = watched()
  watch.push(Array.from({ length: 100 }, (_, n) => refused(n, { callbackHost: `c${n}.bad-host.vn` })))
  const firings = told.filter(({ title }) => title.startsWith('Log4Shell'))
  assert.equal(firings.length, 100)
  assert.deepEqual(
    new Set(firings.map(({ group }) => JSON.stringify(group))),
    new Set(['{"clientAddress":"203.0.113.7"}']),
  )
  assert.deepEqual(firings[3]?.observables[0], {
    kind: 'domain',
    value: 'c3.bad-host.vn',
    port: null,
    role: 'callback',
  })
})

test('a correlation is told with the attacker of its group, though others came after; time goes on without events', () => {
  const { told, clock, watch } = watched()
  watch.push(Array.from({ length: 25 }, (_, n) => refused(n)))
  watch.push([refused(30, { clientAddress: '198.51.100.1', time: NOW + 30 })])
  assert.equal(told.length, 0, 'late events may still come')
  clock.now = NOW + 5_000
  watch.tick()
  const [many] = told
  assert.equal(many?.title, 'Many refused requests from one source')
  assert.deepEqual(
    many?.observables.map(({ value, role }) => [value, role]),
    [['203.0.113.7', 'attacker']],
  )
})

test('an event from the future counts for single rules and holds up nobody', () => {
  const { told, watch } = watched()
  watch.push([refused(0, { time: NOW + 3_600_000, callbackHost: 'a.bad-host.vn' })])
  watch.push([refused(1, { callbackHost: 'b.bad-host.vn' })])
  assert.equal(told.length, 2)
  assert.deepEqual([watch.status().ahead, watch.status().until], [1, NOW + 1])
})
