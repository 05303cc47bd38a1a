import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Pattern } from '../pattern/ast.ts'
import { parsePattern } from '../pattern/parse.ts'
import { printPattern } from '../pattern/print.ts'
import { MatchError } from './error.ts'
import { compilePattern, matchPattern } from './match.ts'
import { type Observation, readObservations } from './observation.ts'
import { matchesPlainly } from './plain.ts'
import { compileRegex } from './regex.ts'
import { likeTest } from './text.ts'

const bundle = (objects: object[]): object => ({
  type: 'bundle',
  objects: [
    {
      type: 'observed-data',
      id: 'observed-data--1',
      first_observed: '2026-01-01T00:00:00Z',
      last_observed: '2026-01-01T00:00:01Z',
      number_observed: 1,
      object_refs: ['traffic', 'file'],
    },
    ...objects,
  ],
})
const traffic = {
  type: 'network-traffic',
  id: 'traffic',
  dst_ref: 'ip',
  dst_port: 443,
  protocols: ['tcp', 'tls'],
  encapsulates_refs: ['traffic'],
}
const file = {
  type: 'file',
  id: 'file',
  name: 'Tài liệu.exe'.normalize('NFD'),
  size: 5,
  hashes: { MD5: 'A'.repeat(32), 'SHA-256': 'b'.repeat(64) },
  magic_number_hex: 'ffD8',
  content: null,
  mtime: '2026-01-01T00:00:00.1234567Z',
}
const observed = readObservations([bundle([traffic, file, { type: 'ipv4-addr', id: 'ip', value: '203.0.113.7' }])])

for (const [text, expected] of Object.entries({
  "[network-traffic:dst_ref.value = '203.0.113.7']": true,
  "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_port = 443]": true,
  "[network-traffic:dst_ref.value ISSUBSET '203.0.113.0/24']": true,
  "[network-traffic:dst_ref.value ISSUPERSET '203.0.113.7/32']": true,
  "[network-traffic:dst_ref.value ISSUBSET '2001:db8::/32']": false,
  "[ipv4-addr:value = '203.0.113.7']": false,
  "[network-traffic:protocols[*] = 'tls']": true,
  "[network-traffic:protocols[1] = 'tls' AND network-traffic:protocols[-1] = 'tls']": false,
  "[network-traffic:protocols[*] != 'tls']": true,
  "[network-traffic:encapsulates_refs[*].encapsulates_refs[0].dst_ref.value LIKE '203.%.7']": true,
  '[network-traffic:dst_port = 443 AND file:size = 5]': false,
  '[network-traffic:dst_port = 443] AND [file:size = 5]': false,
  '[network-traffic:dst_port = 443] OR [file:size = 6]': true,
  [`[file:hashes.MD5 = '${'A'.repeat(32)}']`]: true,
  [`[file:hashes.'SHA-256' = '${'b'.repeat(64)}']`]: true,
  [`[file:hashes[*] = '${'b'.repeat(64)}']`]: true,
  "[file:magic_number_hex = h'FFd8']": true,
  "[file:magic_number_hex MATCHES '^\\\\xff']": true,
  "[file:magic_number_hex = b'/9g=']": true,
  "[file:name = 'Tài liệu.exe']": false,
  "[file:name LIKE 'Tài%.exe']": true,
  "[file:name MATCHES 'li.u\\\\.exe$']": true,
  '[EXISTS file:content]': true,
  '[NOT EXISTS file:mime_type]': true,
  '[EXISTS file:mime_type]': false,
  "[file:mime_type NOT = 'a']": false,
  "[file:content != 'a']": true,
  "[file:mtime > t'2026-01-01T00:00:00.1234566Z']": true,
  "[file:mtime = t'2026-01-01T00:00:00.12345670Z']": true,
  '[file:size IN (4, 5.0)]': true,
  "[file:size = '5']": false,
  "[file:size = 5] START t'2026-01-01T00:00:01Z' STOP t'2026-01-01T00:00:02Z'": true,
  "[file:size = 5] START t'2026-01-01T00:00:02Z' STOP t'2026-01-01T00:00:03Z'": false,
  '[file:size = 5] REPEATS 2 TIMES': false,
}))
  test(`${text} ${expected ? 'matches' : 'does not match'}`, () => {
    assert.equal(matchPattern(parsePattern(text), observed) !== undefined, expected)
    assert.equal(matchesPlainly(parsePattern(text), observed), expected)
  })

for (const { text, code } of [
  { text: '[a:b = 1] WITHIN 0 SECONDS', code: 'match/constant' },
  { text: '[a:b = 1] REPEATS 0 TIMES', code: 'match/constant' },
  { text: "[a:b IN (1, 'x')]", code: 'match/constant' },
  { text: "[a:b ISSUBSET '300.1.1.1/8']", code: 'match/constant' },
  { text: "[a:b MATCHES '(?<=x)y']", code: 'match/regex' },
  { text: "[a:b MATCHES '(a)\\\\1']", code: 'match/regex' },
  { text: "[a:b MATCHES '((((a{1000}){1000}){1000}){1000})']", code: 'match/regex' },
  { text: "[file:name = t'2026-01-01T00:00:00Z']", code: 'match/data' },
])
  test(`${text} is refused: ${code}`, () => {
    assert.throws(
      () => matchPattern(parsePattern(text), observed),
      (error: unknown) => error instanceof MatchError && error.code === code,
    )
  })

for (const data of [5, [null], { type: 'observed-data' }, { type: 'observed-data', first_observed: 'x' }])
  test(`observations ${JSON.stringify(data)} are refused`, () => {
    assert.throws(() => readObservations(data), MatchError)
  })

