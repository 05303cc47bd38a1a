import { Worker } from 'node:worker_threads'
import { iso, type Clock } from '../../kit/clock.ts'
import { badRequest, KhienError } from '../../kit/errors.ts'
import { newId, type Entropy } from '../../kit/ids.ts'
import type { RecordActs } from '../../kit/act.ts'
import type { Database } from '../../storage/sql/index.ts'
import type { GatewaySettings, Site } from '../contract.ts'
import type { Body } from '../settings/current.ts'
import { bodyOf, type SettingsService } from '../settings/service.ts'
import type { ExclusionService } from '../tuning/exclusions.ts'
import type { Candidate, DryRunView } from './contract.ts'
import type { DryRunJob } from './dry-run.ts'
import type { FromDryRun } from './dry-run-thread.ts'
import type { KeptTraffic } from './kept.ts'
import type { TrafficTables } from './store.ts'

const MODULE = new URL('./dry-run-thread.ts', import.meta.url)
const DAY_MS = 86_400_000
const WAITING = 10
const LONGEST_MS = 600_000

export type DryRunContext = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly record: RecordActs
  readonly settings: SettingsService
  readonly exclusions: ExclusionService
  readonly kept: KeptTraffic
}

/** Dry runs: one at a time, in a thread; what they found is kept a day. */
export function dryRunService(ctx: DryRunContext) {
  const { db, clock } = ctx
  const queue: DryRunView[] = []
  let running: { readonly view: DryRunView; readonly worker: Worker } | undefined
  let closed = false

  const save = async (view: DryRunView): Promise<void> => {
    await db
      .tables<TrafficTables>()
      .updateTable('gateway_dry_run')
      .set({ body: JSON.stringify(view) })
      .where('id', '=', view.id)
      .execute()
  }

  /** Throws 404 for an unknown site, 409 when ten wait already or nothing is kept. */
  async function start(wish: {
    site: string
    candidate: Candidate
    reason: string
    actor: string
  }): Promise<DryRunView> {
    if (queue.length >= WAITING)
      throw new KhienError('gateway/dry-runs-full', 'Ten dry runs wait already.', { status: 409, retryAfter: 30 })
    siteOf((await ctx.settings.current.kept())?.body, wish.site)
    const { items } = await ctx.kept.figures()
    const total = items.find(({ site }) => site === wish.site)?.requests ?? 0
    if (total === 0)
      throw new KhienError(
        'gateway/nothing-kept',
        'Nothing is kept of this site yet: switch on keeping traffic for it, and wait for requests.',
        { status: 409, field: 'body.site' },
      )
    const now = clock()
    const view: DryRunView = {
      id: newId('dry', now, ctx.entropy),
      site: wish.site,
      at: iso(now),
      by: wish.actor,
      reason: wish.reason,
      candidate: wish.candidate,
      state: 'waiting',
      done: 0,
      total,
      problem: null,
      result: null,
    }
    await db.transaction<TrafficTables, void>(async (trx) => {
      await trx
        .insertInto('gateway_dry_run')
        .values({ id: view.id, at: now, body: JSON.stringify(view) })
        .execute()
      await ctx.record(trx, [
        { kind: 'gateway.dry-run', actor: wish.actor, result: 'done', facts: { site: wish.site, requests: total } },
      ])
    })
    queue.push(view)
    void next()
    return { ...view }
  }

  async function next(): Promise<void> {
    if (running || closed) return
    const view = queue.shift()
    if (!view) return
    try {
      view.state = 'running'
      const job = await jobOf(view)
      // Cancelled while it was made ready.
      if ((view.state as DryRunView['state']) !== 'running') return
      await run(view, job)
    } catch (error) {
      view.state = 'failed'
      view.problem = error instanceof KhienError ? error.message : 'The dry run could not begin.'
      await save(view).catch(() => undefined)
    } finally {
      running = undefined
      void next()
    }
  }

  async function jobOf(view: DryRunView): Promise<DryRunJob> {
    const kept = (await ctx.settings.current.kept())?.body
    const site = siteOf(kept, view.site)
    const taking =
      view.candidate.refusal === undefined ? [] : (await ctx.exclusions.propose(view.candidate.refusal)).exclusions
    const wished = bodyOf({
      sites: [tried(site, view.candidate, taking, view.id)],
      ruleSets: kept!.ruleSets,
    })
    const alone = (sites: Site[]): GatewaySettings => ({ version: 0, sites, ruleSets: kept!.ruleSets, bans: [] })
    return {
      site: view.site,
      files: await ctx.kept.filesOf(view.site),
      before: narrowed(alone([site])),
      after: narrowed(alone(wished.sites)),
    }
  }

  async function run(view: DryRunView, job: DryRunJob): Promise<void> {
    const worker = new Worker(MODULE, { workerData: job, resourceLimits: { maxOldGenerationSizeMb: 1_024 } })
    running = { view, worker }
    const timer = setTimeout(() => void worker.terminate(), LONGEST_MS)
    try {
      await new Promise<void>((resolve) => {
        worker.on('message', (told: FromDryRun) => {
          if (view.state !== 'running') return
          if (told.type === 'progress') view.done = told.done
          else if (told.type === 'done')
            Object.assign(view, { state: 'done', result: told.result, done: told.result.judged })
          else Object.assign(view, { state: 'failed', problem: told.problem })
        })
        worker.once('error', () => resolve()).once('exit', () => resolve())
      })
      if (view.state === 'running') {
        view.state = 'failed'
        view.problem = 'It took longer than ten minutes, or more memory than there is.'
      }
      if (!closed) await save(view)
    } finally {
      clearTimeout(timer)
    }
  }

  async function cancel(id: string): Promise<DryRunView> {
    const waiting = queue.findIndex((one) => one.id === id)
    const view = waiting >= 0 ? queue.splice(waiting, 1)[0]! : running?.view.id === id ? running.view : undefined
    if (!view) return one(id)
    view.state = 'cancelled'
    if (running?.view === view) await running.worker.terminate()
    await save(view)
    return { ...view }
  }

  async function one(id: string): Promise<DryRunView> {
    const live = running?.view.id === id ? running.view : queue.find((waiting) => waiting.id === id)
    if (live) return { ...live }
    const row = await db
      .tables<TrafficTables>()
      .selectFrom('gateway_dry_run')
      .select('body')
      .where('id', '=', id)
      .executeTakeFirst()
    if (!row)
      throw new KhienError('gateway/unknown-dry-run', 'There is no such dry run, or no longer.', { status: 404 })
    return ended(JSON.parse(row.body) as DryRunView)
  }

  /** Of an earlier life of the node: it will not go on. */
  const ended = (view: DryRunView): DryRunView =>
    (view.state === 'waiting' || view.state === 'running') &&
    running?.view.id !== view.id &&
    !queue.some(({ id }) => id === view.id)
      ? { ...view, state: 'failed', problem: 'The node was stopped meanwhile.' }
      : view

  async function page(cursor: string | undefined, limit: number) {
    if (cursor !== undefined && !/^dry_[0-9A-Z]{26}$/.test(cursor))
      throw badRequest('http/cursor', 'This cursor is not one of ours.', 'query.cursor')
    let query = db.tables<TrafficTables>().selectFrom('gateway_dry_run').selectAll()
    if (cursor !== undefined) query = query.where('id', '<', cursor)
    const rows = await query
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute()
    const items = rows.slice(0, limit).map(({ id, body }) => {
      const live = running?.view.id === id ? running.view : queue.find((waiting) => waiting.id === id)
      return live ? { ...live } : ended(JSON.parse(body) as DryRunView)
    })
    return { items, next: rows.length > limit ? items.at(-1)!.id : null, total: null }
  }

  async function sweep(): Promise<void> {
    await db
      .tables<TrafficTables>()
      .deleteFrom('gateway_dry_run')
      .where('at', '<', clock() - DAY_MS)
      .execute()
  }

  return {
    start,
    cancel,
    one,
    page,
    sweep,
    async close(): Promise<void> {
      closed = true
      await running?.worker.terminate()
    },
  }
}
export type DryRunService = ReturnType<typeof dryRunService>

