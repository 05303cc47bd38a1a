import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findPersonalData, KINDS, type Kind, recognise } from './index.ts'
import { readPlainly, recognisePlainly } from './plain.ts'
import { readFast } from './reading.ts'
import { labelled } from './test/corpus.ts'
import { precision, recall, score, type Score } from './test/judge.ts'
import { KEPT } from './test/templates-kept.ts'
import { OPEN } from './test/templates-open.ts'
import { ENTRIES, LONGEST_WORD } from './words.ts'

const YEAR = 2026
const told = (text: string, least: 'low' | 'medium' = 'medium'): string[] =>
  recognise(text, { year: YEAR, least }).map(({ kind, value }) => `${kind} ${value}`)

const CASES: readonly (readonly [text: string, found: readonly string[]])[] = [
  ['Số căn cước 079 203 001 234', ['personal-id 079203001234']],
  ['{"id_number":"036.185.012.345"}', ['personal-id 036185012345']],
  ['citizenId=001085012345', ['personal-id 001085012345']],
  ['CCCD001085012345', ['personal-id 001085012345']],
  ['CMND/CCCD: 012345678', ['old-id 012345678']],
  ['012345678', []],
  ['mã đơn 001085012345', []],
  ['001299012345', []],
  ['tài khoản 001085012345', ['bank-account 001085012345']],
  ['MST 0100112437', ['tax-code 0100112437']],
  ['MST: 0100112437-001', ['tax-code 0100112437-001']],
  ['MST 0100112438', []],
  ['gọi 0912 345 678 hoặc 0987 654 321', ['phone 912345678', 'phone 987654321']],
  ['0912345678-0987654321', ['phone 912345678', 'phone 987654321']],
  ['+84 (0)24', []],
  ['+84 (0)24 3825 1234', ['phone 2438251234']],
  ['(+84) 912.345.678', ['phone 912345678']],
  ['0 9 1 2 3 4 5 6 7 8', ['phone 912345678']],
  ['gọi 0.9.1.2.3.4.5.6.7.8 nha', ['phone 912345678']],
  ['0 0 1 0 8 5 0 1 2 3 4 5', ['personal-id 001085012345']],
  ['7 0 9 1 2 3 4 5 6 7 8 1 2', []],
  ['(024) 3825 1234', ['phone 2438251234']],
  ['sđt cũ 01662345678', ['phone 362345678']],
  ['"soDienThoai":"0912345678"', ['phone 912345678']],
  ['điện thoại: ０９１２３４５６７８', ['phone 912345678']],
  ['0912\u200b345\u2060678', ['phone 912345678']],
  ['0912345678,001085012345,an@khien.vn', ['phone 912345678', 'personal-id 001085012345', 'email an@khien.vn']],
  ['mã đơn 0912345678', []],
  ['đơn DH12345 của khách 0912345678', ['phone 912345678']],
  ['0912345678 đồng', []],
  ['a1b2c3d40912345678e5f6', []],
  ['550e8400-e29b-41d4-a716-446655440000', []],
  ['9912345678901234567890', []],
  ['giá 1.250.000.000 đồng', []],
  ['1795000000123', []],
  ['thẻ 4111-1111-1111-1111', ['payment-card 4111111111111111']],
  ['thẻ 4111 1111 1111 1112', []],
  ['STK 19031234567890', ['bank-account 19031234567890']],
  ['tài khoản ghi nợ 20261122', []],
  ['GPLX 790123456789', ['driver-licence 790123456789']],
  ['số BHXH 7912345678', ['social-insurance 7912345678']],
  ['DN4797912345678', ['health-insurance DN4797912345678']],
  ['DN 4 79 79 123 45678 (thẻ BHYT)', []],
  ['thẻ BHYT DN 4 79 79 123 45678', ['health-insurance DN4797912345678']],
  ['hộ chiếu B1234567', ['passport B1234567']],
  ['mã SP B1234567', []],
  ['29A-123.45', ['plate 29A-12345']],
  ['biển số 43B 67890', ['plate 43B-67890']],
  ['sinh năm 1985, năm 2020 ra trường', ['date-of-birth 1985']],
  ['sinh ngày 2 tháng 9 năm 1985', ['date-of-birth 1985-09-02']],
  ['ngày sinh 31/02/1985', []],
  ['ngày sinh 02/09/1985, ngày cấp 01/01/2020', ['date-of-birth 1985-09-02']],
  ['từ 203.0.113.9 lúc 10:00:00', ['ip-address 203.0.113.9']],
  ['phiên bản 1.2.3.4', []],
  ['1.2.3.4.5 và 300.1.1.1', []],
  ['chương 12.3.4.5', []],
  ['IP 12.3.4.5', ['ip-address 12.3.4.5']],
  ['tỉ lệ 0.912345678, 0,912345678', []],
  ['2001:db8::1 std::vector', ['ip-address 2001:db8::1']],
  ['AA:BB:CC:DD:EE:FF', ['device-id aa:bb:cc:dd:ee:ff']],
  ['IMEI 490154203237518', ['device-id 490154203237518']],
  ['anh-bia@2x.png', []],
  ['Họ tên: Nguyễn Văn An', ['name nguyen van an']],
  ['ho ten nguyen van a, que', ['name nguyen van a']],
  ['ông Trần Bảo', ['name tran bao']],
  ['đường Nguyễn Văn Cừ', []],
  ['TP. Hồ Chí Minh', []],
  ['Nguyễn Thị Phương', ['name nguyen thi phuong']],
  ['password=Abc123!xyz', ['secret Abc123!xyz']],
  ['password=********', []],
  ['password: ${DB_PASSWORD}', []],
  ['mật khẩu của bạn là gì?', []],
  ['AKIAIOSFODNN7EXAMPLE', ['secret AKIAIOSFODNN7EXAMPLE']],
]
test('what is personal data, and what only looks like it, in both forms', () => {
  for (const [text, expected] of CASES)
    for (const form of ['NFC', 'NFD'] as const)
      assert.deepEqual(told(text.normalize(form)), expected, `${form}: ${text}`)
})

