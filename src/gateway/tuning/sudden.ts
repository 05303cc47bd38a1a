import { setImmediate as breathe } from 'node:timers/promises'
import type { RecordActs } from '../../kit/act.ts'
import { iso, type Clock } from '../../kit/clock.ts'
import { badRequest, KhienError } from '../../kit/errors.ts'
import { newId, type Entropy } from '../../kit/ids.ts'
import type { Log } from '../../kit/log.ts'
import type { Database, Transaction } from '../../storage/sql/index.ts'
import { REFUSALS_A_PAGE, type Refusal, type RefusalStore } from '../refusals.ts'
import type { SettingsService } from '../settings/service.ts'
import type { SuddenView } from './contract.ts'
import { decidedAlone, lineOf } from './ordinary-client.ts'
import type { TuningTables } from './store.ts'

const MINUTE_MS = 60_000
const WINDOW_MS = 10 * MINUTE_MS
const WEEK_MS = 7 * 86_400_000
/** Fewer different lines in ten minutes than this say nothing. */
const LEAST = 50
const TIMES = 10
/** Pairs of site and rule watched at once, and lines told apart of one: beyond, the highest count is only larger than this. */
const PAIRS = 500
const CLIENTS = 2_000

export type SuddenContext = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly record: RecordActs
  readonly settings: SettingsService
  readonly refusals: RefusalStore
  /** Tells people: an alert of the node's own. */
  readonly alert: (found: SuddenView) => Promise<void>
}
/** Lines on which one rule alone refused something of one site, with the last time of each. */
type Watched = { site: string; rule: number; message: string; seen: Map<string, number>; busy: boolean }

/**
 * A rule that in ten minutes alone refuses clients on more than 50 different lines, and ten times more than in any ten minutes of the last seven days,
 * has most likely met a new page of the application and not an attack: it turns itself to watching on that site, and says so.
 *
 * Why different lines: one attacker's flood must not be able to switch a rule off. So an IPv4 address counts once and a /64 of IPv6 once,
 * whatever accounts or browsers it tells of; and only a refusal that this rule decided alone counts, for attacks mostly meet several rules
 * where a clumsy rule stands by itself. Who has very many addresses can still do it: therefore an alert, and a site may say
 * `watchSudden: false`.
 */
