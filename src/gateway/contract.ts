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
  /** Where the rule stands; null for a refusal kept by an earlier version. */
  file: z.string().nullable(),
  line: z.int().nullable(),
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
  /** Name of the site, and the path of its route; null for the site's own settings, or for one kept by an earlier version. */
  site: z.string().nullable(),
  route: z.string().nullable(),
  /** What stands for the account in bans; null when the request named none. */
  account: z.string().nullable(),
  /** Heaviest first. */
  matches: z.array(Match),
  /** Every rule that matched and logs, in order, once a match, at most 200. */
  ruleIds: z.array(z.int()),
})
export type RefusalView = z.output<typeof RefusalView>

const Address = z.string().regex(/^[0-9A-Fa-f:.]{2,45}$/, 'expected an address')
const Rule = z.coerce.number().int().min(1).max(99_999_999)

const Host = z
  .string()
  .regex(
    /^(?:\*|(?:\*\.)?(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*|\[[0-9a-f:]{2,39}\])$/,
    'expected a host name in small letters, *.example.vn, or * for any',
  )
const Origin = z
  .string()
  .regex(
    /^https?:\/\/(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:]{2,39}\])(?::\d{1,5})?$/,
    'expected an origin such as http://127.0.0.1:3000, without a path',
  )
const Range = z
  .string()
  .regex(/^[0-9A-Fa-f:.]{2,45}(?:\/\d{1,3})?$/, 'expected an address or a range such as 10.0.0.0/8')
export const Name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected small letters, digits and dashes')
const Token = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^`|~-]{1,64}$/, 'expected a header or cookie name')
export const Mode = z.enum(['block', 'detect', 'off'])
const RuleId = z.int().min(1).max(998_999_999)
const SecLang = z.string().max(65_536)
const Paranoia = z.int().min(1).max(4)
const Threshold = z.int().min(1).max(100_000)
const Body = z.strictObject({
  /** Bytes held and inspected. */
  limit: z.int().min(0).max(134_217_728),
  /** A longer body is answered 413, or its first `limit` bytes are inspected and the rest passes. */
  beyond: z.enum(['reject', 'pass']).default('reject'),
})

/**
 * At most so many requests in so many seconds, evenly, with `burst` at once (default: `requests`). `account`: one who sends
 * the account's cookie or header; `client`: address and account, or, without an account, address and kind of browser, so
 * that nobody is stopped for an IPv4 address shared with others; `route`: everybody together.
 */
export const RateLimit = z.strictObject({
  name: Name,
  per: z.enum(['account', 'client', 'route']),
  requests: z.int().min(1).max(1_000_000),
  seconds: z.int().min(1).max(86_400),
  burst: z.int().min(1).max(1_000_000).optional(),
})
export type RateLimit = z.output<typeof RateLimit>

/** What leaves with answers: `flag` counts and tells, `stop` also keeps an answer about more than `subjects` people back. */
export const Outgoing = z.strictObject({
  policy: z.enum(['off', 'flag', 'stop']),
  subjects: z.int().min(1).max(1_000_000),
})
export type Outgoing = z.output<typeof Outgoing>

/**
 * A check for who tries too often: a small sum for a script, a wait without one. Those who have behaved before have `free` tries of their own;
 * newcomers behind one address share `newcomers`.
 */
export const Challenge = z.strictObject({
  /** Requests that count; others of the route go on. */
  methods: z
    .array(z.string().regex(/^[A-Z]{1,20}$/))
    .min(1)
    .max(20)
    .default(['POST']),
  /** `failures`: only what the application answers with one of `failures` uses tries up; `all`: every request does. */
  counts: z.enum(['failures', 'all']).default('failures'),
  failures: z.array(z.int().min(200).max(499)).max(20).default([401, 403, 422, 429]),
  free: z.int().min(1).max(1_000).default(5),
  newcomers: z.int().min(1).max(100_000).default(50),
  minutes: z.int().min(1).max(1_440).default(10),
  /** Leading zero bits of the first sum: 16 is about 65,000 tries, a second of a phone. It grows with what was solved on a line. */
  bits: z.int().min(8).max(20).default(16),
  /**
   * Tries of one account, whoever makes them: `field` of the query, form or JSON names it, and past `tries` in `minutes`
   * (three times that in a day) each needs a check of its own; browsers that were in that account before have `free` of their own.
   */
  account: z
    .strictObject({ field: z.string().min(1).max(100), tries: z.int().min(1).max(1_000).default(10) })
    .optional(),
})
export type Challenge = z.output<typeof Challenge>

/**
 * A list of SHA-1 hashes of breached passwords on the gateway's machine, one a line and sorted. A form or JSON object whose `field` is in it
 * goes on with the header `X-Khien-Password-Breached: 1`; the application decides what follows.
 */
export const BreachedPasswords = z.strictObject({
  field: z.string().min(1).max(100),
  file: z.string().min(1).max(500),
})

/** What one path of a site asks for; what is not given is the site's. */
export const Route = z.strictObject({
  /** `/api/*` one segment, `/api/**` all below; the first that fits a request counts. */
  path: z.string().regex(/^\/[^\s?#\\]{0,255}$/, 'expected a path such as /api/**'),
  methods: z
    .array(z.string().regex(/^[A-Z]{1,20}$/))
    .min(1)
    .max(20)
    .optional(),
  contentTypes: z
    .array(z.string().regex(/^[a-z0-9.+*-]{1,60}\/[a-z0-9.+*-]{1,80}$/))
    .min(1)
    .max(50)
    .optional(),
  /** JSON Schema (draft 2020-12) that a JSON body must fit. */
  schema: z.record(z.string(), z.unknown()).optional(),
  mode: Mode.optional(),
  paranoia: Paranoia.optional(),
  threshold: Threshold.optional(),
  body: Body.optional(),
  rateLimits: z.array(RateLimit).max(10).optional(),
  challenge: Challenge.optional(),
  breachedPasswords: BreachedPasswords.optional(),
  outgoing: Outgoing.optional(),
  /** SecLang that takes rules or targets away: `before` with ctl, `after` with SecRuleRemoveById and its kin. */
  exclusions: z.strictObject({ before: SecLang.optional(), after: SecLang.optional() }).optional(),
  /** SecLang run before the rules. */
  virtualPatches: SecLang.optional(),
})
export type Route = z.output<typeof Route>

