import { iso } from '../kit/clock.ts'
import { badRequest, KhienError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import type { Attribution, Infection } from './contract.ts'
import { alone, type SubscriberContext, type Trx } from './context.ts'
import type { Hit } from './hits.ts'
import type { NoticeDesk } from './notices.ts'
import type { PortLogs } from './port-logs.ts'
import type { HitRow, InfectionRow, SubscriberTables } from './store.ts'

const DAY_MS = 86_400_000
const A_QUERY = 100
const A_TURN = 300
/** How long a contact waits for a log that says whose it was. */
const WAITS_MS = 90 * DAY_MS
const SHOWN_HITS = 200
export type Infections = ReturnType<typeof infectionService>

/** From contacts to infections: whose device it was, counted once an event, and a notice for each that is new. */
export function infectionService(ctx: SubscriberContext, logs: PortLogs, desk: NoticeDesk) {
  const { db } = ctx
  const tables = () => db.tables<SubscriberTables>()
  let usable: { version: number; ids: Set<string> } | undefined
  const counts = { hits: 0, stale: 0 }

  async function usableIds(): Promise<Set<string>> {
    const set = await ctx.indicators.usable()
    if (usable?.version !== set.version)
      usable = {
        version: set.version,
        ids: new Set(set.items.filter((i) => i.role === 'c2' || i.role === 'download').map((i) => i.id)),
      }
    return usable.ids
  }

  /**
   * Takes contacts; the same event and indicator again changes nothing. What is no longer listed is left out. Answers how
   * many were new.
   */
  async function receive(hits: readonly Hit[]): Promise<{ taken: number }> {
    const listed = await usableIds()
    const good = hits.filter((hit) => listed.has(hit.indicator))
    counts.stale += hits.length - good.length
    if (good.length === 0) return { taken: 0 }
    const taken = await db.transaction<SubscriberTables, number>(async (trx) => {
      await alone(ctx, trx)
      const fresh = await unknown(trx, good)
      const judged = fresh.map((hit) => ({ hit, found: logs.attribute(hit.clientAddress, hit.clientPort, hit.time) }))
      for (const [place, group] of Map.groupBy(judged, ({ hit, found }) => placeOf(hit, found))) {
        const infection = await grow(trx, place, group)
        await trx
          .insertInto('infection_hit')
          .values(group.map(({ hit, found }) => hitRow(infection, hit, found)))
          .execute()
      }
      for (const [indicator, group] of Map.groupBy(fresh, (hit) => hit.indicator))
        await tellExchange(trx, indicator, group)
      return fresh.length
    })
    counts.hits += taken
    return { taken }
  }

  async function unknown(trx: Trx, hits: readonly Hit[]): Promise<Hit[]> {
    const keyOf = (hit: Pick<HitRow, 'source' | 'event' | 'indicator'>): string =>
      JSON.stringify([hit.source, hit.event, hit.indicator])
    const fresh = new Map(hits.map((hit) => [keyOf(hit), hit]))
    for (let at = 0; at < hits.length; at += A_QUERY) {
      const rows = await trx
        .selectFrom('infection_hit')
        .select(['source', 'event', 'indicator'])
        .where(
          'event',
          'in',
          hits.slice(at, at + A_QUERY).map((hit) => hit.event),
        )
        .execute()
      for (const row of rows) fresh.delete(keyOf(row))
    }
    return [...fresh.values()]
  }

  async function tellExchange(trx: Trx, indicator: string, hits: readonly Hit[]): Promise<void> {
    const times = hits.map((hit) => hit.time)
    try {
      await ctx.sighted(trx, {
        indicator,
        count: hits.length,
        firstSeen: times.reduce((a, b) => Math.min(a, b)),
        lastSeen: times.reduce((a, b) => Math.max(a, b)),
      })
    } catch (error) {
      // An indicator that was just deleted has nobody to be told to.
      if (!(error instanceof KhienError) || error.status >= 500) throw error
      ctx.log.warn('subscribers.sighting', { code: error.code })
    }
  }

  type Judged = { readonly hit: Hit; readonly found: Attribution }

  /** Finds or makes the infection of a place, counts what is new, and sees to its notice. Answers its id. */
  async function grow(trx: Trx, place: string, group: readonly Judged[]): Promise<string> {
    const now = ctx.clock()
    const { hit, found } = group.at(-1)!
    const times = group.map((one) => one.hit.time)
    const [first, last] = [Math.min(...times), Math.max(...times)]
    const before = await trx.selectFrom('infection').selectAll().where('place', '=', place).executeTakeFirst()
    const known = found.result === 'attributed'
    if (!before) {
      const row: InfectionRow = {
        id: newId('inf', now, ctx.entropy),
        place,
        indicator: hit.indicator,
        contacted: hit.contacted,
        subscriber: found.subscriber,
        result: found.result,
        candidates: found.candidates,
        why: found.why,
        first_at: first,
        last_at: last,
        sightings: group.length,
        state: known ? 'found' : 'unattributed',
        notice: null,
      }
      await trx.insertInto('infection').values(row).execute()
      const about = found.subscriber === null ? {} : { subject: found.subscriber }
      const facts = { infection: row.id, indicator: row.indicator, attribution: found.result }
      await ctx.record(trx, [{ kind: 'subscribers.infection-found', actor: 'node', ...about, result: 'done', facts }])
      if (known) await desk.open(trx, row)
      return row.id
    }
    const told = {
      contacted: hit.contacted,
      result: found.result,
      candidates: found.candidates,
      why: found.why,
      first_at: Math.min(before.first_at, first),
      last_at: Math.max(before.last_at, last),
      sightings: Number(before.sightings) + group.length,
    }
    // A late report of what lies before the cleaning is no return.
    const cleanAfter = (await desk.setting(trx)).cleanAfterDays * DAY_MS
    const isBack = before.state === 'clean' && last > before.last_at && last > now - cleanAfter
    await trx.updateTable('infection').set(told).where('id', '=', before.id).execute()
    const row: InfectionRow = { ...before, ...told, state: isBack ? 'found' : before.state }
    if (isBack)
      await trx
        .updateTable('infection')
        .set({ state: 'found' })
        .where('id', '=', row.id)
        .where('state', '=', before.state)
        .execute()
    if (known && (isBack || (await desk.wasOnlyDry(trx, row)))) await desk.open(trx, row)
    return row.id
  }

  /**
   * Contacts whose holder was not known when they came, and those nobody was told of yet, judged anew: to be called when a
   * log has been imported. Answers how many found another holder.
   */
  async function judgeAgain(): Promise<number> {
    let moved = 0
    let after = { at: ctx.clock() - WAITS_MS, event: '', indicator: '', source: '' }
    for (;;) {
      const from = after
      const waiting = await untold(tables())
        .where((eb) =>
          eb(
            eb.refTuple('infection_hit.at', 'infection_hit.event', 'infection_hit.indicator', 'infection_hit.source'),
            '>',
            eb.tuple(from.at, from.event, from.indicator, from.source),
          ),
        )
        .orderBy('infection_hit.at')
        .orderBy('infection_hit.event')
        .orderBy('infection_hit.indicator')
        .orderBy('infection_hit.source')
        .limit(A_TURN)
        .execute()
      const last = waiting.at(-1)
      if (last === undefined) return moved
      after = last
      const changed = waiting.filter((row) => isOther(row, logs.attribute(row.address, row.port, row.at)))
      if (changed.length > 0) moved += await move(changed)
    }
  }

  /** Contacts that lead to nobody, and those of somebody to whom no letter went. */
  const untold = (from: Pick<Trx, 'selectFrom'>) =>
    from
      .selectFrom('infection_hit')
      .innerJoin('infection', 'infection.id', 'infection_hit.infection')
      .leftJoin('subscriber_notice as notice', 'notice.id', 'infection.notice')
      .selectAll('infection_hit')
      .select('infection.subscriber as subscriber')
      .where((eb) =>
        eb.or([
          eb('infection_hit.result', 'in', ['ambiguous', 'not-attributable']),
          eb.and([
            eb('infection.state', 'in', ['found', 'held']),
            eb('notice.state', 'in', ['waiting', 'held', 'dry-run', 'failed']),
            eb('notice.sent_at', 'is', null),
            eb.or([eb('notice.why', 'is', null), eb('notice.why', '!=', 'in-doubt')]),
          ]),
        ]),
      )

  async function move(changed: readonly HitRow[]): Promise<number> {
    return db.transaction<SubscriberTables, number>(async (trx) => {
      await alone(ctx, trx)
      let moved = 0
      for (const { source, event, indicator } of changed) {
        const row = await untold(trx)
          .where('infection_hit.event', '=', event)
          .where('infection_hit.indicator', '=', indicator)
          .where('infection_hit.source', '=', source)
          .executeTakeFirst()
        // Told, or moved, in the meantime.
        if (row === undefined) continue
        const found = logs.attribute(row.address, row.port, row.at)
        if (!isOther(row, found)) continue
        const judged = { result: found.result, candidates: found.candidates, why: found.why }
        const mine = () =>
          trx
            .updateTable('infection_hit')
            .where('event', '=', event)
            .where('indicator', '=', indicator)
            .where('source', '=', source)
        if (found.subscriber === row.subscriber) {
          await mine().set(judged).execute()
          await trx.updateTable('infection').set(judged).where('id', '=', row.infection).execute()
          continue
        }
        const hit: Hit = {
          source,
          event,
          time: row.at,
          clientAddress: row.address,
          clientPort: row.port,
          indicator,
          contacted: row.contacted,
          kind: row.kind as Hit['kind'],
        }
        const infection = await grow(trx, placeOf(hit, found), [{ hit, found }])
        await mine()
          .set({ infection, ...judged })
          .execute()
        await shrink(trx, row.infection, row.subscriber)
        moved++
      }
      return moved
    })
  }

  /**
   * One contact fewer. Without any left the place of nobody goes, and what waited for somebody is held: the next contact
   * of theirs is a new infection.
   */
  async function shrink(trx: Trx, id: string, subscriber: string | null): Promise<void> {
    const { n, first, last } = await trx
      .selectFrom('infection_hit')
      .select((eb) => [eb.fn.countAll<number>().as('n'), eb.fn.min('at').as('first'), eb.fn.max('at').as('last')])
      .where('infection', '=', id)
      .executeTakeFirstOrThrow()
    if (Number(n) > 0) {
      const span = { first_at: Number(first), last_at: Number(last) }
      await trx
        .updateTable('infection')
        .set({ sightings: Number(n), ...span })
        .where('id', '=', id)
        .execute()
      await trx
        .updateTable('subscriber_notice')
        .set(span)
        .where('infection', '=', id)
        .where('state', 'in', ['waiting', 'held'])
        .where('sent_at', 'is', null)
        .execute()
    } else if (subscriber === null) await trx.deleteFrom('infection').where('id', '=', id).execute()
    else {
      await trx
        .updateTable('infection')
        .set({ place: `moved ${id}`, state: 'held', sightings: 0 })
        .where('id', '=', id)
        .execute()
      await desk.drop(trx, id, 'attribution-changed')
    }
  }

  /** No contact for the set number of days: clean, and what still waited is not sent. */
  async function sweep(): Promise<number> {
    return db.transaction<SubscriberTables, number>(async (trx) => {
      await alone(ctx, trx)
      const { cleanAfterDays } = await desk.setting(trx)
      const rows = await trx
        .selectFrom('infection')
        .select(['id', 'subscriber'])
        .where('state', 'in', ['found', 'warned', 'held'])
        .where('last_at', '<', ctx.clock() - cleanAfterDays * DAY_MS)
        .limit(A_TURN)
        .execute()
      for (const { id, subscriber } of rows) {
        await trx.updateTable('infection').set({ state: 'clean' }).where('id', '=', id).execute()
        await desk.drop(trx, id, 'clean')
        const about = subscriber === null ? {} : { subject: subscriber }
        await ctx.record(trx, [
          { kind: 'subscribers.clean', actor: 'node', ...about, result: 'done', facts: { infection: id } },
        ])
      }
      return rows.length
    })
  }

  async function page(filter: {
    cursor?: string | undefined
    limit: number
    state?: Infection['state'] | undefined
    result?: Attribution['result'] | undefined
    indicator?: string | undefined
  }) {
    if (filter.cursor !== undefined && !/^inf_[0-9A-Z]{26}$/.test(filter.cursor))
      throw badRequest('http/cursor', 'This cursor is not one of ours.', 'query.cursor')
    let query = tables().selectFrom('infection')
    if (filter.state) query = query.where('state', '=', filter.state)
    if (filter.result) query = query.where('result', '=', filter.result)
    if (filter.indicator) query = query.where('indicator', '=', filter.indicator)
    const { n } = await query.select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()
    if (filter.cursor) query = query.where('id', '<', filter.cursor)
    const rows = await query
      .selectAll()
      .orderBy('id', 'desc')
      .limit(filter.limit + 1)
      .execute()
    const items = rows.slice(0, filter.limit)
    return {
      items: items.map(infectionOf),
      next: rows.length > filter.limit ? items.at(-1)!.id : null,
      total: Number(n),
    }
  }

  async function row(id: string): Promise<InfectionRow> {
    const found = await tables().selectFrom('infection').selectAll().where('id', '=', id).executeTakeFirst()
    if (!found) throw new KhienError('subscribers/no-infection', 'There is no infection with this id.', { status: 404 })
    return found
  }

  /** Errors: 404 `subscribers/no-infection`. */
  async function one(id: string) {
    const found = await row(id)
    const seen = await tables()
      .selectFrom('infection_hit')
      .selectAll()
      .where('infection', '=', id)
      .orderBy('at', 'desc')
      .limit(SHOWN_HITS)
      .execute()
    return {
      ...infectionOf(found),
      seen: seen.map(({ event, at, address, port, kind, result }) => ({
        event,
        at: iso(at),
        address,
        port,
        kind,
        result,
      })),
      notices: await desk.of(id),
    }
  }

  async function figures() {
    const count = (column: 'state' | 'result') =>
      tables()
        .selectFrom('infection')
        .select((eb) => [`${column} as key` as 'state as key', eb.fn.countAll<number>().as('n')])
        .groupBy(column)
        .execute()
    const [states, results] = await Promise.all([count('state'), count('result')])
    const table = (rows: readonly { key: string; n: number }[]) =>
      Object.fromEntries(rows.map(({ key, n }) => [key, Number(n)]))
    const none = { attributed: 0, ambiguous: 0, 'not-attributable': 0, outside: 0 }
    return {
      found: states.reduce((sum, { n }) => sum + Number(n), 0),
      attribution: { ...none, ...table(results) },
      states: table(states),
    }
  }

  return { receive, judgeAgain, sweep, page, one, row, figures, counts }
}

const isOther = (row: HitRow & { readonly subscriber: string | null }, found: Attribution): boolean =>
  found.result !== row.result || found.why !== row.why || found.subscriber !== row.subscriber

/** Without the port, which changes with every connection, nobody's contacts would be a row each. */
const placeOf = (hit: Hit, found: Attribution): string =>
  found.subscriber === null ? `? ${hit.clientAddress} ${hit.indicator}` : `${found.subscriber} ${hit.indicator}`

const hitRow = (infection: string, hit: Hit, found: Attribution): HitRow => ({
  source: hit.source,
  event: hit.event,
  indicator: hit.indicator,
  infection,
  at: hit.time,
  address: hit.clientAddress,
  port: hit.clientPort,
  kind: hit.kind,
  contacted: hit.contacted,
  result: found.result,
  candidates: found.candidates,
  why: found.why,
})

const infectionOf = (row: InfectionRow): Infection => ({
  id: row.id,
  indicator: row.indicator,
  contacted: row.contacted,
  subscriber: row.subscriber,
  attribution: { result: row.result, subscriber: row.subscriber, candidates: row.candidates, why: row.why },
  first: iso(row.first_at),
  last: iso(row.last_at),
  sightings: Number(row.sightings),
  state: row.state,
  notice: row.notice,
})
