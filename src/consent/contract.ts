import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { Reference, Subject } from '../kit/schema.ts'

const Both = z.strictObject({ vi: z.string().trim().min(1).max(2_000), en: z.string().trim().min(1).max(2_000) })
/** Where a recipient is told of a withdrawal: TLS, or this very host. */
const Notify = z
  .url({ protocol: /^https?$/ })
  .refine(
    (url) => /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost)(?::\d+)?(?:\/|$))/.test(url),
    'expected https://, or http:// on this host',
  )
  .optional()
const Word = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected a word of a–z, 0–9 and dashes')
/** `person.phone` */
const FieldName = z.string().regex(/^[a-z][a-z-]{0,29}\.[a-z][a-z_]{0,29}$/, 'expected collection.field')

export const Purpose = z
  .strictObject({
    id: Word,
    title: Both,
    what: Both,
    ground: z.enum(['consent', 'agreement', 'law']),
    /** Kind of agreement this use serves (`order`, `membership`); required for ground `agreement`. */
    agreement: Word.optional(),
    /** The duty in words; required for ground `law`. */
    duty: Both.optional(),
    fields: z.array(FieldName).min(1).max(50),
    recipients: z.array(z.strictObject({ id: Word, name: z.string().trim().min(1).max(120), notify: Notify })).max(20),
    ifWithdrawn: Both.optional(),
  })
  .refine((p) => p.ground !== 'agreement' || p.agreement !== undefined, {
    message: 'ground agreement needs the kind of agreement',
    path: ['agreement'],
  })
  .refine((p) => p.ground !== 'law' || p.duty !== undefined, {
    message: 'ground law needs the duty in words',
    path: ['duty'],
  })
  .refine((p) => p.ground !== 'consent' || p.ifWithdrawn !== undefined, {
    message: 'ground consent needs what happens after a withdrawal',
    path: ['ifWithdrawn'],
  })
export type Purpose = z.output<typeof Purpose>

const Declared = z.strictObject({
  notice: z.strictObject({ version: z.int(), text: Both }),
  purposes: z.array(z.strictObject({ version: z.int(), purpose: Purpose })),
})

const Receipt = z.strictObject({
  /** Short code a person can quote. */
  code: z.string(),
  /** C2SP signed note, checked by `khien receipt verify`. */
  receipt: z.string(),
})

/** `2024-03-01` (a day in Vietnam) or an instant with its offset. */
export const When = z.union([z.iso.date(), z.iso.datetime({ offset: true })])
const NotKnown = z.literal('not-known')
/** Names of things, never of people: they go into the log. */
const Evidence = z.strictObject({
  given: z.union([When, NotKnown]),
  method: z.enum(['web-form', 'app', 'paper', 'call', 'sms', 'email', 'settings', 'not-known']),
  /** The text people were shown, by its own name and version: `privacy-2024-03`. */
  text: z.union([NotKnown, Reference]),
  /** Where the evidence lies: an archive, a table, a register. */
  kept: z.union([NotKnown, Reference]),
})
export type Evidence = z.output<typeof Evidence>
const TakenOver = z.strictObject({
  ...Evidence.shape,
  method: z.string(),
  what: z.enum(['consent', 'agreement']),
  name: z.string(),
  ref: z.string(),
  ended: z.string().nullable(),
  statedBy: z.string(),
  takenAt: z.string(),
  /** Whether it carries reads; `why` not, as a code. */
  live: z.boolean(),
  why: z.string().nullable(),
})
export type TakenOver = z.output<typeof TakenOver>
const Outcomes = z.strictObject({
  items: z.array(
    z.union([
      z.strictObject({
        ok: z.literal(true),
        /** `live`: carries reads from now on. `kept`: recorded, carries none. `ended`: recorded as over. `known`: nothing new. */
        state: z.enum(['live', 'kept', 'ended', 'known']),
        why: z.string().nullable(),
      }),
      z.strictObject({ ok: z.literal(false), code: z.string(), detail: z.string(), field: z.string() }),
    ]),
  ),
})
export type Outcome = z.output<typeof Outcomes>['items'][number]
/** Who stands for it: a duty or a ticket (`DPO-17`), never a name. */
const statedBy = Reference
const ONE_CALL = 200

