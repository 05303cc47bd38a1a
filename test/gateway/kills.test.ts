import assert from 'node:assert/strict'
import test from 'node:test'
import { kindsOf, soak } from './soak/run.ts'

test('workers and the node killed under full load: every answer is right, none is missing but those of the killed', async (t) => {
  const found = await soak({ seconds: 20, everyMs: 5_000, nodeKills: 1, rules: undefined, seed: 49 })
  const sum = Object.values(found.right).reduce((a, b) => a + b, 0)
  t.diagnostic(
    `${sum} right, ${found.broken} broken by ${found.kills.length} kills, slowest ${found.slowestMs} ms; ${JSON.stringify(found.right)}`,
  )
  assert.ok(found.kills.filter(({ what }) => what === 'worker').length >= 2)
  assert.ok(found.kills.some(({ what }) => what === 'node'))
  assert.deepEqual(kindsOf([...found.wrong, ...found.hangs, ...found.unexplained]), {})
  const had = (part: string): boolean => Object.keys(found.right).some((name) => name.includes(part))
  for (const part of ['page', 'form', 'json', 'upload', 'attack', 'download', 'events', 'fresh', 'HTTP/2', 'WebSocket'])
    assert.ok(had(part), part)
})
