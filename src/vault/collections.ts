import { classOf, type DataClass, type DataKind } from '../law/index.ts'
import type { FieldDeclaration } from './declared/contract.ts'

export type IndexKind = FieldDeclaration['index'][number]
export type Mask = NonNullable<FieldDeclaration['mask']>

/** How a field is checked, classed, found, masked and for how long it is kept. */
export type FieldRule = {
  readonly kind: DataKind
  /** Raised above what the law's list says. */
  readonly raised?: true
  readonly index: readonly IndexKind[]
  /** Digits of the indexes `last` and `prefix`. */
  readonly last: number
  readonly prefix: number
  readonly token?: FieldDeclaration['token']
  readonly mask: Mask
  readonly bands: FieldDeclaration['bands']
  /** Days after the last writing; undefined: until it is erased. */
  readonly keepDays?: number
  /** Never given out; only checked. */
  readonly writeOnly?: true
  readonly longest: number
}
/** By collection, by field. */
export type Collections = Readonly<Record<string, Readonly<Record<string, FieldRule>>>>

const MASKS: Readonly<Partial<Record<DataKind, Mask>>> = {
  name: 'initials',
  phone: 'last',
  email: 'domain',
  bank: 'last',
  'personal-id': 'last',
}
const LONGEST: Readonly<Partial<Record<DataKind, number>>> = {
  name: 120,
  phone: 20,
  email: 254,
  'personal-id': 12,
  password: 200,
  bank: 34,
  message: 4_000,
}

/** A whole rule out of what was said of a field. */
export function fieldRule(said: Partial<FieldDeclaration> & { readonly kind: DataKind }): FieldRule {
  return {
    kind: said.kind,
    index: said.index ?? [],
    last: said.last ?? 4,
    prefix: said.prefix ?? 6,
    mask: said.mask ?? MASKS[said.kind] ?? 'all',
    bands: said.bands ?? [],
    longest: said.longest ?? LONGEST[said.kind] ?? 1_000,
    ...(said.class === 'sensitive' ? { raised: true as const } : {}),
    ...(said.token === undefined ? {} : { token: said.token }),
    ...(said.keepDays === undefined ? {} : { keepDays: said.keepDays }),
    ...(said.kind === 'password' ? { writeOnly: true as const } : {}),
  }
}

/** Built-in collections. A record is one thing of a person (an order, a bank account); `-` is the person's only one. */
export const BUILT_IN: Collections = {
  person: {
    name: fieldRule({ kind: 'name', index: ['name'] }),
    phone: fieldRule({ kind: 'phone', index: ['equal', 'last'], token: 'stable' }),
    email: fieldRule({ kind: 'email', index: ['equal'], token: 'stable' }),
    personal_id: fieldRule({ kind: 'personal-id', index: ['equal'], token: 'stable' }),
  },
  account: { password: fieldRule({ kind: 'password' }) },
  order: {
    address: fieldRule({ kind: 'address', longest: 300 }),
    note: fieldRule({ kind: 'message', longest: 1_000 }),
  },
  bank: { number: fieldRule({ kind: 'bank', token: 'stable' }), holder: fieldRule({ kind: 'bank', longest: 120 }) },
  message: { body: fieldRule({ kind: 'message' }) },
}

export function ruleIn(collections: Collections, collection: string, field: string): FieldRule | undefined {
  if (!Object.hasOwn(collections, collection)) return undefined
  const fields = collections[collection]!
  return Object.hasOwn(fields, field) ? fields[field] : undefined
}

/** The rule of a built-in field. */
export const ruleOf = (collection: string, field: string): FieldRule | undefined => ruleIn(BUILT_IN, collection, field)

/** The class of a field on a day: what the law says, or what was raised above it. */
export const classOfField = (rule: FieldRule | undefined, at: number): DataClass =>
  rule === undefined || rule.raised ? 'sensitive' : (classOf(rule.kind, at)?.class ?? 'sensitive')