export function suddenService(ctx: SuddenContext) {
  const { db, clock, settings, refusals } = ctx
  const pairs = new Map<string, Watched>()
  let unwatched = 0
  let stop: (() => void) | undefined

  function hear(refusal: Refusal): void {
    if (refusal.mode !== 'block' || refusal.site === undefined) return
    const rule = decidedAlone(refusal)
    if (rule === undefined) return
    const key = `${rule} ${refusal.site}`
    let pair = pairs.get(key)
    if (pair === undefined) {
      if (pairs.size >= PAIRS) return void unwatched++
      const message = refusal.matches.find(({ ruleId }) => ruleId === rule)?.message ?? ''
      pairs.set(key, (pair = { site: refusal.site, rule, message, seen: new Map(), busy: false }))
    }
    const client = lineOf(refusal)
    if (pair.seen.size < CLIENTS || pair.seen.has(client)) pair.seen.set(client, refusal.at)
    if (pair.seen.size > LEAST && !pair.busy) void look(pair)
  }

  const lately = (pair: Watched): number => {
    const since = clock() - WINDOW_MS
    for (const [client, at] of pair.seen) if (at < since) pair.seen.delete(client)
    return pair.seen.size
  }

  async function look(pair: Watched): Promise<void> {
    pair.busy = true
    try {
      const clients = lately(pair)
      if (clients <= LEAST) return
      const before = await highest(pair.site, pair.rule)
      if (clients <= Math.max(LEAST, TIMES * before) || (await restoredLately(pair))) return
      await turn(pair, clients, before)
      pair.seen.clear()
    } catch (error) {
      ctx.log.warn('gateway.sudden', { code: error instanceof KhienError ? error.code : 'failed' })
    } finally {
      pair.busy = false
    }
  }

  /** The highest count of the last seven days, of ten minutes that were over when these began. */
  async function highest(site: string, rule: number): Promise<number> {
    const bucket = Math.floor(clock() / WINDOW_MS)
    const row = await db
      .tables<TuningTables>()
      .selectFrom('gateway_rule_clients')
      .select((eb) => eb.fn.max('clients').as('n'))
      .where('site', '=', site)
      .where('rule', '=', rule)
      .where('bucket', '<', bucket - 1)
      .executeTakeFirst()
    return Number(row?.n ?? 0)
  }

  /** A person who switched it back on knows better, for seven days. */
  async function restoredLately({ site, rule }: Watched): Promise<boolean> {
    const row = await db
      .tables<TuningTables>()
      .selectFrom('gateway_sudden')
      .select('id')
      .where('site', '=', site)
      .where('rule', '=', rule)
      .where('state', '=', 'restored')
      .where('decided_at', '>', clock() - WEEK_MS)
      .executeTakeFirst()
    return row !== undefined
  }

  async function turn(pair: Watched, clients: number, before: number): Promise<void> {
    const kept = await settings.current.kept()
    const site = kept?.body.sites.find(({ name }) => name === pair.site)
    if (!site?.watchSudden || site.watched.includes(pair.rule)) return
    const now = clock()
    const row: TuningTables['gateway_sudden'] = {
      id: newId('sud', now, ctx.entropy),
      site: pair.site,
      rule: pair.rule,
      message: pair.message,
      at: now,
      clients,
      before,
      state: 'open',
      decided_at: null,
      decided_by: null,
      reason: null,
    }
    await settings.change({
      actor: 'node',
      reason: 'sudden',
      version: undefined,
      edit: (body) => ({
        ...body,
        sites: body.sites.map((one) =>
          one.name === pair.site ? { ...one, watched: [...one.watched, pair.rule] } : one,
        ),
      }),
      async also(trx) {
        await (trx as Transaction<TuningTables>).insertInto('gateway_sudden').values(row).execute()
        await ctx.record(trx, [
          {
            kind: 'gateway.rule-watches',
            actor: 'node',
            result: 'done',
            facts: { site: pair.site, rule: pair.rule, clients, before },
          },
        ])
      },
    })
    await ctx.alert(viewOf(row))
  }

  /** Writes the counts of the ten minutes under way, and forgets what is older than seven days. */
  async function count(): Promise<void> {
    const [now, bucket] = [clock(), Math.floor(clock() / WINDOW_MS)]
    const rows = [...pairs.values()].flatMap((pair) => {
      const clients = [...pair.seen.values()].filter((at) => Math.floor(at / WINDOW_MS) === bucket).length
      return clients === 0 ? [] : [{ site: pair.site, rule: pair.rule, bucket, clients }]
    })
    await db.transaction<TuningTables, void>(async (trx) => {
      for (const row of rows)
        await trx
          .insertInto('gateway_rule_clients')
          .values(row)
          .onConflict((conflict) => conflict.columns(['site', 'rule', 'bucket']).doUpdateSet({ clients: row.clients }))
          .execute()
      await trx
        .deleteFrom('gateway_rule_clients')
        .where('bucket', '<', Math.floor((now - WEEK_MS) / WINDOW_MS))
        .execute()
    })
    for (const [key, pair] of pairs) if (lately(pair) === 0) pairs.delete(key)
  }

  /** Listens; what came in the last ten minutes is read again, so that a restart forgets nothing. */
  async function start(): Promise<void> {
    stop = refusals.listen(hear)
    const since = clock() - WINDOW_MS
    let before: string | undefined
    for (let more = true; more; await breathe()) {
      const page = await refusals.page(before)
      for (const refusal of page) if (refusal.at >= since) hear(refusal)
      before = page.at(-1)?.id
      more = page.length === REFUSALS_A_PAGE && page.at(-1)!.at >= since
    }
  }

  /** Accepted: the rule goes on watching. Restored: it refuses again. Throws 404, or 409 when decided already. */
  async function decide(
    id: string,
    state: 'accepted' | 'restored',
    actor: string,
    reason: string,
  ): Promise<SuddenView> {
    const one = await db
      .tables<TuningTables>()
      .selectFrom('gateway_sudden')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (!one) throw new KhienError('gateway/unknown-sudden', 'There is no such rule.', { status: 404 })
    const decided = { state, decided_at: clock(), decided_by: actor, reason }
    const write = async (trx: Transaction<TuningTables>): Promise<void> => {
      const done = await trx
        .updateTable('gateway_sudden')
        .set(decided)
        .where('id', '=', id)
        .where('state', '=', 'open')
        .executeTakeFirst()
      if (Number(done.numUpdatedRows) === 0)
        throw new KhienError('gateway/decided', 'Somebody has decided this already.', { status: 409 })
      await ctx.record(trx, [
        { kind: `gateway.sudden-${state}`, actor, result: 'done', facts: { site: one.site, rule: Number(one.rule) } },
      ])
    }
    const kept = await settings.current.kept()
    const watches = kept?.body.sites.some(
      ({ name, watched }) => name === one.site && watched.includes(Number(one.rule)),
    )
    if (state === 'accepted' || !watches) await db.transaction<TuningTables, void>(write)
    else
      await settings.change({
        actor,
        reason,
        version: undefined,
        edit: (body) => ({
          ...body,
          sites: body.sites.map((site) =>
            site.name === one.site
              ? { ...site, watched: site.watched.filter((rule) => rule !== Number(one.rule)) }
              : site,
          ),
        }),
        also: (trx) => write(trx as Transaction<TuningTables>),
      })
    return viewOf({ ...one, ...decided })
  }

  async function page(wish: {
    readonly cursor?: string | undefined
    readonly limit: number
    readonly state?: SuddenView['state'] | undefined
  }) {
    if (wish.cursor !== undefined && !/^sud_[0-9A-Z]{26}$/.test(wish.cursor))
      throw badRequest('http/cursor', 'This cursor is not one of ours.', 'query.cursor')
    let query = db.tables<TuningTables>().selectFrom('gateway_sudden').selectAll()
    if (wish.state !== undefined) query = query.where('state', '=', wish.state)
    if (wish.cursor !== undefined) query = query.where('id', '<', wish.cursor)
    const rows = await query
      .orderBy('id', 'desc')
      .limit(wish.limit + 1)
      .execute()
    const items = rows.slice(0, wish.limit).map(viewOf)
    return { items, next: rows.length > wish.limit ? items.at(-1)!.id : null, total: null }
  }

  return {
    start,
    count,
    decide,
    page,
    /** Pairs of site and rule that were too many to watch, since the node started. */
    unwatched: (): number => unwatched,
    close: (): void => stop?.(),
  }
}
export type SuddenService = ReturnType<typeof suddenService>

const viewOf = (row: TuningTables['gateway_sudden']): SuddenView => ({
  id: row.id,
  site: row.site,
  rule: Number(row.rule),
  message: row.message,
  at: iso(Number(row.at)),
  clients: Number(row.clients),
  before: Number(row.before),
  state: row.state,
  decidedAt: row.decided_at === null ? null : iso(Number(row.decided_at)),
  decidedBy: row.decided_by,
  reason: row.reason,
})
