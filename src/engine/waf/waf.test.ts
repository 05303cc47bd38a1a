import assert from 'node:assert/strict'
import test from 'node:test'
import {
  array as arrayOf,
  assert as holds,
  constantFrom,
  integer as anyInteger,
  json as anyJson,
  oneof,
  property,
  string as anyString,
  tuple as tupleOf,
} from 'fast-check'
import { parseJson } from './bodies/json.ts'
import { parseMultipartStrictly } from './bodies/multipart-strict.ts'
import { parseMultipart } from './bodies/multipart.ts'
import { parseUrlencoded } from './bodies/urlencoded.ts'
import { SecLangError } from './error.ts'
import { compileRules, openTransaction } from './index.ts'
import { parseXml } from './bodies/xml.ts'
import { maskMatch, maskName, vocabularyOf } from './mask.ts'
import { compilePattern } from './regex/index.ts'
import { transformationOf } from './transform/index.ts'

const compile = (text: string) => compileRules([{ name: 'a.conf', text }])

for (const { rule, says } of [
  { rule: 'SecRule ARGS "@geoLookup" "id:1"', says: '@geoLookup' },
  { rule: 'SecRule REMOTE_ADDR "@rbl list.example" "id:1"', says: '@rbl' },
  { rule: 'SecRule ARGS "@inspectFile /x" "id:1"', says: '@inspectFile' },
  { rule: 'SecRule ARGS "@pmFromFile words.data" "id:1"', says: 'the word list words.data is not there' },
  { rule: 'SecRule XML:/a/b "@rx a" "id:1"', says: 'XPath /a/b' },
  { rule: 'SecRule NOTHING "@rx a" "id:1"', says: 'variable NOTHING' },
  { rule: 'SecRule ARGS "@rx a" "id:1,t:rot13"', says: 't:rot13' },
  { rule: 'SecRule ARGS "@rx a" "id:1,phase:6"', says: 'phase:6' },
  { rule: 'SecRule ARGS "@rx a" "id:1,exec:/x"', says: 'exec' },
  { rule: 'SecRule ARGS "@rx a" "id:1,proxy:http://a/"', says: 'proxy' },
  { rule: 'SecRule ARGS "@rx a" "id:1,ctl:hashEngine=Off"', says: 'ctl:hashEngine' },
  { rule: 'SecRule ARGS "@rx a" "id:1,ctl:ruleRemoveTargetById=2"', says: 'parted by ;' },
  { rule: 'SecRule ARGS "@rx a" "id:1,setvar:args.a=1"', says: 'setvar:args.a' },
  { rule: 'SecRule ARGS "@rx a" "id:1,msg:\'%{nothing}\'"', says: 'macro %{nothing}' },
  { rule: 'SecRule ARGS "@rx a" "id:1,deny:x"', says: 'deny takes no value' },
  { rule: 'SecRule ARGS "@rx a" "phase:2"', says: 'no id' },
  { rule: 'SecRule ARGS "@rx a" "id:1"\nSecRule ARGS "@rx b" "id:1"', says: 'twice' },
  { rule: 'SecRule ARGS "@rx a" "id:1,chain"', says: 'chain' },
  { rule: 'SecRule ARGS "@rx a" "id:1,chain"\nSecRule ARGS "@rx a" "deny"', says: 'first rule of a chain' },
  { rule: 'SecRule ARGS "@rx a" "id:1,skipAfter:NO"', says: 'marker NO' },
  { rule: 'SecMarker A\nSecRule ARGS "@rx a" "id:1,skipAfter:A"', says: 'marker A does not follow' },
  { rule: 'SecRuleScript a.lua', says: 'SecRuleScript' },
  { rule: 'Include other.conf', says: 'Include other.conf' },
  { rule: 'SecRuleUpdateActionById 1 "id:2"', says: 'cannot be updated' },
]) {
  test(`refused by name: ${rule.replace('\n', ' ')}`, () => {
    assert.throws(
      () => compile(rule),
      (error: unknown) => {
        assert.ok(error instanceof SecLangError)
        assert.match(error.message, /^a\.conf:\d+: /)
        assert.ok(error.message.includes(says), error.message)
        return true
      },
    )
  })
}

