/** Kinds of personal data told by their form. `sensitive` as Decree 356/2025 article 4 lists it; all others are basic. */
export const KINDS = {
  'personal-id': { sensitive: false },
  'old-id': { sensitive: false },
  'tax-code': { sensitive: false },
  phone: { sensitive: false },
  'payment-card': { sensitive: true },
  'bank-account': { sensitive: true },
  'social-insurance': { sensitive: false },
  'health-insurance': { sensitive: false },
  passport: { sensitive: false },
  plate: { sensitive: false },
  email: { sensitive: false },
  'date-of-birth': { sensitive: false },
} as const satisfies Record<string, { readonly sensitive: boolean }>
export type Kind = keyof typeof KINDS

/** Where in the text (UTF-16 units), and how sure: by its form and a check digit or a word beside it, or by its form alone. */
export type Finding = {
  readonly kind: Kind
  readonly start: number
  readonly end: number
  readonly confidence: 'high' | 'medium'
  /** The same for every spelling of one value: `+84 912.345.678` and `0912345678`. Never to be logged. */
  readonly value: string
}
