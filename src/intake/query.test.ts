import assert from 'node:assert/strict'
import test from 'node:test'
import type { Term } from '../storage/events/index.ts'
import { parseQuery } from './query.ts'

const term = (field: string, test: object, not = false): Term => ({ field, not, test }) as Term

const READ: readonly (readonly [string, readonly Term[]])[] = [
  ['', []],
  ['  \t ', []],
  ['kind:gateway.refused', [term('kind', { is: 'equal', value: 'gateway.refused' })]],
  ['-status:403', [term('status', { is: 'equal', value: '403' }, true)]],
  ['status:>=500 ms:<=0.5', [term('status', { is: 'least', value: 500 }), term('ms', { is: 'most', value: 0.5 })]],
  ['path:*login*', [term('path', { is: 'like', pattern: '*login*' })]],
  ['path:"/a b/*"', [term('path', { is: 'equal', value: '/a b/*' })]],
  [String.raw`path:"say \"hi\" \\"`, [term('path', { is: 'equal', value: String.raw`say "hi" \ `.trimEnd() })]],
  ['path:""', [term('path', { is: 'equal', value: '' })]],
  ['callbackHost:*', [term('callbackHost', { is: 'present' })]],
  ['-callbackHost:*', [term('callbackHost', { is: 'present' }, true)]],
  ['clientAddress:198.18.0.0/15', [term('clientAddress', { is: 'network', network: '198.18.0.0/15' })]],
  ['clientAddress:2001:DB8:0:0::1', [term('clientAddress', { is: 'equal', value: '2001:db8::1' })]],
  ['clientAddress:::ffff:10.0.0.1', [term('clientAddress', { is: 'equal', value: '10.0.0.1' })]],
  ['query:C2.Example.VN', [term('query', { is: 'equal', value: 'c2.example.vn' })]],
  ['path:a:b', [term('path', { is: 'equal', value: 'a:b' })]],
  ["host:x');DROP", [term('host', { is: 'equal', value: "x');drop" })]],
]
for (const [text, terms] of READ) test(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseQuery(text), terms))

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ['login', 'intake/query', /field:value at sign 1/],
  ['status:200 login', 'intake/query', /sign 12/],
  ['clientAdress:1.2.3.4', 'intake/unknown-field', /clientAdress.*clientAddress/],
  ['constructor:x', 'intake/unknown-field', /no field constructor/],
  ['time:5', 'intake/unknown-field', /from and to/],
  ['status:', 'intake/query', /status: expected a value/],
  ['status:ok', 'intake/query', /status: expected a number/],
  ['status:40*', 'intake/query', /status: expected a number/],
  ['host:>=3', 'intake/query', /host holds no number/],
  ['clientAddress:10.0.*', 'intake/query', /a network such as/],
  ['clientAddress:10.0.0.1/33', 'intake/query', /a network such as/],
  ['clientAddress:10.0.0.1/8/9', 'intake/query', /a network such as/],
  ['path:"open', 'intake/query', /sign 6 is not closed/],
  ['path:"a"b', 'intake/query', /blank after/],
  ['account:someone', 'intake/query', /token/],
  ['a:1 '.repeat(40), 'intake/unknown-field', /no field a/],
  ['status:1 '.repeat(31), 'intake/query', /30 terms/],
  [`path:${'x'.repeat(2_000)}`, 'intake/query', /2000 signs/],
]
for (const [text, code, detail] of REFUSED)
  test(`refuses ${JSON.stringify(text.slice(0, 40))}`, () =>
    assert.throws(
      () => parseQuery(text),
      (error: { code: string; message: string; status: number }) => {
        assert.equal(error.code, code)
        assert.equal(error.status, 400)
        assert.match(error.message, detail)
        return true
      },
    ))
