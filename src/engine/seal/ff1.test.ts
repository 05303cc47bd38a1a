import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { ff1 } from './index.ts'

const keyOf = (bytes: number): KeyObject => createSecretKey(Buffer.alloc(bytes, 7))
const key = keyOf(32)
const NONE = new Uint8Array(0)
const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'

// NIST, "Examples with intermediate values", FF1 samples 1 to 3.
const SAMPLE_KEY = createSecretKey(Buffer.from('2b7e151628aed2a6abf7158809cf4f3c', 'hex'))
for (const s of [
  { radix: 10, tweak: '', value: '0123456789', token: '2433477484' },
  { radix: 10, tweak: '39383736353433323130', value: '0123456789', token: '6124200773' },
  { radix: 36, tweak: '3737373770717273373737', value: '0123456789abcdefghi', token: 'a9tv40mll9kdu509eum' },
])
  test(`NIST sample, radix ${s.radix}, tweak ${s.tweak || 'none'}`, () => {
    const cipher = ff1({ key: SAMPLE_KEY, radix: s.radix, tweak: Buffer.from(s.tweak, 'hex') })
    assert.equal(cipher.encrypt(s.value), s.token)
    assert.equal(cipher.decrypt(s.token), s.value)
  })

test('a token has the length and the digits of its value and comes back to it', () => {
  const cases = fc
    .record({ radix: fc.integer({ min: 2, max: 36 }), size: fc.constantFrom(16, 24, 32), tweak: fc.uint8Array() })
    .chain((of) =>
      fc.record({
        of: fc.constant(of),
        value: fc.string({
          unit: fc.constantFrom(...DIGITS.slice(0, of.radix)),
          minLength: Math.ceil(6 / Math.log10(of.radix)),
          maxLength: 60,
        }),
      }),
    )
  fc.assert(
    fc.property(cases, ({ of, value }) => {
      const cipher = ff1({ key: keyOf(of.size), radix: of.radix, tweak: of.tweak })
      const token = cipher.encrypt(value)
      assert.equal(token.length, value.length)
      for (const digit of token) assert.ok(DIGITS.indexOf(digit) < of.radix)
      assert.equal(cipher.decrypt(token), value)
      assert.equal(cipher.encrypt(cipher.decrypt(value)), value)
    }),
    { numRuns: 300 },
  )
})

test('no two values share a token', () => {
  const cipher = ff1({ key, radix: 10, tweak: NONE })
  const tokens = new Set(Array.from({ length: 3_000 }, (_, i) => cipher.encrypt(String(i).padStart(6, '0'))))
  assert.equal(tokens.size, 3_000)
})

test('another tweak, another token', () => {
  const of = (tweak: string): string => ff1({ key, radix: 10, tweak: Buffer.from(tweak) }).encrypt('0912345678')
  assert.equal(new Set(['', 'shop|phone', 'shop|account'].map(of)).size, 3)
})

for (const s of [
  { name: 'key of 160 bits', make: () => ff1({ key: keyOf(20), radix: 10, tweak: NONE }), says: /key: .*128, 192 or/ },
  {
    name: 'public key',
    make: () => ff1({ key: generateKeyPairSync('ed25519').publicKey, radix: 10, tweak: NONE }),
    says: /key: expected a secret/,
  },
  { name: 'radix 1', make: () => ff1({ key, radix: 1, tweak: NONE }), says: /radix: .*2 to 36/ },
  { name: 'radix 37', make: () => ff1({ key, radix: 37, tweak: NONE }), says: /radix/ },
  { name: 'radix 10.5', make: () => ff1({ key, radix: 10.5, tweak: NONE }), says: /radix/ },
  { name: 'tweak of 5,000 bytes', make: () => ff1({ key, radix: 10, tweak: new Uint8Array(5_000) }), says: /tweak/ },
])
  test(`refused: ${s.name}`, () => {
    assert.throws(s.make, (error: Error) => error instanceof RangeError && s.says.test(error.message))
  })

for (const s of [
  { value: '', says: /0 digits.*could be guessed/ },
  { value: '12345', says: /5 digits of radix 10 have fewer than 1000000 values/ },
  { value: '12345a', says: /sign 6 is none of the 10 digits/ },
  { value: '091234 5678', says: /sign 7/ },
  { value: '0'.repeat(5_000), says: /at most 4096/ },
])
  test(`refused: value of ${s.value.length} signs`, () => {
    const cipher = ff1({ key, radix: 10, tweak: NONE })
    for (const work of [cipher.encrypt, cipher.decrypt])
      assert.throws(
        () => work(s.value),
        (error: Error) =>
          error instanceof RangeError &&
          s.says.test(error.message) &&
          (s.value === '' || !error.message.includes(s.value)),
      )
  })
