import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { At } from '../kit/listing.ts'
import { Reference, Subject } from '../kit/schema.ts'

const Collection = z.string().regex(/^[a-z][a-z-]{0,29}$/, 'expected the name of a collection')
const Field = z.string().regex(/^[a-z][a-z_]{0,29}$/, 'expected the name of a field')
const Word = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected the id of a purpose')
const Record_ = z.union([z.literal('-'), Reference]).default('-')
/** A ticket or code, never a sentence: it is kept for ever beside the read. */
const Reason = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:#/-]{0,79}$/, 'expected a ticket or code')
  .refine(
    (text) => !/\d{9,}/.test(text.replace(/[._:#/-]/g, '')),
    'holds nine digits in a row, as a phone or ID number does',
  )

const Refused = z.strictObject({
  ok: z.literal(false),
  code: z.string(),
  detail: z.string(),
  field: z.string().optional(),
})
const LIMIT = 500
const LARGE = 4 * 1024 * 1024

const Items = z.strictObject({
  items: z
    .array(
      z.strictObject({
        subject: Subject,
        collection: Collection,
        record: Record_,
        fields: z.record(Field, z.string()),
      }),
    )
    .min(1)
    .max(LIMIT),
})
const Judged = z.strictObject({ items: z.array(z.union([z.strictObject({ ok: z.literal(true) }), Refused])) })

const one = z.strictObject({ subject: Subject })
const Held = z.strictObject({
  collection: z.string(),
  record: z.string(),
  field: z.string(),
  /** Class of the data by law, today. */
  class: z.enum(['basic', 'sensitive']),
  /** Never given out, only checked. */
  writeOnly: z.boolean(),
  at: At,
})
/** What a purpose opens of one record of this person at this moment. */
const Opening = z.strictObject({
  purpose: z.string(),
  title: z.strictObject({ vi: z.string(), en: z.string() }),
  ground: z.enum(['consent', 'agreement', 'law']),
  opens: z.array(z.strictObject({ collection: z.string(), record: z.string(), fields: z.array(z.string()) })),
  /** Code of why nothing opens, or null. */
  why: z.string().nullable(),
})

export const vaultRoutes = {
  put: route({
    id: 'vault.put',
    method: 'POST',
    path: '/api/vault/put',
    listener: 'internal',
    access: { scope: 'vault:write' },
    once: true,
    maxBody: LARGE,
    summary: 'Seal fields of people; answers per item',
    body: Items,
    response: Judged,
  }),
  check: route({
    id: 'vault.check',
    method: 'POST',
    path: '/api/vault/check',
    listener: 'internal',
    access: { scope: 'vault:write' },
    maxBody: LARGE,
    summary:
      'Say what put would answer; nothing is kept, so a form can be checked before anybody has agreed to anything',
    body: Items,
    response: Judged,
  }),
  get: route({
    id: 'vault.get',
    method: 'POST',
    path: '/api/vault/get',
    listener: 'internal',
    access: { scope: 'vault:read' },
    maxBody: LARGE,
    summary: 'Read fields for a purpose; each read needs a live ground and is recorded before it is answered',
    body: z.strictObject({
      purpose: Word,
      reason: Reason,
      items: z
        .array(
          z.strictObject({
            subject: Subject,
            collection: Collection,
            record: Record_,
            fields: z.array(Field).min(1).max(20),
            agreement: Reference.optional(),
          }),
        )
        .min(1)
        .max(LIMIT),
    }),
    response: z.strictObject({
      items: z.array(
        z.union([
          z.strictObject({ ok: z.literal(true), fields: z.record(z.string(), z.string().nullable()) }),
          Refused,
        ]),
      ),
    }),
  }),
  search: route({
    id: 'vault.search',
    method: 'POST',
    path: '/api/vault/search',
    listener: 'internal',
    access: { scope: 'vault:search' },
    summary: 'Find people by an equal value of an indexed field',
    body: z.strictObject({
      purpose: Word,
      reason: Reason,
      collection: Collection,
      field: Field,
      value: z.string().min(1).max(300),
    }),
    response: z.strictObject({ found: z.array(z.strictObject({ subject: z.string(), record: z.string() })) }),
  }),
  checkPassword: route({
    id: 'vault.check-password',
    method: 'POST',
    path: '/api/vault/passwords/check',
    listener: 'internal',
    access: { scope: 'vault:password' },
    summary: 'Check a password; it is never given out',
    body: z.strictObject({ purpose: Word, reason: Reason, subject: Subject, password: z.string().min(1).max(200) }),
    response: z.strictObject({ right: z.boolean() }),
  }),
  figures: route({
    id: 'vault.figures',
    method: 'GET',
    path: '/api/vault/figures',
    listener: 'internal',
    access: { roles: ['administrator', 'dpo', 'auditor'] },
    summary: 'How many people and sealed values the vault holds, by collection; at most half a minute old',
    query: z.strictObject({}),
    response: z.strictObject({
      people: z.int(),
      values: z.int(),
      collections: z.array(z.strictObject({ collection: z.string(), people: z.int(), values: z.int() })),
      at: At,
    }),
  }),
  person: route({
    id: 'vault.person',
    method: 'GET',
    path: '/api/vault/people/:subject',
    listener: 'internal',
    access: { roles: ['dpo', 'support', 'auditor'] },
    summary: 'Which fields are held of a person and on what they may be read now; never a value',
    params: one,
    query: z.strictObject({}),
    response: z.strictObject({
      subject: z.string(),
      since: At,
      held: z.array(Held),
      /** More fields than are told here. */
      more: z.boolean(),
      consents: z.array(
        z.strictObject({ purpose: z.string(), version: z.int(), givenAt: At, withdrawnAt: At.nullable() }),
      ),
      agreements: z.array(z.strictObject({ kind: z.string(), ref: z.string(), openedAt: At })),
      purposes: z.array(Opening),
    }),
  }),
  reveal: route({
    id: 'vault.reveal',
    method: 'POST',
    path: '/api/vault/people/:subject/reveal',
    listener: 'internal',
    access: { roles: ['dpo', 'support'] },
    summary:
      'Show fields of one record to a member of staff, on a live ground and for a ticket; recorded before it is answered',
    params: one,
    query: z.strictObject({}),
    body: z.strictObject({
      purpose: Word,
      reason: Reason,
      collection: Collection,
      record: Record_,
      fields: z.array(Field).min(1).max(20),
    }),
    response: z.strictObject({ fields: z.record(z.string(), z.string().nullable()) }),
  }),
} as const
