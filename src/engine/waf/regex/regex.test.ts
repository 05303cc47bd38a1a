import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConstructError } from '../error.ts'
import { backtrackExec } from './backtrack.ts'
import { costOf } from './cost.ts'
import { LazyDfa } from './dfa.ts'
import { isRegular, lower } from './lower.ts'
import { parseRegex } from './parse.ts'
import { compilePattern } from './pattern.ts'
import { pikeExec } from './pike.ts'
import { execPlainly } from './plain.ts'
import { compileProgram } from './program.ts'
import { CRS3, CRS4, generate, mutate, patternsOf, randomOf } from './testing.ts'

// Expected groups are those of PCRE2 10.42 with DOTALL and MULTILINE, as libmodsecurity 3.0.9 compiles.
for (const [source, text, groups] of [
  ['a.b', 'a\nb', ['a\nb']],
  ['^b', 'a\nb', ['b']],
  ['a$', 'a\nb', ['a']],
  ['\\n^', 'a\n', undefined],
  ['a\\z', 'a\n', undefined],
  ['a\\Z', 'a\n', ['a']],
  ['\\Aa', 'b\na', undefined],
  ['(?-s)a.b', 'a\nb', undefined],
  ['(?-m)^b', 'a\nb', undefined],
  ['\\s', '\xc3\xa0', undefined],
  ['\\h', '\xa0', ['\xa0']],
  ['\\v', '\x85', ['\x85']],
  ['a\\Rb', 'a\r\nb', ['a\r\nb']],
  ['a\\R\\nb', 'a\r\nb', undefined],
  ['\\bx', '\xc3x', ['x']],
  ['(?i)\xe0', '\xc0', undefined],
  ['(?i)[^a]', 'A', undefined],
  ['(?i)[[:^lower:]]', 'A', undefined],
  ['a(?i)b|c', 'C', ['C']],
  ['(?x) a b # c\n c', 'abc', ['abc']],
  ['\\Qa.b\\E+', 'a.bb', ['a.bb']],
  ['[\\Qa-c\\E]', 'b', undefined],
  ['[]a]', ']', [']']],
  ['\\x41\\101\\o{101}\\cA\\e\\x', 'AAA\x01\x1b\0', ['AAA\x01\x1b\0']],
  ['a{,2}', 'a{,2}', ['a{,2}']],
  ['a++a', 'aaa', undefined],
  ['a?+a', 'a', undefined],
  ['a{1,2}+a', 'aa', undefined],
  ['a{1,2}+a', 'aaa', ['aaa']],
  ['(?>a|ab)c', 'abc', undefined],
  ['(?>ab|a)c', 'abc', ['abc']],
  ['(a)|b\\1', 'b', undefined],
  ['(?<q>[\'"]).*?\\k<q>', `x"y'"`, [`"y'"`, '"']],
  ['(?i)(a)\\1', 'aA', ['aA', 'a']],
  ['(a)(b)\\g{-1}', 'abb', ['abb', 'a', 'b']],
  ['(?<=ab|c)d', 'cd', ['d']],
  ['(?<!ab|c)d', 'abd', undefined],
  ['a(?=b(c))', 'abc', ['a', 'c']],
  ['a(?!b)', 'abac', ['a']],
  ['(?:(a)|b)*', 'ab', ['ab', 'a']],
  ['(a*)*', 'b', ['', '']],
  ['(a*)+', 'aa', ['aa', '']],
  ['(?:|a)*', 'aaa', ['']],
  ['(a|ab)(c|bcd)', 'abcd', ['abcd', 'a', 'bcd']],
  ['(?U)a+', 'aaa', ['a']],
  ['(?#x)a', 'a', ['a']],
] as const)
  test(`${source} on ${JSON.stringify(text)}`, () => {
    const pattern = compilePattern(source)
    const found = pattern.exec(text)
    assert.equal(pattern.test(text), groups !== undefined)
    assert.deepEqual(found?.groups, groups)
    assert.deepEqual(execPlainly(pattern.tree, pattern.groups, text), found)
  })

for (const [source, says] of [
  ['(?(1)a|b)', 'the group (?( is not supported (at 3)'],
  ['(?R)', 'the group (?R'],
  ['a\\Kb', '\\K is not supported (at 3)'],
  ['\\p{L}', '\\p'],
  ['(*ACCEPT)', 'a backtracking verb'],
  ['(?<=a+)b', 'a lookbehind of no fixed width'],
  ['a**', 'a doubled quantifier'],
  ['+a', 'nothing before it'],
  ['(a', 'a group without its end'],
  ['a)', 'a lone )'],
  ['[a', 'a class without its end'],
  ['[\\d-z]', 'a range'],
  ['[z-a]', 'a range'],
  ['[[:foo:]]', '[:foo:]'],
  ['\\2(a)', 'a back reference to no group'],
  ['(a\\1)', 'inside its own group'],
  ['(?<n>a)(?<n>b)', 'a second group named n'],
  ['\\x{100}', 'not a byte'],
  ['ạ', 'not a byte'],
  ['((a{1,1000}){1,1000}){1,1000}', 'too large'],
] as const)
  test(`refused: ${source}`, () => {
    assert.throws(
      () => {
        const pattern = compilePattern(source)
        return compileProgram([lower(pattern.tree)], pattern.groups)
      },
      (error: unknown) => error instanceof ConstructError && error.message.includes(says),
    )
  })

test('a search that backtracks too long is given up and counted', () => {
  const pattern = compilePattern('(a|aa)+\\1(?=bc)x')
  assert.equal(pattern.test(`${'a'.repeat(3000)}x`), false)
  assert.equal(pattern.exceeded, 1)
})

