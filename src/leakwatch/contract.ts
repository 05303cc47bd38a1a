import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { At, Clock, Page, pageOf, Sentence } from '../kit/listing.ts'

const internal = { listener: 'internal' } as const
const officers = { roles: ['inspector'] } as const

export const WHAT = ['leak', 'trading', 'spam-calls', 'use-without-consent', 'impersonation', 'other'] as const
export const STATES = ['received', 'in-work', 'question', 'answered', 'closed'] as const
export const ReportId = z.string().regex(/^rep_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected the id of a report')
/** 80 bits, `7Q4K-2MXB-9D0R-HT5W`; read generously: small letters, blanks, O for 0. */
const Code = z.string().trim().min(1).max(40)

const Head = z.strictObject({
  id: ReportId,
  what: z.enum(WHAT),
  /** The organisation it is about, as the citizen named it. */
  about: z.string(),
  state: z.enum(STATES),
  receivedAt: At,
  clocks: z.array(Clock),
  officer: z.string().nullable(),
  unread: z.boolean(),
})
const Message = z.strictObject({ at: At, from: z.enum(['citizen', 'officer']), text: z.string() })

export const leakwatchRoutes = {
  list: route({
    ...internal,
    id: 'leakwatch.list',
    method: 'GET',
    path: '/api/reports',
    access: officers,
    summary: 'Reports of citizens: open ones by nearest deadline; reading the list is recorded',
    query: z.strictObject({ ...Page, state: z.enum(STATES).optional(), what: z.enum(WHAT).optional() }),
    response: pageOf(Head),
  }),
  one: route({
    ...internal,
    id: 'leakwatch.one',
    method: 'GET',
    path: '/api/reports/:id',
    access: officers,
    summary: 'One report with its conversation; opening it is recorded',
    params: z.strictObject({ id: ReportId }),
    response: z.strictObject({ ...Head.shape, when: z.string(), story: z.string(), messages: z.array(Message) }),
  }),
  take: route({
    ...internal,
    id: 'leakwatch.take',
    method: 'POST',
    path: '/api/reports/:id/take',
    access: officers,
    summary: 'Take a report into work',
    params: z.strictObject({ id: ReportId }),
    response: Head,
  }),
  ask: route({
    ...internal,
    id: 'leakwatch.ask',
    method: 'POST',
    path: '/api/reports/:id/questions',
    access: officers,
    summary: 'Ask the citizen; they answer with their code',
    params: z.strictObject({ id: ReportId }),
    body: z.strictObject({ text: Sentence }),
    response: Head,
  }),
  close: route({
    ...internal,
    id: 'leakwatch.close',
    method: 'POST',
    path: '/api/reports/:id/close',
    access: officers,
    summary: 'Close with an outcome and a sentence for the citizen',
    params: z.strictObject({ id: ReportId }),
    body: z.strictObject({
      outcome: z.enum(['passed-on', 'violation-found', 'no-violation', 'not-enough']),
      text: Sentence,
    }),
    response: Head,
  }),
  /** Citizen pages. */
  form: route({
    listener: 'public',
    kind: 'page',
    id: 'leakwatch.form',
    method: 'GET',
    path: '/report',
    access: { open: true },
    summary: 'Report a leak or misuse of personal data: the form',
    query: z.strictObject({}),
  }),
  send: route({
    listener: 'public',
    kind: 'page',
    id: 'leakwatch.send',
    method: 'POST',
    path: '/report',
    access: { open: true },
    summary: 'Report a leak or misuse; answers the receipt code, once',
    body: z.strictObject({
      what: z.enum(WHAT),
      about: z.string().trim().min(2).max(200),
      when: z.string().trim().max(100).default(''),
      story: z.string().trim().min(10).max(8_000),
      /** The ticket that came with the form, and the answer to its puzzle; without script, the time that passed counts. */
      ticket: z.string().min(1).max(400),
      answer: z.string().max(100).default(''),
    }),
  }),
  follow: route({
    listener: 'public',
    kind: 'page',
    id: 'leakwatch.follow',
    method: 'GET',
    path: '/report/follow',
    access: { open: true },
    summary: 'Type the receipt code: the form',
    query: z.strictObject({}),
  }),
  state: route({
    listener: 'public',
    kind: 'page',
    id: 'leakwatch.state',
    method: 'POST',
    path: '/report/follow',
    access: { open: true },
    summary: 'The state of a report, its questions and its end',
    body: z.strictObject({ code: Code }),
  }),
  reply: route({
    listener: 'public',
    kind: 'page',
    id: 'leakwatch.reply',
    method: 'POST',
    path: '/report/reply',
    access: { open: true },
    summary: 'Answer a question of the officer',
    body: z.strictObject({ code: Code, text: z.string().trim().min(1).max(4_000) }),
  }),
} as const
