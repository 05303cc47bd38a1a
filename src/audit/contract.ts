import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { At, Page, pageOf } from '../kit/listing.ts'
import { Subject } from '../kit/schema.ts'

const keepers = { roles: ['administrator', 'dpo', 'auditor'] } as const
const AuditId = z.string().regex(/^aud_[0-9A-Z]{26}$/, 'expected the id of an act')

export const ActView = z.strictObject({
  id: z.string(),
  at: At,
  /** Its leaf in the log; null for the half second until it is signed. */
  index: z.int().nullable(),
  kind: z.string(),
  actor: z.string(),
  subject: z.string().nullable(),
  purpose: z.string().nullable(),
  reason: z.string().nullable(),
  result: z.enum(['allowed', 'refused', 'done', 'failed']),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
})
export type ActView = z.output<typeof ActView>

export const auditRoutes = {
  list: route({
    listener: 'internal',
    id: 'audit.list',
    method: 'GET',
    path: '/api/log',
    access: keepers,
    summary: 'Acts in the evidence log, newest first',
    query: z.strictObject({
      ...Page,
      kind: z
        .string()
        .regex(/^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+$/, 'expected a kind such as vault.read')
        .optional(),
      actor: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9_:.-]{0,127}$/, 'expected an id such as staff:stf_01…')
        .optional(),
      subject: Subject.optional(),
    }),
    response: pageOf(ActView),
  }),
  proof: route({
    listener: 'internal',
    id: 'audit.proof',
    method: 'GET',
    path: '/api/log/:id/proof',
    access: keepers,
    summary: 'An act with all that is needed to check it against the signed head, without trusting this node',
    params: z.strictObject({ id: AuditId }),
    query: z.strictObject({}),
    response: z.strictObject({
      act: ActView,
      /** C2SP tlog-proof: path, record, salt and signed checkpoint. */
      proof: z.string(),
      /** Key that checks the checkpoint's signature (C2SP vkey). */
      vkey: z.string(),
    }),
  }),
} as const
