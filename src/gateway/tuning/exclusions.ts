import { setImmediate as breathe } from 'node:timers/promises'
import { iso, type Clock } from '../../kit/clock.ts'
import { badRequest, KhienError } from '../../kit/errors.ts'
import { newId, type Entropy } from '../../kit/ids.ts'
import type { Database, Transaction } from '../../storage/sql/index.ts'
import type { RuleExclusion, Site } from '../contract.ts'
import { REFUSALS_A_PAGE, type Refusal, type RefusalStore } from '../refusals.ts'
import type { Body } from '../settings/current.ts'
import type { SettingsService } from '../settings/service.ts'
import type { ExclusionView, Proposal } from './contract.ts'
import { liveTakings, outcomeOf, takingsFor, type Taking } from './proposal.ts'
import { secLangOf } from './sec-lang.ts'
import type { TuningTables } from './store.ts'

const DAY_MS = 86_400_000
const LOOKED_DAYS = 7
/** Refusals looked at for one proposal: about half a second, the loop free in between. */
const LOOKED = 20_000
const SAMPLE = 20
const CLIENTS = 20_000

export type ExclusionContext = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly settings: SettingsService
  readonly refusals: RefusalStore
}

/** "This was legitimate": proposals, and the exclusions people made of them. */
export function exclusionService(ctx: ExclusionContext) {
  const { settings, refusals, clock } = ctx

  async function refusalOf(id: string): Promise<{ refusal: Refusal; site: Site; version: number; takings: Taking[] }> {
    const refusal = await refusals.one(id)
    if (!refusal) throw new KhienError('gateway/unknown-refusal', 'There is no refusal with this id.', { status: 404 })
    const kept = await settings.current.kept()
    const site = kept?.body.sites.find(({ name }) => name === refusal.site)
    if (!kept || !site)
      throw new KhienError('gateway/no-site', 'The site of this refusal is no longer there, or was not kept with it.', {
        status: 409,
      })
    const takings = takingsFor(refusal)
    if (takings.length === 0)
      throw new KhienError('gateway/nothing-to-exclude', 'Nothing is kept of what matched in this request.', {
        status: 409,
      })
    return { refusal, site, version: kept.version, takings }
  }

  /** Throws 404 `gateway/unknown-refusal`, 409 when its site or what matched is not known. */
  async function propose(id: string): Promise<Proposal> {
    const { refusal, site, version, takings } = await refusalOf(id)
    const live = liveTakings(takings)
    const own = outcomeOf(refusal, live)
    const number = nextNumber([site])
    const message = (rule: number): string => refusal.matches.find(({ ruleId }) => ruleId === rule)?.message ?? ''
    return {
      refusal: id,
      site: site.name,
      version,
      exclusions: takings.map((taking, i) => ({
        ...taking,
        message: message(taking.rule),
        secLang: secLangOf({ ...taking, number: number + i }),
      })),
      passes: ({ through: 'yes', refused: 'no', unknown: 'unknown' } as const)[own.outcome],
      score: refusal.score,
      left: own.left,
      threshold: refusal.threshold,
      effect: await effectOf(site.name, live),
    }
  }

  async function effectOf(site: string, live: ReturnType<typeof liveTakings>): Promise<Proposal['effect']> {
    const from = clock() - LOOKED_DAYS * DAY_MS
    const counted = { looked: 0, through: 0, refused: 0, unknown: 0 }
    const sample: Proposal['effect']['sample'] = []
    const clients = new Set<string>()
    let before: string | undefined
    for (let seen = 0, more = true; more && seen < LOOKED; await breathe()) {
      const page = await refusals.page(before)
      seen += page.length
      before = page.at(-1)?.id
      more = page.length === REFUSALS_A_PAGE && page.at(-1)!.at >= from
      for (const refusal of page) {
        if (refusal.site !== site || refusal.at < from) continue
        counted.looked++
        const { outcome } = outcomeOf(refusal, live)
        counted[outcome]++
        if (outcome !== 'through') continue
        if (clients.size < CLIENTS) clients.add(refusal.account ?? refusal.clientAddress)
        if (sample.length < SAMPLE) sample.push(sampleOf(refusal))
      }
    }
    return { ...counted, from: iso(from), sample, clients: clients.size }
  }

  /** Puts a refusal's proposal in force. `days`: how long; for good when undefined. */
  async function exclude(
    id: string,
    wish: {
      readonly actor: string
      readonly reason: string
      readonly version: number
      readonly days?: number | undefined
    },
  ): Promise<{ version: number; exclusions: ExclusionView[] }> {
    const { site, takings } = await refusalOf(id)
    const now = clock()
    const until = wish.days === undefined ? {} : { until: iso(now + wish.days * DAY_MS) }
    let made: RuleExclusion[] = []
    const { version } = await settings.change({
      ...wish,
      edit(body) {
        const number = nextNumber(body.sites)
        made = takings.map((taking, i) => ({
          id: newId('exc', now, ctx.entropy),
          number: number + i,
          ...taking,
          ...until,
        }))
        return withExclusions(body, site.name, (all) => [...all, ...made])
      },
      async also(trx) {
        const rows = made.map((one) => ({
          id: one.id,
          at: now,
          actor: wish.actor,
          reason: wish.reason,
          refusal: id,
          applied: 0,
        }))
        await (trx as Transaction<TuningTables>).insertInto('gateway_exclusion').values(rows).execute()
      },
    })
    const facts = await factsOf(made.map((one) => one.id))
    return { version, exclusions: made.map((one) => viewOf(site.name, one, facts.get(one.id))) }
  }

  /** Throws 404 when it is not in force. */
  async function remove(id: string, actor: string, reason: string): Promise<number> {
    const { version } = await settings.change({
      actor,
      reason,
      version: undefined,
      edit(body) {
        const site = body.sites.find(({ ruleExclusions }) => ruleExclusions.some((one) => one.id === id))
        if (!site)
          throw new KhienError('gateway/unknown-exclusion', 'There is no such exclusion in force.', { status: 404 })
        return withExclusions(body, site.name, (all) => all.filter((one) => one.id !== id))
      },
    })
    return version
  }

  async function page(wish: {
    readonly cursor?: string | undefined
    readonly limit: number
    readonly site?: string | undefined
    readonly rule?: number | undefined
  }) {
    if (wish.cursor !== undefined && !/^exc_[0-9A-Z]{26}$/.test(wish.cursor))
      throw badRequest('http/cursor', 'This cursor is not one of ours.', 'query.cursor')
    const kept = await settings.current.kept()
    const all = (kept?.body.sites ?? [])
      .filter(({ name }) => wish.site === undefined || name === wish.site)
      .flatMap((site) => site.ruleExclusions.map((one) => ({ site: site.name, one })))
      .filter(({ one }) => wish.rule === undefined || one.rule === wish.rule)
      .toSorted((a, b) => (a.one.id < b.one.id ? 1 : -1))
    const rest = wish.cursor === undefined ? all : all.filter(({ one }) => one.id < wish.cursor!)
    const items = rest.slice(0, wish.limit)
    const facts = await factsOf(items.map(({ one }) => one.id))
    return {
      items: items.map(({ site, one }) => viewOf(site, one, facts.get(one.id))),
      next: rest.length > items.length ? items.at(-1)!.one.id : null,
      total: all.length,
    }
  }

  async function factsOf(ids: readonly string[]): Promise<Map<string, TuningTables['gateway_exclusion']>> {
    if (ids.length === 0) return new Map()
    const rows = await ctx.db
      .tables<TuningTables>()
      .selectFrom('gateway_exclusion')
      .selectAll()
      .where('id', 'in', ids)
      .execute()
    return new Map(rows.map((row) => [row.id, row]))
  }

  /** Takes out what has come to its end; a worker has stopped counting it by then. */
  async function expire(): Promise<void> {
    const over = ({ until }: RuleExclusion): boolean => until !== undefined && Date.parse(until) <= clock()
    const kept = await settings.current.kept()
    if (!kept?.body.sites.some(({ ruleExclusions }) => ruleExclusions.some(over))) return
    await settings.change({
      actor: 'node',
      reason: 'expired',
      version: undefined,
      edit: (body) => ({
        ...body,
        sites: body.sites.map((site) => ({
          ...site,
          ruleExclusions: site.ruleExclusions.filter((one) => !over(one)),
        })),
      }),
    })
  }

  return { propose, exclude, remove, page, expire }
}
export type ExclusionService = ReturnType<typeof exclusionService>

