import type { DataKind } from '../law/index.ts'
import type { FieldRule, IndexKind, Mask } from './collections.ts'

/** One spelling for all equal values, so that equality search finds them: `+84 912.345.678` and `0912345678` are one phone. */
export function normalise(kind: DataKind, value: string): string {
  const text = value.normalize('NFC').trim()
  if (kind === 'phone') return text.replace(/[\s.()-]/g, '').replace(/^(?:\+84|0084|84(?=\d{9}$))/, '0')
  if (kind === 'email') return text.toLowerCase()
  if (kind === 'name') return text.replace(/\s+/g, ' ')
  if (SPACED.has(kind)) return text.replace(/[\s.-]/g, '').toUpperCase()
  return text
}
const SPACED: ReadonlySet<DataKind> = new Set([
  'personal-id',
  'bank',
  'passport',
  'plate',
  'tax-code',
  'social-insurance',
])

/** A name as it is looked for: without marks and case, one blank between words. `Nguyễn Thị  Hoà` and `nguyen thi hoa` are one. */
export const plainName = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[đĐ]/g, 'd')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()

/** What the index of one kind is made of; undefined when this value has no such part. */
export function indexedText(rule: FieldRule, kind: IndexKind, value: string): string | undefined {
  const plain = normalise(rule.kind, value)
  if (kind === 'equal') return plain
  if (kind === 'name') return plainName(value) || undefined
  const signs = plain.replace(/[^\p{L}\p{N}]/gu, '')
  const count = kind === 'last' ? rule.last : rule.prefix
  if (signs.length < count) return undefined
  return kind === 'last' ? signs.slice(-count) : signs.slice(0, count)
}

/** Name of an index beside its field: what `vault_index.field` holds. */
export const indexName = (field: string, kind: IndexKind): string => (kind === 'equal' ? field : `${field}~${kind}`)

const INDEX_KINDS: readonly IndexKind[] = ['equal', 'last', 'prefix', 'name']
/** Every name an index of this field can have. */
export const indexNames = (field: string): string[] => INDEX_KINDS.map((kind) => indexName(field, kind))

export type Fault = { readonly code: `vault/${string}`; readonly words: string }
const FAULTS = {
  long: (longest: number): Fault => ({ code: 'vault/too-long', words: `longer than ${longest} characters` }),
  empty: { code: 'vault/empty', words: 'empty' },
  control: { code: 'vault/control-characters', words: 'holds control characters' },
  phone: { code: 'vault/not-a-phone', words: 'not a Vietnamese phone number' },
  email: { code: 'vault/not-an-email', words: 'not an e-mail address' },
  id: { code: 'vault/not-a-personal-id', words: 'not a 12-digit personal ID number' },
  date: { code: 'vault/not-a-date', words: 'not a date like 1990-05-20' },
  digits: { code: 'vault/not-digits', words: 'not 6 to 30 digits, which its token needs' },
} as const

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/

/** What is wrong with a value, as a stable code and in words that do not repeat it; undefined when it may be kept. */
export function fault(rule: FieldRule, value: string): Fault | undefined {
  if (value.length > rule.longest) return FAULTS.long(rule.longest)
  if (value.trim() === '') return FAULTS.empty
  if (CONTROL.test(value)) return FAULTS.control
  const plain = normalise(rule.kind, value)
  if (rule.kind === 'phone' && !/^0\d{9,10}$/.test(plain)) return FAULTS.phone
  if (rule.kind === 'email' && !/^[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)+$/.test(plain)) return FAULTS.email
  if (rule.kind === 'personal-id' && !personalId(plain)) return FAULTS.id
  if (rule.kind === 'birth-date' && !isDate(plain)) return FAULTS.date
  if (rule.token === 'digits' && !/^\d{6,30}$/.test(plain)) return FAULTS.digits
  return undefined
}

/** Twelve digits: province 001–096, century and sex 0–9, two digits of the birth year, six of sequence. */
function personalId(text: string): boolean {
  const province = Number(text.slice(0, 3))
  return /^\d{12}$/.test(text) && province >= 1 && province <= 96
}

const isDate = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text)

const HIDDEN = '•••'

/** A value as it may stand on a screen: recognised by who knows it, useless to who does not. */
export function masked(mask: Mask, value: string): string {
  const text = value.normalize('NFC').trim()
  if (mask === 'last') {
    const signs = text.replace(/[^\p{L}\p{N}]/gu, '')
    return signs.length >= 8 ? `${HIDDEN} ${signs.slice(-3)}` : HIDDEN
  }
  if (mask === 'initials')
    return text
      .split(/\s+/)
      .slice(0, 8)
      .map((word) => `${[...word][0] ?? ''}•`)
      .join(' ')
  if (mask === 'domain') {
    const at = text.lastIndexOf('@')
    return at > 0 ? `${[...text][0]}${HIDDEN}${text.slice(at)}` : HIDDEN
  }
  return HIDDEN
}

/** Coarse values that no longer name anybody: the province of a personal number, the decade of birth. */
export function bandsOf(rule: FieldRule, value: string): Record<string, string> {
  const plain = normalise(rule.kind, value)
  const bands: Record<string, string> = {}
  for (const band of rule.bands) {
    const year =
      rule.kind === 'birth-date'
        ? Number(plain.slice(0, 4))
        : 1900 + 100 * (Number(plain[3]) >> 1) + Number(plain.slice(4, 6))
    if (band === 'birth-decade') bands['birth_decade'] = String(Math.floor(year / 10) * 10)
    if (band === 'province' && rule.kind === 'personal-id') bands['province'] = plain.slice(0, 3)
  }
  return bands
}
