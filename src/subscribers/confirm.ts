import { setTimeout as sleep } from 'node:timers/promises'
import { callerOf } from '../http/index.ts'
import { KhienError } from '../kit/errors.ts'
import { alone, type SubscriberContext } from './context.ts'
import type { NoticeDesk } from './notices.ts'
import type { InfectionRow, NoticeRow, SubscriberTables } from './store.ts'

const MINUTE_MS = 60_000
/** 40 bits: at 300 tries a minute among a million notices a stranger hits one in two years of trying. */
const TRIES = { aCaller: 10, all: 300 } as const
/** Every answer takes this long, right or wrong. */
const ANSWER_MS = 400
const CALLERS = 10_000
/** Codes of these may have reached a person. */
const ON_PAPER: ReadonlySet<NoticeRow['state']> = new Set(['sent', 'sending'])

const slowDown = (): KhienError =>
  new KhienError('subscribers/slow-down', 'Too many codes were tried; wait a minute and try again.', {
    status: 429,
    retryAfter: 60,
  })

export type Confirmed = { readonly notice: NoticeRow; readonly infection: InfectionRow }
export type CodeCheck = ReturnType<typeof codeCheck>

/** What a person may ask and say with the code of a warning. */
export function codeCheck(ctx: SubscriberContext, desk: NoticeDesk) {
  const { db } = ctx
  /** Wrong codes of each caller, and every try of all. */
  const wrong = new Map<string, number[]>()
  let all: number[] = []
  const recent = (list: readonly number[], now: number): number[] => list.filter((at) => now - at < MINUTE_MS)

  /** Errors: 429 `subscribers/slow-down`. */
  function admit(caller: string, now: number): void {
    all = recent(all, now)
    if (recent(wrong.get(caller) ?? [], now).length >= TRIES.aCaller || all.length >= TRIES.all) throw slowDown()
    all.push(now)
  }
  /** Of many at once all were admitted: those beyond the limit are told no more than to wait. Errors: as above. */
  function countWrong(caller: string, now: number): void {
    const mine = recent(wrong.get(caller) ?? [], now)
    if (mine.length >= TRIES.aCaller) throw slowDown()
    if (wrong.size >= CALLERS && !wrong.has(caller)) wrong.delete(wrong.keys().next().value!)
    wrong.set(caller, [...mine, now])
  }

  async function find(code: string, address: string): Promise<Confirmed | undefined> {
    // Behind one address of a provider are many who have a mail: right codes are not counted against it.
    const caller = callerOf(address)
    const now = ctx.clock()
    admit(caller, now)
    const [notice] = await Promise.all([desk.byCode(undefined, code), sleep(ANSWER_MS)])
    const isOurs = notice && (ON_PAPER.has(notice.state) || notice.why === 'in-doubt' || notice.sent_at !== null)
    if (!isOurs) {
      countWrong(caller, now)
      return undefined
    }
    return db.transaction<SubscriberTables, Confirmed>(async (trx) => {
      await alone(ctx, trx)
      const now = ctx.clock()
      const row = await trx
        .selectFrom('subscriber_notice')
        .selectAll()
        .where('id', '=', notice.id)
        .executeTakeFirstOrThrow()
      // Who knows the code has the mail: the doubt whether it went out is over.
      if (row.why === 'in-doubt') await desk.put(trx, row, 'sent', null)
      if (row.confirmed_at === null) {
        await trx.updateTable('subscriber_notice').set({ confirmed_at: now }).where('id', '=', row.id).execute()
        await ctx.record(trx, [
          {
            kind: 'subscribers.confirmed',
            actor: 'nobody',
            subject: row.subscriber,
            result: 'done',
            facts: { notice: row.id },
          },
        ])
      }
      const infection = await trx
        .selectFrom('infection')
        .selectAll()
        .where('id', '=', row.infection)
        .executeTakeFirstOrThrow()
      return { notice: { ...row, sent_at: row.sent_at ?? now }, infection }
    })
  }

  /** "Not my device": nothing more is sent for it, and it waits for one of our people. */
  async function notTheirs(code: string, address: string): Promise<Confirmed | undefined> {
    const found = await find(code, address)
    if (found === undefined || found.infection.state === 'not-theirs') return found
    await db.transaction<SubscriberTables, void>(async (trx) => {
      await alone(ctx, trx)
      const { id } = found.infection
      await trx.updateTable('infection').set({ state: 'not-theirs' }).where('id', '=', id).execute()
      await desk.drop(trx, id, 'not-theirs')
      await ctx.record(trx, [
        {
          kind: 'subscribers.not-theirs',
          actor: 'nobody',
          subject: found.notice.subscriber,
          result: 'done',
          facts: { infection: id },
        },
      ])
    })
    return found
  }
  return { find, notTheirs }
}
