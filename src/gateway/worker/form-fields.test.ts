import assert from 'node:assert/strict'
import test from 'node:test'
import { fieldIn, readingsOf } from './form-fields.ts'

const FORM = 'application/x-www-form-urlencoded'
const part = (name: string, value: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

test('what stands in a field', () => {
  for (const [type, body, expected] of [
    [FORM, 'ten=a&mat_khau=m%E1%BA%ADt+kh%E1%BA%A9u', 'mật khẩu'],
    ['application/json; charset=utf-8', '{"mat_khau":"mật khẩu"}', 'mật khẩu'],
    ['application/json', '{"mat_khau":["x"]}', undefined],
    ['application/json', '{"mat_khau"', undefined],
    ['application/json', 'null', undefined],
    ['text/plain', 'mat_khau=x', undefined],
    [FORM, `mat_khau=x&a=${'b'.repeat(20_000)}`, undefined],
  ] as const)
    assert.equal(fieldIn(Buffer.from(body), type, 'mat_khau'), expected)
})

test('whatever an application may take for a field', () => {
  for (const [query, type, body, expected] of [
    ['', FORM, 'ten_dn=a', ['a']],
    ['ten_dn=a', FORM, 'ten_dn=b', ['a', 'b']],
    ['', FORM, 'ten_dn=b&ten_dn=a', ['a', 'b']],
    ['', FORM, 'ten.dn=a&ten+dn=b&ten_dn[]=c&ten_dn[0]=d&TEN_DN=e&t%65n_dn=f', ['a', 'b', 'c', 'd', 'e', 'f']],
    ['', FORM, 'x=1;ten_dn=a', ['a']],
    ['', FORM, '{"x":"&ten_dn=b&","ten_dn":"a"}', ['a', 'b']],
    ['', 'application/json', '{"ten_dn":"a","Ten_dn":"b","ten_dn":"c"}', ['a', 'b', 'c']],
    ['', 'application/json', '{"user":{"ten_dn":["a"]},"ten\\u005fdn":84912345678}', ['84912345678', 'a']],
    ['', 'text/plain', '{"ten_dn" : "a\\"b"}', ['a"b']],
    ['', 'multipart/form-data; boundary=b', `${part('ten_dn', 'chị Hoa')}${part('x', '1')}--b--\r\n`, ['chị Hoa']],
    ['', FORM, 'ten=a&ten_dn_2=b', []],
    ['', FORM, `ten_dn=a&x=${'b'.repeat(20_000)}`, []],
  ] as const) {
    const found = readingsOf(query, Buffer.from(body), type, 'ten_dn')
    assert.deepEqual([...new Set(found)].toSorted(), expected, body.slice(0, 60))
  }
})

test('reading the longest body of quotes, backslashes and blanks takes milliseconds', () => {
  for (const unit of ['"', '\\', '"\\', '{"', '" ', '"a":', '": [ ']) {
    const began = performance.now()
    readingsOf('', Buffer.from(`{${unit.repeat(16_000 / unit.length)}`), FORM, 'ten')
    assert.ok(performance.now() - began < 250, unit)
  }
})
