import assert from 'node:assert/strict'
import test from 'node:test'
import { fieldsIn } from './form-fields.ts'

const part = (name: string, value: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

test('what stands in a field', () => {
  for (const [type, body, expected] of [
    ['application/x-www-form-urlencoded', 'ten=a&mat_khau=m%E1%BA%ADt+kh%E1%BA%A9u', ['mật khẩu']],
    ['application/x-www-form-urlencoded', 'mat_khau=a&ten=x&mat_khau=b', ['a', 'b']],
    ['application/x-www-form-urlencoded', 'mat_khau=&ten=x', ['']],
    [
      'application/x-www-form-urlencoded',
      Array.from({ length: 40 }, (_, i) => `mat_khau=${i}`).join('&'),
      [0, 1, 2, 3, 4, 5, 6, 7, 32, 33, 34, 35, 36, 37, 38, 39].map(String),
    ],
    ['application/json; charset=utf-8', '{"mat_khau":"mật khẩu"}', ['mật khẩu']],
    ['application/json', '{"mat_khau":["x"]}', []],
    ['application/json', '{"mat_khau"', []],
    ['application/json', 'null', []],
    ['multipart/form-data; boundary=b', `${part('ten', 'a')}${part('mat_khau', 'mật khẩu')}--b--\r\n`, ['mật khẩu']],
    ['multipart/form-data; boundary=b', `${part('ten', 'a')}--b--\r\n`, []],
    ['multipart/form-data', part('mat_khau', 'x'), []],
    ['text/plain', 'mat_khau=x', []],
    ['application/x-www-form-urlencoded', `mat_khau=x&a=${'b'.repeat(20_000)}`, []],
  ] as const)
    // prettier-ignore
    assert.deepEqual(fieldsIn(Buffer.from(body), type, 'mat_khau'), expected, `${type} ${body.slice(0, 40)}`)
})
