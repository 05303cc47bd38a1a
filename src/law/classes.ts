import { inForce, type Dated } from './dated.ts'

/** Class of personal data. Sensitive data needs tighter access and a procedure (Decree 356/2025 art. 4.2). */
export type DataClass = 'basic' | 'sensitive'

/** Kinds of data the built-in collections hold, in the words of the law. */
export type DataKind = 'name' | 'phone' | 'email' | 'personal-id' | 'address' | 'password' | 'bank' | 'message'

type Classing = Dated & { readonly kind: DataKind; readonly class: DataClass }

const ART3 = { validFrom: '2026-01-01', article: { vi: 'Điều 3 Nghị định 356/2025', en: 'Article 3, Decree 356/2025' } }
const art4 = (point: string) => ({
  validFrom: '2026-01-01',
  article: { vi: `điểm ${point} khoản 1 Điều 4 Nghị định 356/2025`, en: `Article 4.1.${point}, Decree 356/2025` },
})

const RULES: readonly Classing[] = [
  { ...ART3, kind: 'name', class: 'basic' },
  { ...ART3, kind: 'phone', class: 'basic' },
  { ...ART3, kind: 'email', class: 'basic' },
  { ...ART3, kind: 'personal-id', class: 'basic' },
  { ...ART3, kind: 'address', class: 'basic' },
  // Not named for an ordinary platform account; treated as sensitive because it opens everything else.
  { ...ART3, kind: 'password', class: 'sensitive' },
  { ...art4('k'), kind: 'bank', class: 'sensitive' },
  { ...art4('c'), kind: 'message', class: 'sensitive' },
]

export const classOf = (kind: DataKind, at: number): Classing | undefined =>
  inForce(
    RULES.filter((rule) => rule.kind === kind),
    at,
  )
