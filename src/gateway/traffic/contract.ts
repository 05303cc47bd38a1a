import { z } from 'zod'
import { route } from '../../kit/contract.ts'
import { At, Page, pageOf, Sentence } from '../../kit/listing.ts'

const internal = { listener: 'internal' } as const
const watchers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
const administrator = { roles: ['administrator'] } as const
const Name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected small letters, digits and dashes')
const DryRunId = z.string().regex(/^dry_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected an id such as dry_…')
const SecLang = z.string().max(65_536)

/** What is tried, over the site's settings as they are; what is not named stays. */
export const Candidate = z
  .strictObject({
    ruleSet: Name.optional(),
    paranoia: z.int().min(1).max(4).optional(),
    threshold: z.int().min(1).max(100_000).optional(),
    /** A new rule file, read after the site's rules. */
    rules: SecLang.optional(),
    virtualPatches: SecLang.optional(),
    before: SecLang.optional(),
    after: SecLang.optional(),
    /** The exclusion that a refusal's proposal makes. */
    refusal: z
      .string()
      .regex(/^R(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/)
      .optional(),
  })
  .refine((one) => Object.values(one).some((value) => value !== undefined), 'name at least one thing to try')
export type Candidate = z.output<typeof Candidate>

const Hit = z.strictObject({
  rule: z.int(),
  message: z.string(),
  place: z.string(),
  masked: z.string(),
})
const Sample = z.strictObject({
  at: At,
  method: z.string(),
  path: z.string(),
  score: z.number(),
  hits: z.array(Hit),
})
export const DryRunResult = z.strictObject({
  /** Kept requests judged twice; those that could not be opened or read. */
  judged: z.int(),
  unread: z.int(),
  from: At.nullable(),
  until: At.nullable(),
  /** Refused with the settings as they are, and with the candidate. */
  before: z.int(),
  after: z.int(),
  /** Only the candidate refuses; only the settings as they are refuse. */
  more: z.int(),
  fewer: z.int(),
  /** By rule: requests it matched in, before and after; the 50 that changed most. */
  rules: z.array(z.strictObject({ rule: z.int(), message: z.string(), before: z.int(), after: z.int() })),
  /** At most 20 of each; never a value. */
  samples: z.strictObject({ more: z.array(Sample), fewer: z.array(Sample) }),
})
export type DryRunResult = z.output<typeof DryRunResult>
export const DryRunView = z.strictObject({
  id: DryRunId,
  site: z.string(),
  at: At,
  by: z.string(),
  reason: z.string(),
  candidate: Candidate,
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
  /** Requests judged so far, of how many. */
  done: z.int(),
  total: z.int(),
  /** A sentence naming file, line or field. */
  problem: z.string().nullable(),
  result: DryRunResult.nullable(),
})
export type DryRunView = z.output<typeof DryRunView>

export const trafficRoutes = {
  kept: route({
    ...internal,
    id: 'gateway.kept',
    method: 'GET',
    path: '/api/gateway/kept',
    access: watchers,
    summary: 'Requests kept for dry runs: how many, how large, how old, for each site; never what is in them',
    query: z.strictObject({}),
    response: z.strictObject({
      items: z.array(
        z.strictObject({
          site: z.string(),
          requests: z.int(),
          bytes: z.int(),
          oldest: At.nullable(),
          newest: At.nullable(),
        }),
      ),
      /** Not kept because the room was full, or because they were not well-formed, since the node started. */
      dropped: z.int(),
    }),
  }),
  forgetKept: route({
    ...internal,
    id: 'gateway.forget-kept',
    method: 'POST',
    path: '/api/gateway/kept/forget',
    access: administrator,
    summary: 'Destroys everything kept of all sites, with the keys',
    body: z.strictObject({ reason: Sentence }),
    response: z.strictObject({ forgotten: z.int() }),
  }),
  dryRuns: route({
    ...internal,
    id: 'gateway.dry-runs',
    method: 'GET',
    path: '/api/gateway/dry-runs',
    access: watchers,
    summary: 'Dry runs of the last day, newest first',
    query: z.strictObject(Page),
    response: pageOf(DryRunView),
  }),
  dryRun: route({
    ...internal,
    id: 'gateway.dry-run',
    method: 'GET',
    path: '/api/gateway/dry-runs/:id',
    access: watchers,
    summary: 'One dry run: how far it is, and its result',
    params: z.strictObject({ id: DryRunId }),
    response: DryRunView,
  }),
  startDryRun: route({
    ...internal,
    id: 'gateway.start-dry-run',
    method: 'POST',
    path: '/api/gateway/dry-runs',
    access: administrator,
    summary: 'Judges the kept requests of a site with other settings, off the loop; one runs at a time, ten may wait',
    maxBody: 400_000,
    body: z.strictObject({ site: Name, candidate: Candidate, reason: Sentence }),
    response: DryRunView,
  }),
  cancelDryRun: route({
    ...internal,
    id: 'gateway.cancel-dry-run',
    method: 'POST',
    path: '/api/gateway/dry-runs/:id/cancel',
    access: administrator,
    summary: 'Ends a dry run',
    params: z.strictObject({ id: DryRunId }),
    body: z.strictObject({}),
    response: DryRunView,
  }),
} as const