test('what only a word tells is given when it is asked for', () => {
  assert.deepEqual(told('MST 0100112438', 'low'), ['tax-code 0100112438'])
  assert.deepEqual(told('thẻ 4111 1111 1111 1112', 'low'), ['payment-card 4111111111111112'])
})

test('an address, however it is written', () => {
  for (const [text, expected] of [
    [
      'Giao tới địa chỉ: 12/3 đường Nguyễn Trãi, phường Bến Thành, TP. Hồ Chí Minh. Gọi trước.',
      '12/3 đường Nguyễn Trãi, phường Bến Thành, TP. Hồ Chí Minh',
    ],
    ['dia chi: 45 le loi, phuong ben nghe, quan 1; sdt 0912345678', '45 le loi, phuong ben nghe, quan 1'],
    ['nhà ở ngõ 12 phố Huế, phường Hai Bà Trưng', 'ngõ 12 phố Huế, phường Hai Bà Trưng'],
    ['ăn quán phở ngon', undefined],
  ] as const) {
    const found = recognise(text, { year: YEAR, kinds: ['address'] })
    assert.equal(found[0] && text.slice(found[0].start, found[0].end), expected)
  }
})

test('a private key, whole, and without its end', () => {
  const key = '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----'
  for (const [text, value] of [
    [`khóa: ${key} hết`, key],
    [`${key.slice(0, 40)}`, key.slice(0, 30)],
  ] as const)
    assert.deepEqual(told(text), [`secret ${value}`])
})

test('places are those of the text as it was given', () => {
  const text = 'Họ tên: Nguyễn Văn Tú, SĐT 0912\u200b345678.'.normalize('NFD')
  const values = recognise(text, { year: YEAR }).map(({ start, end }) => text.slice(start, end))
  assert.deepEqual(values, ['Nguyễn Văn Tú'.normalize('NFD'), '0912\u200b345678'])
})

