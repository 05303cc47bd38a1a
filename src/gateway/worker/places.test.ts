import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Places, type Place } from './places.ts'

/** Asks until it must wait or is turned away; those it was given. */
function fill(places: Places, line: string, most = 1_000): Place[] {
  const out: Place[] = []
  while (out.length < most) {
    const place = places.ask(line)
    if (place?.given !== true) {
      place?.leave()
      return out
    }
    out.push(place)
  }
  return out
}

test('a line holds no more places than are still free', () => {
  for (const [most, lines] of [
    [1, [1, 0]],
    [2, [2, 0]],
    [3, [2, 1]],
    [128, [65, 32, 16, 8, 4, 2, 1, 0]],
  ] as const) {
    const places = new Places(most, 60_000)
    assert.deepEqual(
      lines.map((_, i) => fill(places, `line ${i}`).length),
      lines,
    )
  }
})

test('who waits is served in order, a line over its share after others, one that left not at all', async () => {
  const places = new Places(4, 60_000)
  const [first, ...rest] = fill(places, 'a')
  assert.equal(rest.length, 2)
  const served: string[] = []
  const wait = (line: string): Place => {
    const place = places.ask(line)!
    void Promise.resolve(place.given).then((given) => served.push(`${line} ${given}`))
    return place
  }
  const more = wait('a')
  const b = wait('b')
  assert.equal(b.given, true)
  const left = wait('c')
  const c = wait('c')
  left.leave()
  await Promise.resolve(left.given)
  first!.leave()
  await Promise.resolve(c.given)
  assert.deepEqual(served, ['b true', 'c false', 'c true'])
  for (const place of rest) place.leave()
  await Promise.resolve(more.given)
  for (const place of [b, c, more, first!]) place.leave()
  // All four are back, however often they were left.
  assert.equal(fill(places, 'a').length + fill(places, 'b').length + fill(places, 'c').length, 4)
})

test('so many may wait and no longer than their time', async () => {
  const places = new Places(1, 20)
  const [held] = fill(places, 'a')
  const waiting = Array.from({ length: 10 }, () => places.ask('a'))
  assert.deepEqual(
    waiting.map((place) => place !== undefined),
    Array.from({ length: 10 }, (_, i) => i < 5),
  )
  const other = places.ask('b')
  assert.ok(other)
  other.leave()
  assert.deepEqual(await Promise.all(waiting.slice(0, 5).map((place) => place!.given)), Array(5).fill(false))
  held!.leave()
  assert.equal(fill(places, 'a').length, 1)
})
