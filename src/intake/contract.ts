import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { Subject } from '../kit/schema.ts'

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/

/** RFC 5952 text of an address; an IPv4-mapped one becomes the IPv4 it carries. Undefined when it is no address. */
export function canonicalAddress(text: string): string | undefined {
  if (IPV4.test(text)) return text
  if (text.length > 45 || !/^[0-9A-Fa-f:.]+$/.test(text) || !text.includes(':')) return undefined
  // The URL parser knows RFC 4291 and prints RFC 5952.
  const host = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1)
  const mapped = host === undefined ? null : /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host)
  if (!mapped) return host
  const [high, low] = [parseInt(mapped[1]!, 16), parseInt(mapped[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

const Address = z
  .string()
  .refine((text) => canonicalAddress(text) !== undefined, 'expected an IPv4 or IPv6 address')
  .transform((text) => canonicalAddress(text)!)
const Port = z.int().min(0).max(65_535)
const Count = z.int().min(0)
const Method = z.string().regex(/^[A-Z][A-Z_-]{0,19}$/, 'expected an HTTP method')
const Status = z.int().min(100).max(599)
/** A word of somebody's configuration: a collection, a purpose, a role. Nine digits in a row would be a phone or ID number. */
const Name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9._:/-]{0,63}$/, 'expected letters, digits, dot, dash, colon, slash; at most 64')
  .refine((text) => !/\d{9}/.test(text), 'holds nine digits in a row, as a phone or ID number does')
/** A WAF tag or place: `attack-sqli`, `ARGS:q`, `REQUEST_HEADERS:User-Agent`, with masked parts. */
const Label = z
  .string()
  .regex(/^[\w&•][\w.:/[\]•…&*-]{0,99}$/u, 'expected a name of at most 100 signs')
  .refine((text) => !/\d{6}/.test(text), 'holds six digits in a row')
/** `service:svc_…`, `staff:stf_…`, `nobody`. */
const Actor = z.string().regex(/^(?:nobody|[a-z]{1,20}:[A-Za-z0-9_-]{1,64})$/, 'expected an id such as service:svc_1')
const Token = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected an id of at most 64 letters, digits, _ and -')
/** A DNS name, lower-cased, without the last dot (RFC 1035 §2.3.4 lengths; underscores as in RFC 8552). */
const DnsName = z
  .string()
  .transform((text) => text.toLowerCase().replace(/\.$/, ''))
  .refine(
    (text) =>
      text.length <= 253 &&
      /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/.test(text),
    'expected a DNS name',
  )
const CallbackHost = z
  .string()
  .transform((text) => canonicalAddress(text.replace(/^\[|\]$/g, '')) ?? text.toLowerCase().replace(/\.$/, ''))
  .refine(
    (text) => canonicalAddress(text) !== undefined || DnsName.safeParse(text).success,
    'expected an address or a DNS name',
  )
/** Masked before anything is written, as is a path. */
const Host = z.string().max(300)
const Path = z.string().min(1).max(4_000)
const Result = z.enum(['allowed', 'refused'])

const common = {
  /**
   * Given by the sender, else derived from batch id and line. A given one is kept behind eight signs that stand for the
   * sender (`7Q4K2MXB-1`), and as its digest where the whole would be longer than 64 signs: ids of two senders never meet.
   */
  id: z
    .string()
    .regex(/^[\x21-\x7e]{1,64}$/, 'expected 1 to 64 visible ASCII signs')
    .optional(),
  /** UTC ISO 8601 or milliseconds since the epoch. */
  time: z.union([z.int().min(0), z.iso.datetime().transform((text) => Date.parse(text))]),
}
const request = {
  requestId: Token,
  clientAddress: Address,
  clientPort: Port,
  method: Method,
  host: Host,
  path: Path,
  status: Status,
}

/** One strict schema a kind: what a sender may say, in the names Sigma rules and searches use. */
export const EVENT_KINDS = {
  'gateway.access': z.strictObject({
    ...common,
    kind: z.literal('gateway.access'),
    ...request,
    bytesIn: Count,
    bytesOut: Count,
    ms: z.number().min(0),
  }),
  'gateway.refused': z.strictObject({
    ...common,
    kind: z.literal('gateway.refused'),
    ...request,
    score: z.number().min(0),
    threshold: z.number().min(0),
    mode: z.enum(['block', 'detect']),
    severity: Name,
    ruleIds: z.array(z.int().min(0).max(4_294_967_295)).max(50),
    tags: z.array(Label).max(60),
    places: z.array(Label).max(50),
    callbackHost: CallbackHost.optional(),
    callbackPort: Port.optional(),
  }),
  'session.login': z.strictObject({
    ...common,
    kind: z.literal('session.login'),
    /** Replaced by a token before anything is written. */
    account: z.string().min(1).max(256),
    role: Name.optional(),
    /** Absent where the sender does not know it: log-ins to the node itself. */
    clientAddress: Address.optional(),
    clientPort: Port.optional(),
    result: Result,
  }),
  'vault.read': z.strictObject({
    ...common,
    kind: z.literal('vault.read'),
    actor: Actor,
    /** Token of the person read; `subjects` when one event stands for several. */
    subject: Subject.optional(),
    collection: Name.optional(),
    fields: z.array(Name).max(40),
    purpose: Name.optional(),
    subjects: Count.optional(),
    result: Result,
  }),
  'dns.query': z.strictObject({
    ...common,
    kind: z.literal('dns.query'),
    clientAddress: Address,
    clientPort: Port.optional(),
    query: DnsName,
    type: z
      .string()
      .regex(/^[A-Z][A-Z0-9-]{0,15}$/, 'expected a record type such as AAAA')
      .optional(),
    answers: z.array(Address).max(16).optional(),
  }),
  'net.flow': z.strictObject({
    ...common,
    kind: z.literal('net.flow'),
    clientAddress: Address,
    clientPort: Port,
    serverAddress: Address,
    serverPort: Port,
    protocol: z.enum(['tcp', 'udp']),
    /** The name the client asked for (TLS SNI). */
    host: DnsName.optional(),
    bytesIn: Count.optional(),
    bytesOut: Count.optional(),
  }),
} as const
export type EventKind = keyof typeof EVENT_KINDS
export type EventInput = { [K in EventKind]: z.input<(typeof EVENT_KINDS)[K]> }[EventKind]
/** An event as it is kept and as the stream shows it: checked, canonical, without plaintext of a person. */
export type IntakeEvent = { [K in EventKind]: z.output<(typeof EVENT_KINDS)[K]> }[EventKind] & {
  readonly id: string
  /** Milliseconds, UTC. */
  readonly time: number
  readonly received: number
  readonly source: string
}

/** Why a line was not taken; `field` names what must change. */
export const REJECTIONS = ['size', 'json', 'kind', 'field', 'id', 'time', 'account'] as const
export type Rejection = (typeof REJECTIONS)[number]
const Rejected = z.strictObject({
  /** From 1. */
  line: z.int(),
  reason: z.enum(REJECTIONS),
  field: z.string(),
  detail: z.string(),
})
export const BatchAnswer = z.strictObject({
  batch: z.string(),
  accepted: z.int(),
  /** The first 100; a repeated batch answers counts only. */
  rejected: z.array(Rejected),
  rejectedTotal: z.int(),
  /** This batch was taken before; nothing was stored again. */
  duplicate: z.boolean(),
})
export type BatchAnswer = z.output<typeof BatchAnswer>

export const Ledger = z.strictObject({
  /** Lines of acknowledged batches = stored + summarised + rejected + pending, always. */
  received: z.int(),
  stored: z.int(),
  summarised: z.literal(0),
  rejected: z.partialRecord(z.enum(REJECTIONS), z.int()),
  /** Acknowledged, not yet in the event store. */
  pending: z.int(),
  /** Counted by the event store itself; null while it is away. */
  inStore: z.int().nullable(),
  /** The sums agree with each other and with the store, and no damaged segment lies aside. */
  balanced: z.boolean(),
  /** inStore − stored. */
  gap: z.int().nullable(),
  segments: z.strictObject({
    pending: z.int(),
    loaded: z.int(),
    retained: z.int(),
    bytes: z.int(),
    /** Set aside at a start as damaged: acknowledged events may be missing until it is restored or removed. */
    damaged: z.int(),
    /** Tails that a crash tore before they were acknowledged, kept aside. */
    torn: z.int(),
  }),
  /** Age of the oldest pending event. */
  lagMs: z.int(),
  /** Batches answered 503 since this process started. */
  refusedBatches: z.int(),
  /** Detection's reading of the stream. */
  stream: z.strictObject({ behind: z.int(), skipped: z.int(), failed: z.int() }),
})
export type Ledger = z.output<typeof Ledger>

/** An event as search answers it: the common fields, and those of its kind as they came. */
export const StoredEvent = z.looseObject({
  id: z.string(),
  time: z.iso.datetime(),
  received: z.iso.datetime(),
  kind: z.string(),
  source: z.string(),
})
export type StoredEvent = z.output<typeof StoredEvent>

/** Longest request of POST /api/events. */
export const LARGEST_BATCH = 4 * 1024 * 1024
export const MOST_LINES = 20_000
const watchers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
const internal = { listener: 'internal' } as const
const span = {
  /** Included. Default: 24 hours before `to`. */
  from: z.iso.datetime().optional(),
  /** Excluded. Default: now. */
  to: z.iso.datetime().optional(),
  /** `kind:gateway.refused clientAddress:198.18.0.0/15 -status:403 path:*login*` */
  q: z.string().max(2_000).optional(),
}
const Span = { from: z.iso.datetime(), to: z.iso.datetime() }

export const intakeRoutes = {
  post: route({
    ...internal,
    id: 'events.post',
    method: 'POST',
    path: '/api/events',
    access: { scope: 'events:write' },
    summary: 'Events as NDJSON, one object a line; answered after they are durable. Idempotency-Key names the batch',
    query: z.strictObject({}),
    maxBody: LARGEST_BATCH,
    bytes: true,
    response: BatchAnswer,
  }),
  search: route({
    ...internal,
    id: 'events.search',
    method: 'GET',
    path: '/api/events',
    access: watchers,
    summary: 'Events, newest first',
    query: z.strictObject({
      ...span,
      limit: z.coerce.number().int().min(1).max(1_000).default(100),
      cursor: z.string().max(200).optional(),
    }),
    response: z.strictObject({ ...Span, events: z.array(StoredEvent), next: z.string().nullable() }),
  }),
  histogram: route({
    ...internal,
    id: 'events.histogram',
    method: 'GET',
    path: '/api/events/histogram',
    access: watchers,
    summary: 'Counts over time, by kind or another field',
    query: z.strictObject({
      ...span,
      buckets: z.coerce.number().int().min(1).max(400).default(60),
      by: z.string().max(40).optional(),
    }),
    response: z.strictObject({
      ...Span,
      bucketMs: z.int(),
      /** Every bucket that is not empty; `by` the ten largest values, the rest as null. */
      buckets: z.array(z.strictObject({ at: z.iso.datetime(), by: z.string().nullable(), count: z.int() })),
      total: z.int(),
    }),
  }),
  top: route({
    ...internal,
    id: 'events.top',
    method: 'GET',
    path: '/api/events/top',
    access: watchers,
    summary: 'The most frequent values of one field',
    query: z.strictObject({
      ...span,
      field: z.string().max(40),
      limit: z.coerce.number().int().min(1).max(100).default(20),
    }),
    response: z.strictObject({
      ...Span,
      values: z.array(z.strictObject({ value: z.string(), count: z.int() })),
      total: z.int(),
    }),
  }),
  ledger: route({
    ...internal,
    id: 'events.ledger',
    method: 'GET',
    path: '/api/events/ledger',
    access: watchers,
    summary: 'received = stored + summarised + rejected + pending',
    query: z.strictObject({}),
    response: Ledger,
  }),
  one: route({
    ...internal,
    id: 'events.one',
    method: 'GET',
    path: '/api/events/:id',
    access: watchers,
    summary: 'One event',
    params: z.strictObject({ id: z.string().regex(/^[\x21-\x7e]{1,64}$/) }),
    query: z.strictObject({}),
    response: StoredEvent,
  }),
} as const
