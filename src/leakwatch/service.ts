import { deadlineOf } from '../law/index.ts'
import type { RecordActs } from '../kit/act.ts'
import { iso, type Clock } from '../kit/clock.ts'
import { badRequest, KhienError } from '../kit/errors.ts'
import { newId, newSubject, type Entropy } from '../kit/ids.ts'
import { callerOf } from '../http/index.ts'
import { oneAtATime, type Database, type Transaction } from '../storage/sql/index.ts'
import type { STATES, WHAT } from './contract.ts'
import type { LeakwatchTables, ReportRow } from './store.ts'
import { TICKET_MS, ticketOffice } from './ticket.ts'

export type LeakwatchContext = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly record: RecordActs
  /** Keyed hash; the key is the node's. */
  readonly fingerprint: (text: string) => string
  readonly seal: (plain: Uint8Array, about: string) => Uint8Array
  readonly open: (sealed: Uint8Array, about: string) => Uint8Array
}
type What = (typeof WHAT)[number]
type State = (typeof STATES)[number]
type Written = { readonly about: string; readonly when: string; readonly story: string }
type Trx = Transaction<LeakwatchTables>

/** What we promise, not what the law asks: the first answer of an officer within so many working days. */
const PROMISE = { workingDays: 5 } as const
const MESSAGES = 200
/** The puzzle grows by one bit, twice the work, for each doubling of the flood. */
const BITS = { least: 16, most: 22, calmAnHour: 60 } as const
const TRIES_A_MINUTE = 10
const COUNT_MS = 10_000

