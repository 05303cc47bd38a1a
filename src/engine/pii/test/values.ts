import type { Kind } from '../kinds.ts'

/** Numbers below a limit, the same sequence for one seed (mulberry32). */
export type Dice = (limit: number) => number
export function dice(seed: number): Dice {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % limit
  }
}
export const pick = <T>(next: Dice, from: readonly T[]): T => from[next(from.length)]!
const words = (text: string): string[] => text.split('|')
const digits = (next: Dice, n: number): string => Array.from({ length: n }, () => next(10)).join('')
const pad = (n: number, size = 2): string => String(n).padStart(size, '0')
const hex = (next: Dice, n: number): string => Array.from({ length: n }, () => next(16).toString(16)).join('')
const signs = (next: Dice, n: number, from: string): string =>
  Array.from({ length: n }, () => from[next(from.length)]).join('')
const grouped = (text: string, sizes: readonly number[], joint: string): string => {
  let at = 0
  return sizes.map((size) => text.slice(at, (at += size))).join(joint)
}

const PROVINCES =
  '001 004 010 015 022 026 031 036 038 040 046 048 051 056 060 066 068 074 075 079 082 087 092 096'.split(' ')
const MOBILES =
  '032 033 036 039 052 056 058 059 070 076 079 081 083 085 086 088 089 090 091 093 094 096 097 098 099'.split(' ')
const AREAS = '024 028 0225 0236 0251 0274 0292'.split(' ')
const SURNAMES = words('Nguyễn|Trần|Lê|Phạm|Hoàng|Huỳnh|Phan|Vũ|Võ|Đặng|Bùi|Đỗ|Hồ|Ngô|Dương|Lý')
const MIDDLES = words('Văn|Thị|Minh|Quốc|Thanh|Hữu|Đức|Ngọc|Gia|Thu|Xuân|Kim')
const GIVEN = words(
  'An|Bình|Châu|Dũng|Giang|Hà|Hùng|Khánh|Lan|Long|Mai|Nam|Oanh|Phúc|Quỳnh|Sơn|Trang|Tuấn|Vy|Yến|Phương|Linh',
)
const STREETS = words(
  'Lê Lợi|Trần Hưng Đạo|Nguyễn Trãi|Hai Bà Trưng|Lý Thường Kiệt|Phan Chu Trinh|Điện Biên Phủ|Cách Mạng Tháng Tám',
)
const WARDS = words('Bến Nghé|Hàng Bạc|Dịch Vọng|Thảo Điền|Hải Châu|An Phú|Tân Định|Vĩnh Phúc')
const CITIES = words('Hà Nội|Đà Nẵng|Cần Thơ|Hải Phòng|Huế|Biên Hòa')
const LETTERS = 'ABCDEFGHKLMNPSTUVXYZ'
const SMALL = 'abcdefghijklmnopqrstuvwxyz'
const MIXED = `${SMALL}${SMALL.toUpperCase()}0123456789`

function withLuhn(start: string): string {
  let sum = 0
  for (let i = start.length - 1, double = true; i >= 0; i--, double = !double) {
    const digit = Number(start[i]) * (double ? 2 : 1)
    sum += digit > 9 ? digit - 9 : digit
  }
  return `${start}${(10 - (sum % 10)) % 10}`
}

function taxCode(next: Dice): string {
  for (;;) {
    const start = `${pick(next, ['01', '03', '02', '04', '31', '36', '17'])}${digits(next, 7)}`
    const sum = [31, 29, 23, 19, 17, 13, 7, 5, 3].reduce((total, weight, i) => total + weight * Number(start[i]), 0)
    if (sum % 11 !== 0 && start.slice(2) !== '0000000') return `${start}${10 - (sum % 11)}`
  }
}

function card(next: Dice): string {
  if (next(8) === 0) {
    const amex = withLuhn(`3${pick(next, ['4', '7'])}${digits(next, 12)}`)
    return next(2) === 0 ? amex : grouped(amex, [4, 6, 5], ' ')
  }
  const start = pick(next, ['4', '51', '55', '9704', '9704', '3528', '62', '2221'])
  const number = withLuhn(start + digits(next, 15 - start.length))
  return pick(next, [number, grouped(number, [4, 4, 4, 4], ' '), grouped(number, [4, 4, 4, 4], '-')])
}

