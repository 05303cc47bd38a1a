import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePhrases } from './phrases.ts'

const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** Every place a word ends, found the slow way, in order of the place and then of length. */
function plainly(words: readonly string[], text: string, from: number, caseless: boolean): string[] {
  const body = caseless ? lower(text.slice(from)) : text.slice(from)
  const out: string[] = []
  for (let end = 1; end <= body.length; end++) {
    const ending = words
      .map((word, index) => ({ word: caseless ? lower(word) : word, index }))
      .filter(({ word }) => body.slice(0, end).endsWith(word))
    for (const { index } of ending.sort((a, b) => b.word.length - a.word.length || a.index - b.index))
      out.push(String(index))
  }
  return out
}

for (const [words, text, caseless, all] of [
  [['he', 'she', 'his', 'hers'], 'ushers', false, ['1', '0', '3']],
  [['he', 'she', 'his', 'hers'], 'uSHErs', true, ['1', '0', '3']],
  [['he', 'she', 'his', 'hers'], 'uSHErs', false, []],
  [['\xc3', '\xe3'], '\xe3\xc3', true, ['1', '0']],
  [['a', 'A', 'aa'], 'aA', true, ['0', '1', '2', '0', '1']],
  [['x'], '', true, []],
  [[], 'anything', true, []],
] as const)
  test(`${JSON.stringify(words)} in ${JSON.stringify(text)}${caseless ? ', caseless' : ''}`, () => {
    const phrases = compilePhrases(words, { caseless })
    const found: string[] = []
    phrases.each(text, 0, (index) => found.push(String(index)))
    assert.deepEqual(found, all)
    assert.equal(phrases.first(text), Number(all[0] ?? -1))
    assert.equal(phrases.any(text), all.length > 0)
  })

test('an empty word and a character that is no byte are refused', () => {
  assert.throws(() => compilePhrases(['a', ''], { caseless: true }), RangeError)
  assert.throws(() => compilePhrases(['ạ'], { caseless: true }), RangeError)
})

test('all 256 bytes as words', () => {
  const words = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))
  for (const [index, word] of words.entries())
    assert.equal(compilePhrases(words, { caseless: false }).first(word), index)
})

test('random words in random texts are found as the slow way finds them', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'B', 'b', 'c', '\xe0'), maxLength: 30 })
  const word = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'c', '\xe0'), minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), letters, fc.nat(3), fc.boolean(), (words, text, from, caseless) => {
      const phrases = compilePhrases(words, { caseless })
      const found: string[] = []
      phrases.each(text, from, (index) => found.push(String(index)))
      const expected = plainly(words, text, from, caseless)
      assert.deepEqual(found, expected)
      assert.equal(phrases.first(text, from), Number(expected[0] ?? -1))
    }),
    { numRuns: 500 },
  )
})