/** Reports of citizens about leaks and misuse of personal data, from the receipt code to the outcome. */
export function leakwatchService(ctx: LeakwatchContext) {
  const { db } = ctx
  const office = ticketOffice((text) => ctx.fingerprint(text).slice(0, 22), ctx.entropy)
  const tries = new Map<string, number[]>()
  const codeHash = (code: string): string => ctx.fingerprint(`report ${tidy(code)}`)
  const sealText = (value: object | string, about: string): Uint8Array =>
    ctx.seal(Buffer.from(JSON.stringify(value)), about)
  const openText = <T>(sealed: Uint8Array, about: string): T =>
    JSON.parse(Buffer.from(ctx.open(sealed, about)).toString('utf8')) as T

  /** Reports of the last hour, counted at most every ten seconds: everybody who opens the form asks. */
  let lately = { at: -Infinity, n: 0 }
  async function ticket(): Promise<string> {
    const now = ctx.clock()
    if (now - lately.at > COUNT_MS) {
      lately = { ...lately, at: now }
      const { n } = await db
        .tables<LeakwatchTables>()
        .selectFrom('citizen_report')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .where('received_at', '>', now - 3_600_000)
        .executeTakeFirstOrThrow()
      lately = { at: now, n: Number(n) }
    }
    const flood = Math.max(0, Math.ceil(Math.log2(Math.max(1, lately.n) / BITS.calmAnHour)))
    return office.issue(now, Math.min(BITS.most, BITS.least + flood))
  }

  /** Keeps a report; the code is answered once and stands nowhere. */
  async function receive(
    wish: Written & { readonly what: What; readonly ticket: string; readonly answer: string },
    address: string,
  ): Promise<{ code: string; at: number }> {
    const now = ctx.clock()
    const paid = office.redeem(wish.ticket, wish.answer, callerOf(address), now)
    const code = newSubject(ctx.entropy)
    const id = newId('rep', now, ctx.entropy)
    await db.transaction<LeakwatchTables, void>(async (trx) => {
      const spent = await trx
        .insertInto('report_ticket')
        .values({ id: paid.id, expires_at: paid.at + TICKET_MS })
        .onConflict((c) => c.doNothing())
        .executeTakeFirst()
      if (Number(spent.numInsertedOrUpdatedRows ?? 0) === 0)
        throw new KhienError('report/ticket', 'This report was sent already. Open the form anew for another one.', {
          status: 409,
          field: 'form.ticket',
        })
      const { about, when, story } = wish
      await trx
        .insertInto('citizen_report')
        .values({
          id,
          what: wish.what,
          state: 'received',
          received_at: now,
          taken_at: null,
          closed_at: null,
          outcome: null,
          officer: null,
          unread: 1,
          code: codeHash(code),
          sealed: sealText({ about, when, story }, id),
        })
        .execute()
      await ctx.record(trx, [
        { kind: 'report.received', actor: 'nobody', result: 'done', facts: { report: id, what: wish.what } },
      ])
    })
    paid.spend()
    return { code, at: now }
  }

  /** The report a code belongs to. Wrong codes of one address are slowed down: 80 bits are not guessed, but may be tried. */
  async function byCode(code: string, address: string): Promise<ReportRow> {
    const now = ctx.clock()
    const caller = callerOf(address)
    const recent = (tries.get(caller) ?? []).filter((at) => now - at < 60_000)
    if (recent.length >= TRIES_A_MINUTE)
      throw new KhienError('report/slow-down', 'Too many wrong codes from your address; wait a minute.', {
        status: 429,
        retryAfter: 60,
      })
    const row = await db
      .tables<LeakwatchTables>()
      .selectFrom('citizen_report')
      .selectAll()
      .where('code', '=', codeHash(code))
      .executeTakeFirst()
    if (row) return row
    tries.set(caller, [...recent, now])
    if (tries.size > 10_000) tries.clear()
    throw new KhienError('report/no-code', 'There is no report with this code. Check each sign.', {
      status: 404,
      field: 'form.code',
    })
  }

  async function messagesOf(id: string) {
    const rows = await db
      .tables<LeakwatchTables>()
      .selectFrom('report_message')
      .selectAll()
      .where('report', '=', id)
      .orderBy('id')
      .limit(MESSAGES)
      .execute()
    return rows.map((row) => ({
      at: iso(Number(row.at)),
      from: row.author,
      text: openText<string>(row.sealed, row.id),
    }))
  }

  async function say(trx: Trx, id: string, author: 'citizen' | 'officer', text: string): Promise<void> {
    const { n } = await trx
      .selectFrom('report_message')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('report', '=', id)
      .executeTakeFirstOrThrow()
    if (Number(n) >= MESSAGES)
      throw new KhienError('report/full', `A report holds at most ${MESSAGES} messages.`, { status: 409 })
    const key = `${id}.${String(Number(n) + 1).padStart(4, '0')}`
    await trx
      .insertInto('report_message')
      .values({ id: key, report: id, at: ctx.clock(), author, sealed: sealText(text, key) })
      .execute()
  }

  /** What the citizen sees with the code. */
  async function state(code: string, address: string) {
    const row = await byCode(code, address)
    return {
      id: row.id,
      state: row.state as State,
      outcome: row.outcome,
      receivedAt: Number(row.received_at),
      promisedBy: deadlineOf(PROMISE, Number(row.received_at)),
      messages: await messagesOf(row.id),
    }
  }

  async function reply(code: string, text: string, address: string): Promise<void> {
    const { id } = await byCode(code, address)
    await act(id, 'nobody', 'replied', ['question'], async (trx) => {
      await say(trx, id, 'citizen', text)
      return { state: 'answered', unread: 1 }
    })
  }

  async function act(
    id: string,
    actor: string,
    kind: string,
    from: readonly State[],
    change: (trx: Trx, row: ReportRow) => Promise<Partial<ReportRow>>,
  ): Promise<void> {
    await db.transaction<LeakwatchTables, void>(async (trx) => {
      await oneAtATime(db, trx, `report ${id}`)
      const row = await trx.selectFrom('citizen_report').selectAll().where('id', '=', id).executeTakeFirst()
      if (!row) throw noReport()
      if (!from.includes(row.state as State))
        throw new KhienError('report/state', `This cannot be done while the report is "${row.state}".`, { status: 409 })
      await trx
        .updateTable('citizen_report')
        .set(await change(trx, row))
        .where('id', '=', id)
        .execute()
      await ctx.record(trx, [{ kind: `report.${kind}`, actor, result: 'done', facts: { report: id } }])
    })
  }
  const OPEN: readonly State[] = ['received', 'in-work', 'question', 'answered']

  async function take(id: string, actor: string) {
    await act(id, actor, 'taken', ['received', 'in-work', 'answered', 'question'], async (_, row) => ({
      state: row.state === 'received' ? 'in-work' : row.state,
      officer: actor,
      taken_at: row.taken_at ?? ctx.clock(),
    }))
    return head(await rowOf(id))
  }
  async function ask(id: string, text: string, actor: string) {
    await act(id, actor, 'asked', ['received', 'in-work', 'answered'], async (trx, row) => {
      await say(trx, id, 'officer', text)
      return { state: 'question', officer: row.officer ?? actor, taken_at: row.taken_at ?? ctx.clock() }
    })
    return head(await rowOf(id))
  }
  async function close(id: string, outcome: string, text: string, actor: string) {
    await act(id, actor, 'closed', OPEN, async (trx, row) => {
      await say(trx, id, 'officer', text)
      return { state: 'closed', outcome, closed_at: ctx.clock(), officer: row.officer ?? actor, unread: 0 }
    })
    return head(await rowOf(id))
  }

  async function rowOf(id: string): Promise<ReportRow> {
    const row = await db
      .tables<LeakwatchTables>()
      .selectFrom('citizen_report')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (!row) throw noReport()
    return row
  }

  const head = (row: ReportRow) => ({
    id: row.id,
    what: row.what as What,
    about: openText<Written>(row.sealed, row.id).about,
    state: row.state as State,
    receivedAt: iso(Number(row.received_at)),
    clocks: [
      {
        kind: 'report.first-answer',
        start: iso(Number(row.received_at)),
        due: iso(deadlineOf(PROMISE, Number(row.received_at))),
        metAt: row.taken_at === null ? null : iso(Number(row.taken_at)),
        article: null,
      },
    ],
    officer: row.officer,
    unread: Number(row.unread) === 1,
  })

  /** Open reports, the oldest promise first; then closed ones, the newest first. */
  async function page(filter: {
    state?: State | undefined
    what?: What | undefined
    cursor?: string | undefined
    limit: number
    actor: string
  }) {
    const at = filter.cursor === undefined ? 0 : Number(filter.cursor)
    if (!Number.isInteger(at) || at < 0)
      throw badRequest('http/cursor', 'This cursor is not one of ours.', 'query.cursor')
    const where = () => {
      let query = db.tables<LeakwatchTables>().selectFrom('citizen_report')
      if (filter.state) query = query.where('state', '=', filter.state)
      if (filter.what) query = query.where('what', '=', filter.what)
      return query
    }
    const [rows, { n }] = await Promise.all([
      where()
        .selectAll()
        .orderBy((eb) => eb.case().when('state', '=', 'closed').then(1).else(0).end())
        .orderBy('received_at')
        .orderBy('id')
        .offset(at)
        .limit(filter.limit + 1)
        .execute(),
      where()
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow(),
    ])
    const next = rows.length > filter.limit ? String(at + filter.limit) : null
    const shown = rows.slice(0, filter.limit)
    // Whom a report is about stands in the list, in the citizen's own words.
    if (shown.length > 0)
      await db.transaction<LeakwatchTables, unknown>((trx) =>
        ctx.record(trx, [
          { kind: 'report.listed', actor: filter.actor, result: 'allowed', facts: { reports: shown.length } },
        ]),
      )
    return { items: shown.map(head), next, total: Number(n) }
  }

  /** A report as an officer reads it; the reading is recorded before anything of it leaves. */
  async function one(id: string, actor: string) {
    const row = await rowOf(id)
    await db.transaction<LeakwatchTables, void>(async (trx) => {
      await ctx.record(trx, [{ kind: 'report.read', actor, result: 'allowed', facts: { report: id } }])
      await trx.updateTable('citizen_report').set({ unread: 0 }).where('id', '=', id).execute()
    })
    const { when, story } = openText<Written>(row.sealed, row.id)
    return { ...head(row), when, story, messages: await messagesOf(id) }
  }

  const sweep = async (): Promise<void> => {
    await db.tables<LeakwatchTables>().deleteFrom('report_ticket').where('expires_at', '<', ctx.clock()).execute()
  }
  return { ticket, receive, state, reply, take, ask, close, page, one, sweep }
}
export type Leakwatch = ReturnType<typeof leakwatchService>

/** As a person copies it: small letters, blanks for dashes, O for 0, I and L for 1. */
const tidy = (code: string): string =>
  code
    .toUpperCase()
    .replace(/[\s–—-]+/g, '')
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1')
const noReport = (): KhienError =>
  new KhienError('report/no-report', 'There is no report with this id.', { status: 404 })
