import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { ff1Numerals } from '../../src/engine/seal/ff1.ts'
import { ff1 } from '../../src/engine/seal/index.ts'

// C2SP/wycheproof: numerals as texts of an alphabet, and as lists.
const vectors = process.env['KHIEN_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors')
const folder = join(vectors, 'crypto/wycheproof/testvectors_v1')
const skip = existsSync(folder) ? false : 'The public test vectors are not here; set KHIEN_VECTORS to their folder.'

type Case = {
  readonly tcId: number
  readonly key: string
  readonly tweak: string
  readonly msg: string | readonly number[]
  readonly ct: string | readonly number[]
  readonly result: 'valid' | 'invalid'
  readonly flags: readonly string[]
}
type Group = { readonly radix: number; readonly alphabet?: string; readonly tests: readonly Case[] }

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const numerals = (value: string | readonly number[], alphabet = ''): number[] =>
  typeof value === 'string' ? Array.from(value, (sign) => alphabet.indexOf(sign)) : [...value]

test('FF1: 49,240 valid cases both ways; the others are refused', { skip }, () => {
  const seen = { valid: 0, refused: 0, small: 0 }
  const files = readdirSync(folder).filter((file) => /^aes_ff1_.*\.json\.gz$/.test(file))
  for (const file of files) {
    const { testGroups } = JSON.parse(gunzipSync(readFileSync(join(folder, file))).toString('utf8')) as {
      testGroups: readonly Group[]
    }
    for (const { radix, alphabet, tests } of testGroups)
      for (const item of tests) {
        const name = `${file} ${item.tcId}`
        const message = numerals(item.msg, alphabet)
        // The least domain of the standard of 2016: the vectors hold smaller ones than ours is.
        const make = () =>
          ff1Numerals({ key: createSecretKey(hex(item.key)), radix, tweak: hex(item.tweak), leastDomain: 100 })
        if (item.result === 'invalid') {
          assert.throws(() => make().encrypt(message), RangeError, name)
          seen.refused++
          continue
        }
        const cipher = make()
        const token = numerals(item.ct, alphabet)
        assert.deepEqual(cipher.encrypt(message), token, name)
        assert.deepEqual(cipher.decrypt(token), message, name)
        seen.valid++
        if (!item.flags.includes('SmallMessageSize') || radix > 36) continue
        const text = message.map((numeral) => numeral.toString(36)).join('')
        const strict = ff1({ key: createSecretKey(hex(item.key)), radix, tweak: hex(item.tweak) })
        assert.throws(() => strict.encrypt(text), /fewer than 1000000/, name)
        seen.small++
      }
  }
  assert.equal(files.length, 22)
  assert.equal(seen.valid, 49_240)
  assert.ok(seen.refused > 7_000 && seen.small > 50, JSON.stringify(seen))
})