function siteOf(body: Body | undefined, name: string): Site {
  const site = body?.sites.find((one) => one.name === name)
  if (!site)
    throw new KhienError('gateway/unknown-site', 'There is no site of this name.', { status: 404, field: 'body.site' })
  return site
}

const narrowed = (settings: GatewaySettings): GatewaySettings => ({
  ...settings,
  ruleSets: settings.ruleSets.filter(({ name }) => settings.sites.some(({ ruleSet }) => ruleSet === name)),
})

/** The site with what is tried. An exclusion of a proposal has no id yet, so it borrows the dry run's. */
function tried(
  site: Site,
  candidate: Candidate,
  taking: readonly Pick<Site['ruleExclusions'][number], 'path' | 'rule' | 'target'>[],
  id: string,
): Site {
  const { rules, before, after, virtualPatches, paranoia, threshold, ruleSet } = candidate
  const number = Math.max(0, ...site.ruleExclusions.map((one) => one.number)) + 1
  const [wishedAfter] = [[after ?? site.exclusions?.after, rules].filter((text) => text !== undefined).join('\n')]
  const wishedBefore = before ?? site.exclusions?.before
  return {
    ...site,
    ...(ruleSet === undefined ? {} : { ruleSet }),
    ...(paranoia === undefined ? {} : { paranoia }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(virtualPatches === undefined ? {} : { virtualPatches }),
    exclusions: {
      ...(wishedBefore === undefined ? {} : { before: wishedBefore }),
      ...(wishedAfter === '' ? {} : { after: wishedAfter }),
    },
    ruleExclusions: [
      ...site.ruleExclusions,
      ...taking.map(({ path, rule, target }, i) => ({
        id: `exc_${id.slice(4)}`,
        number: number + i,
        path,
        rule,
        target,
      })),
    ],
  }
}