const nextNumber = (sites: readonly Site[]): number =>
  sites.reduce((most, { ruleExclusions }) => Math.max(most, ...ruleExclusions.map(({ number }) => number)), 0) + 1

const withExclusions = (body: Body, name: string, edit: (all: readonly RuleExclusion[]) => RuleExclusion[]): Body => ({
  ...body,
  sites: body.sites.map((site) => (site.name === name ? { ...site, ruleExclusions: edit(site.ruleExclusions) } : site)),
})

const sampleOf = (refusal: Refusal): Proposal['effect']['sample'][number] => ({
  id: refusal.id,
  at: iso(refusal.at),
  path: refusal.path,
  clientAddress: refusal.clientAddress,
  score: refusal.score,
  rules: [...new Set(refusal.matches.map(({ ruleId }) => ruleId))],
  masked: refusal.matches[0]?.masked ?? '',
})

function viewOf(site: string, one: RuleExclusion, facts: TuningTables['gateway_exclusion'] | undefined): ExclusionView {
  return {
    id: one.id,
    site,
    path: one.path,
    rule: one.rule,
    target: one.target,
    secLang: secLangOf(one),
    until: one.until ?? null,
    at: facts ? iso(Number(facts.at)) : null,
    by: facts?.actor ?? null,
    reason: facts?.reason ?? null,
    refusal: facts?.refusal ?? null,
    applied: Number(facts?.applied ?? 0),
  }
}
