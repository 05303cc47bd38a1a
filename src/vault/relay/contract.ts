import { z } from 'zod'
import { route } from '../../kit/contract.ts'
import { At } from '../../kit/listing.ts'
import { Reference, Subject } from '../../kit/schema.ts'
import { CollectionName, Field } from '../declared/contract.ts'

const Word = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected a word of a–z, 0–9 and dashes')
/** TLS, or this very host. */
const Url = z
  .url({ protocol: /^https?$/ })
  .max(2_000)
  .refine(
    (url) => /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost)(?::\d+)?(?:\/|$))/.test(url),
    'expected https://, or http:// on this host',
  )
  .refine((url) => !/\/\/[^/]*@/.test(url), 'holds a user name or password; give it as a header')
/** RFC 6901. */
const Pointer = z.string().regex(/^(?:\/(?:[^/~]|~[01])*){1,8}$/, 'expected a JSON Pointer such as /label/code')
const OURS =
  /^(?:host|content-(?:type|length|encoding)|transfer-encoding|connection|upgrade|expect|te|trailer|keep-alive|idempotency-key)$/i
const HeaderName = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'expected the name of a header')
  .refine((name) => !OURS.test(name), 'this header is set by the vault')
const HeaderValue = z.string().regex(/^[\x20-\x7e]{1,4000}$/, 'expected printable ASCII')

export const Recipient = z.strictObject({
  name: z.string().trim().min(1).max(120),
  url: Url,
  /** JSON as it is, or a flat object as a form. */
  form: z.boolean().default(false),
  /** What proves us there; kept sealed, never shown again. */
  headers: z.record(HeaderName, HeaderValue).default({}),
  timeoutMs: z.int().min(100).max(60_000).default(10_000),
  atOnce: z.int().min(1).max(64).default(8),
  /** Says that it takes a repeated Idempotency-Key as one: an item whose answer was lost is then sent again. */
  repeats: z.boolean().default(false),
  /** The parts of its answer that the app is given; nothing else leaves the vault. */
  pass: z.array(Pointer).max(20).default([]),
  /** The parts that are personal data: kept in the vault under the item's person, the app is given the token. */
  keep: z
    .array(z.strictObject({ pointer: Pointer, collection: CollectionName, field: Field }))
    .max(10)
    .default([]),
})
export type Recipient = z.output<typeof Recipient>

const Known = z.strictObject({
  ...Recipient.omit({ headers: true }).shape,
  id: z.string(),
  headers: z.array(z.string()),
  since: At,
})
const one = z.strictObject({ recipient: Word })

/** A value stands as `{{person.phone}}`, or `{{order.address#DH-1}}` of a named record. */
const Body: z.ZodType<Json> = z.lazy(() =>
  z.union([
    z.string().max(4_000),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(Body).max(200),
    z.record(z.string().max(100), Body),
  ]),
)
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

export const relayRoutes = {
  setRecipient: route({
    id: 'vault.set-recipient',
    method: 'PUT',
    path: '/api/vault/recipients/:recipient',
    listener: 'internal',
    access: { roles: ['dpo'] },
    summary: 'Register whom the vault calls for the app: a carrier, a payment, SMS or e-mail provider',
    params: one,
    body: Recipient,
    response: Known,
  }),
  recipients: route({
    id: 'vault.recipients',
    method: 'GET',
    path: '/api/vault/recipients',
    listener: 'internal',
    access: { scope: 'vault:relay', roles: ['dpo', 'administrator', 'auditor'] },
    summary: 'Whom the vault calls for the app',
    query: z.strictObject({}),
    response: z.strictObject({ recipients: z.array(Known) }),
  }),
  dropRecipient: route({
    id: 'vault.drop-recipient',
    method: 'DELETE',
    path: '/api/vault/recipients/:recipient',
    listener: 'internal',
    access: { roles: ['dpo'] },
    summary: 'Call this recipient no more',
    params: one,
    query: z.strictObject({}),
    response: z.strictObject({ dropped: z.boolean() }),
  }),
  relay: route({
    id: 'vault.relay',
    method: 'POST',
    path: '/api/vault/relay',
    listener: 'internal',
    access: { scope: 'vault:relay' },
    maxBody: 16 * 1024 * 1024,
    summary: 'Call a registered recipient with values the app never sees; each item once, answers per item',
    body: z.strictObject({
      recipient: Word,
      purpose: Word,
      reason: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:#/-]{0,79}$/, 'expected a ticket or code'),
      items: z
        .array(
          z.strictObject({
            /** Of the app; a repeat of the same id is not sent again. */
            id: Reference,
            subject: Subject,
            /** The record that fields lie in which name none; `-` for the person’s own. */
            record: z.union([z.literal('-'), Reference]).default('-'),
            agreement: Reference.optional(),
            body: z.record(z.string().max(100), Body),
          }),
        )
        .min(1)
        .max(5_000),
    }),
    response: z.strictObject({
      items: z.array(
        z.union([
          z.strictObject({
            ok: z.literal(true),
            id: z.string(),
            /** What the recipient answered: its status, and the parts that may pass, by pointer. */
            status: z.int(),
            answer: z.record(z.string(), z.unknown()),
            again: z.boolean(),
          }),
          z.strictObject({
            ok: z.literal(false),
            id: z.string(),
            code: z.string(),
            detail: z.string(),
            status: z.int().optional(),
          }),
        ]),
      ),
    }),
  }),
} as const
