import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { At, Clock, Page, pageOf, Sentence } from '../kit/listing.ts'

const internal = { listener: 'internal' } as const
const watchers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
const analysts = { roles: ['analyst'] } as const

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const
const Severity = z.enum(SEVERITIES)
export const CaseId = z.string().regex(/^VV-\d{4}-\d{4,6}$/, 'expected a case number such as VV-2026-0093')
const params = z.strictObject({ id: CaseId })
const Title = z.string().trim().min(3).max(200)

/** The same shape as an observable of an alert; a contract imports no other slice. */
const Seen = z.strictObject({
  kind: z.enum(['address', 'domain', 'url', 'account', 'service-key', 'sha256']),
  value: z.string().trim().min(1).max(300),
  port: z.int().min(0).max(65_535).nullable().default(null),
  role: z.enum(['attacker', 'callback', 'target', 'seen']).default('seen'),
})
const CaseObservable = z.strictObject({ ...Seen.shape, id: z.string(), addedAt: At, indicator: z.string().nullable() })
const Task = z.strictObject({
  id: z.string(),
  title: z.string(),
  doneAt: At.nullable(),
  doneBy: z.string().nullable(),
})
/** One thing that happened: by a person, by us, at a platform, a telecom or an authority. */
const Entry = z.strictObject({
  at: At,
  actor: z.string(),
  who: z.enum(['person', 'system', 'platform', 'telecom', 'authority']),
  kind: z.enum([
    'opened',
    'taken',
    'alert',
    'note',
    'observable',
    'task',
    'task-done',
    'severity',
    'serious',
    'reported',
    'shared',
    'sighting',
    'soc',
    'closed',
    'reopened',
  ]),
  /** What the kind speaks of: a task's title, an indicator's id, the text of a note. */
  text: z.string(),
})
export type Entry = z.output<typeof Entry>

const CaseHead = z.strictObject({
  id: CaseId,
  title: z.string(),
  severity: Severity,
  state: z.enum(['open', 'closed']),
  outcome: z.enum(['true-positive', 'false-positive', 'duplicate', 'indeterminate']).nullable(),
  owner: z.string().nullable(),
  ownerName: z.string().nullable(),
  openedAt: At,
  closedAt: At.nullable(),
  /** A serious incident in the sense of the law: both clocks run. */
  serious: z.boolean(),
  clocks: z.array(Clock),
  alerts: z.int(),
  openTasks: z.int(),
  from: z.string().nullable(),
})
export type CaseHead = z.output<typeof CaseHead>
export const Case = z.strictObject({
  ...CaseHead.shape,
  alertIds: z.array(z.string()),
  observables: z.array(CaseObservable),
  tasks: z.array(Task),
  timeline: z.array(Entry),
  /** What may not be done now, and why, in both languages: the button stays visible, dashed. */
  barred: z.array(
    z.strictObject({ act: z.enum(['close', 'share']), why: z.strictObject({ vi: z.string(), en: z.string() }) }),
  ),
})
export type Case = z.output<typeof Case>

const act = { ...internal, access: analysts, method: 'POST', params, response: Case } as const

export const caseRoutes = {
  list: route({
    ...internal,
    id: 'cases.list',
    method: 'GET',
    path: '/api/cases',
    access: watchers,
    summary: 'Cases: open ones by nearest deadline, then newest',
    query: z.strictObject({
      ...Page,
      state: z.enum(['open', 'closed']).optional(),
      owner: z.enum(['me', 'nobody']).optional(),
    }),
    response: pageOf(CaseHead),
  }),
  one: route({
    ...internal,
    id: 'cases.one',
    method: 'GET',
    path: '/api/cases/:id',
    access: watchers,
    summary: 'One case with its observables, tasks and timeline',
    params,
    response: Case,
  }),
  open: route({
    ...internal,
    id: 'cases.open',
    method: 'POST',
    path: '/api/cases',
    access: analysts,
    once: true,
    summary: 'Open a case, from an alert or by hand; who opens it owns it',
    body: z.strictObject({
      alert: z.string().max(40).optional(),
      title: Title.optional(),
      severity: Severity.optional(),
    }),
    response: Case,
  }),
  take: route({ ...act, id: 'cases.take', path: '/api/cases/:id/take', summary: 'Become the owner' }),
  join: route({
    ...act,
    id: 'cases.join',
    path: '/api/cases/:id/alerts',
    summary: 'Put another alert into the case',
    body: z.strictObject({ alert: z.string().max(40) }),
  }),
  note: route({
    ...act,
    id: 'cases.note',
    path: '/api/cases/:id/notes',
    summary: 'Write a note',
    body: z.strictObject({ text: Sentence }),
  }),
  observe: route({
    ...act,
    id: 'cases.observe',
    path: '/api/cases/:id/observables',
    summary: 'Add an observable',
    body: Seen,
  }),
  task: route({
    ...act,
    id: 'cases.task',
    path: '/api/cases/:id/tasks',
    summary: 'Add a task',
    body: z.strictObject({ title: Title }),
  }),
  done: route({
    ...act,
    id: 'cases.done',
    path: '/api/cases/:id/tasks/:task/done',
    summary: 'Tick a task off',
    params: z.strictObject({ id: CaseId, task: z.string().max(40) }),
  }),
  severity: route({
    ...act,
    id: 'cases.severity',
    path: '/api/cases/:id/severity',
    summary: 'Judge how severe it is',
    body: z.strictObject({ severity: Severity }),
  }),
  serious: route({
    ...act,
    id: 'cases.serious',
    path: '/api/cases/:id/serious',
    summary: 'Declare a serious incident: the clocks of 24 and 72 hours run from when it was detected',
    body: z.strictObject({ detectedAt: At.optional() }),
  }),
  reported: route({
    ...act,
    id: 'cases.reported',
    path: '/api/cases/:id/reported',
    summary: 'Say that the first or the full report was handed in, with its number',
    body: z.strictObject({
      which: z.enum(['incident.first', 'incident.full']),
      reference: z.string().trim().min(1).max(80),
    }),
  }),
  close: route({
    ...act,
    id: 'cases.close',
    path: '/api/cases/:id/close',
    summary: 'Close the case; not while a report the law asks for is missing',
    body: z.strictObject({ outcome: z.enum(['true-positive', 'false-positive', 'duplicate', 'indeterminate']) }),
  }),
  reopen: route({ ...act, id: 'cases.reopen', path: '/api/cases/:id/reopen', summary: 'Open a closed case again' }),
} as const
