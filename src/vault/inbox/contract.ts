import { z } from 'zod'
import { route } from '../../kit/contract.ts'
import { At } from '../../kit/listing.ts'
import { Reference, Subject } from '../../kit/schema.ts'

const MOST = 500
const LARGE = 4 * 1024 * 1024

/** Made by the app: time-ordered, 80 random bits. */
export const ITEM_ID = /^inb_[0-9A-HJKMNP-TV-Z]{26}$/
const ItemId = z.string().regex(ITEM_ID, 'expected inb_ and 26 signs of Crockford base32')
const KeyId = z.string().regex(/^ibk_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected the id of an inbox key')

/** What is sealed: one item as `put` takes it. */
export const Plain = z.strictObject({
  subject: Subject,
  collection: z.string().regex(/^[a-z][a-z-]{0,29}$/, 'expected the name of a collection'),
  record: z.union([z.literal('-'), Reference]).default('-'),
  fields: z
    .record(z.string().regex(/^[a-z][a-z_]{0,29}$/, 'expected the name of a field'), z.string())
    .refine((fields) => Object.keys(fields).length > 0, 'expected at least one'),
})

const Stored = z.strictObject({
  ok: z.literal(true),
  id: z.string(),
  /** Taken before: nothing was done this time. */
  known: z.literal(true).optional(),
  /** As `put` answers them; not said again for what is `known`. */
  tokens: z.record(z.string(), z.string()).optional(),
  bands: z.record(z.string(), z.string()).optional(),
})
const NotStored = z.strictObject({
  ok: z.literal(false),
  id: z.string(),
  code: z.string(),
  detail: z.string(),
  field: z.string().optional(),
  /** Not refused, only not yet: send it again. */
  later: z.literal(true).optional(),
})

export const inboxRoutes = {
  inboxKey: route({
    id: 'vault.inbox-key',
    method: 'GET',
    path: '/api/vault/inbox-key',
    listener: 'internal',
    access: { scope: 'vault:write' },
    summary: 'The public key to which an app seals what it cannot deliver while the vault is away (RFC 9180)',
    query: z.strictObject({}),
    response: z.strictObject({
      id: z.string(),
      /** X25519, 32 bytes, base64url. */
      publicKey: z.string(),
      /** Fetch it anew after this. */
      renewAt: At,
      /** The vault's clock, so that an app whose clock is wrong can say its times rightly. */
      now: At,
    }),
  }),
  inbox: route({
    id: 'vault.inbox',
    method: 'POST',
    path: '/api/vault/inbox',
    listener: 'internal',
    access: { scope: 'vault:write' },
    maxBody: LARGE,
    summary: 'Deliver items that were sealed while the vault was away; each is taken once for ever, newest value stays',
    body: z.strictObject({
      items: z
        .array(
          z.strictObject({
            id: ItemId,
            key: KeyId,
            /** When the app wrote it, in milliseconds. */
            at: z.int().min(0),
            /** base64url of enc ‖ ciphertext ‖ tag. */
            sealed: z
              .string()
              .max(65_536)
              .regex(/^[A-Za-z0-9_-]{64,}$/, 'expected base64url'),
          }),
        )
        .min(1)
        .max(MOST),
    }),
    response: z.strictObject({ items: z.array(z.union([Stored, NotStored])) }),
  }),
  rotateInboxKey: route({
    id: 'vault.rotate-inbox-key',
    method: 'POST',
    path: '/api/vault/inbox-key/rotate',
    listener: 'internal',
    access: { roles: ['administrator'] },
    summary: 'Make a new inbox key; what is sealed to the old one still opens until the time in the answer',
    response: z.strictObject({ id: z.string(), closed: z.string().nullable(), oldOpensUntil: At.nullable() }),
  }),
} as const
