import { badRequest, KhienError } from '../kit/errors.ts'
import { iso } from '../kit/clock.ts'
import { newId } from '../kit/ids.ts'
import { inLanguage } from '../kit/i18n.ts'
import type { z } from 'zod'
import { codeHash, codeOf } from './codes.ts'
import type { Notice, Warning } from './contract.ts'
import { alone, NOTICE, type SubscriberContext, type Trx } from './context.ts'
import { writeLetter } from './letter.ts'
import { subscriberMessages } from './messages.ts'
import type { PortLogs } from './port-logs.ts'
import { PURPOSE } from './purpose.ts'
import type { InfectionRow, NoticeRow, SubscriberTables } from './store.ts'

type Setting = z.output<typeof Warning>
const FIRST = { cap: 1_000, cleanAfterDays: 7 } as const
const HOUR_MS = 3_600_000
/** Vietnam is seven hours ahead all year. */
const ZONE_MS = 7 * HOUR_MS
const A_TURN = 200
/** Contacts looked at again before a letter goes; what is older an import has judged again. */
const CHECKED_HITS = 500
export type NoticeDesk = ReturnType<typeof noticeDesk>

/**
 * Notices from the transaction of the infection to the mail. A notice is `sending`, durably, before a byte leaves, and
 * `sent` after the server took it. One found `sending` after a crash may have been taken: it is never sent again by
 * itself, but cleared up by asking the relay, by the person's own code, or by one of our people.
 */
