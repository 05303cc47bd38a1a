import type { Detection, Observable } from '../detection/index.ts'
import type { RecordActs } from '../kit/act.ts'
import { iso, type Clock } from '../kit/clock.ts'
import type { Once } from '../kit/contract.ts'
import { KhienError } from '../kit/errors.ts'
import { oneAtATime, runOnce, type Database, type Transaction } from '../storage/sql/index.ts'
import type { Case, CaseHead, Entry } from './contract.ts'
import { clocksOf, nextDue } from './clocks.ts'
import type { CaseRow, CaseTables } from './store.ts'

export type CaseContext = {
  readonly db: Database
  readonly clock: Clock
  readonly record: RecordActs
  readonly detection: Detection
  /** Names of members of staff by id, as shown to their colleagues. */
  readonly names: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>
}
type Trx = Transaction<CaseTables>
type Who = Entry['who']
type Step = { kind: Entry['kind']; text: string; actor: string; who?: Who }
const SEVERITY = { informational: 'low', low: 'low', medium: 'medium', high: 'high', critical: 'critical' } as const
const YEAR = new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Ho_Chi_Minh', year: 'numeric' })
const MOST = 500

/** Cases: what people do about alerts, with the clocks the law sets. */
export function caseService(ctx: CaseContext) {
  const { db } = ctx

  /** The case must be held: entries are numbered, since several fall into one millisecond. */
  async function enter(trx: Trx, caseId: string, step: Step): Promise<void> {
    const { n } = await trx
      .selectFrom('case_entry')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('case_id', '=', caseId)
      .executeTakeFirstOrThrow()
    const row = {
      id: numbered(caseId, 'e', Number(n)),
      case_id: caseId,
      at: ctx.clock(),
      actor: step.actor,
      who: step.who ?? 'person',
      kind: step.kind,
      text: step.text,
    }
    await trx.insertInto('case_entry').values(row).execute()
  }

  async function observe(trx: Trx, caseId: string, seen: readonly Observable[]): Promise<Observable[]> {
    const known = await trx
      .selectFrom('case_observable')
      .select(['kind', 'value', 'role'])
      .where('case_id', '=', caseId)
      .execute()
    const fresh = seen.filter(
      (o, i) =>
        !known.some((k) => k.kind === o.kind && k.value === o.value && k.role === o.role) &&
        seen.findIndex((p) => p.kind === o.kind && p.value === o.value && p.role === o.role) === i,
    )
    if (known.length + fresh.length > MOST)
      throw new KhienError('cases/full', `A case holds at most ${MOST} observables.`, { status: 409 })
    for (const [i, o] of fresh.entries())
      await trx
        .insertInto('case_observable')
        .values({
          id: numbered(caseId, 'o', known.length + i),
          case_id: caseId,
          at: ctx.clock(),
          ...o,
          indicator: null,
        })
        .execute()
    return fresh
  }

  /** The case, locked for this transaction; refused when it is closed unless that is wanted. */
  async function held(trx: Trx, caseId: string, state: 'open' | 'closed' = 'open'): Promise<CaseRow> {
    await oneAtATime(db, trx, `case ${caseId}`)
    const row = await trx.selectFrom('case_file').selectAll().where('id', '=', caseId).executeTakeFirst()
    if (!row) throw noCase()
    if (row.state !== state)
      throw new KhienError(
        'cases/state',
        state === 'open' ? 'This case is closed; open it again first.' : 'This case is open already.',
        { status: 409 },
      )
    return row
  }

  async function open(
    wish: { alert?: string | undefined; title?: string | undefined; severity?: CaseHead['severity'] | undefined },
    actor: string,
    once?: Once,
  ): Promise<Case> {
    const caseId = await runOnce<CaseTables, string>(db, once, ctx.clock(), async (trx) => {
      const year = YEAR.format(ctx.clock())
      await oneAtATime(db, trx, 'case numbers')
      const last = await trx
        .selectFrom('case_file')
        .select((eb) => eb.fn.max('id').as('id'))
        .where('id', 'like', `VV-${year}-%`)
        .executeTakeFirst()
      const number = Number((last?.id ?? '').split('-')[2] ?? 0) + 1
      const caseId = `VV-${year}-${String(number).padStart(4, '0')}`
      const alert = wish.alert === undefined ? undefined : await ctx.detection.alerts.assign(trx, wish.alert, caseId)
      const title = wish.title ?? alert?.title
      if (title === undefined)
        throw new KhienError('cases/title', 'A case without an alert needs a title.', {
          status: 400,
          field: 'body.title',
        })
      const row: CaseRow = {
        id: caseId,
        title,
        severity: wish.severity ?? (alert ? SEVERITY[alert.level] : 'medium'),
        state: 'open',
        outcome: null,
        owner: actor,
        opened_at: ctx.clock(),
        closed_at: null,
        detected_at: null,
        first_reported_at: null,
        full_reported_at: null,
        origin: alert?.from ?? null,
      }
      await trx.insertInto('case_file').values(row).execute()
      await enter(trx, caseId, { kind: 'opened', text: title, actor })
      if (alert) {
        await enter(trx, caseId, { kind: 'alert', text: alert.id, actor: 'node', who: 'system' })
        await observe(trx, caseId, alert.observables)
      }
      await ctx.record(trx, [
        { kind: 'case.opened', actor, result: 'done', facts: { case: caseId, ...(alert ? { alert: alert.id } : {}) } },
      ])
      return caseId
    })
    return one(caseId)
  }

  /** One act on an open case: the change, its line in the timeline and its record are one transaction. */
  async function act(caseId: string, step: Step, change: (trx: Trx, row: CaseRow) => Promise<Partial<CaseRow> | void>) {
    await db.transaction<CaseTables, void>(async (trx) => {
      const row = await held(trx, caseId, step.kind === 'reopened' ? 'closed' : 'open')
      const set = await change(trx, row)
      if (set) await trx.updateTable('case_file').set(set).where('id', '=', caseId).execute()
      await enter(trx, caseId, step)
      // Texts of notes and titles stay in the case: the log holds no free text.
      await ctx.record(trx, [{ kind: `case.${step.kind}`, actor: step.actor, result: 'done', facts: { case: caseId } }])
    })
    return one(caseId)
  }

  const take = (caseId: string, actor: string) =>
    act(caseId, { kind: 'taken', text: actor, actor }, async () => ({ owner: actor }))
  const join = (caseId: string, alertId: string, actor: string) =>
    act(caseId, { kind: 'alert', text: alertId, actor }, async (trx) => {
      const alert = await ctx.detection.alerts.assign(trx, alertId, caseId)
      await observe(trx, caseId, alert.observables)
    })
  const note = (caseId: string, text: string, actor: string) =>
    act(caseId, { kind: 'note', text, actor }, async () => {})
  const addObservable = (caseId: string, seen: Observable, actor: string) =>
    act(caseId, { kind: 'observable', text: seen.value, actor }, async (trx) => {
      const fresh = await observe(trx, caseId, [seen])
      if (fresh.length === 0)
        throw new KhienError('cases/known', 'The case has this observable already.', { status: 409 })
    })
  const addTask = (caseId: string, title: string, actor: string) =>
    act(caseId, { kind: 'task', text: title, actor }, async (trx) => {
      const { n } = await trx
        .selectFrom('case_task')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .where('case_id', '=', caseId)
        .executeTakeFirstOrThrow()
      await trx
        .insertInto('case_task')
        .values({
          id: numbered(caseId, 't', Number(n)),
          case_id: caseId,
          title,
          at: ctx.clock(),
          done_at: null,
          done_by: null,
        })
        .execute()
    })
  const finishTask = async (caseId: string, task: string, actor: string): Promise<Case> => {
    const { title } = (await titleOf(caseId, task)) ?? noTask()
    return act(caseId, { kind: 'task-done', text: title, actor }, async (trx) => {
      const done = await trx
        .updateTable('case_task')
        .set({ done_at: ctx.clock(), done_by: actor })
        .where('id', '=', task)
        .where('case_id', '=', caseId)
        .where('done_at', 'is', null)
        .executeTakeFirst()
      if (Number(done.numUpdatedRows) !== 1) noTask()
    })
  }
  const titleOf = (caseId: string, task: string) =>
    db
      .tables<CaseTables>()
      .selectFrom('case_task')
      .select('title')
      .where('id', '=', task)
      .where('case_id', '=', caseId)
      .executeTakeFirst()
  const judge = (caseId: string, severity: CaseHead['severity'], actor: string) =>
    act(caseId, { kind: 'severity', text: severity, actor }, async () => ({ severity }))

  /** From when it was detected, not from when somebody found the time to declare it. */
  const declareSerious = (caseId: string, detectedAt: number | undefined, actor: string) =>
    act(caseId, { kind: 'serious', text: '', actor }, async (_, row) => {
      if (row.detected_at !== null)
        throw new KhienError('cases/serious', 'The clocks of this case run already.', { status: 409 })
      const at = detectedAt ?? Number(row.opened_at)
      if (at > ctx.clock())
        throw new KhienError('cases/future', 'An incident cannot have been detected in the future.', {
          status: 400,
          field: 'body.detectedAt',
        })
      return { detected_at: at }
    })
  const reported = (caseId: string, which: 'incident.first' | 'incident.full', reference: string, actor: string) =>
    act(caseId, { kind: 'reported', text: `${which} ${reference}`, actor }, async (_, row) => {
      const column = which === 'incident.first' ? 'first_reported_at' : 'full_reported_at'
      if (row.detected_at === null)
        throw new KhienError(
          'cases/not-serious',
          'Declare the incident serious first: then the law asks for a report.',
          {
            status: 409,
          },
        )
      if (row[column] !== null)
        throw new KhienError('cases/reported', 'This report was handed in already.', { status: 409 })
      return { [column]: ctx.clock() }
    })
  const close = (caseId: string, outcome: NonNullable<CaseHead['outcome']>, actor: string) =>
    act(caseId, { kind: 'closed', text: outcome, actor }, async (trx, row) => {
      if (missingReports(row) > 0)
        throw new KhienError('cases/report-missing', 'A report the law asks for has not been handed in yet.', {
          status: 409,
        })
      await ctx.detection.alerts.follow(trx, caseId, false)
      return { state: 'closed', outcome, closed_at: ctx.clock() }
    })
  const reopen = (caseId: string, actor: string) =>
    act(caseId, { kind: 'reopened', text: '', actor }, async (trx) => {
      await ctx.detection.alerts.follow(trx, caseId, true)
      return { state: 'open', outcome: null, closed_at: null }
    })

  /**
   * What another slice did for a case (an indicator shared, a sighting come back), in that slice's transaction. The same
   * words twice in a row are one: whoever tells may tell again after a crash.
   */
  async function tell(trx: unknown, caseId: string, step: Step): Promise<void> {
    await oneAtATime(db, trx, `case ${caseId}`)
    const known = await (trx as Trx).selectFrom('case_file').select('id').where('id', '=', caseId).executeTakeFirst()
    if (!known) return
    const last = await (trx as Trx)
      .selectFrom('case_entry')
      .select('text')
      .where('case_id', '=', caseId)
      .where('kind', '=', step.kind)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (last?.text !== step.text) await enter(trx as Trx, caseId, step)
  }
  /** Marks an observable as shared: `indicator` is the indicator's id. */
  async function link(trx: unknown, caseId: string, value: string, indicator: string): Promise<void> {
    await (trx as Trx)
      .updateTable('case_observable')
      .set({ indicator })
      .where('case_id', '=', caseId)
      .where('value', '=', value)
      .execute()
  }

  async function heads(rows: readonly CaseRow[]): Promise<CaseHead[]> {
    if (rows.length === 0) return []
    const tables = db.tables<CaseTables>()
    const ids = rows.map((row) => row.id)
    const [tasks, names, alerts] = await Promise.all([
      tables
        .selectFrom('case_task')
        .select((eb) => ['case_id', eb.fn.countAll<number>().as('n')])
        .where('case_id', 'in', ids)
        .where('done_at', 'is', null)
        .groupBy('case_id')
        .execute(),
      ctx.names(rows.flatMap((row) => (row.owner === null ? [] : [row.owner]))),
      tables
        .selectFrom('case_entry')
        .select((eb) => ['case_id', eb.fn.countAll<number>().as('n')])
        .where('case_id', 'in', ids)
        .where('kind', '=', 'alert')
        .groupBy('case_id')
        .execute(),
    ])
    const open = new Map(tasks.map((row) => [row.case_id, Number(row.n)]))
    const found = new Map(alerts.map((row) => [row.case_id, Number(row.n)]))
    return rows.map((row) => ({
      id: row.id,
      title: row.title,
      severity: row.severity as CaseHead['severity'],
      state: row.state,
      outcome: row.outcome as CaseHead['outcome'],
      owner: row.owner,
      ownerName: row.owner === null ? null : (names.get(row.owner) ?? null),
      openedAt: iso(Number(row.opened_at)),
      closedAt: row.closed_at === null ? null : iso(Number(row.closed_at)),
      serious: row.detected_at !== null,
      clocks: clocksOf(row),
      alerts: found.get(row.id) ?? 0,
      openTasks: open.get(row.id) ?? 0,
      from: row.origin,
    }))
  }

  /** Open cases by nearest deadline, then the newest; closed ones after them. */
  async function page(filter: {
    state?: CaseRow['state'] | undefined
    owner?: 'me' | 'nobody' | undefined
    actor: string
    cursor?: string | undefined
    limit: number
  }): Promise<{ items: CaseHead[]; next: string | null; total: number }> {
    const at = filter.cursor === undefined ? 0 : Number(filter.cursor)
    if (!Number.isInteger(at) || at < 0)
      throw new KhienError('http/cursor', 'This cursor is not one of ours.', { status: 400, field: 'query.cursor' })
    let query = db.tables<CaseTables>().selectFrom('case_file').selectAll()
    if (filter.state) query = query.where('state', '=', filter.state)
    if (filter.owner === 'me') query = query.where('owner', '=', filter.actor)
    if (filter.owner === 'nobody') query = query.where('owner', 'is', null)
    const rows = await query.orderBy('id', 'desc').limit(MOST_LISTED).execute()
    const sorted = rows.toSorted(
      (a, b) =>
        Number(a.state === 'closed') - Number(b.state === 'closed') || order(a) - order(b) || (a.id < b.id ? 1 : -1),
    )
    const items = await heads(sorted.slice(at, at + filter.limit))
    const next = at + filter.limit < sorted.length ? String(at + filter.limit) : null
    return { items, next, total: sorted.length }
  }

  async function one(caseId: string): Promise<Case> {
    const tables = db.tables<CaseTables>()
    const row = await tables.selectFrom('case_file').selectAll().where('id', '=', caseId).executeTakeFirst()
    if (!row) throw noCase()
    const [[head], entries, seen, tasks, alerts] = await Promise.all([
      heads([row]),
      tables
        .selectFrom('case_entry')
        .selectAll()
        .where('case_id', '=', caseId)
        .orderBy('id', 'desc')
        .limit(MOST)
        .execute(),
      tables.selectFrom('case_observable').selectAll().where('case_id', '=', caseId).orderBy('id').execute(),
      tables.selectFrom('case_task').selectAll().where('case_id', '=', caseId).orderBy('id').execute(),
      ctx.detection.alerts.ofCase(caseId),
    ])
    const people = await ctx.names([...entries.map((entry) => entry.actor), ...tasks.flatMap((t) => t.done_by ?? [])])
    const name = (actor: string): string => people.get(actor) ?? actor
    return {
      ...head!,
      alertIds: alerts.map((alert) => alert.id),
      observables: seen.map((o) => ({
        id: o.id,
        kind: o.kind as 'domain',
        value: o.value,
        port: o.port,
        role: o.role as 'seen',
        addedAt: iso(Number(o.at)),
        indicator: o.indicator,
      })),
      tasks: tasks.map((task) => ({
        id: task.id,
        title: task.title,
        doneAt: task.done_at === null ? null : iso(Number(task.done_at)),
        doneBy: task.done_by === null ? null : name(task.done_by),
      })),
      timeline: entries.map((entry) => ({
        at: iso(Number(entry.at)),
        actor: name(entry.actor),
        who: entry.who as Who,
        kind: entry.kind as Entry['kind'],
        text: entry.text,
      })),
      barred:
        missingReports(row) > 0
          ? [
              {
                act: 'close',
                why: {
                  vi: `Chưa đóng được: còn thiếu báo cáo theo ${clocksOf(row)[0]?.article?.vi ?? 'luật'}.`,
                  en: `Cannot be closed yet: a report under ${clocksOf(row)[0]?.article?.en ?? 'the law'} is missing.`,
                },
              },
            ]
          : [],
    }
  }

  return {
    open,
    take,
    join,
    note,
    addObservable,
    addTask,
    finishTask,
    judge,
    declareSerious,
    reported,
    close,
    reopen,
    tell,
    link,
    page,
    one,
  }
}

/** A control room has hundreds of open cases, not a hundred thousand; beyond this the oldest are found by number. */
const MOST_LISTED = 5_000
const noCase = (): KhienError => new KhienError('cases/no-case', 'There is no case with this number.', { status: 404 })
/** Sorts by the order in which things came: several fall into one millisecond. */
const numbered = (caseId: string, kind: 'e' | 'o' | 't', n: number): string =>
  `${caseId}.${kind}${String(n + 1).padStart(6, '0')}`
const noTask = (): never => {
  throw new KhienError('cases/no-task', 'There is no such open task in this case.', { status: 404 })
}
const missingReports = (row: CaseRow): number => clocksOf(row).filter((clock) => clock.metAt === null).length
const order = (row: CaseRow): number => {
  const due = nextDue(row)
  return due === Infinity ? Number.MAX_SAFE_INTEGER : due
}
