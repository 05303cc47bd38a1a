import { z } from 'zod'
import { route } from '../../kit/contract.ts'
import { At, Page, pageOf, Sentence } from '../../kit/listing.ts'
import { Ban, GatewaySettings, Mode, Name, RuleSet, Site } from '../contract.ts'

const internal = { listener: 'internal' } as const
const watchers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
const administrator = { roles: ['administrator'] } as const
const readers = { roles: ['administrator', 'auditor'] } as const

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
  /** Rules that only watch here, as the site names them. */
  watchedRules: Site.shape.watched,
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
    body: z.strictObject({
      site: Site,
      /** A new one: a site of that name answers 409 `gateway/site-exists`. */
      create: z.boolean().default(false),
      ...change,
    }),
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
  unwatch: route({
    ...internal,
    id: 'gateway.unwatch',
    method: 'POST',
    path: '/api/gateway/sites/:name/watched/:rule/undo',
    access: administrator,
    summary: 'A rule that only watches on this site refuses again',
    params: z.strictObject({ name: Name, rule: z.coerce.number().int().min(1).max(998_999_999) }),
    body: z.strictObject({ reason: Sentence }),
    response: VersionView,
  }),
  person: route({
    ...internal,
    id: 'gateway.person',
    method: 'GET',
    path: '/api/gateway/people/:id',
    access: watchers,
    summary: 'The name of somebody who changed the settings, as colleagues see it; null when there is no such person',
    params: z.strictObject({ id: z.string().regex(/^stf_[0-9A-HJKMNP-TV-Z]{26}$/, 'expected an id such as stf_…') }),
    response: z.strictObject({ name: z.string().nullable() }),
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
    summary: 'Versions of the settings, newest first, of one site or all; the last 500 are kept',
    query: z.strictObject({ ...Page, site: Name.optional() }),
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
