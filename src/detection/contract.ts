import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { At, Page, pageOf } from '../kit/listing.ts'

const internal = { listener: 'internal' } as const
const watchers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
const analysts = { roles: ['analyst'] } as const

export const LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const
export const Level = z.enum(LEVELS)
export const OBSERVABLE_KINDS = ['address', 'domain', 'url', 'account', 'service-key', 'sha256'] as const
/** What was seen. `attacker`: it attacked; `callback`: an attack wanted our side to contact it; `target`: what was attacked. */
export const Observable = z.strictObject({
  kind: z.enum(OBSERVABLE_KINDS),
  value: z.string().min(1).max(300),
  port: z.int().min(0).max(65_535).nullable().default(null),
  role: z.enum(['attacker', 'callback', 'target', 'seen']).default('seen'),
})
export type Observable = z.output<typeof Observable>

export const AlertId = z.string().regex(/^alr_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected the id of an alert')
export const Alert = z.strictObject({
  id: AlertId,
  rule: z.string(),
  title: z.string(),
  level: Level,
  /** What the rule counted by: `{ clientAddress: '203.0.113.7' }`. */
  group: z.record(z.string(), z.string()),
  first: At,
  last: At,
  /** How many times the rule came true for this group while the alert was open. */
  count: z.int(),
  state: z.enum(['new', 'case', 'dismissed']),
  case: z.string().nullable(),
  observables: z.array(Observable),
  /** Ids of events that made it true, the newest 50. */
  events: z.array(z.string()),
  /** Sent by a platform that contracted this node as its SOC. */
  from: z.string().nullable(),
})
export type Alert = z.output<typeof Alert>

export const DetectionRule = z.strictObject({
  id: z.string(),
  title: z.string(),
  description: z.string(),
  kind: z.enum(['event', 'correlation']),
  level: Level,
  file: z.string(),
  /** Not alerting by itself: another rule counts it. */
  counted: z.boolean(),
  alerts: z.int(),
  last: At.nullable(),
})

export const detectionRoutes = {
  list: route({
    ...internal,
    id: 'detection.alerts',
    method: 'GET',
    path: '/api/detection/alerts',
    access: watchers,
    summary: 'Alerts, newest first',
    query: z.strictObject({
      ...Page,
      state: z.enum(['new', 'case', 'dismissed']).optional(),
      level: Level.optional(),
      rule: z.string().max(64).optional(),
    }),
    response: pageOf(Alert),
  }),
  one: route({
    ...internal,
    id: 'detection.alert',
    method: 'GET',
    path: '/api/detection/alerts/:id',
    access: watchers,
    summary: 'One alert',
    params: z.strictObject({ id: AlertId }),
    response: Alert,
  }),
  dismiss: route({
    ...internal,
    id: 'detection.dismiss',
    method: 'POST',
    path: '/api/detection/alerts/:id/dismiss',
    access: analysts,
    summary: 'Put an alert aside, with the reason',
    params: z.strictObject({ id: AlertId }),
    body: z.strictObject({ reason: z.enum(['false-positive', 'expected', 'duplicate']) }),
    response: Alert,
  }),
  rules: route({
    ...internal,
    id: 'detection.rules',
    method: 'GET',
    path: '/api/detection/rules',
    access: watchers,
    summary: 'Rules that watch the events, with what they found',
    response: z.strictObject({
      items: z.array(DetectionRule),
      /** How far detection is: events it has seen, event time it has reached, milliseconds since the newest event. */
      seen: z.int(),
      until: At.nullable(),
      behindMs: z.int().nullable(),
      /** Events a rule could not decide, and correlation groups given up for want of room. */
      undecided: z.int(),
      groupsDropped: z.int(),
    }),
  }),
  live: route({
    ...internal,
    id: 'detection.live',
    kind: 'stream',
    method: 'GET',
    path: '/api/detection/live',
    access: watchers,
    summary: 'Alerts as they come: server-sent events `alert` with one Alert each',
  }),
} as const