test('kinds are a choice; without one the rules of the gateway hold', () => {
  const text = 'Họ tên: Nguyễn Văn An, mã đơn 0912345678, IP 203.0.113.9'
  const kinds = (of?: readonly Kind[]): Kind[] =>
    findPersonalData(text, of === undefined ? { year: YEAR } : { year: YEAR, kinds: of }).map(({ kind }) => kind)
  assert.deepEqual(kinds(), ['phone'])
  assert.deepEqual(kinds(['name']), ['name'])
  assert.deepEqual(kinds(['ip-address', 'phone']), ['ip-address'])
  assert.deepEqual(kinds([]), [])
})

test('words of the table fit the numbers they are looked up by', () => {
  for (const { words } of ENTRIES)
    for (const word of words) assert.match(word, new RegExp(`^[a-z]{1,${LONGEST_WORD}}$`), words.join(' '))
})

const agree = (text: string): void => {
  assert.deepEqual(readFast(text), readPlainly(text), JSON.stringify(text))
  for (const options of [
    { year: YEAR, least: 'low' as const },
    { year: YEAR, kinds: ['phone', 'name'] as const },
  ])
    assert.deepEqual(recognise(text, options), recognisePlainly(text, options), JSON.stringify(text))
}
test('the fast way and the plain way answer the same: both corpora', () => {
  for (const corpus of [OPEN, KEPT]) for (const { text } of labelled(corpus, 400)) agree(text)
})
test('the fast way and the plain way answer the same: pieces thrown together', () => {
  const piece = fc.constantFrom(
    ...'0912345678|001085012345|+84|0|12|345|4111111111111111|.|-| |  |,|:|::|/|@|a|B|mst|CCCD|sđt|phoneNumber|Nguyễn|Văn|An|phường|Phương|địa chỉ|số nhà|TP.|password=|x1Y!zz9|AKIAIOSFODNN7EXAMPLE|-----BEGIN PRIVATE KEY-----|2001:db8|1.2.3.4|29A-|123.45|\u200b|\u0301|đ|\uff10|😀|漢|\n|_|(|)|"|ngày sinh|02/09/1985|thang 9 nam 1985|mail.vn'.split(
      '|',
    ),
    '|',
  )
  const texts = fc.oneof(fc.string({ unit: piece, maxLength: 24 }), fc.string({ unit: 'binary', maxLength: 60 }))
  fc.assert(fc.property(texts, agree), { numRuns: 400 })
})

test('the open corpus: recall and precision of every kind told by form', () => {
  const scores = new Map<Kind, Score>()
  for (const item of labelled(OPEN, OPEN.templates.length * 20))
    score(scores, item, recognise(item.text, { year: YEAR }))
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const of = scores.get(kind)
    assert.ok(of !== undefined && of.labels >= 20, kind)
    const [least, precise] = kind === 'name' || kind === 'address' ? [0.9, 0.9] : [0.99, 0.97]
    assert.ok(recall(of) >= least && precision(of) >= precise, `${kind} ${JSON.stringify(of)}`)
  }
})

test('long hostile texts take linear time', () => {
  const units = [
    '1',
    '1 ',
    '1.',
    'a@',
    'a.',
    '+',
    'A1',
    '0/',
    '1-',
    'x@a.',
    '1:',
    'a-',
    'so ',
    'CCCD ',
    'Nguyễn ',
    'phường A ',
    'địa chỉ ',
    'eyJa',
    'password=',
    '-----BEGIN PRIVATE KEY-----',
    '0912345678 ',
    '12 a ',
  ]
  for (const unit of units) {
    const began = performance.now()
    recognise(unit.repeat(131_072 / unit.length), { year: YEAR })
    assert.ok(performance.now() - began < 3_000, unit)
  }
})

test('a text that is too long is refused', () => {
  assert.throws(() => recognise(' '.repeat((4 << 20) + 1), { year: YEAR }), /cut the text/)
})
