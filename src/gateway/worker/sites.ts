import { createHash } from 'node:crypto'
import type { Plan } from '../../engine/waf/index.ts'
import { StartError } from '../../kit/errors.ts'
import type { GatewaySettings, Route, Site } from '../contract.ts'
import { provable } from './acme.ts'
import { liveBans, type Bans } from './bans.ts'
import { trustOf, type Trust } from './forwarding.ts'
import { compileGlob } from './glob.ts'
import { withLookalike } from './lookalike-routes.ts'
import { decoded, resolvedPath } from './path-readings.ts'
import type { InspectionPool, PlanSource, SchemaSource, Sources } from './inspection-pool.ts'
import { compilePlan, keyOf, type Tuning } from './plans.ts'
import { liveLimits, type LiveLimit } from './rate-limits.ts'
import { readRuleSet, type RuleTexts } from './rule-files.ts'
import { typeMatcher } from './positive-model.ts'
import { secLangOf } from '../tuning/sec-lang.ts'

/** A route as requests meet it. */
export type LiveRoute = {
  /** As written in the settings; undefined for what is the site's own. */
  readonly path: string | undefined
  readonly fits: (path: string) => boolean
  readonly methods: ReadonlySet<string> | undefined
  readonly takesType: ((media: string) => boolean) | undefined
  readonly mode: 'block' | 'detect' | 'off'
  readonly planKey: string | undefined
  readonly plan: Plan | undefined
  /** The same without the rules that only watch here: by it a refusal is looked at again. */
  readonly others: LiveRoute | undefined
  readonly schemaKey: string | undefined
  readonly body: Site['body']
  readonly limits: readonly LiveLimit[]
  readonly challenge: Route['challenge']
  readonly breachedPasswords: Route['breachedPasswords']
  readonly outgoing: Site['outgoing']
  /** Rules of phases 3 or 4 look at its answers. */
  readonly judgesAnswers: boolean
}
export type LiveSite = {
  readonly site: Site
  readonly trust: Trust
  readonly routes: readonly LiveRoute[]
  /** A route of it asks for checks. */
  readonly challenges: boolean
}
/** Everything compiled from one version of the settings. A request keeps the one it began with. */
export type Live = {
  readonly version: number
  readonly sites: readonly LiveSite[]
  readonly bans: Bans
  readonly sources: Sources
  /** By the Host header, port and all. */
  siteOf(host: string): LiveSite | undefined
}

type Draft = {
  readonly route: Route | undefined
  readonly mode: LiveRoute['mode']
  readonly planKey: string | undefined
  readonly othersKey: string | undefined
  readonly schemaKey: string | undefined
}

export const nameOfHost = (host: string): string => host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')

/** Sites, rules and bans made ready. Throws `StartError` naming what is wrong; then nothing has changed. */
export async function compileSettings(
  settings: GatewaySettings,
  before: Live | undefined,
  pool: InspectionPool | undefined,
): Promise<Live> {
  const texts = new Map<string, RuleTexts & { readonly hash: string }>()
  for (const set of settings.ruleSets) {
    const read = await readRuleSet(set)
    texts.set(set.name, { ...read, hash: hashOf([read.setup, read.rules, [...read.data]]) })
  }
  for (const { name, tls, hosts } of settings.sites)
    if (tls !== undefined && 'acme' in tls && provable(hosts).length === 0)
      throw new StartError(
        'gateway/acme-host',
        `Site ${name}: a certificate through ACME needs a host name of its own, without *.`,
      )
  const plans = new Map<string, PlanSource>()
  const schemas = new Map<string, SchemaSource>()
  const drafts = settings.sites.map((site) => ({ site, routes: routesOf(site).map((route) => draft(site, route)) }))

  function draft(site: Site, route: Route | undefined): Draft {
    const mode = route?.mode ?? site.mode
    const tuning = tuningOf(site, route)
    const found = texts.get(site.ruleSet)
    if (mode !== 'off' && found === undefined)
      throw new StartError('gateway/rule-set', `Site ${site.name}: there is no rule set ${site.ruleSet}.`)
    const planKey = mode === 'off' ? undefined : `${found!.hash}${keyOf(tuning)}`
    if (planKey !== undefined) plans.set(planKey, { key: planKey, texts: found!, tuning })
    const others = site.watched.length === 0 ? undefined : withoutWatched(tuning, site.watched)
    const othersKey = planKey === undefined || others === undefined ? undefined : `${found!.hash}${keyOf(others)}`
    if (othersKey !== undefined) plans.set(othersKey, { key: othersKey, texts: found!, tuning: others! })
    const schemaKey = route?.schema && hashOf(route.schema)
    if (schemaKey !== undefined) schemas.set(schemaKey, { key: schemaKey, schema: route!.schema! })
    return { route, mode, planKey, othersKey, schemaKey }
  }

  const sources: Sources = { plans: [...plans.values()], schemas: [...schemas.values()] }
  const wrong = before === undefined ? undefined : await pool?.load(sources)
  if (wrong !== undefined) throw new StartError('waf/unsupported', wrong)
  const compiled = new Map<string, Plan>()
  const known = new Map(
    before?.sites.flatMap(({ routes }) =>
      routes.flatMap((route) => [
        [route.planKey, route.plan] as const,
        [route.others?.planKey, route.others?.plan] as const,
      ]),
    ),
  )
  for (const { key, texts: text, tuning } of sources.plans) {
    compiled.set(key, known.get(key) ?? (await compilePlan(text, tuning)))
  }
  const sites = drafts.map(({ site, routes }) => ({
    site,
    trust: trustOf(site.trustedProxies),
    routes: routes.map((draft) => liveRoute(site, draft, compiled)),
    challenges: site.routes.some(({ challenge }) => challenge !== undefined),
  }))
  return { version: settings.version, sites, bans: liveBans(settings.bans), sources, siteOf: hostTable(sites) }
}

