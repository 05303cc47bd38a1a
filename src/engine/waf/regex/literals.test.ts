import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePhrases } from '../../bytes/phrases.ts'
import { literalsOf, squeezedLiteralsOf, type Literals } from './literals.ts'
import { mayHold, needsOf, signsOf } from './needs.ts'
import { parsePattern } from './parse.ts'
import { compilePattern } from './pattern.ts'
import { CRS3, CRS4, generate, mutate, patternsOf, randomOf } from './testing.ts'

const sorted = (literals: Literals | undefined): readonly string[] | undefined =>
  literals === undefined ? undefined : [...literals.words].sort()

for (const [source, words] of [
  ['(?i)union\\w+select', ['select']],
  ['x\\s+sel', ['\tsel', '\nsel', '\vsel', '\fsel', '\rsel', ' sel']],
  ['foo|bar', ['bar', 'foo']],
  ['x(?:foo|bar)y', ['xbary', 'xfooy']],
  ['fo[ox]\\d*', ['foo', 'fox']],
  ['a?bc', ['bc']],
  ['(?:ab)*', undefined],
  ['\\w+', undefined],
  ['foo|\\d', undefined],
  ['(?:foo){2,}x', ['foofoo']],
  ['[^a]script(?=x)', ['script']],
  ['(foo)\\1', ['foo']],
] as const)
  test(`literals of ${source}`, () => assert.deepEqual(sorted(literalsOf(parsePattern(source))), words))

for (const [source, words] of [
  [`l["']*s\\x5c?h`, ['lsh']],
  [`c["']*(?:\\$\\w*)?a["']*t`, ['$', 'cat']],
  [`c(?:\\w*)?t`, undefined],
] as const)
  test(`literals of ${source} once squeezed`, () =>
    assert.deepEqual(sorted(squeezedLiteralsOf(parsePattern(source))), words))

const squeezed = (text: string, { squeeze }: Literals): string =>
  squeeze === undefined ? text : [...text].filter((sign) => squeeze[sign.charCodeAt(0)] === 0).join('')

for (const [name, folder, least] of [
  ['CRS 4', CRS4, 200],
  ['CRS 3.3.4', CRS3, 150],
] as const) {
  const patterns = patternsOf(folder)
  const skip = patterns.length > 0 ? false : `${folder} is not here`
  test(`${name}: what matches holds one of the literals and all of the needs`, { skip }, () => {
    const random = randomOf(11)
    let useful = 0
    let matches = 0
    for (const { id, source } of patterns) {
      const pattern = compilePattern(source)
      const plain = literalsOf(pattern.tree)
      const both = [plain, squeezedLiteralsOf(pattern.tree)].filter((literals) => literals !== undefined)
      if (both.length > 0) useful++
      const searches = both.map((literals) => ({
        literals,
        phrases: compilePhrases(literals.words, { caseless: true }),
      }))
      const needs = needsOf(pattern.tree)
      for (let i = 0; i < 8; i++) {
        const text = i < 4 ? `z${generate(pattern.tree, random)}` : mutate(generate(pattern.tree, random), random)
        if (!pattern.test(text)) continue
        matches++
        for (const { literals, phrases } of searches)
          assert.ok(phrases.any(squeezed(text, literals)), `${id}: ${JSON.stringify(text)}`)
        const { low, high, rest } = signsOf(text)
        assert.ok(mayHold(low, high, rest, needs), `${id} needs: ${JSON.stringify(text)}`)
      }
    }
    assert.ok(useful >= least, `${useful} patterns have literals`)
    assert.ok(matches > patterns.length * 2, `${matches} texts matched`)
  })
}
