import type { Kind } from '../engine/pii/index.ts'

/** Which field of the vault a kind of data goes to; `declare` where the vault must be told of it first. */
export type Target = { readonly to: string; readonly kind: string; readonly declare?: true; readonly words: RegExp }

/** Names of columns, without marks and in small letters, as Vietnamese and English programmers write them. */
export const TARGETS: readonly Target[] = [
  { to: 'account.password', kind: 'password', words: /(^|_)(password|passwd|pass_?hash|pwd|mat_?khau|mk)(_|$|hash)/ },
  { to: 'person.email', kind: 'email', words: /(^|_)(e_?mail|thu_dien_tu)(_|$)/ },
  { to: 'person.phone', kind: 'phone', words: /(^|_)(phone|mobile|tel|telephone|hotline|sdt|so_?dt|so_dien_thoai|dien_thoai|dt)(_|$|number|no)/ },
  { to: 'person.personal_id', kind: 'personal-id', words: /(^|_)(cccd|cmnd|can_cuoc|identity_?(no|number|card)|id_?card|personal_?id|national_?id|so_dinh_danh)(_|$)/ },
  { to: 'bank.number', kind: 'bank', words: /(^|_)(stk|so_tai_khoan|tai_khoan_ngan_hang|bank_?(account|number|no)|account_?(no|number)|iban)(_|$|no|number)/ },
  { to: 'bank.holder', kind: 'bank', words: /(^|_)(chu_tai_khoan|account_?holder|bank_?(holder|owner|name)|holder)(_|$)/ },
  { to: 'order.address', kind: 'address', words: /(^|_)(address|addr|dia_chi|noi_giao|street|ship_?to)(_|$|line)/ },
  { to: 'order.note', kind: 'message', words: /(^|_)(note|notes|ghi_chu|loi_dan|remark)(_|$)/ },
  { to: 'message.body', kind: 'message', words: /(^|_)(body|message|content|noi_dung|tin_nhan|chat)(_|$)/ },
  { to: 'profile.passport', kind: 'passport', declare: true, words: /(^|_)(passport|ho_chieu)(_|$)/ },
  { to: 'profile.tax_code', kind: 'tax-code', declare: true, words: /(^|_)(tax_?(code|no|number)|mst|ma_so_thue)(_|$)/ },
  { to: 'profile.social_insurance', kind: 'social-insurance', declare: true, words: /(^|_)(bhxh|social_insurance)(_|$)/ },
  { to: 'profile.plate', kind: 'plate', declare: true, words: /(^|_)(plate|bien_so|license_plate)(_|$)/ },
  { to: 'profile.birth_date', kind: 'birth-date', declare: true, words: /(^|_)(birth_?(date|day)|dob|ngay_sinh|birthday)(_|$)/ },
  { to: 'person.name', kind: 'name', words: /(^|_)(full_?name|ho_?ten|ho_va_ten|customer_?name|receiver(_name)?|recipient(_name)?|contact_?name|ship(ping)?_?(to_)?name|ten_(khach|nguoi)\w*|nguoi_nhan|display_?name|first_?name|last_?name)(_|$)/ },
] // prettier-ignore

/** What the recognisers call it → where it goes. Cards are better not kept at all. */
export const BY_KIND: Readonly<Partial<Record<Kind, string>>> = {
  email: 'person.email',
  phone: 'person.phone',
  'personal-id': 'person.personal_id',
  'old-id': 'person.personal_id',
  'bank-account': 'bank.number',
  address: 'order.address',
  name: 'person.name',
  passport: 'profile.passport',
  'tax-code': 'profile.tax_code',
  'social-insurance': 'profile.social_insurance',
  'health-insurance': 'profile.social_insurance',
  plate: 'profile.plate',
  'date-of-birth': 'profile.birth_date',
}

/** `soĐiệnThoại`, `SoDienThoai`, `so-dien-thoai` → `so_dien_thoai`. */
export const plainName = (column: string): string =>
  column
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .replace(/[đĐ]/g, 'd')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')

/** Shape and length of a value, nothing of it: digits as #, letters as x, two dozen signs at most. */
export const masked = (value: string): string => {
  const shape = value
    .normalize('NFC')
    .replace(/\p{Nd}/gu, '#')
    .replace(/\p{L}\p{M}*/gu, 'x')
  return shape.length > 24 ? `${shape.slice(0, 24)}… (${value.length})` : shape
}
