import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fold } from './fold.ts'
import { compileRule, EventView, matchRule, SigmaError, type SigmaErrorCode, type SigmaEvent } from './index.ts'
import { compileWildcard, parseValue, type Part } from './wildcard.ts'

type Detection = Record<string, unknown>
const rule = (detection: Detection, more: Detection = {}): unknown => ({
  title: 't',
  logsource: { category: 'test' },
  detection,
  ...more,
})
const matches = (search: unknown, event: SigmaEvent, options = {}): boolean =>
  matchRule(compileRule(rule({ s: search, condition: 's' }), options), event).matched

const nested = { a: { b: [{ c: 'x' }, { c: 'Y' }] }, 'd.e': 1, d: { e: 2 } }
for (const { search, event, is, name } of [
  // Escaping, by the five sentences of the specification.
  { search: { f: 'a\\b' }, event: { f: 'a\\b' }, is: true },
  { search: { f: 'a\\\\b' }, event: { f: 'a\\b' }, is: true },
  { search: { f: 'a\\*b' }, event: { f: 'a*b' }, is: true },
  { search: { f: 'a\\*b' }, event: { f: 'axb' }, is: false },
  { search: { f: 'a\\\\*b' }, event: { f: 'a\\xxb' }, is: true },
  { search: { f: 'a\\\\*b' }, event: { f: 'a*b' }, is: false },
  { search: { f: 'a\\\\\\*b' }, event: { f: 'a\\*b' }, is: true },
  { search: { f: 'a\\\\\\b' }, event: { f: 'a\\\\b' }, is: true },
  { search: { f: 'a\\\\\\\\b' }, event: { f: 'a\\\\b' }, is: true },
  { search: { f: 'a\\?' }, event: { f: 'a?' }, is: true },
  { search: { f: 'pro?' }, event: { f: 'prog' }, is: true },
  { search: { f: 'pro?' }, event: { f: 'pro' }, is: false },
  { search: { f: 'x?y' }, event: { f: 'x😀y' }, is: true, name: '? is one character, not one unit' },
  // Case.
  { search: { f: 'ĐƯỜNG' }, event: { f: 'đường' }, is: true },
  { search: { f: 'STRASSE' }, event: { f: 'straße' }, is: false, name: 'simple folding keeps lengths' },
  { search: { 'f|cased': 'Ab' }, event: { f: 'ab' }, is: false },
  { search: { 'f|cased|contains': 'Ab' }, event: { f: 'xAbx' }, is: true },
  // Absent, null and "" are three things.
  { search: { f: null }, event: { f: null }, is: true },
  { search: { f: null }, event: {}, is: false },
  { search: { f: null }, event: { f: '' }, is: false },
  { search: { f: '' }, event: { f: '' }, is: true },
  { search: { f: '' }, event: { f: null }, is: false },
  { search: { f: '' }, event: {}, is: false },
  { search: { 'f|exists': true }, event: { f: null }, is: true },
  { search: { 'f|exists': false }, event: {}, is: true },
  { search: { 'f|exists': true }, event: { f: [] }, is: true },
  { search: { f: '*' }, event: { f: '' }, is: true },
  { search: { f: '*' }, event: { f: null }, is: false },
  { search: { f: ['a', null] }, event: { f: null }, is: true },
  { search: { f: 'a' }, event: { __proto__: { f: 'a' } }, is: false, name: 'inherited properties are no fields' },
  // Numbers and truth values, either way of writing.
  { search: { f: 4625 }, event: { f: '4625' }, is: true },
  { search: { f: '4625' }, event: { f: 4625 }, is: true },
  { search: { f: 4625 }, event: { f: 46250 }, is: false },
  { search: { f: true }, event: { f: 'True' }, is: true },
  { search: { f: 'true' }, event: { f: true }, is: true },
  { search: { f: false }, event: { f: 0 }, is: false },
  // Fields.
  { search: { 'a.b.c': 'y' }, event: nested, is: true },
  { search: { 'd.e': 1 }, event: nested, is: true, name: 'a flat name wins' },
  { search: { 'd.e': 2 }, event: nested, is: false },
  { search: { f: 'b' }, event: { f: ['a', 'b'] }, is: true },
  { search: { 'Threat Name': 'x' }, event: { 'Threat Name': 'X' }, is: true },
  // Lists and maps.
  { search: { 'f|contains|all': ['a', 'b'] }, event: { f: 'xbxa' }, is: true },
  { search: { 'f|contains|all': ['a', 'b'] }, event: { f: 'xa' }, is: false },
  { search: [{ f: 1 }, { g: 2 }], event: { g: 2 }, is: true },
  { search: { f: 1, g: 2 }, event: { g: 2 }, is: false },
  // Keywords.
  { search: ['evil'], event: { a: { b: ['so EVIL!'] } }, is: true },
  { search: ['evil'], event: { evil: 'no' }, is: false, name: 'keywords look at values' },
  { search: { '|all': ['a1', 'b2'] }, event: { x: '-a1-', y: '-b2-' }, is: true },
  { search: { '|all': ['a1', 'b2'] }, event: { x: '-a1-' }, is: false },
  { search: ['e*l'], event: { a: 'very evil' }, is: true },
  { search: { '|re': ['^ab+$'] }, event: { a: 'abb' }, is: true },
  // Regular expressions.
  { search: { 'f|re': 'a.c' }, event: { f: 'xabcx' }, is: true },
  { search: { 'f|re': 'A.c' }, event: { f: 'abc' }, is: false },
  { search: { 'f|re|i': 'A.c' }, event: { f: 'abc' }, is: true },
  { search: { 'f|re': 'a.c' }, event: { f: 'a\nc' }, is: false },
  { search: { 'f|re|s': 'a.c' }, event: { f: 'a\nc' }, is: true },
  { search: { 'f|re': '^b' }, event: { f: 'a\nb' }, is: false },
  { search: { 'f|re|m': '^b' }, event: { f: 'a\nb' }, is: true },
  { search: { 'f|re': '(a*)*$' }, event: { f: `${'a'.repeat(20_000)}b` }, is: true, name: 'no blow-up' },
  { search: { 'f|re': '^(a|a)*$' }, event: { f: `${'a'.repeat(20_000)}b` }, is: false, name: 'no blow-up' },
  // Addresses and order.
  { search: { 'f|cidr': '10.0.0.0/8' }, event: { f: '10.255.0.1' }, is: true },
  { search: { 'f|cidr': '10.0.0.0/8' }, event: { f: '11.0.0.1' }, is: false },
  { search: { 'f|cidr': '10.0.0.0/8' }, event: { f: '::ffff:10.1.2.3' }, is: true },
  { search: { 'f|cidr': '2001:db8::/32' }, event: { f: '2001:DB8:1::5' }, is: true },
  { search: { 'f|cidr': '::/0' }, event: { f: '10.0.0.1' }, is: false },
  { search: { 'f|cidr': ['192.0.2.7', '10.0.0.0/8'] }, event: { f: '192.0.2.7' }, is: true },
  { search: { 'f|cidr': '10.0.0.0/8' }, event: { f: '010.0.0.1' }, is: false },
  { search: { 'f|gte': 5 }, event: { f: '5' }, is: true },
  { search: { 'f|gt': 5 }, event: { f: 5 }, is: false },
  { search: { 'f|lt': 5 }, event: { f: 'four' }, is: false },
  { search: { 'f|lte': -1 }, event: { f: -1.5 }, is: true },
  { search: { 'f|neq': ['a', 'b'] }, event: { f: 'c' }, is: true },
  { search: { 'f|neq': ['a', 'b'] }, event: { f: 'B' }, is: false },
  // Encodings: values computed with coreutils' base64 and iconv.
  { search: { 'f|base64': 'ping' }, event: { f: 'cGluZw==' }, is: true },
  { search: { 'f|wide|base64|contains': 'ping' }, event: { f: 'x cABpAG4AZwA= x' }, is: true },
  { search: { 'f|utf16be|base64': 'ping' }, event: { f: 'AHAAaQBuAGc=' }, is: true },
  { search: { 'f|utf16|base64': 'ping' }, event: { f: '//5wAGkAbgBnAA==' }, is: true },
  // 'foo /bin/sh', 'fo /bin/sh' and 'f /bin/sh' before ' x'.
  { search: { 'f|base64offset|contains': '/bin/sh' }, event: { f: 'Zm9vIC9iaW4vc2ggeA==' }, is: true },
  { search: { 'f|base64offset|contains': '/bin/sh' }, event: { f: 'Zm8gL2Jpbi9zaCB4' }, is: true },
  { search: { 'f|base64offset|contains': '/bin/sh' }, event: { f: 'ZiAvYmluL3NoIHg=' }, is: true },
  { search: { 'f|windash|contains': ' -f' }, event: { f: 'x /f' }, is: true },
  { search: { 'f|contains|windash': ' -a -b' }, event: { f: 'x –a /b' }, is: true },
  { search: { 'f|contains|windash': ' /a' }, event: { f: 'x ―a' }, is: true },
  // Other fields.
  { search: { 'f|fieldref': 'g' }, event: { f: 'A', g: 'a' }, is: true },
  { search: { 'f|fieldref': 'g' }, event: {}, is: false },
  { search: { 'f|fieldref|neq': 'g' }, event: { f: 'a', g: 'b' }, is: true },
  { search: { 'f|fieldref|endswith': 'g' }, event: { f: 'xa', g: 'A' }, is: true },
] as { search: unknown; event: SigmaEvent; is: boolean; name?: string }[]) {
  test(`${JSON.stringify(search)} ${is ? 'holds' : 'fails'} for ${name ?? JSON.stringify(event).slice(0, 60)}`, () => {
    assert.equal(matches(search, event), is)
  })
}

