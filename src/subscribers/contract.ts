import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { At, Page, pageOf } from '../kit/listing.ts'

const internal = { listener: 'internal' } as const
const watchers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
const analysts = { roles: ['analyst'] } as const

export const InfectionId = z.string().regex(/^inf_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected the id of an infection')
/** Address + port + time → subscriber; never guessed. */
export const ATTRIBUTIONS = ['attributed', 'ambiguous', 'not-attributable', 'outside'] as const
export const Attribution = z.strictObject({
  result: z.enum(ATTRIBUTIONS),
  /** Token of the subscriber, only when attributed. */
  subscriber: z.string().nullable(),
  /** How many subscribers the logs allow; 1 when attributed. */
  candidates: z.int(),
  /** Why not, as a stable code: `no-port`, `log-gap`, `overlap`, `clock`, `no-record`, `not-ours`. */
  why: z.string().nullable(),
})
export type Attribution = z.output<typeof Attribution>

/** A device of a subscriber that itself contacted a listed host. */
export const Infection = z.strictObject({
  id: InfectionId,
  indicator: z.string(),
  /** The host or address it contacted. */
  contacted: z.string(),
  subscriber: z.string().nullable(),
  attribution: Attribution,
  first: At,
  last: At,
  /** How many events showed it. */
  sightings: z.int(),
  state: z.enum(['found', 'warned', 'not-theirs', 'clean', 'unattributed', 'held']),
  notice: z.string().nullable(),
})
export type Infection = z.output<typeof Infection>

export const Notice = z.strictObject({
  id: z.string(),
  infection: InfectionId,
  subscriber: z.string(),
  channel: z.enum(['email']),
  state: z.enum(['waiting', 'sending', 'sent', 'failed', 'held', 'dry-run']),
  /** Why it is held: `kill-switch`, `cap`, `no-contact`, `no-mail`, `in-doubt`, `attribution-changed`, `not-theirs`, `clean`. */
  why: z.string().nullable(),
  at: At,
  sentAt: At.nullable(),
  tries: z.int(),
  confirmedAt: At.nullable(),
})
export const Warning = z.strictObject({
  /** `on`: warnings are sent; `dry-run`: written but not sent; `off`: nothing leaves. */
  mode: z.enum(['on', 'dry-run', 'off']),
  /** Most notices a day. */
  cap: z.int().min(0).max(1_000_000),
  /** Days without a sighting after which an infection counts as clean. */
  cleanAfterDays: z.int().min(1).max(90),
})
const Gap = z.strictObject({ device: z.string(), from: At, to: At })
const PortLog = z.strictObject({
  id: z.string(),
  name: z.string(),
  importedAt: At,
  rows: z.int(),
  refused: z.int(),
  from: At.nullable(),
  to: At.nullable(),
  gaps: z.array(Gap),
})

export const subscriberRoutes = {
  summary: route({
    ...internal,
    id: 'subscribers.summary',
    method: 'GET',
    path: '/api/subscribers/summary',
    access: watchers,
    summary: 'Figures of warning: found, attributed, warned, confirmed, clean',
    response: z.strictObject({
      found: z.int(),
      attribution: z.record(z.enum(ATTRIBUTIONS), z.int()),
      states: z.record(z.string(), z.int()),
      noticesToday: z.int(),
      confirmed: z.int(),
      warning: Warning,
      matcher: z.strictObject({
        indicators: z.int(),
        version: z.int(),
        eventsSeen: z.int(),
        hits: z.int(),
        /** Hits that could not be told because the way to the node was full. */
        dropped: z.int(),
        /** Indicators whose past day was searched since the node began, those that wait for it, and searches cut short. */
        searched: z.int(),
        waiting: z.int(),
        cut: z.int(),
      }),
    }),
  }),
  infections: route({
    ...internal,
    id: 'subscribers.infections',
    method: 'GET',
    path: '/api/subscribers/infections',
    access: watchers,
    summary: 'Infected devices, newest first; subscribers as tokens',
    query: z.strictObject({
      ...Page,
      state: Infection.shape.state.optional(),
      result: z.enum(ATTRIBUTIONS).optional(),
      indicator: z.string().max(120).optional(),
    }),
    response: pageOf(Infection),
  }),
  infection: route({
    ...internal,
    id: 'subscribers.infection',
    method: 'GET',
    path: '/api/subscribers/infections/:id',
    access: watchers,
    summary: 'One infection: what was seen, how it was attributed, what was sent',
    params: z.strictObject({ id: InfectionId }),
    response: z.strictObject({
      ...Infection.shape,
      seen: z.array(
        z.strictObject({
          event: z.string(),
          at: At,
          address: z.string(),
          port: z.int().nullable(),
          kind: z.string(),
          result: z.enum(ATTRIBUTIONS),
        }),
      ),
      notices: z.array(Notice),
    }),
  }),
  notices: route({
    ...internal,
    id: 'subscribers.notices',
    method: 'GET',
    path: '/api/subscribers/notices',
    access: watchers,
    summary: 'Notices, newest first',
    query: z.strictObject({ ...Page, state: Notice.shape.state.optional() }),
    response: pageOf(Notice),
  }),
  preview: route({
    ...internal,
    id: 'subscribers.preview',
    method: 'GET',
    path: '/api/subscribers/infections/:id/preview',
    access: watchers,
    summary: 'The text a subscriber would read, without contact and without a valid code',
    params: z.strictObject({ id: InfectionId }),
    response: z.strictObject({ subject: z.string(), text: z.string() }),
  }),
  warning: route({
    ...internal,
    id: 'subscribers.warning',
    method: 'PUT',
    path: '/api/subscribers/warning',
    access: analysts,
    summary: 'Switch warning on, to a dry run or off; set the cap',
    body: Warning,
    response: Warning,
  }),
  portLogs: route({
    ...internal,
    id: 'subscribers.port-logs',
    method: 'GET',
    path: '/api/subscribers/port-logs',
    access: watchers,
    summary: 'Imported port-block logs and the gaps in them',
    response: z.strictObject({ items: z.array(PortLog), rows: z.int() }),
  }),
  importPortLog: route({
    ...internal,
    id: 'subscribers.import-port-log',
    method: 'POST',
    path: '/api/subscribers/port-logs',
    access: { roles: ['analyst'], scope: 'subscribers:write' },
    bytes: true,
    maxBody: 64 * 1024 * 1024,
    summary:
      'Import a port-block log: CSV with head address,port_from,port_to,subscriber,start,end,device; empty end = still running; answers per line what was refused',
    response: z.strictObject({
      id: z.string(),
      rows: z.int(),
      refused: z.int(),
      errors: z.array(z.strictObject({ line: z.int(), field: z.string(), detail: z.string() })),
      gaps: z.array(Gap),
    }),
  }),
  attribute: route({
    ...internal,
    id: 'subscribers.attribute',
    method: 'POST',
    path: '/api/subscribers/attribute',
    access: analysts,
    summary: 'Ask who held an address and port at a time; answers a token, and the question is recorded',
    body: z.strictObject({
      address: z.union([z.ipv4(), z.ipv6()]),
      port: z.int().min(0).max(65_535).nullable(),
      at: At,
      reason: z.string().trim().min(1).max(80),
    }),
    response: Attribution,
  }),
  contacts: route({
    ...internal,
    id: 'subscribers.contacts',
    method: 'POST',
    path: '/api/subscribers/contacts',
    access: { scope: 'subscribers:write' },
    once: true,
    maxBody: 4 * 1024 * 1024,
    summary: 'Put the contacts of subscribers into the vault, under the token the port-block logs use',
    body: z.strictObject({
      items: z
        .array(
          z.strictObject({
            subscriber: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected the reference your logs use'),
            name: z.string().min(1).max(120),
            email: z.string().min(3).max(254),
            language: z.enum(['vi', 'en']).default('vi'),
          }),
        )
        .min(1)
        .max(500),
    }),
    response: z.strictObject({
      items: z.array(
        z.union([
          z.strictObject({ ok: z.literal(true) }),
          z.strictObject({ ok: z.literal(false), code: z.string(), detail: z.string() }),
        ]),
      ),
    }),
  }),
  /** Citizen pages, public, without script. */
  confirmForm: route({
    listener: 'public',
    kind: 'page',
    id: 'subscribers.confirm-form',
    method: 'GET',
    path: '/warning',
    access: { open: true },
    summary: 'A person who got a warning types its code: is it really from us?',
    query: z.strictObject({}),
  }),
  confirm: route({
    listener: 'public',
    kind: 'page',
    id: 'subscribers.confirm',
    method: 'POST',
    path: '/warning',
    access: { open: true },
    summary: 'Say whether we sent the warning with this code, and what to do now',
    body: z.strictObject({ code: z.string().trim().min(1).max(40) }),
  }),
  notTheirs: route({
    listener: 'public',
    kind: 'page',
    id: 'subscribers.not-theirs',
    method: 'POST',
    path: '/warning/not-mine',
    access: { open: true },
    summary: '"This is not my device": the warning stops and a person looks at the attribution',
    body: z.strictObject({ code: z.string().trim().min(1).max(40) }),
  }),
} as const
