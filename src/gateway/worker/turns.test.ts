import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { turnMeter, Turns } from './turns.ts'

test('a turn resumes two, in the order of asking; who asks again comes last', async () => {
  const turns = new Turns()
  const seen: string[] = []
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    turns.wait(() => {
      seen.push(name)
      if (name === 'a') turns.wait(() => seen.push('a again'))
    })
  const after: number[] = []
  for (let turn = 0; turn < 4; turn++) {
    after.push(seen.length)
    await nextTurn()
  }
  assert.deepEqual(after.slice(0, 3), [0, 2, 4])
  assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e', 'a again'])
})

test('small answers never wait, pieces of large ones do however small they are', () => {
  const small = turnMeter()
  assert.deepEqual([small(4_000), small(8_000), small(4_000)], [false, false, false])
  const pieces = turnMeter()
  assert.equal(Array.from({ length: 64 }, () => pieces(8_192)).filter(Boolean).length, 32)
})
