import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileRules, openTransaction, type Plan, type RequestHead } from '../index.ts'
import { transformationOf } from '../transform/index.ts'
import { caseOf, classesOf, touchedBy } from './classes.ts'

const TRANSFORMATIONS =
  'base64Decode base64DecodeExt base64Encode cmdLine compressWhitespace cssDecode escapeSeqDecode hexDecode hexEncode htmlEntityDecode jsDecode length lowercase md5 normalisePath normalisePathWin normalizePath normalizePathWin parityEven7bit parityOdd7bit parityZero7bit removeComments removeCommentsChar removeNulls removeWhitespace replaceComments replaceNulls sha1 sqlHexDecode trim trimLeft trimRight uppercase urlDecode urlDecodeUni urlEncode utf8toUnicode'.split(
    ' ',
  )
const SIGNS = ['', ...`aZ09 \t\n\0%+\\&"'^/.*#-<>,;:(){}[]$@!=?_|~\xa0\xc3\xa9\xe1\xba\xbf\xff`]
const text = fc.string({ unit: fc.constantFrom(...SIGNS), maxLength: 12 })

test('a text without the classes a transformation touches stays as it is; classes follow case', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TRANSFORMATIONS), text, (name, value) => {
      const key = name.toLowerCase()
      const classes = classesOf(value)
      const after = transformationOf(name)(value)
      if ((classes & touchedBy(key)) === 0) assert.equal(after, value, name)
      const turned = caseOf(key)
      if (turned !== undefined) assert.equal(classesOf(after) & ~turned(classes), 0)
    }),
    { numRuns: 20_000 },
  )
})

const TARGETS = [
  'ARGS',
  'ARGS|REQUEST_COOKIES|!ARGS:b',
  'ARGS_NAMES',
  'ARGS:a',
  'ARGS:/^a/',
  '&ARGS',
  '&ARGS:b',
  'REQUEST_HEADERS|!REQUEST_HEADERS:Cookie',
  'REQUEST_HEADERS:User-Agent',
  'REQUEST_URI|REQUEST_BODY',
  'TX:n',
  '&TX:n',
  'TX:/^n/',
  'MATCHED_VARS',
  'REQUEST_METHOD',
]
const OPERATORS = [
  '@rx (?i)union\\s+select',
  '@rx [<>]\\w',
  '@rx a|b',
  '!@rx ^[a-z]*$',
  '@rx (a)(b)?',
  "@rx l['\\x5c]*s\\b",
  '@pm select evil ua',
  '@contains b',
  '@streq a',
  '@eq 1',
  '@ge 2',
  '@lt 3',
  '!@eq 0',
  '@detectSQLi',
  '@detectXSS',
  '@validateByteRange 32-126',
  '@within a b %{tx.n}',
  '@unconditionalMatch',
]
const ACTIONS = [
  'setvar:tx.n=+1',
  'setvar:tx.n=5',
  'setvar:!tx.n',
  'setvar:tx.m=%{tx.n}',
  'setvar:tx.x_%{MATCHED_VAR}=1',
  'capture',
  'multiMatch',
  'nolog',
  'deny',
  'skipAfter:END',
  'skip:1',
  'ctl:ruleRemoveById=3-5',
  'ctl:ruleRemoveByTag=t',
  'ctl:ruleRemoveTargetById=1-9;ARGS:a',
  'allow:phase',
  'allow:request',
  'allow',
  'drop',
  'ctl:ruleEngine=Off',
  "tag:'t'",
  "msg:'m %{tx.n}',severity:CRITICAL",
  't:lowercase',
  't:urlDecodeUni,t:removeWhitespace',
  't:utf8toUnicode,t:lowercase',
  't:length',
]

const some = (list: readonly string[], most: number): fc.Arbitrary<string[]> =>
  fc.subarray([...list], { maxLength: most })
const link = fc.tuple(fc.constantFrom(...TARGETS), fc.constantFrom(...OPERATORS), some(ACTIONS, 4))
const rule = fc.tuple(fc.constantFrom(1, 2, 5), link, fc.option(link, { freq: 4 }), fc.boolean())
type Drawn = readonly [phase: number, first: Link, second: Link | null, isAction: boolean]
type Link = readonly [targets: string, operator: string, actions: readonly string[]]

const inner = (actions: readonly string[]): string[] =>
  actions.filter((action) => !/^(?:deny|drop|skip|allow|nolog|tag|msg|ctl)/.test(action))

function written(rules: readonly Drawn[]): string {
  const lines = ['SecRuleEngine On', 'SecRequestBodyAccess On']
  for (const [at, [phase, first, second, isAction]] of rules.entries()) {
    const head = [`id:${at + 1}`, `phase:${phase}`, 'pass', ...first[2]]
    const simple = inner(first[2]).filter((action) => !/^(?:capture|multiMatch|t:)/.test(action))
    if (isAction) lines.push(`SecAction "id:${at + 1},phase:${phase},pass,nolog${simple.map((a) => `,${a}`).join('')}"`)
    else if (second === null) lines.push(`SecRule ${first[0]} "${first[1]}" "${head.join(',')}"`)
    else {
      lines.push(`SecRule ${first[0]} "${first[1]}" "${[...head, 'chain'].join(',')}"`)
      lines.push(`  SecRule ${second[0]} "${second[1]}" "${['t:none', ...inner(second[2])].join(',')}"`)
    }
    if (at % 4 === 3) lines.push(at % 8 === 3 ? 'SecMarker END' : 'SecMarker OTHER')
  }
  return [...lines, 'SecMarker END', ''].join('\n')
}

const value = fc.oneof(
  text,
  fc.constantFrom('1 union select 2', '<script>', "l's -a", 'evil', 'a', 'b', "' or 1=1--", 'ABC'),
)
const pairs = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'ab', 'c'), value), { maxLength: 4 })

function verdicts(plan: Plan, head: RequestHead, body: Uint8Array): unknown {
  const transaction = openTransaction(plan, head)
  const first = transaction.inspectHead()
  const second = transaction.inspectBody(body)
  return { first, second, last: transaction.finish(), n: transaction.variable('n'), m: transaction.variable('m') }
}

test('random rules and requests: fast as plain', () => {
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 14 }), pairs, pairs, value, (rules, query, form, agent) => {
      const files = [{ name: 'random', text: written(rules as Drawn[]) }]
      const fast = compileRules(files, { mode: 'fast' })
      const encoded = (list: readonly (readonly [string, string])[]): string =>
        list
          .map(
            ([name, one]) =>
              `${name}=${[...one].map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')}`,
          )
          .join('&')
      const plain: Plan = { ...fast, mode: 'plain' }
      // The first request once more at the end: what was learnt of its texts must change nothing.
      for (const [first, second, browser] of [
        [query, form, agent],
        [form, query, `${agent}b`],
        [query, form, agent],
      ] as const) {
        const head: RequestHead = {
          method: 'POST',
          target: `/p?${encoded(first)}`,
          httpVersion: '1.1',
          headers: [
            ['Host', 'h'],
            ['User-Agent', browser],
            ['Cookie', 'a=1; s=evil'],
            ['Content-Type', 'application/x-www-form-urlencoded'],
          ],
          clientAddress: '192.0.2.1',
          clientPort: 1,
        }
        const body = Buffer.from(encoded(second), 'latin1')
        assert.deepEqual(verdicts(fast, head, body), verdicts(plain, head, body), files[0]!.text)
      }
    }),
    { numRuns: 1_500 },
  )
})