function personalId(next: Dice): string {
  const young = next(5) === 0
  const number = `${pick(next, PROVINCES)}${young ? 2 + next(2) : next(2)}${young ? pad(next(19)) : pad(40 + next(60))}${digits(next, 6)}`
  return pick(next, [number, number, number, grouped(number, [3, 3, 3, 3], ' '), grouped(number, [3, 3, 3, 3], '.')])
}

function mobile(next: Dice): string {
  const number = pick(next, MOBILES) + digits(next, 7)
  const own = number.slice(1)
  return pick(next, [
    number,
    number,
    number,
    grouped(number, [4, 3, 3], ' '),
    grouped(number, [4, 3, 3], '.'),
    grouped(number, [3, 3, 4], '-'),
    `+84${own}`,
    `+84 ${grouped(own, [3, 3, 3], ' ')}`,
    `84${own}`,
  ])
}

function name(next: Dice): string {
  const full = [
    pick(next, SURNAMES),
    pick(next, MIDDLES),
    ...(next(4) === 0 ? [pick(next, MIDDLES)] : []),
    pick(next, GIVEN),
  ].join(' ')
  return next(8) === 0 ? full.toUpperCase() : full
}

const address = (next: Dice): string =>
  pick(next, [
    () => `${1 + next(400)} ${pick(next, STREETS)}, phường ${pick(next, WARDS)}, ${pick(next, CITIES)}`,
    () =>
      `số ${1 + next(90)} ngõ ${1 + next(200)} đường ${pick(next, STREETS)}, phường ${pick(next, WARDS)}, quận ${1 + next(12)}, TP. Hồ Chí Minh`,
    () =>
      `${1 + next(99)}/${1 + next(30)} đường ${pick(next, STREETS)}, xã ${pick(next, WARDS)}, tỉnh ${pick(next, ['Đồng Nai', 'Nghệ An', 'Lâm Đồng'])}`,
  ])()

const birthday = (next: Dice): string => {
  const [day, month, year] = [1 + next(28), 1 + next(12), 1945 + next(70)]
  return pick(next, [
    `${pad(day)}/${pad(month)}/${year}`,
    `${day}/${month}/${year}`,
    `${pad(day)}-${pad(month)}-${year}`,
    `${year}-${pad(month)}-${pad(day)}`,
  ])
}

function secret(next: Dice): string {
  return pick(next, [
    () => `AKIA${signs(next, 16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')}`,
    () => `ghp_${signs(next, 36, MIXED)}`,
    () => `sk_live_${signs(next, 24, MIXED)}`,
    () => `glpat-${signs(next, 20, MIXED)}`,
    () => `eyJ${signs(next, 20, MIXED)}.eyJ${signs(next, 40, MIXED)}.${signs(next, 43, MIXED)}`,
    () => `AIza${signs(next, 35, MIXED)}`,
  ])()
}

const email = (next: Dice): string =>
  `${signs(next, 3 + next(8), SMALL)}${pick(next, ['', '.', '_', '+'])}${signs(next, 2 + next(4), SMALL)}${next(3) === 0 ? next(99) : ''}@${pick(next, ['gmail.com', 'khien.vn', 'mail.edu.vn', 'yahoo.com.vn', 'cong-ty.com'])}`