const text = (value: string) => new TextEncoder().encode(value)
const run = (rules: string, target = '/', headers: [string, string][] = [], body = '') => {
  const t = openTransaction(compile(rules), {
    method: 'POST',
    target,
    httpVersion: '1.1',
    headers,
    clientAddress: '192.0.2.1',
    clientPort: 1,
  })
  const head = t.inspectHead()
  return head.refused ? head : t.inspectBody(text(body))
}

for (const { name, rules, target, headers, refused } of [
  {
    name: 'chain needs all',
    rules: 'SecRule ARGS:a "@streq 1" "id:1,deny,chain"\nSecRule ARGS:b "@streq 2"',
    target: '/?a=1&b=3',
    refused: false,
  },
  {
    name: 'chain whole',
    rules: 'SecRule ARGS:a "@streq 1" "id:1,deny,chain"\nSecRule ARGS:b "@streq 2"',
    target: '/?a=1&b=2',
    refused: true,
  },
  { name: 'exclusion', rules: 'SecRule ARGS|!ARGS:tok "@contains x" "id:1,deny"', target: '/?tok=x', refused: false },
  { name: 'selector pattern', rules: 'SecRule ARGS:/^x_/ "@contains x" "id:1,deny"', target: '/?X_a=x', refused: true },
  { name: 'count', rules: 'SecRule &ARGS:a "@gt 1" "id:1,deny"', target: '/?a=1&a=2', refused: true },
  { name: 'negation', rules: 'SecRule REQUEST_METHOD "!@within GET POST" "id:1,deny"', target: '/', refused: false },
  {
    name: 'macro in an operator',
    rules: 'SecAction "id:1,pass,setvar:tx.a=7"\nSecRule ARGS:a "@streq %{tx.a}" "id:2,deny"',
    target: '/?a=7',
    refused: true,
  },
  {
    name: 'arithmetic',
    rules: 'SecAction "id:1,pass,setvar:tx.a=7,setvar:tx.a=+3,setvar:tx.a=-1"\nSecRule TX:a "@eq 9" "id:2,deny"',
    target: '/',
    refused: true,
  },
  {
    name: 'skipAfter',
    rules: 'SecRule ARGS:a "@streq 1" "id:1,pass,skipAfter:END"\nSecAction "id:2,deny"\nSecMarker END',
    target: '/?a=1',
    refused: false,
  },
  {
    name: 'remove by id',
    rules: 'SecAction "id:1,phase:1,pass,ctl:ruleRemoveById=2-3"\nSecAction "id:2,deny"',
    target: '/',
    refused: false,
  },
  {
    name: 'remove a target',
    rules: 'SecAction "id:1,phase:1,pass,ctl:ruleRemoveTargetById=2;ARGS:a"\nSecRule ARGS "@contains x" "id:2,deny"',
    target: '/?a=x',
    refused: false,
  },
  {
    name: 'multiMatch',
    rules: 'SecRule ARGS "@contains A" "id:1,deny,multiMatch,t:lowercase"',
    target: '/?a=A',
    refused: true,
  },
  {
    name: 'multiMatch with negation',
    rules: 'SecRule ARGS "!@rx ^[aA]$" "id:1,deny,multiMatch,t:lowercase"',
    target: '/?a=A',
    refused: false,
  },
  {
    name: 'capture',
    rules: 'SecRule ARGS:a "@rx ^(.)(.)$" "id:1,pass,capture"\nSecRule TX:2 "@streq y" "id:2,deny"',
    target: '/?a=xy',
    refused: true,
  },
  { name: 'allow', rules: 'SecAction "id:1,phase:1,allow"\nSecAction "id:2,deny"', target: '/', refused: false },
  {
    name: 'block by default action',
    rules: 'SecDefaultAction "phase:2,log,deny,status:406"\nSecAction "id:2,block"',
    target: '/',
    refused: true,
  },
  { name: 'detection only', rules: 'SecRuleEngine DetectionOnly\nSecAction "id:2,deny"', target: '/', refused: false },
  {
    name: 'JSON path',
    rules: 'SecRequestBodyReading Strict\nSecRule ARGS:json.a.array_0.b "@streq 1" "id:1,deny"',
    target: '/',
    headers: [['Content-Type', 'application/json']] as [string, string][],
    refused: true,
  },
]) {
  test(`meaning: ${name}`, () =>
    assert.equal(run(rules, target, headers ?? [], headers === undefined ? '' : '{"a":[{"b":"1"}]}').refused, refused))
}

