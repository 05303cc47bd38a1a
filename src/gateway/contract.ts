import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { At, Page, pageOf } from '../kit/listing.ts'

const watchers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
const internal = { listener: 'internal' } as const
export const RefusalId = z
  .string()
  .regex(/^R(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/, 'expected a request id such as R-7Q4K-2MXB')

const Match = z.strictObject({
  ruleId: z.int(),
  /** In the language of the rule's author. */
  message: z.string(),
  severity: z.enum(['low', 'medium', 'high', 'critical']),
  tags: z.array(z.string()),
  place: z.string(),
  /** What matched, covered except for its ends; never the value. */
  masked: z.string(),
  score: z.number(),
})
export const RefusalView = z.strictObject({
  id: RefusalId,
  at: At,
  clientAddress: z.string(),
  clientPort: z.int(),
  method: z.string(),
  host: z.string(),
  path: z.string(),
  status: z.int(),
  score: z.number(),
  threshold: z.number(),
  mode: z.enum(['block', 'detect']),
  /** Heaviest first. */
  matches: z.array(Match),
})
export type RefusalView = z.output<typeof RefusalView>

const Address = z.string().regex(/^[0-9A-Fa-f:.]{2,45}$/, 'expected an address')
const Rule = z.coerce.number().int().min(1).max(99_999_999)

export const gatewayRoutes = {
  refusals: route({
    ...internal,
    id: 'gateway.api-refusals',
    method: 'GET',
    path: '/api/refusals',
    access: watchers,
    summary:
      'Refused requests, newest first; a narrow question looks at most at 4,000 at a time and says how far it is',
    query: z.strictObject({
      ...Page,
      from: At.optional(),
      to: At.optional(),
      rule: Rule.optional(),
      source: Address.optional(),
      severity: Match.shape.severity.optional(),
      mode: z.enum(['block', 'detect']).optional(),
      /** Part of the path. */
      path: z.string().max(200).optional(),
    }),
    response: z.strictObject({
      ...pageOf(RefusalView).shape,
      /** How many were looked at, and the time of the oldest of them. */
      looked: z.int(),
      reached: At.nullable(),
    }),
  }),
  refusal: route({
    ...internal,
    id: 'gateway.api-refusal',
    method: 'GET',
    path: '/api/refusals/:id',
    access: watchers,
    summary: 'One refused request, and others of the same rule',
    params: z.strictObject({ id: RefusalId }),
    query: z.strictObject({}),
    response: z.strictObject({
      refusal: RefusalView,
      /** Newest refusals by the same heaviest rule, at most 10. */
      alike: z.array(RefusalView),
      /** Refusals by that rule in each of the last 24 hours, oldest first. */
      hours: z.array(z.int()),
    }),
  }),
  figures: route({
    ...internal,
    id: 'gateway.figures',
    method: 'GET',
    path: '/api/refusals/figures',
    access: watchers,
    summary: 'Refusals of the last 24 hours by ten minutes and by rule, and what the workers count',
    query: z.strictObject({}),
    response: z.strictObject({
      /** Start of the first bucket. */
      from: At,
      bucketMs: z.int(),
      /** One count a bucket, the last one still filling. */
      refused: z.array(z.int()),
      /** Refused without stopping the request: the gateway only watched. */
      observed: z.int(),
      total: z.int(),
      /** The heaviest rule of each refusal, most frequent first; `hours` has one count for each of 24 hours. */
      rules: z.array(
        z.strictObject({
          rule: z.int(),
          message: z.string(),
          tags: z.array(z.string()),
          total: z.int(),
          hours: z.array(z.int()),
        }),
      ),
      rulesInAll: z.int(),
      /** Kept in the store, over all time. */
      kept: z.int(),
      /** Since the node started. */
      workers: z.strictObject({
        running: z.int(),
        requests: z.int(),
        refused: z.int(),
        upstreamErrors: z.int(),
        dropped: z.int(),
        forgotten: z.int(),
      }),
    }),
  }),
  stream: route({
    ...internal,
    kind: 'stream',
    id: 'gateway.api-live',
    method: 'GET',
    path: '/api/refusals/live',
    access: watchers,
    summary:
      'Refusals as they happen: server-sent events `refusal`, each a RefusalView; after Last-Event-ID first what was missed',
    query: z.strictObject({}),
  }),
} as const
