import type { Clock } from '../kit/clock.ts'
import { iso } from '../kit/clock.ts'
import { badRequest, KhienError } from '../kit/errors.ts'
import { newId, type Entropy } from '../kit/ids.ts'
import type { RecordActs } from '../kit/act.ts'
import { oneAtATime, type Database, type Transaction } from '../storage/sql/index.ts'
import type { Alert, Observable } from './contract.ts'
import type { Firing } from './firing.ts'
import type { AlertRow, DetectionTables } from './store.ts'

export type DetectionContext = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly record: RecordActs
  readonly emit: (
    trx: unknown,
    topic: string,
    payload: Readonly<Record<string, string | number | boolean>>,
  ) => Promise<void>
}
type Body = { group: Record<string, string>; observables: Observable[]; events: string[] }

/** A new alert, in the transaction that keeps it: `{ alert }`. */
export const RAISED = 'detection.raised'
const KEPT_EVENTS = 50
const KEPT_OBSERVABLES = 20
/** Open alerts of one rule; more sources than that are told by one alert that counts them all. */
const OPEN_A_RULE = 1_000
const REST = '{"…":"…"}'

/** Alerts: what the rules found, grouped by rule and group while nobody has decided, and what was decided. */
export function alertService(ctx: DetectionContext) {
  const listeners = new Set<(alert: Alert) => void>()

  /**
   * Takes firings in, exactly once however often they are told: one of a time the alert has already reached changes
   * nothing. `origin` names the platform whose alert it is. Durable before this resolves.
   */
  async function receive(firings: readonly Firing[], origin: string | null = null): Promise<Alert[]> {
    if (firings.length === 0) return []
    const touched = await ctx.db.transaction<DetectionTables, Alert[]>(async (trx) => {
      await oneAtATime(ctx.db, trx, 'detection.alerts')
      const out = new Map<string, Alert>()
      for (const firing of firings) {
        const row = await fold(trx, firing, origin)
        if (row) out.set(row.id, alertOf(row))
      }
      return [...out.values()]
    })
    for (const alert of touched) for (const listener of listeners) listener(alert)
    return touched
  }

  async function fold(
    trx: Transaction<DetectionTables>,
    firing: Firing,
    origin: string | null,
  ): Promise<AlertRow | undefined> {
    const key = canonical(firing.group)
    const newest = async (group: string): Promise<AlertRow | undefined> =>
      trx
        .selectFrom('alert')
        .selectAll()
        .where('rule', '=', firing.rule)
        .where('group_key', '=', group)
        .where('origin', origin === null ? 'is' : '=', origin)
        .orderBy('last_at', 'desc')
        .limit(1)
        .executeTakeFirst()
    const known = await newest(key)
    if (known && firing.at <= Number(known.last_at)) return undefined
    if (known?.open) return add(trx, known, firing)
    const { n } = await trx
      .selectFrom('alert')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('rule', '=', firing.rule)
      .where('state', '=', 'new')
      .executeTakeFirstOrThrow()
    const full = Number(n) >= OPEN_A_RULE
    const rest = full ? await newest(REST) : undefined
    if (rest && firing.at <= Number(rest.last_at)) return undefined
    if (rest?.open) return add(trx, rest, firing)
    const row: AlertRow = {
      id: newId('alr', ctx.clock(), ctx.entropy),
      rule: firing.rule,
      group_key: full ? REST : key,
      title: firing.title,
      level: firing.level,
      first_at: firing.from,
      last_at: firing.at,
      count: firing.count ?? 1,
      state: 'new',
      open: 1,
      case_id: null,
      body: JSON.stringify({
        group: full ? { '…': '…' } : firing.group,
        observables: firing.observables,
        events: firing.events,
      }),
      origin,
    }
    await trx.insertInto('alert').values(row).execute()
    await ctx.emit(trx, RAISED, { alert: row.id })
    return row
  }

  async function add(trx: Transaction<DetectionTables>, row: AlertRow, firing: Firing): Promise<AlertRow> {
    const body = JSON.parse(row.body) as Body
    const observables = [...body.observables]
    for (const each of firing.observables)
      if (!observables.some((o) => o.kind === each.kind && o.value === each.value)) observables.push(each)
    const next = {
      last_at: firing.at,
      count: Number(row.count) + (firing.count ?? 1),
      body: JSON.stringify({
        group: body.group,
        observables: observables.slice(0, KEPT_OBSERVABLES),
        events: [...new Set([...firing.events, ...body.events])].slice(0, KEPT_EVENTS),
      }),
    }
    await trx.updateTable('alert').set(next).where('id', '=', row.id).execute()
    return { ...row, ...next }
  }

  async function page(filter: {
    state?: Alert['state'] | undefined
    level?: Alert['level'] | undefined
    rule?: string | undefined
    cursor?: string | undefined
    limit: number
  }): Promise<{ items: Alert[]; next: string | null; total: number }> {
    const where = () => {
      let query = ctx.db.tables<DetectionTables>().selectFrom('alert')
      if (filter.state) query = query.where('state', '=', filter.state)
      if (filter.level) query = query.where('level', '=', filter.level)
      if (filter.rule) query = query.where('rule', '=', filter.rule)
      return query
    }
    if (filter.cursor !== undefined && !/^alr_[0-9A-Z]{26}$/.test(filter.cursor))
      throw badRequest('http/cursor', 'This cursor is not one of ours.', 'query.cursor')
    let query = where()
    if (filter.cursor) query = query.where('id', '<', filter.cursor)
    const rows = await query
      .selectAll()
      .orderBy('id', 'desc')
      .limit(filter.limit + 1)
      .execute()
    const { n } = await where()
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
    const items = rows.slice(0, filter.limit).map(alertOf)
    return { items, next: rows.length > filter.limit ? items.at(-1)!.id : null, total: Number(n) }
  }

  async function one(id: string): Promise<Alert> {
    const row = await ctx.db
      .tables<DetectionTables>()
      .selectFrom('alert')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (!row) throw new KhienError('detection/no-alert', 'There is no alert with this id.', { status: 404 })
    return alertOf(row)
  }

  async function dismiss(id: string, reason: string, actor: string): Promise<Alert> {
    await ctx.db.transaction<DetectionTables, void>(async (trx) => {
      const done = await trx
        .updateTable('alert')
        .set({ state: 'dismissed', open: 0 })
        .where('id', '=', id)
        .where('state', '=', 'new')
        .executeTakeFirst()
      if (Number(done.numUpdatedRows) !== 1)
        throw new KhienError('detection/decided', 'This alert is not waiting any more.', { status: 409 })
      await ctx.record(trx, [{ kind: 'alert.dismissed', actor, reason, result: 'done', facts: { alert: id } }])
    })
    return one(id)
  }

  /** Puts an alert into a case, in the case's own transaction. Refused when it already lies in another. */
  async function assign(transaction: unknown, id: string, caseId: string): Promise<Alert> {
    const trx = transaction as Transaction<DetectionTables>
    const done = await trx
      .updateTable('alert')
      .set({ state: 'case', case_id: caseId })
      .where('id', '=', id)
      .where('state', '=', 'new')
      .executeTakeFirst()
    const row = await trx.selectFrom('alert').selectAll().where('id', '=', id).executeTakeFirst()
    if (!row)
      throw new KhienError('detection/no-alert', 'There is no alert with this id.', {
        status: 404,
        field: 'body.alert',
      })
    if (Number(done.numUpdatedRows) !== 1)
      throw new KhienError(
        'detection/decided',
        row.case_id === null ? 'This alert was put aside.' : `This alert lies in case ${row.case_id}.`,
        { status: 409, field: 'body.alert' },
      )
    return alertOf(row)
  }

  /** Alerts of a case; a closed case takes no further firings. */
  async function ofCase(caseId: string): Promise<Alert[]> {
    const rows = await ctx.db
      .tables<DetectionTables>()
      .selectFrom('alert')
      .selectAll()
      .where('case_id', '=', caseId)
      .orderBy('id')
      .execute()
    return rows.map(alertOf)
  }
  const follow = async (transaction: unknown, caseId: string, open: boolean): Promise<void> => {
    await (transaction as Transaction<DetectionTables>)
      .updateTable('alert')
      .set({ open: open ? 1 : 0 })
      .where('case_id', '=', caseId)
      .execute()
  }

  /** For each rule: how many alerts, and the last time. */
  async function byRule(): Promise<Map<string, { alerts: number; last: number }>> {
    const rows = await ctx.db
      .tables<DetectionTables>()
      .selectFrom('alert')
      .select((eb) => ['rule', eb.fn.countAll<number>().as('n'), eb.fn.max('last_at').as('last')])
      .groupBy('rule')
      .execute()
    return new Map(rows.map((row) => [row.rule, { alerts: Number(row.n), last: Number(row.last) }]))
  }

  function listen(listener: (alert: Alert) => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  return { receive, page, one, dismiss, assign, ofCase, follow, byRule, listen }
}
export type Alerts = ReturnType<typeof alertService>

function alertOf(row: AlertRow): Alert {
  const body = JSON.parse(row.body) as Body
  return {
    id: row.id,
    rule: row.rule,
    title: row.title,
    level: row.level as Alert['level'],
    group: body.group,
    first: iso(Number(row.first_at)),
    last: iso(Number(row.last_at)),
    count: Number(row.count),
    state: row.state,
    case: row.case_id,
    observables: body.observables,
    events: body.events,
    from: row.origin,
  }
}

const canonical = (group: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(group).sort(([a], [b]) => (a < b ? -1 : 1))))