const leaf: fc.Arbitrary<Pattern> = fc
  .integer({ min: 0, max: 3 })
  .map((n) => parsePattern(`[x:n ${n === 3 ? '>=' : '='} ${n === 3 ? 1 : n}]`))
const { small } = fc.letrec<{ small: Pattern }>((tie) => ({
  small: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const, 'followedby' as const),
      parts: fc.array(tie('small'), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constant('qualified' as const),
      of: tie('small'),
      qualifier: fc.oneof(
        fc.record({ kind: fc.constant('within' as const), seconds: fc.constantFrom(1, 2, 3.5) }),
        fc.record({ kind: fc.constant('repeats' as const), times: fc.integer({ min: 1, max: 3 }) }),
        fc.tuple(fc.nat(5), fc.nat(7)).map(([a, b]) => ({
          kind: 'startstop' as const,
          start: `2026-01-01T00:00:0${a}Z`,
          stop: `2026-01-01T00:00:0${b}Z`,
        })),
      ),
    }),
  ),
}))
const start = Date.UTC(2026, 0, 1) * 1000
const seen: fc.Arbitrary<Observation> = fc
  .record({ n: fc.nat(2), first: fc.nat(6), lasting: fc.nat(2), count: fc.constantFrom(1, 1, 1, 2) })
  .map(({ n, first, lasting, count }) => ({
    id: undefined,
    first: start + first * 1e6,
    last: start + (first + lasting) * 1e6,
    count,
    roots: [{ type: 'x', n }],
    byId: new Map(),
  }))

test('the matcher agrees with plain enumeration', () => {
  const seenVerdicts = { yes: 0, no: 0 }
  fc.assert(
    fc.property(small, fc.array(seen, { maxLength: 6 }), (pattern, observations) => {
      let plain: boolean
      try {
        plain = matchesPlainly(pattern, observations)
      } catch {
        return
      }
      seenVerdicts[plain ? 'yes' : 'no']++
      assert.equal(matchPattern(pattern, observations) !== undefined, plain, printPattern(pattern))
    }),
    { numRuns: 3000 },
  )
  assert.ok(seenVerdicts.yes > 300 && seenVerdicts.no > 300, JSON.stringify(seenVerdicts))
})

test('five of ten thousand observations within a second are found at once', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => ({
    id: undefined,
    first: i * (i < 9995 ? 1e6 : 1e5),
    last: i * (i < 9995 ? 1e6 : 1e5),
    count: 1,
    roots: [{ type: 'x', n: i % 7 }],
    byId: new Map(),
  }))
  const match = compilePattern(parsePattern('[x:n >= 0] REPEATS 5 TIMES WITHIN 1 SECONDS'))
  assert.equal(match(many)?.places.length, 5)
  assert.equal(match(many.slice(0, 9000)), undefined)
})

const SOURCES = [
  'a',
  'b',
  '.',
  'a*',
  '(a|b)+',
  '[ab]c?',
  '^a',
  'b$',
  '\\bab',
  'a{2,3}',
  '(?i)A',
  '[^a]',
  '(a*)*b',
  '(?:ab|a)(?:c|bcd)',
  '\\w+\\s',
  '(?s).',
  '(?m)^b$',
  '\\x61',
  '[\\d-z]',
  '(a|)+$',
  '\\Aa\\z',
]
test('MATCHES agrees with the platform where both know the language', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...SOURCES), { minLength: 1, maxLength: 3 }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', ' ', '\n', 'd'), maxLength: 8 }),
      (sources, text) => {
        const source = sources.join('')
        const translated = source
          .replaceAll(/\(\?[ism]\)/g, '')
          .replaceAll('\\A', '(?<![^])')
          .replaceAll('\\z', '(?![^])')
        if (/\(\?[ism]\)/.test(source) && sources.length > 1) return
        const flag = /\(\?([ism])\)/.exec(source)?.[1] ?? ''
        const flags = flag === 's' ? flag : `s${flag}`
        // `$` also stands before a last newline in PCRE.
        const platform = new RegExp(flag === 'm' ? translated : translated.replaceAll('$', '(?=\\n?(?![^]))'), flags)
        if (flag === 'm' && text.endsWith('\n')) return
        assert.equal(compileRegex(source)(text), platform.test(text), `${source} ${JSON.stringify(text)}`)
      },
    ),
    { numRuns: 3000 },
  )
})

test('a regular expression made to explode is answered in time', () => {
  assert.equal(compileRegex('^(a+)+$')(`${'a'.repeat(50_000)}b`), false)
  assert.equal(compileRegex('(x+x+)+y')('x'.repeat(50_000)), false)
})

test('any text is a regular expression or a MatchError', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'ab\\[](){}*+?|^$.-:<>P=,0123dwx'.split('')), maxLength: 30 }),
      (source) => {
        try {
          compileRegex(source)('aab a\nb0123')
        } catch (error) {
          assert.ok(error instanceof MatchError, String(error))
        }
      },
    ),
    { numRuns: 3000 },
  )
})

test('LIKE: % any run, _ one character', () => {
  for (const [pattern, text, expected] of [
    ['%', '', true],
    ['_', '', false],
    ['_', '😀', true],
    ['a%b%c', 'aXbYbZc', true],
    ['a%b%c', 'aXbYbZ', false],
    ['', 'a', false],
    ['%%a', 'bca', true],
  ] as const)
    assert.equal(likeTest(pattern)(text), expected, `${pattern} ${text}`)
})
