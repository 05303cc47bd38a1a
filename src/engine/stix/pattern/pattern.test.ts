import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Comparison, Literal, ObjectPath, Pattern, Qualifier } from './ast.ts'
import { PatternError } from './error.ts'
import { parsePattern } from './parse.ts'
import { printPattern } from './print.ts'

for (const { text, printed = text } of [
  { text: "[file:name = 'a']" },
  { text: '[a:b == 1 OR a:c <> 2]', printed: '[a:b = 1 OR a:c != 2]' },
  { text: "[a:b NOT IN ('x', 'y') AND (a:c > 1.5 OR EXISTS a:d)]" },
  { text: "[NOT EXISTS a:'b-c'[*].d[0]]" },
  { text: "[a:b = h'0aFF' OR a:b = b'AQI=' OR a:b = t'2026-01-01T00:00:00.5Z']" },
  {
    text: '[a:b=1]AND[a:b=2]OR[a:b=3]FOLLOWEDBY[a:b=4]',
    printed: '(([a:b = 1] AND [a:b = 2]) OR [a:b = 3]) FOLLOWEDBY [a:b = 4]',
  },
  { text: '[a:b = 1] REPEATS 3 TIMES WITHIN 0.5 SECONDS' },
  { text: '([a:b = 1] WITHIN 5 SECONDS) WITHIN 6 SECONDS' },
  { text: '([a:b = 1] OR [a:c = 2]) WITHIN 5 SECONDS WITHIN 6 SECONDS' },
  { text: "[a:b = 'it\\'s \\\\ here'] // why\n", printed: "[a:b = 'it\\'s \\\\ here']" },
  { text: '[a:b = .0000001]', printed: '[a:b = 0.0000001]' },
])
  test(`${JSON.stringify(text)} parses`, () => {
    assert.equal(printPattern(parsePattern(text)), printed)
  })

for (const { text, code = 'pattern/syntax', place } of [
  { text: '', place: '1:1' },
  { text: '[a:b = 1', place: '1:9' },
  { text: '[a:b > true]', place: '1:8' },
  { text: '[a:b-c = 1]', place: '1:4' },
  { text: '[a:b LIKE 5]', place: '1:11' },
  { text: '[a:b = 1]\nand [a:b = 1]', place: '2:1' },
  { text: "[a:b = 'x]", code: 'pattern/token', place: '1:8' },
  { text: "[a:b = '\\n']", code: 'pattern/token', place: '1:9' },
  { text: '[a:b = 007]', code: 'pattern/token', place: '1:8' },
  { text: '[a:b = 9007199254740993]', code: 'pattern/token', place: '1:8' },
  { text: '[a:b = 1] /* no end', code: 'pattern/token', place: '1:11' },
  { text: "[x:hashes.MD5 IN ('00')]", code: 'pattern/hash', place: '1:15' },
  { text: `${'('.repeat(200)}[a:b = 1]${')'.repeat(200)}`, code: 'pattern/too-large', place: '1:102' },
  { text: ' '.repeat(100_001), code: 'pattern/too-large', place: '1:1' },
])
  test(`${JSON.stringify(text.slice(0, 40))} is refused at ${place}`, () => {
    assert.throws(
      () => parsePattern(text),
      (error: unknown) =>
        error instanceof PatternError && error.code === code && error.message.startsWith(`${place}: `),
    )
  })

const word = fc.stringMatching(/^[a-z_][a-z0-9_]{0,6}$/)
const literal: fc.Arbitrary<Literal> = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((value) => ({ type: 'string' as const, value })),
  fc.maxSafeInteger().map((value) => ({ type: 'int' as const, value: value === 0 ? 0 : value })),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((value) => ({ type: 'float' as const, value: value === 0 ? 0 : value })),
  fc.boolean().map((value) => ({ type: 'boolean' as const, value })),
  fc.constantFrom({ type: 'hex' as const, value: 'ff00' }, { type: 'binary' as const, value: 'AQI=' }),
  fc.constant({ type: 'timestamp' as const, value: '2026-02-03T04:05:06.7Z' }),
)
const path: fc.Arbitrary<ObjectPath> = fc.record({
  objectType: fc.constantFrom('file', 'ipv4-addr', 'x_y'),
  steps: fc
    .tuple(
      fc.oneof(word, fc.string()),
      fc.array(
        fc.oneof(
          fc.oneof(word, fc.constantFrom('START', 'true', 'a-b')).map((name) => ({ kind: 'key' as const, name })),
          fc.integer({ min: -3, max: 3 }).map((index) => ({ kind: 'index' as const, index: index === 0 ? 0 : index })),
          fc.constant({ kind: 'any' as const }),
        ),
        { maxLength: 3 },
      ),
    )
    .map(([name, rest]) => [{ kind: 'key' as const, name }, ...rest]),
})
const orderable = literal.filter(({ type }) => type !== 'boolean')
const text = fc.string().map((value) => ({ type: 'string' as const, value }))
const { comparison } = fc.letrec<{ comparison: Comparison }>((tie) => ({
  comparison: fc.oneof(
    { maxDepth: 2 },
    fc.record({
      kind: fc.constant('test' as const),
      path,
      negated: fc.boolean(),
      operator: fc.constantFrom('=' as const, '!=' as const),
      value: literal,
    }),
    fc.record({
      kind: fc.constant('test' as const),
      path,
      negated: fc.boolean(),
      operator: fc.constantFrom('>' as const, '<=' as const),
      value: orderable,
    }),
    fc.record({
      kind: fc.constant('test' as const),
      path,
      negated: fc.boolean(),
      operator: fc.constant('IN' as const),
      value: fc.array(literal, { maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constant('test' as const),
      path,
      negated: fc.boolean(),
      operator: fc.constantFrom('LIKE' as const, 'ISSUBSET' as const),
      value: text,
    }),
    fc.record({ kind: fc.constant('exists' as const), path, negated: fc.boolean() }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      parts: fc.array(tie('comparison'), { minLength: 2, maxLength: 3 }),
    }),
  ),
}))
const qualifier: fc.Arbitrary<Qualifier> = fc.oneof(
  fc.record({
    kind: fc.constant('within' as const),
    seconds: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
  }),
  fc.record({ kind: fc.constant('repeats' as const), times: fc.nat() }),
  fc.constant({ kind: 'startstop' as const, start: '2026-01-01T00:00:00Z', stop: '2026-01-02T00:00:00Z' }),
)
const { pattern } = fc.letrec<{ pattern: Pattern }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4 },
    fc.record({ kind: fc.constant('observation' as const), test: comparison }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const, 'followedby' as const),
      parts: fc.array(tie('pattern'), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('qualified' as const), of: tie('pattern'), qualifier }),
  ),
}))

test('every pattern reads back as it was printed', () => {
  fc.assert(
    fc.property(pattern, (pattern) => {
      assert.deepEqual(parsePattern(printPattern(pattern)), structuredClone(pattern))
    }),
    { numRuns: 500 },
  )
})

test('any text is a pattern or a PatternError', () => {
  const piece = fc.constantFrom(
    ..."[ ] ( ) : . , * = != > AND OR NOT IN LIKE EXISTS FOLLOWEDBY WITHIN REPEATS START STOP SECONDS TIMES a b-c 5 -1.5 'x' h'00' t'x' // /* ' \\".split(
      ' ',
    ),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(piece).map((all) => all.join(' ')),
      ),
      (text) => {
        try {
          parsePattern(text)
        } catch (error) {
          assert.ok(error instanceof PatternError, String(error))
        }
      },
    ),
    { numRuns: 1000 },
  )
})
