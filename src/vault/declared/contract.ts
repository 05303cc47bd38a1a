import { z } from 'zod'
import { route } from '../../kit/contract.ts'
import { At } from '../../kit/listing.ts'

export const CollectionName = z.string().regex(/^[a-z][a-z-]{0,29}$/, 'expected the name of a collection')
export const Field = z.string().regex(/^[a-z][a-z_]{0,29}$/, 'expected the name of a field')

const KINDS = [
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

/** Words for people who read no names of fields: one line in each language, as it stands in a sentence. */
const Words = z
  .string()
  .trim()
  .min(1)
  .max(80)
  .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'holds control characters')
export const Title = z.strictObject({ vi: Words, en: Words })
export type Title = z.output<typeof Title>

export const FieldDeclaration = z
  .strictObject({
    /** What people are shown instead of the field's name; both languages or none. */
    title: Title.optional(),
    /** What the law calls it; its class follows from that. */
    kind: z.enum(KINDS),
    /** Raised above the law's class; never lowered. */
    class: z.enum(['basic', 'sensitive']).optional(),
    /** How people are found by it: an equal value, its last or first signs, or a name written with or without marks. */
    index: z
      .array(z.enum(['equal', 'last', 'prefix', 'name']))
      .max(4)
      .default([]),
    last: z.int().min(2).max(8).default(4),
    prefix: z.int().min(2).max(12).default(6),
    /** `stable`: equal values have equal tokens; `digits`: a token of as many digits (FF1). */
    token: z.enum(['stable', 'digits']).optional(),
    mask: z.enum(['all', 'last', 'initials', 'domain']).optional(),
    /** Coarse values that `put` answers, for the app's own statistics. */
    bands: z
      .array(z.enum(['province', 'birth-decade']))
      .max(2)
      .default([]),
    /** Days after the last writing. */
    keepDays: z.int().min(1).max(36_500).optional(),
    longest: z.int().min(1).max(4_000).optional(),
  })
  .refine((f) => f.kind !== 'password' || (f.index.length === 0 && f.token === undefined && f.bands.length === 0), {
    message: 'a password has no index, token or band',
    path: ['index'],
  })
  .refine((f) => f.token !== 'digits' || ['phone', 'personal-id', 'bank', 'other'].includes(f.kind), {
    message: 'tokens of digits stand for phones, personal numbers and accounts',
    path: ['token'],
  })
  .refine((f) => f.bands.length === 0 || ['personal-id', 'birth-date'].includes(f.kind), {
    message: 'bands come from a personal number or a date of birth',
    path: ['bands'],
  })
export type FieldDeclaration = z.output<typeof FieldDeclaration>

export const CollectionDeclaration = z.strictObject({
  name: CollectionName,
  title: Title.optional(),
  fields: z
    .record(Field, FieldDeclaration)
    .refine((fields) => Object.keys(fields).length >= 1 && Object.keys(fields).length <= 40, '1 to 40 fields'),
})
export type CollectionDeclaration = z.output<typeof CollectionDeclaration>

const FieldShown = z.strictObject({
  collection: z.string(),
  /** As declared; null where nothing was, as for most of what is built in. */
  collectionTitle: Title.nullable(),
  field: z.string(),
  title: Title.nullable(),
  kind: z.string(),
  class: z.enum(['basic', 'sensitive']),
  builtIn: z.boolean(),
  index: z.array(z.string()),
  token: z.string().nullable(),
  mask: z.string(),
  bands: z.array(z.string()),
  keepDays: z.int().nullable(),
  writeOnly: z.boolean(),
  longest: z.int(),
  /** Values whose index entries are still being made. */
  indexing: z.boolean(),
})

export const declaredRoutes = {
  declareCollections: route({
    id: 'vault.declare-collections',
    method: 'PUT',
    path: '/api/vault/collections',
    listener: 'internal',
    access: { scope: 'vault:declare', roles: ['dpo'] },
    maxBody: 262_144,
    summary: 'Declare collections and fields beside the built-in ones; all of them, each time',
    body: z.strictObject({ collections: z.array(CollectionDeclaration).max(50) }),
    response: z.strictObject({ version: z.int(), declaredAt: At }),
  }),
  collections: route({
    id: 'vault.collections',
    method: 'GET',
    path: '/api/vault/collections',
    listener: 'internal',
    access: { scope: 'vault:write', roles: ['dpo', 'administrator', 'auditor', 'support'] },
    summary: 'Every field the vault takes: class, indexes, tokens, masks, how long it is kept',
    query: z.strictObject({}),
    response: z.strictObject({ version: z.int(), fields: z.array(FieldShown) }),
  }),
} as const
