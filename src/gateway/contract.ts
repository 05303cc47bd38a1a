import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { At, Page, pageOf, Sentence } from '../kit/listing.ts'

const watchers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
const administrator = { roles: ['administrator'] } as const
const readers = { roles: ['administrator', 'auditor'] } as const
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
const Name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected small letters, digits and dashes')
const Token = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^`|~-]{1,64}$/, 'expected a header or cookie name')
const Mode = z.enum(['block', 'detect', 'off'])
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

/** One version of the settings: who made it, when, why, and what changed since the one before. */
export const VersionView = z.strictObject({
  version: z.int(),
  at: At,
  /** Actor id: `staff:…`, or `node` for what the node did by itself. */
  by: z.string(),
  /** What a person wrote; for what the node did, a code: `seeded`, `sudden`, `expired`. */
  reason: z.string(),
  /** In words, in both languages; at most 50, `more` counts the rest. */
  changes: z.array(z.strictObject({ vi: z.string(), en: z.string() })),
  more: z.int(),
})
export type VersionView = z.output<typeof VersionView>

/** The version a person looked at; another's change in between answers 409 `gateway/changed`. */
const version = z.int().min(0)
const change = { reason: Sentence, version }
const named = z.strictObject({ name: Name })
const SiteRow = z.strictObject({
  name: Name,
  hosts: z.array(z.string()),
  upstreams: z.array(z.string()),
  mode: Mode,
  placement: z.enum(['front', 'behind', 'mirror']),
  failOpen: z.boolean(),
  maintenance: z.boolean(),
  tls: z.enum(['none', 'files', 'acme']),
  ruleSet: z.string(),
  routes: z.int(),
  exclusions: z.int(),
  watched: z.int(),
  keeps: z.boolean(),
  /** Kept refusals of the last 24 hours: stopped, and only observed. */
  refused: z.int(),
  observed: z.int(),
})
const BanView = z.strictObject({
  id: z.string().regex(/^ban_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected an id such as ban_…'),
  address: z.string().nullable(),
  port: z.int().nullable(),
  account: z.string().nullable(),
  until: At,
  at: At,
  by: z.string(),
  reason: z.string(),
})
export type BanView = z.output<typeof BanView>
/** Settings as a file: sites and rule sets, signed by the node that wrote it when it was unsealed. */
export const SettingsFile = z.strictObject({
  format: z.literal('khien-gateway-settings/1'),
  exportedAt: At,
  sites: GatewaySettings.shape.sites,
  ruleSets: GatewaySettings.shape.ruleSets,
  /** Ed25519 over the file without this field, as canonical JSON (RFC 8785); `key` is the raw public key, both base64url. */
  signature: z.strictObject({ key: z.string().max(60), value: z.string().max(120) }).optional(),
})
export type SettingsFile = z.output<typeof SettingsFile>
const LARGE = 4 << 20

export const settingsRoutes = {
  sites: route({
    ...internal,
    id: 'gateway.sites',
    method: 'GET',
    path: '/api/gateway/sites',
    access: watchers,
    summary: 'Sites the gateway stands before, by name, with what was refused on each in the last 24 hours',
    query: z.strictObject(Page),
    response: z.strictObject({
      ...pageOf(SiteRow).shape,
      /** 0: nothing kept yet; the workers run on the command line's. */
      version: z.int(),
      /** What each running worker has taken: the version, and whether it refused a newer one. */
      workers: z.array(z.strictObject({ pid: z.int(), version: z.int(), errors: z.int() })),
    }),
  }),
  site: route({
    ...internal,
    id: 'gateway.site',
    method: 'GET',
    path: '/api/gateway/sites/:name',
    access: readers,
    summary: 'One site, whole, and the version it is of',
    params: named,
    response: z.strictObject({ version: z.int(), site: Site }),
  }),
  putSite: route({
    ...internal,
    id: 'gateway.put-site',
    method: 'PUT',
    path: '/api/gateway/sites/:name',
    access: administrator,
    summary: 'Adds or changes a site; its rules are compiled first, and an error names field, file and line',
    params: named,
    maxBody: LARGE,
    body: z.strictObject({ site: Site, ...change }),
    response: VersionView,
  }),
  removeSite: route({
    ...internal,
    id: 'gateway.remove-site',
    method: 'POST',
    path: '/api/gateway/sites/:name/remove',
    access: administrator,
    summary: 'Takes a site away; the last one stays',
    params: named,
    body: z.strictObject(change),
    response: VersionView,
  }),
  ruleSets: route({
    ...internal,
    id: 'gateway.rule-sets',
    method: 'GET',
    path: '/api/gateway/rule-sets',
    access: readers,
    summary: 'Rule sets: files and folders on the gateway’s machine, and which sites use them; 50 at most',
    query: z.strictObject({}),
    response: z.strictObject({
      version: z.int(),
      items: z.array(z.strictObject({ ...RuleSet.shape, sites: z.array(z.string()) })),
    }),
  }),
  putRuleSet: route({
    ...internal,
    id: 'gateway.put-rule-set',
    method: 'PUT',
    path: '/api/gateway/rule-sets/:name',
    access: administrator,
    summary: 'Adds or changes a rule set; it is compiled with every site that uses it first',
    params: named,
    body: z.strictObject({ ruleSet: RuleSet, ...change }),
    response: VersionView,
  }),
  removeRuleSet: route({
    ...internal,
    id: 'gateway.remove-rule-set',
    method: 'POST',
    path: '/api/gateway/rule-sets/:name/remove',
    access: administrator,
    summary: 'Takes away a rule set that no site uses',
    params: named,
    body: z.strictObject(change),
    response: VersionView,
  }),
  history: route({
    ...internal,
    id: 'gateway.history',
    method: 'GET',
    path: '/api/gateway/history',
    access: readers,
    summary: 'Versions of the settings, newest first; the last 500 are kept',
    query: z.strictObject(Page),
    response: pageOf(VersionView),
  }),
  version: route({
    ...internal,
    id: 'gateway.version',
    method: 'GET',
    path: '/api/gateway/history/:version',
    access: readers,
    summary: 'One version, whole, and what going back to it would change today',
    params: z.strictObject({ version: z.coerce.number().int().min(1) }),
    response: z.strictObject({
      version: VersionView,
      sites: GatewaySettings.shape.sites,
      ruleSets: GatewaySettings.shape.ruleSets,
      back: VersionView.shape.changes,
    }),
  }),
  restore: route({
    ...internal,
    id: 'gateway.restore',
    method: 'POST',
    path: '/api/gateway/history/:version/restore',
    access: administrator,
    summary: 'A new version that is like an old one',
    params: z.strictObject({ version: z.coerce.number().int().min(1) }),
    body: z.strictObject(change),
    response: VersionView,
  }),
  export: route({
    ...internal,
    kind: 'file',
    id: 'gateway.export',
    method: 'GET',
    path: '/api/gateway/export',
    access: readers,
    summary: 'Sites and rule sets as one signed JSON file; bans are not in it',
    query: z.strictObject({}),
  }),
  import: route({
    ...internal,
    id: 'gateway.import',
    method: 'POST',
    path: '/api/gateway/import',
    access: administrator,
    summary: 'Reads such a file: what it would change, or, with `apply`, the new version',
    maxBody: LARGE,
    body: z.strictObject({ file: SettingsFile, apply: z.boolean(), ...change }),
    response: z.strictObject({
      /** `ours`: by this node; `other`: by the key named; `none`: plain. A signature that does not fit is refused. */
      signed: z.enum(['ours', 'other', 'none']),
      key: z.string().nullable(),
      changes: VersionView.shape.changes,
      applied: VersionView.nullable(),
    }),
  }),
  bans: route({
    ...internal,
    id: 'gateway.bans',
    method: 'GET',
    path: '/api/gateway/bans',
    access: watchers,
    summary: 'Bans that still hold, newest first',
    query: z.strictObject(Page),
    response: pageOf(BanView),
  }),
  ban: route({
    ...internal,
    id: 'gateway.ban',
    method: 'POST',
    path: '/api/gateway/bans',
    access: { roles: ['administrator', 'analyst'] },
    summary: 'Keeps a sender out until a time; an IPv4 address needs a port or an account beside it',
    body: z.strictObject({ ban: Ban, reason: Sentence }),
    response: BanView,
  }),
  liftBan: route({
    ...internal,
    id: 'gateway.lift-ban',
    method: 'POST',
    path: '/api/gateway/bans/:id/lift',
    access: { roles: ['administrator', 'analyst'] },
    summary: 'Ends a ban before its time',
    params: z.strictObject({ id: BanView.shape.id }),
    body: z.strictObject({ reason: Sentence }),
    response: z.strictObject({ lifted: z.boolean() }),
  }),
} as const