/**
 * What a rule no longer looks at, on which paths: the narrowest thing a person can allow. Written to SecLang by the worker.
 * `number` makes the SecLang id 999,000,000 + number.
 */
export const RuleExclusion = z.strictObject({
  id: z.string().regex(/^exc_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected an id such as exc_…'),
  number: z.int().min(1).max(899_999),
  /** As a route's path: `/orders/*` one segment, `/orders/**` all below. */
  path: z.string().regex(/^\/[A-Za-z0-9._~!$&'()*+,;=:@/-]{0,255}$/, 'expected a path such as /orders/*'),
  rule: z.int().min(1).max(998_999_999),
  /** `ARGS:name`, `REQUEST_COOKIES:/^_ga/`; null: the whole rule, where no place can be told apart. */
  target: z
    .string()
    .regex(/^[A-Z_]{1,40}(?::[A-Za-z0-9_.[\]/^$*\\-]{1,120})?$/, 'expected a place such as ARGS:name')
    .nullable(),
  /** No longer counts from then on. */
  until: At.optional(),
})
export type RuleExclusion = z.output<typeof RuleExclusion>

export const Site = z.strictObject({
  name: Name,
  hosts: z.array(Host).min(1).max(200),
  upstreams: z.array(z.strictObject({ url: Origin, weight: z.int().min(1).max(1_000).default(1) })).max(50),
  /** PEM files, or a certificate fetched and renewed through ACME. */
  tls: z
    .union([
      z.strictObject({ certificate: z.string().min(1).max(500), key: z.string().min(1).max(500) }),
      z.strictObject({ acme: z.literal(true) }),
    ])
    .optional(),
  httpsRedirect: z.boolean().default(false),
  mode: Mode.default('block'),
  /** `mirror`: copies of requests; judged, answered 204 at once, never passed on. */
  placement: z.enum(['front', 'behind', 'mirror']).default('front'),
  /** When a request cannot be judged because something failed here: let it pass (true) or answer 503. */
  failOpen: z.boolean().default(false),
  maintenance: z.boolean().default(false),
  trustedProxies: z.array(Range).max(500).default([]),
  /** Which cookie or header tells accounts apart. */
  account: z.union([z.strictObject({ cookie: Token }), z.strictObject({ header: Token })]).optional(),
  ruleSet: Name.default('default'),
  paranoia: Paranoia.optional(),
  threshold: Threshold.optional(),
  body: Body.default({ limit: 10_485_760, beyond: 'reject' }),
  rateLimits: z.array(RateLimit).max(10).default([]),
  outgoing: Outgoing.default({ policy: 'off', subjects: 100 }),
  exclusions: Route.shape.exclusions,
  virtualPatches: SecLang.optional(),
  ruleExclusions: z.array(RuleExclusion).max(1_000).default([]),
  /** Rules that only watch here: what they alone would have refused goes on, and is kept as observed. */
  watched: z.array(RuleId).max(200).default([]),
  /** A rule that suddenly refuses many ordinary clients becomes a watched one by itself. */
  watchSudden: z.boolean().default(true),
  /** Keeps a sample of whole requests, sealed, for dry runs; nothing is kept unless told here. */
  keep: z.strictObject({ share: z.number().gt(0).max(1), days: z.int().min(1).max(7) }).optional(),
  routes: z.array(Route).max(500).default([]),
})
export type Site = z.output<typeof Site>

/** Files and folders on the gateway's machine, read in this order; of a folder its `.conf` files by name. */
export const RuleSet = z.strictObject({
  name: Name,
  setup: z.array(z.string().min(1).max(500)).max(20).default([]),
  rules: z.array(z.string().min(1).max(500)).max(100),
})
export type RuleSet = z.output<typeof RuleSet>

/** Who is kept out until when. An IPv4 address may be many people's: it needs a port, or an account beside it. */
export const Ban = z
  .strictObject({
    address: z
      .string()
      .regex(/^[0-9A-Fa-f:.]{2,45}(?:\/\d{1,3})?$/)
      .optional(),
    port: z.int().min(1).max(65_535).optional(),
    /** `accountMark` of the cookie's or header's value. */
    account: z
      .string()
      .regex(/^[A-Za-z0-9_-]{22}$/)
      .optional(),
    until: At,
  })
  .refine(
    ({ address, port, account }) =>
      account !== undefined || (address !== undefined && (address.includes(':') || port !== undefined)),
    'an IPv4 address alone may be many people: give a port or an account',
  )
export type Ban = z.output<typeof Ban>

/** All a gateway worker needs to know of sites, rules and bans, as one document. */
export const GatewaySettings = z.strictObject({
  version: z.int().min(0),
  sites: z.array(Site).min(1).max(1_000),
  ruleSets: z.array(RuleSet).min(1).max(50),
  bans: z.array(Ban).max(100_000).default([]),
})
export type GatewaySettings = z.output<typeof GatewaySettings>

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
      site: z.string().max(40).optional(),
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