test('options: mapping, placeholders, absent as null', () => {
  assert.equal(matches({ Image: 'a' }, { process: { name: 'A' } }, { mapping: { Image: 'process.name' } }), true)
  assert.equal(matches({ Image: 'a' }, { exe: 'a' }, { mapping: { Image: ['image', 'exe'] } }), true)
  const placeholders = { admins: ['root', 'adm*'] }
  assert.equal(matches({ 'u|expand': '%admins%' }, { u: 'administrator' }, { placeholders }), true)
  assert.equal(matches({ 'u|expand': '\\%admins%' }, { u: '%admins%' }, { placeholders }), true)
  assert.equal(matches({ 'u|expand|contains': 'x-%admins%' }, { u: 'ax-rootb' }, { placeholders }), true)
  assert.equal(matches({ u: '%admins%' }, { u: '%admins%' }), true)
  assert.equal(matches({ f: null }, {}, { absentIsNull: true }), true)
})

const abc = { a: { f: 1 }, b: { g: 1 }, c: { h: 1 }, _d: { i: 1 } }
for (const [condition, event, is] of [
  ['a or b and c', { f: 1 }, true],
  ['(a or b) and c', { f: 1 }, false],
  ['not a and b', { g: 1 }, true],
  ['not (a and b)', { g: 1 }, true],
  ['not not a', { f: 1 }, true],
  ['1 of them', { i: 1 }, false],
  ['any of them', { h: 1 }, true],
  ['all of them', { f: 1, g: 1, h: 1 }, true],
  ['1 of _*', { i: 1 }, true],
  ['1 of * and not a', { i: 1 }, true],
  [['a', 'b'], { g: 1 }, true],
] as [string | string[], SigmaEvent, boolean][]) {
  test(`condition ${JSON.stringify(condition)}: ${JSON.stringify(event)} ${is}`, () => {
    assert.equal(matchRule(compileRule(rule({ ...abc, condition })), event).matched, is)
  })
}

