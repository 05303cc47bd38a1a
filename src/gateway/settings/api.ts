import { answer, type Bound } from '../../http/index.ts'
import type { SigningKey } from '../../engine/seal/index.ts'
import { actorOf } from '../../kit/contract.ts'
import { badRequest, KhienError } from '../../kit/errors.ts'
import type { Site } from '../contract.ts'
import { settingsRoutes as rows } from './contract.ts'
import type { RefusalStore } from '../refusals.ts'
import type { Rollup } from '../rollup.ts'
import type { BanService } from './bans.ts'
import type { Body } from './current.ts'
import { signerOf, writeFile } from './file.ts'
import { bodyOf, type SettingsService } from './service.ts'
import { changesOf } from './words.ts'

type Parts = {
  readonly settings: SettingsService
  readonly bans: BanService
  readonly refusals: RefusalStore
  readonly rollup: () => Promise<Rollup>
  readonly voice: SigningKey
  /** Names by actor (`staff:stf_…`). */
  readonly names?: ((actors: readonly string[]) => Promise<ReadonlyMap<string, string>>) | undefined
}
const EMPTY: Body = { sites: [], ruleSets: [] }

/** Sites, rule sets, versions, bans and the file, for the console. */
export function settingsApi({ settings, bans, refusals, rollup, voice, names }: Parts): readonly Bound[] {
  const kept = async () => (await settings.current.kept()) ?? { version: 0, body: EMPTY }
  return [
    answer(rows.sites, async ({ query }) => {
      const [{ version, body }, day] = [await kept(), await rollup()]
      const sites = body.sites.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      const from = query.cursor === undefined ? 0 : sites.findIndex(({ name }) => name > query.cursor!)
      const page = from < 0 ? [] : sites.slice(from, from + query.limit)
      const more = from >= 0 && from + query.limit < sites.length
      return {
        items: page.map((site) => ({ ...rowOf(site), ...(day.sites.get(site.name) ?? { refused: 0, observed: 0 }) })),
        next: more ? page.at(-1)!.name : null,
        total: sites.length,
        version,
        workers: refusals.workers(),
      }
    }),
    answer(rows.site, async ({ params }) => {
      const { version, body } = await kept()
      return { version, site: siteIn(body, params.name) }
    }),
    answer(rows.putSite, ({ params, body }, { caller }) => {
      if (body.site.name !== params.name)
        throw badRequest('gateway/name', 'The name in the path and in the site differ.', 'body.site.name')
      return settings.change({
        actor: actorOf(caller),
        reason: body.reason,
        version: body.version,
        edit: (before) => {
          if (body.create && before.sites.some(({ name }) => name === params.name))
            throw new KhienError('gateway/site-exists', `There is a site ${params.name} already.`, {
              status: 409,
              field: 'body.site.name',
            })
          return { ...before, sites: withNamed(before.sites, body.site) }
        },
      })
    }),
    answer(rows.removeSite, ({ params, body }, { caller }) =>
      settings.change({
        actor: actorOf(caller),
        reason: body.reason,
        version: body.version,
        edit: (before) => {
          siteIn(before, params.name)
          if (before.sites.length === 1)
            throw new KhienError('gateway/last-site', 'The last site stays: change it instead.', { status: 409 })
          return { ...before, sites: before.sites.filter(({ name }) => name !== params.name) }
        },
      }),
    ),
    answer(rows.unwatch, ({ params, body }, { caller }) =>
      settings.change({
        actor: actorOf(caller),
        reason: body.reason,
        version: undefined,
        edit: (before) => {
          const site = siteIn(before, params.name)
          if (!site.watched.includes(params.rule))
            throw new KhienError('gateway/not-watched', `Rule ${params.rule} refuses on this site already.`, {
              status: 409,
            })
          const watched = site.watched.filter((rule) => rule !== params.rule)
          return { ...before, sites: withNamed(before.sites, { ...site, watched }) }
        },
      }),
    ),
    answer(rows.person, async ({ params }) => {
      const actor = `staff:${params.id}`
      return { name: (await names?.([actor]))?.get(actor) ?? null }
    }),
    answer(rows.ruleSets, async () => {
      const { version, body } = await kept()
      const items = body.ruleSets.map((set) => ({
        ...set,
        sites: body.sites.filter(({ ruleSet }) => ruleSet === set.name).map(({ name }) => name),
      }))
      return { version, items }
    }),
    answer(rows.putRuleSet, ({ params, body }, { caller }) => {
      if (body.ruleSet.name !== params.name)
        throw badRequest('gateway/name', 'The name in the path and in the rule set differ.', 'body.ruleSet.name')
      return settings.change({
        actor: actorOf(caller),
        reason: body.reason,
        version: body.version,
        edit: (before) => ({ ...before, ruleSets: withNamed(before.ruleSets, body.ruleSet) }),
      })
    }),
    answer(rows.removeRuleSet, ({ params, body }, { caller }) =>
      settings.change({
        actor: actorOf(caller),
        reason: body.reason,
        version: body.version,
        edit: (before) => {
          const user = before.sites.find(({ ruleSet }) => ruleSet === params.name)
          if (user)
            throw new KhienError('gateway/rule-set-used', `Site ${user.name} uses the rule set ${params.name}.`, {
              status: 409,
            })
          return { ...before, ruleSets: before.ruleSets.filter(({ name }) => name !== params.name) }
        },
      }),
    ),
    answer(rows.history, ({ query }) => settings.page(query.cursor, query.limit, query.site)),
    answer(rows.version, async ({ params }) => {
      const { version, body, back } = await settings.one(params.version)
      return { version, ...body, back }
    }),
    answer(rows.restore, ({ params, body }, { caller }) =>
      settings.restore(params.version, { actor: actorOf(caller), ...body }),
    ),
    answer(rows.export, async () => {
      const { version, body } = await kept()
      if (version === 0) throw new KhienError('gateway/no-settings', 'There are no settings yet.', { status: 404 })
      return new Response(JSON.stringify(writeFile(body, settings.clock(), voice), null, 2), {
        headers: {
          'content-type': 'application/json',
          'content-disposition': `attachment; filename="gateway-settings-${version}.json"`,
          'cache-control': 'no-store',
        },
      })
    }),
    answer(rows.import, async ({ body }, { caller }) => {
      const signer = signerOf(body.file, voice)
      const wished = bodyOf({ sites: body.file.sites, ruleSets: body.file.ruleSets })
      const changes = changesOf((await settings.current.kept())?.body, wished).slice(0, 50)
      const { reason, version } = body
      const applied = body.apply
        ? await settings.change({ actor: actorOf(caller), reason, version, edit: () => wished })
        : null
      return { ...signer, changes, applied }
    }),
    answer(rows.bans, ({ query }) => bans.page(query.cursor, query.limit)),
    answer(rows.ban, ({ body }, { caller }) => bans.add(body.ban, actorOf(caller), body.reason)),
    answer(rows.liftBan, async ({ params, body }, { caller }) => ({
      lifted: await bans.lift(params.id, actorOf(caller), body.reason),
    })),
  ]
}

function siteIn(body: Body, name: string): Site {
  const site = body.sites.find((one) => one.name === name)
  if (!site) throw new KhienError('gateway/unknown-site', 'There is no site of this name.', { status: 404 })
  return site
}

function withNamed<T extends { readonly name: string }>(all: readonly T[], one: T): T[] {
  const at = all.findIndex(({ name }) => name === one.name)
  return at < 0 ? [...all, one] : all.with(at, one)
}

const rowOf = (site: Site) => ({
  name: site.name,
  hosts: site.hosts,
  upstreams: site.upstreams.map(({ url }) => url),
  mode: site.mode,
  placement: site.placement,
  failOpen: site.failOpen,
  maintenance: site.maintenance,
  tls: site.tls === undefined ? ('none' as const) : 'acme' in site.tls ? ('acme' as const) : ('files' as const),
  ruleSet: site.ruleSet,
  routes: site.routes.length,
  exclusions: site.ruleExclusions.length,
  watched: site.watched.length,
  watchedRules: site.watched,
  keeps: site.keep !== undefined,
})
