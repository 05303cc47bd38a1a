import type { DataKind } from '../law/index.ts'

/** How a field is checked, compared and masked. */
export type FieldRule = {
  readonly kind: DataKind
  /** Searchable by equality through a blind index. */
  readonly index?: true
  /** Never given out; only checked. */
  readonly writeOnly?: true
  readonly longest: number
}

/** Built-in collections. A record is one thing of a person (an order, a bank account); `-` is the person's only one. */
export const COLLECTIONS: Readonly<Record<string, Readonly<Record<string, FieldRule>>>> = {
  person: {
    name: { kind: 'name', longest: 120 },
    phone: { kind: 'phone', index: true, longest: 20 },
    email: { kind: 'email', index: true, longest: 254 },
    personal_id: { kind: 'personal-id', index: true, longest: 12 },
  },
  account: { password: { kind: 'password', writeOnly: true, longest: 200 } },
  order: { address: { kind: 'address', longest: 300 }, note: { kind: 'message', longest: 1_000 } },
  bank: { number: { kind: 'bank', longest: 34 }, holder: { kind: 'bank', longest: 120 } },
  message: { body: { kind: 'message', longest: 4_000 } },
}

export const ruleOf = (collection: string, field: string): FieldRule | undefined =>
  Object.hasOwn(COLLECTIONS, collection) && Object.hasOwn(COLLECTIONS[collection]!, field)
    ? COLLECTIONS[collection]![field]
    : undefined

/** One spelling for all equal values, so that equality search finds them: `+84 912.345.678` and `0912345678` are one phone. */
export function normalise(kind: DataKind, value: string): string {
  const text = value.normalize('NFC').trim()
  if (kind === 'phone') return text.replace(/[\s.()-]/g, '').replace(/^(?:\+84|0084|84(?=\d{9}$))/, '0')
  if (kind === 'email') return text.toLowerCase()
  if (kind === 'personal-id' || kind === 'bank') return text.replace(/[\s.-]/g, '')
  return text
}

export type Fault = { readonly code: `vault/${string}`; readonly words: string }
const FAULTS = {
  long: (longest: number): Fault => ({ code: 'vault/too-long', words: `longer than ${longest} characters` }),
  empty: { code: 'vault/empty', words: 'empty' },
  control: { code: 'vault/control-characters', words: 'holds control characters' },
  phone: { code: 'vault/not-a-phone', words: 'not a Vietnamese phone number' },
  email: { code: 'vault/not-an-email', words: 'not an e-mail address' },
  id: { code: 'vault/not-a-personal-id', words: 'not a 12-digit personal ID number' },
} as const

/** What is wrong with a value, as a stable code and in words that do not repeat it; undefined when it may be kept. */
export function fault(rule: FieldRule, value: string): Fault | undefined {
  if (value.length > rule.longest) return FAULTS.long(rule.longest)
  if (value.trim() === '') return FAULTS.empty
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(value)) return FAULTS.control
  const plain = normalise(rule.kind, value)
  if (rule.kind === 'phone' && !/^0\d{9,10}$/.test(plain)) return FAULTS.phone
  if (rule.kind === 'email' && !/^[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)+$/.test(plain)) return FAULTS.email
  if (rule.kind === 'personal-id' && !personalId(plain)) return FAULTS.id
  return undefined
}

/** Twelve digits: province 001–096, century and sex 0–9, two digits of the birth year, six of sequence. */
function personalId(text: string): boolean {
  const province = Number(text.slice(0, 3))
  return /^\d{12}$/.test(text) && province >= 1 && province <= 96
}