/** Milliseconds of this process's own work: another process on the same core does not count. */
const worked = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

test('a doubled JSON key shows both values', () => {
  assert.deepEqual(parseJson('{"a":1,"a":"\\u00e0"}').pairs, [
    ['json.a', '1'],
    ['json.a', '\xc3\xa0'],
  ])
})

for (const { name, text, error } of [
  {
    name: 'a key of 100,000 over 1,900 children',
    text: `{"${'a'.repeat(100_000)}":{${'"b":1,'.repeat(1_900)}"c":1}}`,
    error: 'a name is too long',
  },
  {
    name: 'keys of 2,000 over 1,900 children',
    text: `{"${'a'.repeat(2_000)}":{${'"b":1,'.repeat(1_900)}"c":1}}`,
    error: 'names too long',
  },
  {
    name: 'an ordinary list of 1,900',
    text: `[${'{"ten":"áo"},'.repeat(1_900)}1]`.replaceAll('á', '\xc3\xa1'),
    error: undefined,
  },
]) {
  test(`JSON names are bounded: ${name}`, () => assert.equal(parseJson(text).error, error))
}

test('a match of 2,000 values is counted whole, told in part, and MATCHED_VARS keeps them all', () => {
  const rules =
    'SecRule ARGS "@streq 1" "id:1,pass,msg:\'a\',setvar:tx.anomaly_score=+1,chain"\nSecRule MATCHED_VARS "@streq 1" "setvar:tx.anomaly_score=+1"'
  const verdict = run(rules, `/?${'a=1&'.repeat(2_000)}`)
  assert.equal(verdict.score, 4_000)
  const alone = run(
    'SecRule ARGS "@streq 1" "id:1,pass,msg:\'a\',setvar:tx.anomaly_score=+1"',
    `/?${'a=1&'.repeat(2_000)}`,
  )
  assert.equal(alone.score, 2_000)
  assert.equal(alone.matches.length, 3)
})

test('a target that a control removed is not even transformed', () => {
  const rules =
    'SecAction "id:1,phase:1,pass,ctl:ruleRemoveTargetById=2-9;REQUEST_BODY"\n' +
    Array.from(
      { length: 8 },
      (_, i) =>
        `SecRule REQUEST_BODY "@contains x" "id:${i + 2},deny,t:${i % 2 ? 'jsDecode' : 'htmlEntityDecode'},t:cssDecode"`,
    ).join('\n')
  const began = worked()
  assert.equal(run(rules, '/', [['Content-Type', 'text/plain']], '&#65;\\x41'.repeat(300_000)).refused, false)
  assert.ok(worked() - began < 400)
})

const seesBody = 'SecRequestBodyReading Strict\nSecRule ARGS|REQUEST_BODY "@contains evil" "id:1,deny"'
for (const { type, body, refused } of [
  { type: 'image/png', body: '\x89PNG\0\0evil', refused: false },
  { type: 'image/png', body: 'a=evil', refused: true },
  { type: 'image/png', body: ' \n{"a":"evi\\u006c"}', refused: true },
  { type: 'application/octet-stream', body: '[{"a":"evi\\u006c"}]', refused: true },
  { type: 'application/octet-stream', body: '\0evil', refused: false },
  { type: 'application/zipx', body: '\0evil', refused: true },
  { type: 'image/pngx', body: '\0evil', refused: false },
  { type: 'application/zip, text/plain', body: '\0evil', refused: true },
  { type: 'application/x-www-form-urlencoded', body: '{"a":"evi\\u006c"}', refused: true },
  { type: 'text/plain', body: '{"a":"evi\\u006c"}', refused: true },
  { type: 'application/json', body: '{"a":"evi\\u006c"}', refused: true },
]) {
  test(`a body is what it looks like: ${type} ${JSON.stringify(body)}`, () => {
    const bytes = Uint8Array.from(body, (sign) => sign.charCodeAt(0))
    const transaction = openTransaction(compile(seesBody), {
      method: 'POST',
      target: '/',
      httpVersion: '1.1',
      headers: [['Content-Type', type]],
      clientAddress: '192.0.2.1',
      clientPort: 1,
    })
    transaction.inspectHead()
    assert.equal(transaction.inspectBody(bytes).refused, refused)
  })
}

