import type { Kind } from './kinds.ts'

/** Provinces of the personal number (Circular 07/2016/TT-BCA); existing numbers keep the 63 codes after the mergers of 2025. */
const PROVINCES: ReadonlySet<string> = new Set(
  '001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 033 034 035 036 037 038 040 042 044 045 046 048 049 051 052 054 056 058 060 062 064 066 067 068 070 072 074 075 077 079 080 082 083 084 086 087 089 091 092 093 094 095 096'.split(
    ' ',
  ),
)
const MOBILE = /^(?:3[2-9]|5[125689]|7[06-9]|8[1-9]|9[0-46-9])\d{7}$/
/** Area codes since 2017 with the subscriber's number: 10 or 11 digits with the zero. */
const LANDLINE = /^2(?:0[3-9]|1[0-689]|2[0-25-9]|3[2-9]|[48]\d|5[124-9]|6[0-39]|7[0-7]|9[0-46-79])\d{7,8}$/
const TAX_WEIGHTS = [31, 29, 23, 19, 17, 13, 7, 5, 3] as const

/** Decree 137/2015 article 13: province, century and sex, two digits of the year, six more. `year`: the last that can have begun. */
export function isPersonalId(digits: string, year: number): boolean {
  if (digits.length !== 12 || !PROVINCES.has(digits.slice(0, 3))) return false
  const century = 1900 + 100 * ((digits.charCodeAt(3) - 48) >> 1)
  const born = century + Number(digits.slice(4, 6))
  return born <= year && born >= 1900
}

/** Ten digits with the check digit of the tax code (weights mod 11), a branch's three apart. */
export function isTaxCode(digits: string): boolean {
  if (digits.length !== 10 || digits.startsWith('00') || digits.slice(2, 9) === '0000000') return false
  const sum = TAX_WEIGHTS.reduce((total, weight, i) => total + weight * (digits.charCodeAt(i) - 48), 0)
  return sum % 11 !== 0 && 10 - (sum % 11) === digits.charCodeAt(9) - 48
}

/** National number without 0 or +84; undefined when it is no Vietnamese number. `sure`: written with the country's code or as a mobile. */
export function phoneOf(
  digits: string,
  plus: boolean,
): { readonly national: string; readonly mobile: boolean } | undefined {
  const national =
    digits.startsWith('84') && (plus || digits.length >= 11)
      ? digits.slice(2)
      : digits.startsWith('0') && !plus
        ? digits.slice(1)
        : undefined
  if (national === undefined) return undefined
  if (MOBILE.test(national)) return { national, mobile: true }
  return LANDLINE.test(national) ? { national, mobile: false } : undefined
}

/** ISO/IEC 7812-1 annex B. */
export function isLuhn(digits: string): boolean {
  let sum = 0
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = digits.charCodeAt(i) - 48
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
  }
  return sum % 10 === 0
}

/** Visa, Mastercard, American Express, JCB, UnionPay, Discover, and Napas' domestic 9704. */
const SCHEMES =
  /^(?:4\d{12}(?:\d{3})?(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}|6(?:011|5\d\d)\d{12}|9704\d{12}(?:\d{3})?)$/
export const isCard = (digits: string): boolean => SCHEMES.test(digits) && isLuhn(digits) && !/^(\d)\1+$/.test(digits)

/** Words that stand before a number of a kind, without marks and in lower case. Only with one is such a number taken for it. */
export const CONTEXT: Readonly<Partial<Record<Kind, RegExp>>> = {
  'personal-id':
    /cccd|can cuoc|dinh danh|cmnd|cmt|chung minh|so id|citizen|national[ _-]?id|id[ _-]?(?:card|number|no)|identity/,
  'old-id': /cmnd|cmt|chung minh/,
  'tax-code': /mst|ma so thue|tax/,
  phone: /dien thoai|sdt|so dt|phone|mobile|tel|hotline|zalo|lien he|goi |call|contact/,
  'bank-account': /stk|so tai khoan|so tk|tai khoan|account|iban|bank|ngan hang/,
  'social-insurance': /bhxh|bao hiem xa hoi|social insurance|so bao hiem/,
  passport: /ho chieu|passport/,
  plate: /bien so|bien kiem soat|bks|plate|xe /,
  'date-of-birth': /ngay sinh|sinh ngay|sinh nam|nam sinh|dob|birth|\bsn\b|born/,
}
