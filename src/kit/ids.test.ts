import assert from 'node:assert/strict'
import test from 'node:test'
import { newCode, newId, newSecret, newSubject, SUBJECT, systemEntropy } from './ids.ts'

test('randomness is never handed out twice, whatever the sizes', () => {
  const seen = new Set<string>()
  let bytes = 0
  for (let i = 0; i < 4_000; i++) {
    const size = [5, 10, 12, 32, 512, 513, 4_096][i % 7]!
    const out = systemEntropy(size)
    assert.equal(out.length, size)
    assert.ok(out.some((byte) => byte !== 0) || size < 6)
    // Any five bytes in a row that came before would be a coincidence of one in millions.
    seen.add(Buffer.from(out.subarray(0, 12)).toString('hex'))
    bytes += size
  }
  assert.ok(bytes > 2_000_000)
  assert.ok(seen.size >= 3_999)
  const kept = systemEntropy(32)
  const copy = Uint8Array.from(kept)
  for (let i = 0; i < 500; i++) systemEntropy(32)
  assert.deepEqual(kept, copy, 'what was handed out is its bearer’s')
})

test('shapes of ids', () => {
  assert.match(newCode('R', systemEntropy), /^R(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/)
  assert.match(newSubject(systemEntropy), SUBJECT)
  assert.match(newSecret(systemEntropy), /^[A-Za-z0-9_-]{43}$/)
  const [early, late] = [newId('x', 1, systemEntropy), newId('x', 2 ** 40, systemEntropy)]
  assert.match(early, /^x_[0-9A-HJKMNP-TV-Z]{26}$/)
  assert.ok(early < late)
})