test('a verdict tells the selections that hold', () => {
  const compiled = compileRule(rule({ ...abc, condition: '1 of b* or a or c' }))
  assert.deepEqual(matchRule(compiled, { f: 1, h: 1, i: 1 }), { matched: true, selections: ['a', 'c'] })
  assert.deepEqual(matchRule(compiled, {}), { matched: false, selections: [] })
  assert.deepEqual(compiled.unused, ['_d'])
})

for (const [code, data, path] of [
  ['rule/shape', null, ''],
  ['rule/shape', { logsource: {}, detection: {} }, 'title'],
  ['rule/shape', rule({ s: ['a'], condition: 's' }, { level: 'severe' }), 'level'],
  ['rule/shape', rule({ s: ['a'], condition: 's' }, { tags: 'x' }), 'tags'],
  ['rule/shape', rule({ s: ['a'], condition: 's' }, { logsource: [] }), 'logsource'],
  ['rule/kind', rule({}, { correlation: {} }), 'correlation'],
  ['rule/kind', rule({}, { action: 'global' }), 'action'],
  ['rule/kind', rule({}, { filter: {} }), 'filter'],
  ['rule/taxonomy', rule({ s: ['a'], condition: 's' }, { taxonomy: 'mine' }), 'taxonomy'],
  ['detection/shape', rule({ s: 5, condition: 's' }), 'detection.s'],
  ['detection/empty', rule({ s: {}, condition: 's' }), 'detection.s'],
  ['detection/empty', rule({ s: { f: [] }, condition: 's' }), 'detection.s.f'],
  ['detection/empty', rule({ s: [''], condition: 's' }), 'detection.s.0'],
  ['detection/timeframe', rule({ s: ['a'], timeframe: '1m', condition: 's' }), 'detection.timeframe'],
  ['modifier/unknown', rule({ s: { 'f|containz': 'a' }, condition: 's' }), 'detection.s.f|containz'],
  ['modifier/unsupported', rule({ s: { 'f|hour': 3 }, condition: 's' }), 'detection.s.f|hour'],
  ['modifier/combination', rule({ s: { 'f|all': 'a' }, condition: 's' }), 'detection.s.f|all'],
  ['modifier/combination', rule({ s: { 'f|re|contains': 'a' }, condition: 's' }), 'detection.s.f|re|contains'],
  ['modifier/combination', rule({ s: { 'f|i': 'a' }, condition: 's' }), 'detection.s.f|i'],
  ['modifier/combination', rule({ s: { 'f|wide': 'a' }, condition: 's' }), 'detection.s.f|wide'],
  ['modifier/combination', rule({ s: { 'f|base64': 'a*' }, condition: 's' }), 'detection.s.f|base64'],
  ['modifier/placeholder', rule({ s: { 'f|expand': '%x%' }, condition: 's' }), 'detection.s.f|expand'],
  ['value/type', rule({ s: { 'f|contains': ['a', 4] }, condition: 's' }), 'detection.s.f|contains.1'],
  ['value/type', rule({ s: { 'f|gt': '4' }, condition: 's' }), 'detection.s.f|gt'],
  ['value/type', rule({ s: { f: { g: 1 } }, condition: 's' }), 'detection.s.f'],
  ['value/type', rule({ s: { f: new Date(0) }, condition: 's' }), 'detection.s.f'],
  ['value/type', rule({ s: { 'f|exists': 'yes' }, condition: 's' }), 'detection.s.f|exists'],
  ['value/regex', rule({ s: { 'f|re': '(?=a)' }, condition: 's' }), 'detection.s.f|re'],
  ['value/regex', rule({ s: { 'f|re': '(a)\\1' }, condition: 's' }), 'detection.s.f|re'],
  ['value/cidr', rule({ s: { 'f|cidr': '10.0.0.1/8' }, condition: 's' }), 'detection.s.f|cidr'],
  ['value/too-large', rule({ s: { 'f|windash': '------' }, condition: 's' }), 'detection.s.f|windash'],
  ['condition/syntax', rule({ s: ['a'] }), 'detection.condition'],
  ['condition/syntax', rule({ s: ['a'], condition: 's and' }), 'detection.condition'],
  ['condition/syntax', rule({ s: ['a'], condition: '2 of s*' }), 'detection.condition'],
  ['condition/syntax', rule({ s: ['a'], condition: '('.repeat(200) }), 'detection.condition'],
  ['condition/unknown-selection', rule({ s: ['a'], condition: 's and t' }), 'detection.condition'],
  ['condition/unknown-selection', rule({ s: ['a'], condition: '1 of t*' }), 'detection.condition'],
  ['condition/unknown-selection', rule({ s: ['a'], condition: ['s', 'constructor'] }), 'detection.condition.1'],
  ['condition/aggregation', rule({ s: ['a'], condition: 's | count() by f > 5' }), 'detection.condition'],
] as [SigmaErrorCode, unknown, string][]) {
  test(`refused: ${code} at ${path || 'the document'}, ${JSON.stringify(data).slice(38, 110)}`, () => {
    assert.throws(() => compileRule(data), { name: 'SigmaError', code, path })
  })
}

