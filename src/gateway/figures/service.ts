import { z } from 'zod'
import { sql } from 'kysely'
import { iso, type Clock } from '../../kit/clock.ts'
import { badRequest } from '../../kit/errors.ts'
import type { Database, Transaction } from '../../storage/sql/index.ts'
import { OutgoingAnswer } from './contract.ts'
import type { FigureTables } from './store.ts'

export const HOUR_MS = 3_600_000
const DAY_HOURS = 24
const KEPT_HOURS = 31 * DAY_HOURS
const KEPT_ANSWERS = 20_000
/** A worker that has said nothing for so long has ended. */
const SENDER_MS = 86_400_000

const Tally = z.strictObject({
  kind: z.enum(['answers', 'flagged', 'stopped', 'subjects', 'limit', 'turned', 'exclusion']),
  hour: z.int(),
  site: z.string().max(40),
  route: z.string().max(256),
  label: z.string().max(64),
  n: z.int().min(1),
})
const Batch = z.strictObject({
  sender: z.string().regex(/^w-[A-Za-z0-9_-]{16}$/),
  seq: z.int().min(1),
  tallies: z.array(Tally).max(5_000),
  answers: z.array(OutgoingAnswer).max(500),
})
export type Span = { readonly from: number; readonly to: number }
type Wish = { readonly from?: string | undefined; readonly to?: string | undefined }

/** Figures of the workers by the hour: limits, reasons, people told of in answers. Kept 31 days. */
export function figureService(ctx: { readonly db: Database; readonly clock: Clock }) {
  const { db, clock } = ctx

  /** Takes a worker's batch in, once. Durable before this resolves. Throws 400 for a malformed one. */
  async function receive(told: unknown): Promise<{ taken: boolean }> {
    const parsed = Batch.safeParse(told)
    if (!parsed.success)
      throw badRequest('gateway/tallies', `Figures are malformed at ${parsed.error.issues[0]!.path.join('.')}.`, 'body')
    const { sender, seq, tallies, answers } = parsed.data
    return db.transaction<FigureTables & ExclusionRows, { taken: boolean }>(async (trx) => {
      const last = await trx
        .selectFrom('gateway_tally_sender')
        .select('seq')
        .where('sender', '=', sender)
        .executeTakeFirst()
      if (last && Number(last.seq) >= seq) return { taken: false }
      const seen = { sender, seq, at: clock() }
      await trx
        .insertInto('gateway_tally_sender')
        .values(seen)
        .onConflict((conflict) => conflict.column('sender').doUpdateSet({ seq, at: seen.at }))
        .execute()
      for (const row of tallies)
        if (row.kind === 'exclusion')
          await trx
            .updateTable('gateway_exclusion')
            .set((eb) => ({ applied: eb('applied', '+', row.n) }))
            .where('id', '=', row.label)
            .execute()
        else await add(trx, row)
      if (answers.length > 0)
        await trx
          .insertInto('gateway_outgoing_answer')
          .values(
            answers.map((one) => ({
              id: one.id,
              at: Date.parse(one.at),
              site: one.site,
              decision: one.decision,
              body: JSON.stringify(one),
            })),
          )
          .onConflict((conflict) => conflict.column('id').doNothing())
          .execute()
      return { taken: true }
    })
  }

  /** The hours asked for, whole; the last 24 unless said, 31 days at most. */
  function spanOf({ from, to }: Wish): Span {
    const until = Math.floor((to === undefined ? clock() : Date.parse(to)) / HOUR_MS) + 1
    const first = from === undefined ? until - DAY_HOURS : Math.floor(Date.parse(from) / HOUR_MS)
    if (first >= until) throw badRequest('gateway/span', 'The span ends before it begins.', 'query.from')
    return { from: Math.max(first, until - KEPT_HOURS), to: until }
  }

  /** Rows of some kinds in a span, added up by everything but the hour when `whole`. */
  async function rowsOf(kinds: readonly string[], span: Span, site?: string, route?: string) {
    let query = db
      .tables<FigureTables>()
      .selectFrom('gateway_tally')
      .selectAll()
      .where('kind', 'in', kinds)
      .where('hour', '>=', span.from)
      .where('hour', '<', span.to)
    if (site !== undefined) query = query.where('site', '=', site)
    if (route !== undefined) query = query.where('route', '=', route)
    const rows = await query.limit(200_000).execute()
    return rows.map((row) => ({ ...row, hour: Number(row.hour), n: Number(row.n) }))
  }

  async function answersPage(wish: {
    readonly cursor?: string | undefined
    readonly limit: number
    readonly site?: string | undefined
    readonly decision?: OutgoingAnswer['decision'] | undefined
  }) {
    const edge = wish.cursor === undefined ? undefined : /^(\d{1,16})\.(R-[0-9A-Z]{4}-[0-9A-Z]{4})$/.exec(wish.cursor)
    if (edge === null) throw badRequest('http/cursor', 'This cursor is not one of ours.', 'query.cursor')
    let query = db.tables<FigureTables>().selectFrom('gateway_outgoing_answer').select(['id', 'at', 'body'])
    if (wish.site !== undefined) query = query.where('site', '=', wish.site)
    if (wish.decision !== undefined) query = query.where('decision', '=', wish.decision)
    if (edge)
      query = query.where((eb) =>
        eb.or([eb('at', '<', Number(edge[1])), eb.and([eb('at', '=', Number(edge[1])), eb('id', '<', edge[2]!)])]),
      )
    const rows = await query
      .orderBy('at', 'desc')
      .orderBy('id', 'desc')
      .limit(wish.limit + 1)
      .execute()
    const last = rows[wish.limit - 1]
    return {
      items: rows.slice(0, wish.limit).map(({ body }) => JSON.parse(body) as OutgoingAnswer),
      next: rows.length > wish.limit ? `${Number(last!.at)}.${last!.id}` : null,
      total: null,
    }
  }

  async function sweep(): Promise<void> {
    const tables = db.tables<FigureTables>()
    await tables
      .deleteFrom('gateway_tally')
      .where('hour', '<', Math.floor(clock() / HOUR_MS) - KEPT_HOURS)
      .execute()
    await tables
      .deleteFrom('gateway_tally_sender')
      .where('at', '<', clock() - SENDER_MS)
      .execute()
    const edge = await tables
      .selectFrom('gateway_outgoing_answer')
      .select('at')
      .orderBy('at', 'desc')
      .offset(KEPT_ANSWERS)
      .limit(1)
      .executeTakeFirst()
    if (edge) await tables.deleteFrom('gateway_outgoing_answer').where('at', '<=', edge.at).execute()
  }

  return { receive, spanOf, rowsOf, answersPage, sweep }
}
export type FigureService = ReturnType<typeof figureService>

/** Of the same slice: an exclusion's count lies with the exclusion. */
type ExclusionRows = { gateway_exclusion: { id: string; applied: number } }

async function add(trx: Transaction<FigureTables>, row: z.output<typeof Tally>): Promise<void> {
  await trx
    .insertInto('gateway_tally')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['kind', 'hour', 'site', 'route', 'label'])
        .doUpdateSet({ n: sql<number>`gateway_tally.n + ${row.n}` }),
    )
    .execute()
}

export const told = ({ from, to }: Span): { from: string; to: string } => ({
  from: iso(from * HOUR_MS),
  to: iso(to * HOUR_MS),
})
