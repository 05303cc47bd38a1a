import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLuhn, isTaxCode } from './digits.ts'
import { countSubjects, findPersonalData } from './index.ts'

const kinds = (text: string): string[] => findPersonalData(text, { year: 2026 }).map(({ kind }) => kind)

const CASES: readonly (readonly [text: string, kinds: readonly string[]])[] = [
  ['CCCD: 001085012345', ['personal-id']],
  ['Số căn cước 079 203 001 234 cấp ngày', ['personal-id']],
  ['{"id_number":"036.185.012.345"}', ['personal-id']],
  ['001299012345', []],
  ['005085012345', []],
  ['mã đơn 101085012345', []],
  ['MST 0100112437', ['tax-code']],
  ['Mã số thuế: 01.00.112.437', ['tax-code']],
  ['MST 0100112438', []],
  ['gọi 0912 345 678', ['phone']],
  ['+84 912.345.678', ['phone']],
  ['84912345678', ['phone']],
  ['SĐT: 0912345678', ['phone']],
  ['ĐT 024 3825 1234', ['phone']],
  ['0112345678', []],
  ['thẻ 4111 1111 1111 1111', ['payment-card']],
  ['4111 1111 1111 1112', []],
  ['STK 19031234567890 Techcombank', ['bank-account']],
  ['số BHXH 7912345678', ['social-insurance']],
  ['thẻ DN4797912345678', ['health-insurance']],
  ['hộ chiếu B1234567', ['passport']],
  ['mã SP B1234567', []],
  ['biển số 29A-123.45', ['plate']],
  ['An.Nguyen+shop@mail.khien.vn', ['email']],
  ['ngày sinh 02/09/1985', ['date-of-birth']],
  ['ngày giao 02/09/2026', []],
  ['2026-11-22T10:00:00.123456789Z', []],
  ['giá 1.250.000.000 đồng', []],
  ['tracking 9912345678901234567890', []],
  ['a1b2c3d40912345678e5f6', []],
  ['số ０９１２３４５６７８ điện thoại', ['phone']],
  ['CMND 012345678', ['old-id']],
  ['012345678', []],
]

test('what is personal data, and what only looks like it', () => {
  for (const [text, expected] of CASES)
    for (const form of ['NFC', 'NFD'] as const)
      assert.deepEqual(kinds(text.normalize(form)), expected, `${form}: ${text}`)
})

test('one person however the number is written', () => {
  assert.deepEqual(countSubjects('0912345678, +84912345678, 0912.345.678; 0987654321', { year: 2026 }), { phone: 2 })
})

test('check digits', () => {
  for (const code of ['0100112437', '0100109106', '0101248141', '0300588569']) assert.ok(isTaxCode(code), code)
  assert.equal(isTaxCode('0100112436'), false)
  assert.ok(isLuhn('79927398713'))
  assert.equal(isLuhn('79927398710'), false)
})

test('long hostile texts take linear time', () => {
  for (const unit of ['1', '1 ', '1.', 'a@', 'a.', '+', 'A1', '0/', '1-', 'x@a.']) {
    const began = performance.now()
    findPersonalData(unit.repeat(131_072 / unit.length), { year: 2026 })
    assert.ok(performance.now() - began < 1_000, unit)
  }
})