/** Straight from the sentence: `?` takes one character, `*` any number. */
function naive(parts: readonly Part[], text: readonly string[]): boolean {
  const [part, ...rest] = parts
  if (part === undefined) return text.length === 0
  if (part.kind === 'text') {
    const wanted = Array.from(part.text)
    return wanted.every((char, i) => text[i] === char) && naive(rest, text.slice(wanted.length))
  }
  if (part.kind === 'one') return text.length > 0 && naive(rest, text.slice(1))
  return text.some((_, i) => naive(rest, text.slice(i))) || naive(rest, [])
}

test('wildcards match as the naive reading does', () => {
  const alphabet = fc.constantFrom('a', 'b', 'B', '*', '?', '\\', '😀', 'đ', 'Đ')
  const text = fc.array(alphabet, { maxLength: 9 }).map((chars) => chars.join(''))
  fc.assert(
    fc.property(text, text, fc.boolean(), (pattern, value, cased) => {
      const parts = parseValue(pattern)
      const folded = parts.map((part) => (part.kind === 'text' && !cased ? { ...part, text: fold(part.text) } : part))
      const given = cased ? value : fold(value)
      assert.equal(compileWildcard(parts, cased)(given), naive(folded, Array.from(given)))
    }),
    { numRuns: 5000 },
  )
})

