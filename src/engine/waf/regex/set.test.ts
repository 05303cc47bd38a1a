import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePattern } from './pattern.ts'
import { compileSet } from './set.ts'
import { CRS4, generate, mutate, patternsOf, randomOf } from './testing.ts'

const found = (sources: readonly string[], text: string): number[] => {
  const out: number[] = []
  compileSet(sources.map(compilePattern)).each(text, (index) => out.push(index))
  return out
}

for (const [sources, text, expected] of [
  [['foo', 'bar', '\\d+'], 'a bar 12', [1, 2]],
  [['foo', 'bar'], 'nothing', []],
  [['^a', 'a$', '(a)\\1', 'a(?!b)'], 'aa', [0, 1, 2, 3]],
  [['', 'x'], '', [0]],
  [[], 'x', []],
] as const)
  test(`${sources.join(' , ')} in ${JSON.stringify(text)}`, () => assert.deepEqual(found(sources, text), expected))

test('a text that needs too many states is still answered, and counted', () => {
  const set = compileSet(['(?:a|b)*a(?:a|b){12}c', 'x'].map(compilePattern))
  const random = randomOf(5)
  const text = Array.from({ length: 3000 }, () => 'ab'[random(2)]).join('')
  const out: number[] = []
  set.each(`${text}a${'b'.repeat(12)}cx`, (index) => out.push(index))
  assert.deepEqual(out, [0, 1])
  assert.equal(set.gaveUp, 1)
})

const patterns = patternsOf(CRS4)
test('CRS 4 as a set finds what its patterns find', { skip: patterns.length > 0 ? false : 'CRS 4 is not here' }, () => {
  const compiled = patterns.map(({ source }) => compilePattern(source))
  const set = compileSet(compiled)
  const random = randomOf(13)
  for (let i = 0; i < 60; i++) {
    const text = mutate(generate(compiled[random(compiled.length)]!.tree, random).slice(0, 200), random)
    const out: number[] = []
    set.each(text, (index) => out.push(index))
    assert.deepEqual(
      out,
      [...compiled.keys()].filter((index) => compiled[index]!.test(text)),
      JSON.stringify(text),
    )
  }
})
