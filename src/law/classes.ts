import { inForce, type Dated } from './dated.ts'

/** Class of personal data. Sensitive data needs tighter access and a procedure (Decree 356/2025 art. 4.2). */
export type DataClass = 'basic' | 'sensitive'

/** Kinds of data a collection may hold, in the words of the law; `other` is what Decree 356/2025 art. 3 does not name. */
export const DATA_KINDS = [
  'name',
  'phone',
  'email',
  'personal-id',
  'address',
  'password',
  'bank',
  'message',
  'birth-date',
  'sex',
  'passport',
  'plate',
  'tax-code',
  'social-insurance',
  'other',
  'origin',
  'belief',
  'private-life',
  'health',
  'biometric',
  'sex-life',
  'crime',
  'location',
  'id-image',
  'behaviour',
] as const
export type DataKind = (typeof DATA_KINDS)[number]

type Classing = Dated & { readonly kind: DataKind; readonly class: DataClass }

const ART3 = { validFrom: '2026-01-01', article: { vi: 'Điều 3 Nghị định 356/2025', en: 'Article 3, Decree 356/2025' } }
const art4 = (point: string) => ({
  validFrom: '2026-01-01',
  article: { vi: `điểm ${point} khoản 1 Điều 4 Nghị định 356/2025`, en: `Article 4.1.${point}, Decree 356/2025` },
})

const BASIC = [
  'name',
  'phone',
  'email',
  'personal-id',
  'address',
  'birth-date',
  'sex',
  'passport',
  'plate',
  'tax-code',
  'social-insurance',
  'other',
] as const

const RULES: readonly Classing[] = [
  // Not named for an ordinary platform account; treated as sensitive because it opens everything else.
  { ...ART3, kind: 'password', class: 'sensitive' },
  { ...art4('k'), kind: 'bank', class: 'sensitive' },
  { ...art4('c'), kind: 'message', class: 'sensitive' },
  ...BASIC.map((kind) => ({ ...ART3, kind, class: 'basic' as const })),
  { ...art4('a'), kind: 'origin', class: 'sensitive' },
  { ...art4('b'), kind: 'belief', class: 'sensitive' },
  { ...art4('c'), kind: 'private-life', class: 'sensitive' },
  { ...art4('d'), kind: 'health', class: 'sensitive' },
  { ...art4('đ'), kind: 'biometric', class: 'sensitive' },
  { ...art4('e'), kind: 'sex-life', class: 'sensitive' },
  { ...art4('g'), kind: 'crime', class: 'sensitive' },
  { ...art4('h'), kind: 'location', class: 'sensitive' },
  { ...art4('i'), kind: 'id-image', class: 'sensitive' },
  { ...art4('l'), kind: 'behaviour', class: 'sensitive' },
]

export const classOf = (kind: DataKind, at: number): Classing | undefined =>
  inForce(
    RULES.filter((rule) => rule.kind === kind),
    at,
  )
