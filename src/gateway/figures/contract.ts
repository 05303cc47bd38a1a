import { z } from 'zod'
import { route } from '../../kit/contract.ts'
import { At, Page, pageOf } from '../../kit/listing.ts'

const internal = { listener: 'internal' } as const
const watchers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
/** At most 31 days, by the hour; the last 24 hours unless said. */
const Span = { from: At.optional(), to: At.optional() }
const span = { from: At, to: At }
const Site = z.string().max(40)

/** One answer that told of more people than its route may. */
export const OutgoingAnswer = z.strictObject({
  /** The request's id. */
  id: z.string(),
  at: At,
  site: z.string(),
  route: z.string().nullable(),
  /** Without query, masked. */
  path: z.string(),
  decision: z.enum(['flag', 'stop']),
  /** `detect`: would have been stopped, went out. */
  mode: z.enum(['block', 'detect']),
  /** How many people, by kind of data. */
  subjects: z.record(z.string(), z.int()),
})
export type OutgoingAnswer = z.output<typeof OutgoingAnswer>

export const figuresRoutes = {
  outgoing: route({
    ...internal,
    id: 'gateway.outgoing',
    method: 'GET',
    path: '/api/gateway/outgoing',
    access: watchers,
    summary: 'Personal data in answers, by site, route and kind of data: how many, never whose; most first',
    query: z.strictObject({ ...Page, ...Span, site: Site.optional() }),
    response: z.strictObject({
      ...pageOf(
        z.strictObject({
          site: z.string(),
          /** Null: the site's own settings, no route of its own. */
          route: z.string().nullable(),
          /** Answers looked at, and of them flagged and stopped. */
          answers: z.int(),
          flagged: z.int(),
          stopped: z.int(),
          /** People told of, by kind of data, summed over answers. */
          subjects: z.record(z.string(), z.int()),
        }),
      ).shape,
      ...span,
    }),
  }),
  outgoingSeries: route({
    ...internal,
    id: 'gateway.outgoing-series',
    method: 'GET',
    path: '/api/gateway/outgoing/series',
    access: watchers,
    summary: 'The same by the hour, for one site or route or all together',
    query: z.strictObject({ ...Span, site: Site.optional(), route: z.string().max(256).optional() }),
    response: z.strictObject({
      ...span,
      hourMs: z.int(),
      /** One count an hour, oldest first. */
      answers: z.array(z.int()),
      flagged: z.array(z.int()),
      stopped: z.array(z.int()),
      subjects: z.record(z.string(), z.array(z.int())),
    }),
  }),
  outgoingAnswers: route({
    ...internal,
    id: 'gateway.outgoing-answers',
    method: 'GET',
    path: '/api/gateway/outgoing/answers',
    access: watchers,
    summary: 'Answers flagged or stopped, newest first; the last 20,000 are kept',
    query: z.strictObject({ ...Page, site: Site.optional(), decision: OutgoingAnswer.shape.decision.optional() }),
    response: pageOf(OutgoingAnswer),
  }),
  rates: route({
    ...internal,
    id: 'gateway.rates',
    method: 'GET',
    path: '/api/gateway/rates',
    access: watchers,
    summary: 'What each limit turned away, by the hour; most first',
    query: z.strictObject({ ...Page, ...Span, site: Site.optional() }),
    response: z.strictObject({
      ...pageOf(
        z.strictObject({
          site: z.string(),
          /** `login` of the site, `login` of a route. */
          limit: z.string(),
          route: z.string().nullable(),
          total: z.int(),
          /** One count an hour of the span, oldest first. */
          hours: z.array(z.int()),
        }),
      ).shape,
      ...span,
      hourMs: z.int(),
    }),
  }),
  turned: route({
    ...internal,
    id: 'gateway.turned',
    method: 'GET',
    path: '/api/gateway/turned',
    access: watchers,
    summary: 'Requests answered by the gateway without a rule, by site and reason, by the hour; most first',
    query: z.strictObject({ ...Page, ...Span, site: Site.optional() }),
    response: z.strictObject({
      ...pageOf(
        z.strictObject({
          /** Null: before any site was known. */
          site: z.string().nullable(),
          /** shape, size, slow, host, model, limit, ban, room, queue, failed, maintenance */
          by: z.string(),
          total: z.int(),
          hours: z.array(z.int()),
        }),
      ).shape,
      ...span,
      hourMs: z.int(),
    }),
  }),
} as const