// Each of these has tens of thousands of ways through one text, whatever its length; V8 would try them all.
for (const [source, engine] of [
  [`${'(?:a?){3}'.repeat(6)}z`, 'automaton'],
  [`${'(?:a|.)'.repeat(16)}z`, 'automaton'],
  [`${'(?:\\s?\\w?){3}'.repeat(3)}=`, 'automaton'],
  [`\\A${'(?:ab|a(?:b|c))'.repeat(9)}z`, 'automaton'],
  ['\\A(?:cat|bat|rat|select|selected|union)\\s{1,8}x', 'native'],
  ['(?:a|b){3}(?:a|c)z', 'native'],
] as const)
  test(`ways through ${source.slice(0, 30)}: ${engine}`, () => {
    const pattern = compilePattern(source)
    assert.equal(pattern.engine, engine)
    assert.equal(pattern.test('a'.repeat(4_096)), false)
  })

const atoms = ['a', 'b', '.', '[^a]', '\\w', '\\s', '\\b', '\\B', '^', '$', '\\Z', '\\n', '\\A', '\\z']
const looks = ['(?=b)', '(?!a)', '(?<=a)', '(?<!\\n)']
const small = fc.letrec<{ tree: string; leaf: string }>((tie) => ({
  leaf: fc.constantFrom(...atoms, ...looks),
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => a + b),
    fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `(?:${a}|${b})`),
    fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `(${a}|${b})`),
    fc
      .tuple(
        tie('tree'),
        fc.constantFrom('*', '+', '?', '*?', '+?', '{1,2}', '{2}', '{0,2}?', '{2,}', '?+', '*+', '{1,2}+'),
      )
      .map(([a, q]) => `(?:${a})${q}`),
    tie('tree').map((a) => `(?>${a})`),
  ),
}))

test('property: what is judged linear takes no more steps than its factor allows', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', ' '), maxLength: 60 })
  fc.assert(
    fc.property(small.tree, fc.array(text, { minLength: 3, maxLength: 3 }), (source, texts) => {
      const { tree, groups } = parseRegex(source)
      const lowered = lower(tree)
      const { growth, factor } = costOf(lowered)
      if (!isRegular(lowered) || growth !== 'linear' || !Number.isFinite(factor)) return
      const program = compileProgram([lowered], groups)
      const size = program.op.length
      for (const one of texts)
        assert.notEqual(
          backtrackExec(program, one, 0, 4 * size * factor * (one.length + 2)),
          'too-complex',
          `${source} ${factor}`,
        )
    }),
    { numRuns: 3_000 },
  )
})

test('property: every matcher finds in any text what the plain one finds', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '\xa0'), maxLength: 10 })
  fc.assert(
    fc.property(small.tree, fc.array(text, { minLength: 3, maxLength: 6 }), (source, texts) => {
      const pattern = compilePattern(source)
      const lowered = lower(pattern.tree)
      const program = compileProgram([lowered], pattern.groups)
      for (const value of texts) {
        const plain = execPlainly(pattern.tree, pattern.groups, value)
        assert.deepEqual(pattern.exec(value), plain, `${source} exec`)
        assert.equal(pattern.test(value), plain !== undefined, `${source} test`)
        if (!isRegular(lowered)) continue
        assert.equal(new LazyDfa(program).test(value), plain !== undefined, `${source} automaton`)
        assert.equal(pikeExec(program, value, 0) !== undefined, plain !== undefined, `${source} Pike`)
      }
    }),
    { numRuns: 1500 },
  )
})

for (const [name, folder, count] of [
  ['CRS 4', CRS4, 318],
  ['CRS 3.3.4', CRS3, 265],
] as const) {
  const patterns = patternsOf(folder)
  const skip = patterns.length > 0 ? false : `${folder} is not here`

  test(`${name}: every pattern compiles, and every matcher agrees with the plain one`, { skip }, () => {
    assert.equal(patterns.length, count)
    const random = randomOf(1)
    let compared = 0
    let matched = 0
    for (const { id, source } of patterns) {
      const pattern = compilePattern(source)
      const lowered = lower(parseRegex(source).tree)
      const program = isRegular(lowered) ? compileProgram([lowered], pattern.groups) : undefined
      const dfa = program === undefined ? undefined : new LazyDfa(program)
      for (let i = 0; i < 2; i++) {
        const text = mutate(generate(pattern.tree, random).slice(0, 120), random)
        let plain: ReturnType<typeof execPlainly>
        try {
          plain = execPlainly(pattern.tree, pattern.groups, text, 5000)
        } catch (error) {
          assert.ok(error instanceof RangeError)
          continue
        }
        compared++
        if (plain !== undefined) matched++
        assert.deepEqual(pattern.exec(text), plain, `${id} exec on ${JSON.stringify(text)}`)
        assert.equal(pattern.test(text), plain !== undefined, `${id} test`)
        assert.equal(dfa?.test(text) ?? plain !== undefined, plain !== undefined, `${id} automaton`)
        if (program !== undefined) assert.equal(pikeExec(program, text, 0)?.[0], plain?.index, `${id} Pike`)
      }
    }
    assert.ok(compared > count * 1.5 && matched > count / 2, `${compared} compared, ${matched} matched`)
  })
}

test('two digits of \\x end before a brace: a count outside of a class, a sign within one', () => {
  assert.equal(compilePattern('^a\\x27{2}$').test("a''"), true)
  assert.equal(compilePattern('^[\\x60{]+$').test('`{'), true)
  assert.throws(() => compilePattern('\\x{zz}'), /such an/)
})
