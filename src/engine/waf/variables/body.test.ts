import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../bytes/latin1.ts'
import { compileRules, openTransaction } from '../index.ts'

const RULES = `
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "^application/xml" "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_BODY "@contains needle" "id:10,phase:2,pass"
SecRule REQBODY_ERROR "!@eq 0" "id:11,phase:2,pass"
SecRule REQUEST_BODY_LENGTH "@gt 0" "id:12,phase:2,pass"
`
const part = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nneedle\r\n'

function found(rules: string, type: string, body: string): readonly number[] {
  const plan = compileRules([{ name: 'test', text: utf8(`SecRuleEngine On\n${rules}`) }])
  const bytes = new TextEncoder().encode(body)
  const transaction = openTransaction(
    plan,
    {
      method: 'POST',
      target: '/',
      httpVersion: '1.1',
      headers: [
        ['Host', 'a'],
        ['Content-Type', type],
        ['Content-Length', String(bytes.length)],
      ],
      clientAddress: '192.0.2.1',
      clientPort: 1,
      uniqueId: 'x',
    },
    { at: 0 },
  )
  transaction.inspectHead()
  return transaction.inspectBody(bytes).ruleIds
}

// As libmodsecurity 3.0.9 does (bench/rivals/modsecurity.c), but for whole XML and multipart, whose raw text CRS does not want.
for (const [name, type, body, ids] of [
  ['JSON', 'application/json', '{"a":"needle"}', [10, 12]],
  ['JSON cut short', 'application/json', '{"a":"needle"', [10, 11, 12]],
  ['JSON with text after it', 'application/json', '{"a":"needle"} x', [10, 11, 12]],
  ['JSON after a byte order mark', 'application/json', '\ufeff{"a":"needle"}', [10, 11, 12]],
  ['XML', 'application/xml', '<a>needle</a>', [12]],
  ['XML cut short', 'application/xml', '<a>needle', [10, 11, 12]],
  ['multipart', 'multipart/form-data; boundary=b', `${part}--b--\r\n`, [12]],
  ['multipart cut short', 'multipart/form-data; boundary=b', part, [10, 11, 12]],
  ['multipart without a boundary', 'multipart/form-data', 'needle', [10, 11, 12]],
  ['a form', 'application/x-www-form-urlencoded', 'a=needle', [10, 12]],
  ['plain text', 'text/plain', 'needle', [10, 12]],
] as const)
  test(`REQUEST_BODY of ${name}`, () => assert.deepEqual(found(RULES, type, body), ids))

const STRICT = `
SecRequestBodyReading Strict
SecRule ARGS:json.a "@streq needle" "id:20,phase:2,pass"
SecRule REQBODY_ERROR "@eq 1" "id:21,phase:2,pass"
`
for (const [name, body, ids] of [
  ['a byte order mark', '\ufeff{"a":"needle"}', [20]],
  ['two of them', '\ufeff\ufeff{"a":"needle"}', [21]],
  ['one inside', '{"a":\ufeff"needle"}', [21]],
] as const)
  test(`strict JSON with ${name} (RFC 8259 §8.1)`, () =>
    assert.deepEqual(found(STRICT, 'application/json; charset=utf-8', body), ids))