test('folding is what the platform calls case-insensitive, and keeps lengths', () => {
  const wrong: string[] = []
  for (let code = 0x80; code < 0x1ffff; code++) {
    const char = String.fromCodePoint(code)
    if (!/[\p{L}\p{M}\p{S}\p{N}]/u.test(char)) continue
    const folded = fold(char)
    const same = (other: string): boolean => new RegExp(`^${other}$`, 'iu').test(char)
    if (folded !== char && (folded.length !== char.length || !same(folded))) wrong.push(code.toString(16))
    for (const other of [char.toLowerCase(), char.toUpperCase()]) {
      if (other !== char && Array.from(other).length === 1 && same(other) && fold(other) !== folded) {
        wrong.push(code.toString(16))
      }
    }
  }
  assert.deepEqual(wrong, [])
})

test('whatever comes in, only SigmaError comes out', () => {
  const names = fc.constantFrom(
    'contains',
    're',
    'all',
    'cidr',
    'gt',
    'exists',
    'base64offset',
    'wide',
    'windash',
    'fieldref',
    'expand',
    'neq',
    'i',
    'x',
  )
  const key = fc
    .tuple(fc.constantFrom('f', '', 'a.b', '__proto__'), fc.array(names, { maxLength: 3 }))
    .map(([f, m]) => [f, ...m].join('|'))
  const value = fc.oneof(fc.jsonValue(), fc.string(), fc.constantFrom('(a+)+$', '10.0.0.0/8', '%x%', '-/-', true))
  const search = fc.oneof(fc.array(value), fc.dictionary(key, fc.oneof(value, fc.array(value))), value)
  const condition = fc.oneof(fc.constantFrom('s', 'not s', '1 of them', 'all of s*', ['s', 's']), fc.string())
  fc.assert(
    fc.property(search, condition, fc.object(), (s, condition, event) => {
      try {
        matchRule(compileRule(rule({ s, condition })), event)
      } catch (error) {
        assert.ok(error instanceof SigmaError, String(error))
      }
    }),
    { numRuns: 3000 },
  )
  fc.assert(
    fc.property(fc.anything(), (data) => {
      assert.throws(() => compileRule(data), SigmaError)
    }),
  )
})

test('an event past the bounds is told, not searched in part', () => {
  const keywords = compileRule(rule({ s: ['x'], condition: 's' }))
  assert.throws(() => matchRule(keywords, { a: Array(30_000).fill('y') }), { code: 'match/too-complex' })
  let deep: unknown = 'x'
  for (let i = 0; i < 100; i++) deep = { deep }
  assert.throws(() => matchRule(keywords, { deep }), { code: 'match/too-complex' })
  const view = new EventView({ a: 'x' })
  assert.equal(matchRule(keywords, view).matched, true)
})
