import { z } from 'zod'
import { route } from '../../kit/contract.ts'
import { At } from '../../kit/listing.ts'
import { Reference, Subject } from '../../kit/schema.ts'

const MOST = 200
const LARGE = 4 * 1024 * 1024
/** Of one message as it is sealed to one device, in characters of base64url. */
const LONGEST_SEALED = 24_000

const Conversation = z.string().regex(/^cnv_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected the id of a conversation')
const Box = z.string().regex(/^box_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected the id of a box')
/** What an app asks for, as the vault’s other reads have it. */
const Word = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected the id of a purpose')
const Reason = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:#/-]{0,79}$/, 'expected a ticket or code')
  .refine(
    (text) => !/\d{9,}/.test(text.replace(/[._:#/-]/g, '')),
    'holds nine digits in a row, as a phone or ID number does',
  )
/** `open`: the vault seals, and opens on a ground. `sealed`: devices seal to each other, and the vault cannot open. */
const Mode = z.enum(['open', 'sealed'])
const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/, 'expected base64url')
const Sealed = z.record(Box, base64url.min(66).max(LONGEST_SEALED))
const one = z.strictObject({ id: Conversation })
const none = z.strictObject({})

const Refused = z.strictObject({
  ok: z.literal(false),
  code: z.string(),
  detail: z.string(),
  field: z.string().optional(),
})
const BoxShown = z.strictObject({ id: Box, subject: z.string(), publicKey: z.string(), since: At })

export const conversationRoutes = {
  openConversation: route({
    id: 'vault.open-conversation',
    method: 'POST',
    path: '/api/vault/conversations',
    listener: 'internal',
    access: { scope: 'vault:write' },
    once: true,
    summary: 'Begin a conversation of 2 to 50 people, under a key of its own',
    body: z.strictObject({ people: z.array(Subject).min(2).max(50), mode: Mode.default('open') }),
    response: z.strictObject({ id: Conversation, mode: Mode }),
  }),
  conversation: route({
    id: 'vault.conversation',
    method: 'GET',
    path: '/api/vault/conversations/:id',
    listener: 'internal',
    access: { scope: 'vault:write' },
    summary: 'Who is in a conversation, its mode, and the boxes that messages of a sealed one are sealed to',
    params: one,
    query: none,
    response: z.strictObject({
      id: Conversation,
      mode: Mode,
      openedAt: At,
      people: z.array(z.string()),
      boxes: z.array(BoxShown),
    }),
  }),
  writeMessages: route({
    id: 'vault.write-messages',
    method: 'POST',
    path: '/api/vault/conversations/:id/messages',
    listener: 'internal',
    access: { scope: 'vault:write' },
    once: true,
    maxBody: LARGE,
    summary: 'Keep messages; answers per item. The same record of the same writer is written over',
    params: one,
    query: none,
    body: z.strictObject({
      items: z
        .array(
          z.strictObject({
            from: Subject,
            record: Reference,
            /** Of an open conversation. */
            body: z.string().optional(),
            /** Of a sealed one: by box, what only its device opens. */
            sealed: Sealed.optional(),
          }),
        )
        .min(1)
        .max(MOST),
    }),
    response: z.strictObject({ items: z.array(z.union([z.strictObject({ ok: z.literal(true) }), Refused])) }),
  }),
  readMessages: route({
    id: 'vault.read-messages',
    method: 'POST',
    path: '/api/vault/conversations/:id/read',
    listener: 'internal',
    access: { scope: 'vault:read' },
    summary:
      'Messages, newest first: for one of its people on that person’s ground, or for others on the ground of everybody in it',
    params: one,
    query: none,
    body: z.strictObject({
      purpose: Word,
      reason: Reason,
      reader: Subject.optional(),
      before: z.string().max(120).optional(),
      limit: z.int().min(1).max(MOST).default(50),
    }),
    response: z.strictObject({
      mode: Mode,
      items: z.array(
        z.strictObject({
          record: z.string(),
          from: z.string(),
          at: At,
          body: z.string().optional(),
          sealed: z.record(z.string(), z.string()).optional(),
        }),
      ),
      next: z.string().nullable(),
    }),
  }),
  eraseMessages: route({
    id: 'vault.erase-messages',
    method: 'POST',
    path: '/api/vault/conversations/:id/erase',
    listener: 'internal',
    access: { scope: 'vault:erase' },
    once: true,
    summary: 'Erase single messages',
    params: one,
    query: none,
    body: z.strictObject({ reason: Reason, records: z.array(Reference).min(1).max(MOST) }),
    response: z.strictObject({ erased: z.int() }),
  }),
  endConversation: route({
    id: 'vault.end-conversation',
    method: 'POST',
    path: '/api/vault/conversations/:id/end',
    listener: 'internal',
    access: { scope: 'vault:erase', roles: ['dpo'] },
    once: true,
    summary: 'End a conversation for good by destroying its key; answers a signed receipt with two times',
    params: one,
    query: none,
    body: z.strictObject({ reason: Reason }),
    response: z.strictObject({
      id: z.string(),
      subject: z.string(),
      unreadableHere: At,
      unreadableInBackups: At,
      receipt: z.string(),
    }),
  }),
  addBox: route({
    id: 'vault.add-box',
    method: 'POST',
    path: '/api/vault/boxes',
    listener: 'internal',
    access: { scope: 'vault:write' },
    once: true,
    summary: 'Register the public key of a person’s device (X25519, RFC 9180), to which messages are sealed',
    body: z.strictObject({ subject: Subject, publicKey: base64url.length(43) }),
    response: BoxShown,
  }),
  removeBox: route({
    id: 'vault.remove-box',
    method: 'DELETE',
    path: '/api/vault/boxes/:id',
    listener: 'internal',
    access: { scope: 'vault:write' },
    summary: 'Take a device’s box away; messages sealed to it stay as they are',
    params: z.strictObject({ id: Box }),
    query: none,
    body: none,
    response: z.strictObject({ removed: z.boolean() }),
  }),
} as const
