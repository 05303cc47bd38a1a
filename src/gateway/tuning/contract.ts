import { z } from 'zod'
import { route } from '../../kit/contract.ts'
import { At, Page, pageOf, Sentence } from '../../kit/listing.ts'

const internal = { listener: 'internal' } as const
const watchers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
const administrator = { roles: ['administrator'] } as const
const RefusalId = z.string().regex(/^R(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/, 'expected a request id such as R-7Q4K-2MXB')
const ExclusionId = z.string().regex(/^exc_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected an id such as exc_…')
const SuddenId = z.string().regex(/^sud_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected an id such as sud_…')

/** One rule that would no longer look at one place, on some paths. */
export const Proposed = z.strictObject({
  rule: z.int(),
  message: z.string(),
  /** Null: no place can be told apart, so the rule is left out on this path. */
  target: z.string().nullable(),
  path: z.string(),
  /** What the worker will be told. */
  secLang: z.string(),
})

/** What would have become of other refusals. */
export const Effect = z.strictObject({
  /** Kept refusals of this site looked at, and from when: at most 7 days and 20,000. */
  looked: z.int(),
  from: At,
  /** Would go through; would still be refused; more matched than was kept, so it cannot be told. */
  through: z.int(),
  refused: z.int(),
  unknown: z.int(),
  /** Newest of those that would go through, at most 20. */
  sample: z.array(
    z.strictObject({
      id: RefusalId,
      at: At,
      path: z.string(),
      clientAddress: z.string(),
      score: z.number(),
      rules: z.array(z.int()),
      masked: z.string(),
    }),
  ),
  /** How many different senders those that would go through came from. */
  clients: z.int(),
})

export const Proposal = z.strictObject({
  refusal: RefusalId,
  site: z.string(),
  version: z.int(),
  exclusions: z.array(Proposed),
  /** Would this refusal have gone through? `unknown` when more matched than was kept of it. */
  passes: z.enum(['yes', 'no', 'unknown']),
  score: z.number(),
  /** Its score without what would be excluded; the threshold it is held against. */
  left: z.number(),
  threshold: z.number(),
  effect: Effect,
})
export type Proposal = z.output<typeof Proposal>

export const ExclusionView = z.strictObject({
  id: ExclusionId,
  site: z.string(),
  path: z.string(),
  rule: z.int(),
  target: z.string().nullable(),
  secLang: z.string(),
  until: At.nullable(),
  /** Null for one that came with a file. */
  at: At.nullable(),
  by: z.string().nullable(),
  reason: z.string().nullable(),
  refusal: RefusalId.nullable(),
  /** Requests on which it took a place away from its rule, since it was made. */
  applied: z.int(),
})
export type ExclusionView = z.output<typeof ExclusionView>

/** A rule that turned itself to watching. */
export const SuddenView = z.strictObject({
  id: SuddenId,
  site: z.string(),
  rule: z.int(),
  message: z.string(),
  at: At,
  /** Different clients in ten minutes that this rule alone refused, and the highest such count of the seven days before. */
  clients: z.int(),
  before: z.int(),
  /** `open` waits for a person: it needs somebody now. */
  state: z.enum(['open', 'accepted', 'restored']),
  decidedAt: At.nullable(),
  decidedBy: z.string().nullable(),
  reason: z.string().nullable(),
})
export type SuddenView = z.output<typeof SuddenView>

export const tuningRoutes = {
  proposal: route({
    ...internal,
    id: 'gateway.proposal',
    method: 'GET',
    path: '/api/refusals/:id/proposal',
    access: watchers,
    summary: '“This was legitimate”: the narrowest exclusion that lets it pass, and what else it would let through',
    params: z.strictObject({ id: RefusalId }),
    response: Proposal,
  }),
  exclude: route({
    ...internal,
    id: 'gateway.exclude',
    method: 'POST',
    path: '/api/refusals/:id/exclude',
    access: administrator,
    summary: 'Puts the proposal in force as a new version of the settings; `days` makes it end by itself',
    params: z.strictObject({ id: RefusalId }),
    body: z.strictObject({
      reason: Sentence,
      version: z.int().min(0),
      days: z.int().min(1).max(365).optional(),
    }),
    response: z.strictObject({ version: z.int(), exclusions: z.array(ExclusionView) }),
  }),
  exclusions: route({
    ...internal,
    id: 'gateway.exclusions',
    method: 'GET',
    path: '/api/gateway/exclusions',
    access: watchers,
    summary: 'Exclusions in force, newest first, with how often each applied',
    query: z.strictObject({ ...Page, site: z.string().max(40).optional(), rule: z.coerce.number().int().optional() }),
    response: pageOf(ExclusionView),
  }),
  removeExclusion: route({
    ...internal,
    id: 'gateway.remove-exclusion',
    method: 'POST',
    path: '/api/gateway/exclusions/:id/remove',
    access: administrator,
    summary: 'Takes one exclusion back',
    params: z.strictObject({ id: ExclusionId }),
    body: z.strictObject({ reason: Sentence }),
    response: z.strictObject({ version: z.int() }),
  }),
  sudden: route({
    ...internal,
    id: 'gateway.sudden',
    method: 'GET',
    path: '/api/gateway/sudden',
    access: watchers,
    summary: 'Rules that turned themselves to watching because they suddenly refused many ordinary clients',
    query: z.strictObject({ ...Page, state: z.enum(['open', 'accepted', 'restored']).optional() }),
    response: pageOf(SuddenView),
  }),
  acceptSudden: route({
    ...internal,
    id: 'gateway.accept-sudden',
    method: 'POST',
    path: '/api/gateway/sudden/:id/accept',
    access: administrator,
    summary: 'The rule goes on watching only',
    params: z.strictObject({ id: SuddenId }),
    body: z.strictObject({ reason: Sentence }),
    response: SuddenView,
  }),
  restoreSudden: route({
    ...internal,
    id: 'gateway.restore-sudden',
    method: 'POST',
    path: '/api/gateway/sudden/:id/restore',
    access: administrator,
    summary: 'The rule refuses again; for seven days it does not turn itself off',
    params: z.strictObject({ id: SuddenId }),
    body: z.strictObject({ reason: Sentence }),
    response: SuddenView,
  }),
} as const
