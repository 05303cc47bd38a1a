/**
 * Kinds of personal data told by their form and the words beside them, and secrets that open the way to it. `sensitive` as Decree 356/2025
 * article 4 lists it; all others are basic.
 */
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
  'driver-licence': { sensitive: false },
  'ip-address': { sensitive: false },
  'device-id': { sensitive: false },
  name: { sensitive: false },
  address: { sensitive: false },
  /** Passwords, keys, tokens: with them whatever they guard. */
  secret: { sensitive: true },
} as const satisfies Record<string, { readonly sensitive: boolean }>
export type Kind = keyof typeof KINDS
export const ALL_KINDS = Object.keys(KINDS) as readonly Kind[]

/** `high`: by a check digit or a word beside it, with its form; `medium`: by its form alone; `low`: the word says so and the form does not quite. */
export type Confidence = 'high' | 'medium' | 'low'

/** Where in the text (UTF-16 units), and how sure. */
export type Finding = {
  readonly kind: Kind
  readonly start: number
  readonly end: number
  readonly confidence: Confidence
  /** The same for every spelling of one value: `+84 912.345.678` and `0912345678`. Never to be logged. */
  readonly value: string
}