/** A value of a kind, as one of the ways people write it; `phone` is a mobile number, the only ones known without a word. */
export const VALUES: Readonly<Record<Kind | 'landline' | 'password', (next: Dice) => string>> = {
  'personal-id': personalId,
  'old-id': (next) => pick(next, ['0', '1', '2', '3']) + digits(next, 8),
  'tax-code': (next) => {
    const code = taxCode(next)
    return next(4) === 0 ? `${code}-${pad(1 + next(30), 3)}` : code
  },
  phone: mobile,
  landline: (next) => {
    const area = pick(next, AREAS)
    const own = `3${digits(next, area.length === 3 ? 7 : 6)}`
    return pick(next, [
      area + own,
      `${area} ${own}`,
      `${area}.${own}`,
      `${area} ${own.slice(0, own.length - 4)} ${own.slice(-4)}`,
    ])
  },
  'payment-card': card,
  'bank-account': (next) => pick(next, ['1', '0', '19', '0071', '6']) + digits(next, 8 + next(5)),
  'social-insurance': (next) => pick(next, ['79', '01', '31', '48']) + digits(next, 8),
  'health-insurance': (next) =>
    `${pick(next, ['DN', 'HC', 'HS', 'GD', 'TE', 'SV', 'CH'])}${1 + next(5)}${digits(next, 12)}`,
  passport: (next) => pick(next, ['B', 'C', 'P', 'K', 'N']) + digits(next, 7),
  plate: (next) =>
    `${11 + next(88)}${pick(next, [...LETTERS])}${next(2) === 0 ? 1 + next(9) : ''}-${pick(next, [`${digits(next, 3)}.${digits(next, 2)}`, digits(next, 5), digits(next, 4)])}`,
  email,
  'date-of-birth': birthday,
  'driver-licence': (next) => pick(next, PROVINCES) + digits(next, 9),
  'ip-address': (next) =>
    next(6) === 0
      ? `2001:db8:${hex(next, 4)}::${hex(next, 3)}`
      : [1 + next(223), next(256), next(256), 1 + next(254)].join('.'),
  'device-id': (next) =>
    next(2) === 0
      ? Array.from({ length: 6 }, () => hex(next, 2))
          .join(':')
          .toUpperCase()
      : withLuhn(`35${digits(next, 12)}`),
  name,
  address,
  secret,
  password: (next) =>
    `${signs(next, 6, SMALL)}${pick(next, ['!', '@', '#', '_'])}${signs(next, 3, 'ABCDEFGH')}${digits(next, 3)}`,
}

/** What only looks like it. */
export const LOOKALIKES: Readonly<Record<string, (next: Dice) => string>> = {
  order: (next) =>
    pick(next, [
      () => `0${pick(next, ['9', '3', '8'])}${digits(next, 8)}`,
      () => digits(next, 12),
      () => `DH${digits(next, 10)}`,
      () => `${pick(next, PROVINCES)}${digits(next, 9)}`,
    ])(),
  amount: (next) =>
    pick(next, [
      () => `${1 + next(900)}.${digits(next, 3)}.${digits(next, 3)}`,
      () => `${1 + next(900)},${digits(next, 3)},000`,
      () => `${1 + next(9)}.${digits(next, 3)}.${digits(next, 3)}.000`,
    ])(),
  epoch: (next) => pick(next, [`17${digits(next, 8)}`, `17${digits(next, 11)}`]),
  time: (next) =>
    `2026-${pad(1 + next(12))}-${pad(1 + next(28))}T${pad(next(24))}:${pad(next(60))}:${pad(next(60))}.${digits(next, pick(next, [3, 6, 9]))}Z`,
  day: (next) => `${pad(1 + next(28))}/${pad(1 + next(12))}/${2020 + next(7)}`,
  invoice: (next) => digits(next, 12),
  hash: (next) => hex(next, pick(next, [32, 40, 64])),
  uuid: (next) => [8, 4, 4, 4, 12].map((n) => hex(next, n)).join('-'),
  tracking: (next) =>
    pick(next, [
      () => `SPXVN0${digits(next, 11)}`,
      () => `E${pick(next, [...LETTERS])}${digits(next, 9)}VN`,
      () => `GHN${digits(next, 10)}`,
      () => digits(next, 20),
    ])(),
  version: (next) => [next(20), next(30), next(10), next(99)].join('.'),
  place: (next) => `${8 + next(14)}.${digits(next, 6)}, 10${2 + next(7)}.${digits(next, 6)}`,
  barcode: (next) => `893${digits(next, 10)}`,
  hotline: (next) => pick(next, ['1900 1234', '18001008', '1900.6067', '113', '1800 8098']),
  sku: (next) => `${pick(next, [...LETTERS])}${digits(next, 7)}`,
  file: () => 'anh-bia@2x.png',
}