export const consentRoutes = {
  declare: route({
    id: 'consent.declare',
    method: 'PUT',
    path: '/api/processing',
    listener: 'internal',
    access: { scope: 'processing:declare' },
    maxBody: 262_144,
    summary: 'Declare the processing notice and the purposes; a changed text becomes a new version',
    body: z.strictObject({ notice: Both, purposes: z.array(Purpose).min(1).max(50) }),
    response: Declared,
  }),
  processing: route({
    id: 'consent.processing',
    method: 'GET',
    path: '/api/processing',
    listener: 'internal',
    access: { scope: 'consent:read', roles: ['dpo', 'auditor', 'administrator'] },
    summary: 'The notice and the purposes in force, to be shown before data is taken',
    response: Declared,
  }),
  decide: route({
    id: 'consent.decide',
    method: 'POST',
    path: '/api/consents',
    listener: 'internal',
    access: { scope: 'consent:write' },
    once: true,
    summary: 'Record what a person was shown and decided, purpose by purpose; answers a signed receipt',
    body: z.strictObject({
      subject: Subject,
      notice: z.int().min(1),
      language: z.enum(['vi', 'en']),
      method: z.enum(['web-form', 'app', 'paper', 'call', 'sms']),
      decisions: z.array(z.strictObject({ purpose: Word, version: z.int().min(1), given: z.boolean() })).max(50),
    }),
    response: Receipt,
  }),
  withdraw: route({
    id: 'consent.withdraw',
    method: 'POST',
    path: '/api/consents/withdraw',
    listener: 'internal',
    access: { scope: 'consent:write' },
    once: true,
    summary: 'Withdraw one consent on the person’s behalf; reads that start after the answer are refused',
    body: z.strictObject({ subject: Subject, purpose: Word }),
    response: Receipt,
  }),
  state: route({
    id: 'consent.state',
    method: 'GET',
    path: '/api/consents/:subject',
    listener: 'internal',
    access: { scope: 'consent:read' },
    summary: 'What a person has agreed to',
    params: z.strictObject({ subject: Subject }),
    response: z.strictObject({
      consents: z.array(
        z.strictObject({
          purpose: z.string(),
          version: z.int(),
          givenAt: z.string(),
          withdrawnAt: z.string().nullable(),
        }),
      ),
      /** What was agreed before, elsewhere, with the evidence there is. */
      takenOver: z.array(TakenOver),
    }),
  }),
  takeOverConsents: route({
    id: 'consent.take-over',
    method: 'POST',
    path: '/api/consents/taken-over',
    listener: 'internal',
    access: { scope: 'consent:write' },
    once: true,
    maxBody: 262_144,
    summary:
      'Take over consents that were given elsewhere before, with the evidence there is; what lacks evidence carries no read',
    body: z.strictObject({
      statedBy,
      items: z
        .array(
          z.strictObject({
            subject: Subject,
            purpose: Word,
            /** The version of the purpose whose data and recipients the old text covered. */
            version: z.int().min(1),
            evidence: Evidence,
            /** Not still to come, and not before it was given. */
            withdrawn: When.optional(),
          }),
        )
        .min(1)
        .max(ONE_CALL),
    }),
    response: Outcomes,
  }),
  takeOverAgreements: route({
    id: 'consent.take-over-agreements',
    method: 'POST',
    path: '/api/agreements/taken-over',
    listener: 'internal',
    access: { scope: 'agreement:write' },
    once: true,
    maxBody: 262_144,
    summary: 'Take over agreements that were made elsewhere before, with the evidence there is',
    body: z.strictObject({
      statedBy,
      items: z
        .array(
          z.strictObject({
            subject: Subject,
            kind: Word,
            ref: Reference,
            evidence: Evidence,
            /** Not still to come, and not before it was given. */
            ended: When.optional(),
          }),
        )
        .min(1)
        .max(ONE_CALL),
    }),
    response: Outcomes,
  }),
  openAgreement: route({
    id: 'consent.open-agreement',
    method: 'POST',
    path: '/api/agreements',
    listener: 'internal',
    access: { scope: 'agreement:write' },
    once: true,
    summary: 'Say that an agreement with a person (an order, a membership) is running',
    body: z.strictObject({ subject: Subject, kind: Word, ref: Reference }),
    response: z.strictObject({ open: z.boolean() }),
  }),
  closeAgreement: route({
    id: 'consent.close-agreement',
    method: 'POST',
    path: '/api/agreements/close',
    listener: 'internal',
    access: { scope: 'agreement:write' },
    once: true,
    summary: 'Say that an agreement has ended: what rested on it is refused from now on',
    body: z.strictObject({ subject: Subject, kind: Word, ref: Reference }),
    response: z.strictObject({ open: z.boolean() }),
  }),
} as const
