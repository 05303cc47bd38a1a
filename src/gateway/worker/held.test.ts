import assert from 'node:assert/strict'
import test from 'node:test'
import { Gathered, Held } from './held.ts'

test('one line holds half of the room, and whoever comes next finds some', () => {
  const held = new Held(1_000, 100)
  const most = (line: string): number => {
    let taken = 0
    while (held.take(10, 10, line)) taken += 10
    return taken
  }
  assert.deepEqual([most('a'), most('b'), most('c')], [500, 250, 130])
  held.give(500, 'a')
  assert.equal(held.bytes, 380)
  assert.ok(held.take(100, 10, 'a'))
  assert.equal(held.take(700, 700, 'd'), false, 'a large body has three quarters')
})

test('pieces of any size come out as they went in, small ones without a buffer each', () => {
  for (const sizes of [[], [1], [1, 1, 1], [2_000, 1, 2_000], [1_024, 1_025, 1_024], Array<number>(40_000).fill(1)]) {
    const gathered = new Gathered()
    const parts = sizes.map((size, n) => Buffer.alloc(size, n % 251))
    for (const part of parts) gathered.add(part)
    assert.equal(
      gathered.size,
      parts.reduce((sum, { length }) => sum + length, 0),
    )
    assert.ok(gathered.whole().equals(Buffer.concat(parts)))
  }
  const before = process.memoryUsage()
  const gathered = new Gathered()
  for (let n = 0; n < 1_000_000; n++) gathered.add(Buffer.from([n & 255]))
  const after = process.memoryUsage()
  const grown = after.heapUsed + after.external - before.heapUsed - before.external
  assert.equal(gathered.whole().length, 1_000_000)
  assert.ok(grown < 60_000_000, `${grown} bytes for a million`)
})