function liveRoute(site: Site, draft: Draft, compiled: ReadonlyMap<string, Plan>): LiveRoute {
  const { route, mode, planKey, othersKey, schemaKey } = draft
  return {
    path: route?.path,
    fits: route === undefined ? () => true : compileGlob(decoded(route.path)),
    methods: route?.methods && new Set(route.methods),
    takesType: route?.contentTypes && typeMatcher(route.contentTypes),
    mode,
    planKey,
    plan: planKey === undefined ? undefined : compiled.get(planKey)!,
    others:
      othersKey === undefined
        ? undefined
        : liveRoute(site, { ...draft, planKey: othersKey, othersKey: undefined }, compiled),
    schemaKey,
    body: route?.body ?? site.body,
    limits: liveLimits(site, route),
    challenge: route?.challenge,
    breachedPasswords: route?.breachedPasswords,
    outgoing: route?.outgoing ?? site.outgoing,
    judgesAnswers: planKey !== undefined && judgesAnswers(compiled.get(planKey)!),
  }
}

const judgesAnswers = (plan: Plan): boolean =>
  plan.engine !== 'off' && plan.rules.some(({ phase }) => phase === 3 || phase === 4)

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url')

/** The site's own routes, then all the rest. */
const routesOf = (site: Site): (Route | undefined)[] => [...site.routes, undefined]

function tuningOf(site: Site, route: Route | undefined): Tuning {
  const joined = (...parts: (string | undefined)[]): string => parts.filter(Boolean).join('\n')
  return {
    ruleSet: site.ruleSet,
    paranoia: route?.paranoia ?? site.paranoia,
    threshold: route?.threshold ?? site.threshold,
    before: joined(
      site.ruleExclusions.map(secLangOf).join(''),
      site.exclusions?.before,
      route?.exclusions?.before,
      site.virtualPatches,
      route?.virtualPatches,
    ),
    after: joined(site.exclusions?.after, route?.exclusions?.after),
  }
}

/** The same tuning with the watched rules taken away. */
const withoutWatched = (tuning: Tuning, watched: Site['watched']): Tuning => ({
  ...tuning,
  after: [tuning.after, `SecRuleRemoveById ${watched.join(' ')}`].filter(Boolean).join('\n'),
})

/** A name as it is, then `*.` before ever shorter ends of it, then `*`. Throws when two sites want the same. */
function hostTable(sites: readonly LiveSite[]): Live['siteOf'] {
  const table = new Map<string, LiveSite>()
  for (const live of sites)
    for (const host of live.site.hosts) {
      const other = table.get(host)
      if (other !== undefined)
        throw new StartError('gateway/host', `Sites ${other.site.name} and ${live.site.name} both want ${host}.`)
      table.set(host, live)
    }
  const any = table.get('*')
  if (table.size === 1 && any !== undefined) return () => any
  return (host) => {
    const name = nameOfHost(host)
    const exact = table.get(name)
    if (exact !== undefined) return exact
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const found = table.get(`*${name.slice(dot)}`)
      if (found !== undefined) return found
    }
    return any
  }
}

/**
 * The first route that fits; the last one fits everything. Undefined when two readings of the path, as it is written and
 * as an application may resolve it (dots, doubled and encoded slashes, parameters), fit different routes: whoever sends
 * such a path wants one rule set to look at what another should. See also `withLookalike`.
 */
export function routeOf(live: LiveSite, path: string): LiveRoute | undefined {
  const { routes } = live
  if (routes.length === 1) return routes[0]
  const written = routes.find((route) => route.fits(path.includes('%') ? decoded(path) : path))!
  if (!/%|\/\/|\/\.|;|\\/.test(path)) return withLookalike(live, written, path)
  const resolved = resolvedPath(path)
  return routes.find((route) => route.fits(resolved)) === written ? withLookalike(live, written, resolved) : undefined
}
