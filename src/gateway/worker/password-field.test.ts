import assert from 'node:assert/strict'
import test from 'node:test'
import { passwordIn } from './password-field.ts'

test('where the password is', () => {
  for (const [type, body, expected] of [
    ['application/x-www-form-urlencoded', 'ten=a&mat_khau=m%E1%BA%ADt+kh%E1%BA%A9u', 'mật khẩu'],
    ['application/json; charset=utf-8', '{"mat_khau":"mật khẩu"}', 'mật khẩu'],
    ['application/json', '{"mat_khau":["x"]}', undefined],
    ['application/json', '{"mat_khau"', undefined],
    ['application/json', 'null', undefined],
    ['text/plain', 'mat_khau=x', undefined],
    ['application/x-www-form-urlencoded', `mat_khau=x&a=${'b'.repeat(20_000)}`, undefined],
  ] as const)
    assert.equal(passwordIn(Buffer.from(body), type, 'mat_khau'), expected)
})