export function noticeDesk(ctx: SubscriberContext, logs: Pick<PortLogs, 'attribute'>) {
  const { db } = ctx
  const tables = () => db.tables<SubscriberTables>()
  const messageId = (id: string): string => `${id}@${new URL(ctx.publicOrigin).hostname}`.toLowerCase()
  const noticeOf = (trx: Trx, id: string) =>
    trx.selectFrom('subscriber_notice').selectAll().where('id', '=', id).executeTakeFirst()

  async function setting(trx?: Trx): Promise<Setting> {
    const row = await (trx ?? tables()).selectFrom('warning_setting').selectAll().where('id', '=', 1).executeTakeFirst()
    return row
      ? { mode: row.mode, cap: row.cap, cleanAfterDays: row.clean_after_days }
      : { mode: ctx.firstMode ?? 'dry-run', ...FIRST }
  }

  async function set(wish: Setting, actor: string): Promise<Setting> {
    await db.transaction<SubscriberTables, void>(async (trx) => {
      const row = { mode: wish.mode, cap: wish.cap, clean_after_days: wish.cleanAfterDays }
      await trx
        .insertInto('warning_setting')
        .values({ id: 1, ...row })
        .onConflict((c) => c.column('id').doUpdateSet(row))
        .execute()
      await ctx.record(trx, [{ kind: 'subscribers.warning-set', actor, result: 'done', facts: { ...wish } }])
    })
    await release()
    return wish
  }

  /** A notice for an infection, in the transaction that found it. */
  async function open(trx: Trx, infection: InfectionRow): Promise<void> {
    const { mode } = await setting(trx)
    const now = ctx.clock()
    let id = newId('ntc', now, ctx.entropy)
    // Forty bits meet among a million notices: draw again rather than give two people one code.
    while (await byCode(trx, codeOf(ctx, id))) id = newId('ntc', now, ctx.entropy)
    const state = mode === 'dry-run' ? 'dry-run' : mode === 'off' ? 'held' : 'waiting'
    const why = mode === 'off' ? 'kill-switch' : state === 'waiting' && !ctx.mailer ? 'no-mail' : null
    await trx
      .insertInto('subscriber_notice')
      .values({
        id,
        infection: infection.id,
        subscriber: infection.subscriber!,
        state,
        why,
        at: now,
        sent_at: null,
        tries: 0,
        confirmed_at: null,
        code: codeHash(ctx, codeOf(ctx, id)),
        first_at: infection.first_at,
        last_at: infection.last_at,
      })
      .execute()
    await trx
      .updateTable('infection')
      .set({ notice: id, ...(state === 'held' ? { state: 'held' as const } : {}) })
      .where('id', '=', infection.id)
      .execute()
    if (state === 'waiting' && why === null) await ctx.emit(trx, NOTICE, { notice: id })
  }

  /** Nothing was sent for it yet but in a dry run, and that is over. */
  async function wasOnlyDry(trx: Trx, infection: InfectionRow): Promise<boolean> {
    if (infection.notice === null || infection.state !== 'found') return false
    const notice = await noticeOf(trx, infection.notice)
    return notice?.state === 'dry-run' && (await setting(trx)).mode === 'on'
  }

  const byCode = (trx: Trx | undefined, code: string): Promise<NoticeRow | undefined> =>
    (trx ?? tables())
      .selectFrom('subscriber_notice')
      .selectAll()
      .where('code', '=', codeHash(ctx, code))
      .executeTakeFirst()

  async function put(trx: Trx, notice: NoticeRow, state: NoticeRow['state'], why: string | null): Promise<void> {
    const sentAt = state === 'sent' ? { sent_at: ctx.clock() } : {}
    await trx
      .updateTable('subscriber_notice')
      .set({ state, why, ...sentAt })
      .where('id', '=', notice.id)
      .execute()
    const next = state === 'sent' ? 'warned' : state === 'held' || state === 'failed' ? 'held' : 'found'
    await trx
      .updateTable('infection')
      .set({ state: next })
      .where('id', '=', notice.infection)
      .where('notice', '=', notice.id)
      .where('state', 'in', ['found', 'warned', 'held'])
      .execute()
    if (state === 'sent' || state === 'failed' || why === 'in-doubt')
      await ctx.record(trx, [
        {
          kind: 'subscribers.notice',
          actor: 'node',
          subject: notice.subscriber,
          purpose: PURPOSE,
          result: state === 'sent' ? 'done' : 'failed',
          facts: { notice: notice.id, state, ...(why === null ? {} : { why }) },
        },
      ])
  }
  /** Unless somebody else has said something about it in the meantime. */
  const settle = (notice: NoticeRow, state: NoticeRow['state'], why: string | null): Promise<void> =>
    db.transaction<SubscriberTables, void>(async (trx) => {
      await alone(ctx, trx)
      if (await isAsRead(trx, notice)) await put(trx, notice, state, why)
    })
  const isAsRead = async (trx: Trx, notice: NoticeRow): Promise<boolean> => {
    const now = await noticeOf(trx, notice.id)
    return now?.state === notice.state && now.why === notice.why
  }

  /**
   * A notice that may go now; what may not is held. With `take` it is taken: from here on it is in doubt until the server
   * has answered.
   */
  async function ready(id: string, take: boolean): Promise<{ notice: NoticeRow; infection: InfectionRow } | undefined> {
    return db.transaction<SubscriberTables, { notice: NoticeRow; infection: InfectionRow } | undefined>(async (trx) => {
      await alone(ctx, trx)
      const notice = await noticeOf(trx, id)
      if (notice?.state !== 'waiting') return undefined
      const infection = await trx
        .selectFrom('infection')
        .selectAll()
        .where('id', '=', notice.infection)
        .executeTakeFirstOrThrow()
      const hold = await reasonToHold(trx, notice, infection)
      if (hold !== undefined) {
        await put(
          trx,
          notice,
          hold === 'no-mail' ? 'waiting' : hold === 'dry-run' ? 'dry-run' : 'held',
          hold === 'dry-run' ? null : hold,
        )
        return undefined
      }
      if (!take) return { notice, infection }
      const taken = { state: 'sending', why: null, tries: notice.tries + 1 } as const
      await trx.updateTable('subscriber_notice').set(taken).where('id', '=', id).execute()
      return { notice: { ...notice, ...taken }, infection }
    })
  }

  async function reasonToHold(trx: Trx, notice: NoticeRow, infection: InfectionRow): Promise<string | undefined> {
    if (infection.state === 'not-theirs' || infection.state === 'clean') return infection.state
    const { mode, cap } = await setting(trx)
    if (mode === 'off') return 'kill-switch'
    if (mode === 'dry-run') return 'dry-run'
    if (!ctx.mailer) return 'no-mail'
    const person = await trx
      .selectFrom('subscriber')
      .select('has_contact')
      .where('token', '=', notice.subscriber)
      .executeTakeFirst()
    if (person?.has_contact !== 1) return 'no-contact'
    if (!(await isStillTheirs(trx, notice))) return 'attribution-changed'
    return (await sentToday(trx)) >= cap ? 'cap' : undefined
  }

  /** A log that came since may say that it was somebody else. */
  async function isStillTheirs(trx: Trx, notice: NoticeRow): Promise<boolean> {
    const hits = await trx
      .selectFrom('infection_hit')
      .select(['address', 'port', 'at'])
      .where('infection', '=', notice.infection)
      .orderBy('at', 'desc')
      .limit(CHECKED_HITS)
      .execute()
    return (
      hits.length > 0 &&
      hits.every(({ address, port, at }) => logs.attribute(address, port, at).subscriber === notice.subscriber)
    )
  }

  /** Sent since midnight in Vietnam, and those on their way. */
  async function sentToday(trx?: Trx): Promise<number> {
    const midnight = Math.floor((ctx.clock() + ZONE_MS) / (24 * HOUR_MS)) * 24 * HOUR_MS - ZONE_MS
    const { n } = await (trx ?? tables())
      .selectFrom('subscriber_notice')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where((eb) => eb.or([eb('sent_at', '>=', midnight), eb('state', '=', 'sending')]))
      .executeTakeFirstOrThrow()
    return Number(n)
  }

  /**
   * Sends a notice: the handler of `NOTICE`, may be called again at any time. Throws `mail/away` to be called later.
   */
  async function send(id: string): Promise<void> {
    const waiting = await ready(id, false)
    if (!waiting) return
    const { subscriber } = waiting.notice
    const person = await tables()
      .selectFrom('subscriber')
      .select('language')
      .where('token', '=', subscriber)
      .executeTakeFirstOrThrow()
    const wish = { subject: subscriber, collection: 'person', record: '-', fields: ['name', 'email'] }
    const [contact] = await ctx.vault.get(PURPOSE, id, [wish], 'node')
    const { name, email } = contact?.ok ? contact.fields : {}
    if (!name || !email) return settle(waiting.notice, 'held', 'no-contact')
    const taken = await ready(id, true)
    if (!taken) return
    const { notice, infection } = taken
    const letter = textOf(infection, notice, name, person.language)
    try {
      await ctx.mailer!.send({ to: email, ...letter, messageId: messageId(id) })
    } catch (error) {
      const code = error instanceof KhienError ? error.code : 'mail/in-doubt'
      if (code === 'mail/away') {
        await settle(notice, 'waiting', 'mail-away')
        throw error
      }
      return settle(
        notice,
        ...((code === 'mail/refused' ? ['failed', 'refused'] : ['held', 'in-doubt']) as ['held', string]),
      )
    }
    await settle(notice, 'sent', null)
  }

  const textOf = (
    infection: Pick<InfectionRow, 'contacted'>,
    notice: Pick<NoticeRow, 'id' | 'first_at' | 'last_at'>,
    name: string,
    language: 'vi' | 'en',
    code: string = codeOf(ctx, notice.id),
  ) =>
    writeLetter({
      language,
      name,
      controller: ctx.controller,
      contact: ctx.contact,
      publicOrigin: ctx.publicOrigin,
      contacted: infection.contacted,
      first: notice.first_at,
      last: notice.last_at,
      code,
    })

  function preview(infection: InfectionRow, language: 'vi' | 'en') {
    const { name } = inLanguage(subscriberMessages, language).preview
    return textOf(
      infection,
      { id: '', first_at: infection.first_at, last_at: infection.last_at },
      name,
      language,
      'XXXX-XXXX',
    )
  }

  /** Those a crash left on the way. To be called before the outbox starts. */
  async function clearDoubt(): Promise<number> {
    const rows = await tables().selectFrom('subscriber_notice').selectAll().where('state', '=', 'sending').execute()
    for (const notice of rows) {
      const taken = await ctx.taken?.(messageId(notice.id)).catch(() => undefined)
      if (taken === true) await settle(notice, 'sent', null)
      else if (taken === undefined) await settle(notice, 'held', 'in-doubt')
      else await again(notice)
    }
    return rows.length
  }
  const again = (notice: NoticeRow): Promise<void> =>
    db.transaction<SubscriberTables, void>(async (trx) => {
      await alone(ctx, trx)
      if (!(await isAsRead(trx, notice))) return
      await put(trx, notice, 'waiting', null)
      await ctx.emit(trx, NOTICE, { notice: notice.id })
    })

  /** What was held for a reason that is gone goes its way: the switch is on, a new day, a contact, a mail server. */
  async function release(): Promise<number> {
    const { mode, cap } = await setting()
    if (mode !== 'on') return 0
    const open = ['kill-switch', ...(ctx.mailer ? ['no-mail'] : []), ...((await sentToday()) < cap ? ['cap'] : [])]
    const rows = await tables()
      .selectFrom('subscriber_notice')
      .innerJoin('subscriber', 'subscriber.token', 'subscriber_notice.subscriber')
      .selectAll('subscriber_notice')
      .where('subscriber_notice.state', 'in', ['held', 'waiting'])
      .where((eb) =>
        eb.or([
          eb('subscriber_notice.why', 'in', open),
          eb.and([eb('subscriber_notice.why', '=', 'no-contact'), eb('subscriber.has_contact', '=', 1)]),
        ]),
      )
      .orderBy('subscriber_notice.id')
      .limit(A_TURN)
      .execute()
    for (const notice of rows) await again(notice)
    return rows.length
  }

  /** What still waited for an infection is not sent. */
  async function drop(trx: Trx, infection: string, why: string): Promise<void> {
    await trx
      .updateTable('subscriber_notice')
      .set({ state: 'held', why })
      .where('infection', '=', infection)
      .where('state', 'in', ['waiting', 'held'])
      .where((eb) => eb.or([eb('why', 'is', null), eb('why', '!=', 'in-doubt')]))
      .execute()
  }

  async function of(infection: string) {
    const rows = await tables()
      .selectFrom('subscriber_notice')
      .selectAll()
      .where('infection', '=', infection)
      .orderBy('id', 'desc')
      .limit(100)
      .execute()
    return rows.map(shown)
  }

  async function page(filter: { cursor?: string | undefined; limit: number; state?: NoticeRow['state'] | undefined }) {
    if (filter.cursor !== undefined && !/^ntc_[0-9A-Z]{26}$/.test(filter.cursor))
      throw badRequest('http/cursor', 'This cursor is not one of ours.', 'query.cursor')
    let query = tables().selectFrom('subscriber_notice')
    if (filter.state) query = query.where('state', '=', filter.state)
    const { n } = await query.select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()
    if (filter.cursor) query = query.where('id', '<', filter.cursor)
    const rows = await query
      .selectAll()
      .orderBy('id', 'desc')
      .limit(filter.limit + 1)
      .execute()
    const items = rows.slice(0, filter.limit)
    return { items: items.map(shown), next: rows.length > filter.limit ? items.at(-1)!.id : null, total: Number(n) }
  }

  async function figures() {
    const { n } = await tables()
      .selectFrom('subscriber_notice')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('confirmed_at', 'is not', null)
      .executeTakeFirstOrThrow()
    return { noticesToday: await sentToday(), confirmed: Number(n) }
  }

  return { setting, set, open, wasOnlyDry, send, preview, clearDoubt, release, drop, of, page, byCode, put, figures }
}

const shown = (row: NoticeRow): z.input<typeof Notice> => ({
  id: row.id,
  infection: row.infection,
  subscriber: row.subscriber,
  channel: 'email',
  state: row.state,
  why: row.why,
  at: iso(row.at),
  sentAt: row.sent_at === null ? null : iso(row.sent_at),
  tries: row.tries,
  confirmedAt: row.confirmed_at === null ? null : iso(row.confirmed_at),
})
