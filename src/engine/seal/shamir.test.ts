import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { joinShares, splitSecret } from './shamir.ts'

const entropy = (bytes: number): Uint8Array => Uint8Array.from(randomBytes(bytes))

test('any that are needed give the secret back; one fewer gives something else', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 40 }),
      fc.integer({ min: 2, max: 6 }),
      fc.nat(4),
      fc.infiniteStream(fc.nat(1_000)),
      (secret, need, more, order) => {
        const shares = splitSecret(secret, { count: need + more, need, entropy })
        const shuffled = shares
          .map((share) => [order.next().value as number, share] as const)
          .toSorted((a, b) => a[0] - b[0])
        const some = shuffled.map(([, share]) => share).slice(0, need)
        assert.deepEqual(joinShares(some), secret)
        if (need > 2) assert.notDeepEqual(joinShares(some.slice(1)), secret)
      },
    ),
    { numRuns: 100 },
  )
})

test('one share of two tells nothing: every secret is as likely', () => {
  // For a share of one byte every secret has exactly one polynomial through it.
  const seen = new Set<number>()
  for (let secret = 0; secret < 256; secret++)
    for (let term = 0; term < 256; term++) {
      const [, second] = splitSecret(Uint8Array.of(secret), { count: 2, need: 2, entropy: () => Uint8Array.of(term) })
      if (second!.bytes[0] === 0x5a) seen.add(secret)
    }
  assert.equal(seen.size, 256)
})

test('what does not fit is refused', () => {
  const secret = entropy(32)
  for (const [count, need] of [
    [1, 1],
    [3, 1],
    [2, 3],
    [256, 2],
    [2.5, 2],
  ] as const)
    // prettier-ignore
    assert.throws(() => splitSecret(secret, { count, need, entropy }), RangeError)
  const [a, b] = splitSecret(secret, { count: 3, need: 2, entropy })
  for (const shares of [[], [a!], [a!, a!], [a!, { ...b!, bytes: b!.bytes.subarray(1) }], [a!, { ...b!, place: 0 }]])
    assert.throws(() => joinShares(shares), RangeError)
})
