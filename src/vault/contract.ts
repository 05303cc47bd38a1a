import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { At } from '../kit/listing.ts'
import { Reference, Subject } from '../kit/schema.ts'
import { CollectionName as Collection, declaredRoutes, Field } from './declared/contract.ts'
import { conversationRoutes } from './conversations/contract.ts'
import { relayRoutes } from './relay/contract.ts'
import { inboxRoutes } from './inbox/contract.ts'

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
const Put = z.strictObject({
  ok: z.literal(true),
  /** What stands in the app's own tables for a value, by field. */
  tokens: z.record(z.string(), z.string()).optional(),
  bands: z.record(z.string(), z.string()).optional(),
})
const Judged = z.strictObject({ items: z.array(z.union([Put, Refused])) })
const Values = z.record(z.string(), z.string().nullable())
const Shredded = z.strictObject({
  id: z.string(),
  subject: z.string(),
  /** Unreadable here since. */
  unreadableHere: At,
  /** Unreadable in every backup since, or from then on. */
  unreadableInBackups: At,
  /** C2SP signed note, checked by `khien receipt verify`. */
  receipt: z.string(),
})

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
  ...declaredRoutes,
  ...relayRoutes,
  ...inboxRoutes,
  ...conversationRoutes,
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
  update: route({
    id: 'vault.update',
    method: 'POST',
    path: '/api/vault/update',
    listener: 'internal',
    access: { scope: 'vault:write' },
    once: true,
    maxBody: LARGE,
    summary: 'Seal fields anew that are held already; an item that names another changes nothing',
    body: Items,
    response: Judged,
  }),
  tokens: route({
    id: 'vault.tokens',
    method: 'POST',
    path: '/api/vault/tokens',
    listener: 'internal',
    access: { scope: 'vault:write' },
    maxBody: LARGE,
    summary: 'The tokens of values, to look for them in the app’s own tables; nothing is kept',
    body: z.strictObject({
      collection: Collection,
      field: Field,
      values: z.array(z.string().min(1).max(4_000)).min(1).max(LIMIT),
    }),
    response: z.strictObject({ tokens: z.array(z.string()) }),
  }),
  erase: route({
    id: 'vault.erase',
    method: 'POST',
    path: '/api/vault/erase',
    listener: 'internal',
    access: { scope: 'vault:erase' },
    once: true,
    summary: 'Erase fields or whole records; the person’s key stays',
    body: z.strictObject({
      reason: Reason,
      items: z
        .array(
          z.strictObject({
            subject: Subject,
            collection: Collection,
            record: Record_,
            fields: z.array(Field).min(1).max(20).optional(),
          }),
        )
        .min(1)
        .max(LIMIT),
    }),
    maxBody: LARGE,
    response: z.strictObject({
      items: z.array(z.union([z.strictObject({ ok: z.literal(true), erased: z.int() }), Refused])),
    }),
  }),
  export: route({
    id: 'vault.export',
    method: 'POST',
    path: '/api/vault/export',
    listener: 'internal',
    access: { scope: 'vault:read' },
    summary: 'Everything of one person that a purpose opens now; read and recorded like any other read',
    body: z.strictObject({ purpose: Word, reason: Reason, subject: Subject }),
    response: z.strictObject({
      subject: z.string(),
      at: At,
      records: z.array(z.strictObject({ collection: z.string(), record: z.string(), fields: Values })),
      /** Records that the purpose does not open, each with the code of why. */
      closed: z.array(z.strictObject({ collection: z.string(), record: z.string(), code: z.string() })),
      /** Conversations this person is in; their messages are read one by one. */
      conversations: z.array(z.strictObject({ id: z.string(), mode: z.enum(['open', 'sealed']) })),
    }),
  }),
  shred: route({
    id: 'vault.shred',
    method: 'POST',
    path: '/api/vault/people/:subject/shred',
    listener: 'internal',
    access: { scope: 'vault:erase', roles: ['dpo'] },
    once: true,
    summary: 'Erase a person for good by destroying the key; answers a signed receipt with two times',
    params: one,
    query: z.strictObject({}),
    body: z.strictObject({ reason: Reason }),
    response: Shredded,
  }),
  shredReceipt: route({
    id: 'vault.shred-receipt',
    method: 'GET',
    path: '/api/vault/shredded/:id',
    listener: 'internal',
    access: { scope: 'vault:erase', roles: ['dpo', 'auditor'] },
    summary: 'The receipt of an erasure, and whether the backups’ time is over',
    params: z.strictObject({ id: z.string().regex(/^shr_[0-9A-Z]{26}$/, 'expected the id of an erasure') }),
    query: z.strictObject({}),
    response: z.strictObject({ ...Shredded.shape, finishedAt: At.nullable() }),
  }),
  enforcement: route({
    id: 'vault.enforcement',
    method: 'GET',
    path: '/api/vault/enforcement',
    listener: 'internal',
    access: { roles: ['dpo', 'auditor', 'administrator'] },
    summary: 'Which purposes and callers are only watched, and what would have been refused, by caller and field',
    query: z.strictObject({}),
    response: z.strictObject({
      watched: z.array(z.strictObject({ purpose: z.string(), caller: z.string(), since: At })),
      counts: z.array(
        z.strictObject({
          purpose: z.string(),
          caller: z.string(),
          field: z.string(),
          code: z.string(),
          count: z.int(),
        }),
      ),
    }),
  }),
  setEnforcement: route({
    id: 'vault.set-enforcement',
    method: 'PUT',
    path: '/api/vault/enforcement',
    listener: 'internal',
    access: { roles: ['dpo'] },
    summary: 'Watch a purpose for one caller or all, or enforce it: reads without a ground are counted or refused',
    body: z.strictObject({
      purpose: Word,
      caller: z.string().regex(/^(?:\*|service:khk_[0-9A-Z]{26})$/, 'expected * or service: and the id of a key'),
      mode: z.enum(['observe', 'enforce']),
    }),
    response: z.strictObject({ mode: z.enum(['observe', 'enforce']) }),
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
      /** Beside each value the form in which it may stand on a screen. */
      masks: z.boolean().default(false),
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
        z.union([z.strictObject({ ok: z.literal(true), fields: Values, masks: Values.optional() }), Refused]),
      ),
    }),
  }),
  search: route({
    id: 'vault.search',
    method: 'POST',
    path: '/api/vault/search',
    listener: 'internal',
    access: { scope: 'vault:search' },
    summary: 'Find people by an equal value of an indexed field, its last or first signs, or a name without its marks',
    body: z.strictObject({
      by: z.enum(['equal', 'last', 'prefix', 'name']).default('equal'),
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
  importPasswords: route({
    id: 'vault.import-passwords',
    method: 'POST',
    path: '/api/vault/passwords/import',
    listener: 'internal',
    access: { scope: 'vault:write' },
    once: true,
    maxBody: LARGE,
    summary: 'Take over hashes of passwords from another program; each becomes ours when its owner next signs in',
    body: z.strictObject({
      items: z
        .array(
          z.strictObject({
            subject: Subject,
            /** argon2 (PHC), bcrypt, PHPass, PBKDF2 of Django or Passlib, or MD5, SHA-1, SHA-256, SHA-512 in hexadecimal. */
            hash: z.string().min(1).max(400),
            /** Of MD5 and SHA alone: the others carry theirs. */
            salt: z.string().min(1).max(200).optional(),
            order: z.enum(['salt-first', 'salt-last']).optional(),
          }),
        )
        .min(1)
        .max(LIMIT),
    }),
    response: z.strictObject({
      items: z.array(z.union([z.strictObject({ ok: z.literal(true), scheme: z.string() }), Refused])),
    }),
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
      /** Conversations the platform can read on a ground, those that only devices can, and this person’s devices. */
      messages: z.strictObject({ open: z.int(), sealed: z.int(), boxes: z.int() }),
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