test('bytes of Vietnamese letters are neither white space nor letters', () => {
  assert.equal(compilePattern('\\s').regexp.test('\xc3\xa0'), false)
  assert.equal(compilePattern('(?i)\xe0').regexp.test('\xc0'), false)
  assert.equal(compilePattern('\\w').regexp.test('\xb5'), false)
})

test('a masked match shows only what the rule itself says', () => {
  const words = vocabularyOf('(?i)\\bunion\\s+select')
  assert.equal(maskMatch("UNION SELECT matkhau1979 FROM a@b.vn'", words, 60), "union select •.•' (60 bytes)")
  assert.equal(maskName('lan@example.vn'), '•')
  assert.equal(maskName('cccd[079123456789]'), 'cccd[•]')
})

const bytes = anyString({ unit: anyInteger({ min: 0, max: 255 }).map((b) => String.fromCharCode(b)), maxLength: 300 })
const noisy = anyString({
  unit: constantFrom(
    '%',
    'u',
    '0',
    'a',
    'F',
    '&',
    '#',
    ';',
    'x',
    '\\',
    '/',
    '*',
    '.',
    '-',
    '"',
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '\r',
    '\n',
    '\0',
    '\xc3',
    '\xa0',
    '=',
    ' ',
    '+',
  ),
  maxLength: 200,
})

test('property: parsers and transformations never throw, whatever the bytes', () => {
  const names = [
    'urlDecode',
    'urlDecodeUni',
    'htmlEntityDecode',
    'jsDecode',
    'cssDecode',
    'cmdLine',
    'normalizePath',
    'normalizePathWin',
    'removeComments',
    'replaceComments',
    'base64Decode',
    'hexDecode',
    'utf8toUnicode',
    'escapeSeqDecode',
    'trim',
    'compressWhitespace',
  ]
  holds(
    property(oneof(bytes, noisy), (text) => {
      parseUrlencoded(text)
      parseJson(text)
      for (const type of ['multipart/form-data; boundary=x', text]) {
        parseMultipart(type, `--x\r\n${text}`, 10)
        parseMultipartStrictly(type, `--x\r\n${text}`)
      }
      parseXml(text)
      parseXml(`<a>${text}</a>`)
      for (const name of names) assert.match(transformationOf(name)(text), /^[\0-\xff]*$/)
    }),
  )
})

test('property: JSON agrees with JSON.parse on what is JSON', () => {
  holds(
    property(oneof(anyJson(), noisy, anyString()), (text) => {
      let valid = true
      try {
        JSON.parse(text)
      } catch {
        valid = false
      }
      const latin1 = String.fromCharCode(...new TextEncoder().encode(text))
      assert.equal(parseJson(latin1).error === undefined, valid)
    }),
  )
})

test('property: a form written by URLSearchParams is read back', () => {
  const pair = tupleOf(anyString({ unit: 'grapheme' }), anyString({ unit: 'grapheme' })).filter(
    ([k, v]) => k + v !== '' && k.isWellFormed() && v.isWellFormed(),
  )
  holds(
    property(arrayOf(pair), (pairs) => {
      const read = parseUrlencoded(new URLSearchParams(pairs).toString()).pairs
      assert.deepEqual(
        read.map((p) =>
          p.map((s) =>
            new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(s, (c) => c.charCodeAt(0))),
          ),
        ),
        pairs,
      )
    }),
  )
})

test('property: any rule text is compiled or refused by name', () => {
  const word = constantFrom(
    'SecRule',
    'SecAction',
    'SecMarker',
    ' ARGS',
    ' "@rx ',
    'a',
    '(',
    ')',
    '[',
    '+',
    '"',
    ' "id:1',
    ',deny',
    ',chain',
    ',t:none',
    ':',
    '\\',
    '\n',
    '#',
    '!',
    '|',
    "'",
    '%{tx.a}',
  )
  holds(
    property(arrayOf(word, { maxLength: 25 }), (words) => {
      try {
        compile(words.join(''))
      } catch (error) {
        assert.ok(error instanceof SecLangError, String(error))
      }
    }),
    { numRuns: 1000 },
  )
})
