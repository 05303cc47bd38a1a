import { KhienError } from '../kit/errors.ts'
import type { Transaction } from '../storage/sql/index.ts'
import type { ConsentContext } from './context.ts'
import type { Purpose } from './contract.ts'
import type { ConsentTables } from './store.ts'

export const WITHDRAWN = 'consent.withdrawn'
const TIMEOUT_MS = 5_000

/** Telling those who received data that a consent has ended (Law 91/2025 art. 10), and keeping who has confirmed. */
export function noticeService(ctx: ConsentContext) {
  /** Leaves one notice a recipient in the withdrawal's own transaction. */
  async function announce(trx: Transaction<ConsentTables>, receipt: string, purpose: Purpose): Promise<void> {
    for (const recipient of purpose.recipients) {
      await trx
        .insertInto('withdrawal_notice')
        .values({
          receipt,
          recipient: recipient.id,
          name: recipient.name,
          url: recipient.notify ?? null,
          acked_at: null,
        })
        .onConflict((c) => c.doNothing())
        .execute()
      if (recipient.notify !== undefined) await ctx.emit(trx, WITHDRAWN, { receipt, recipient: recipient.id })
    }
  }

  /** Sends one notice: the signed withdrawal receipt. Any 2xx answer is the confirmation; all else is tried again. */
  async function deliver(receipt: string, recipient: string): Promise<void> {
    const db = ctx.db.tables<ConsentTables>()
    const notice = await db
      .selectFrom('withdrawal_notice')
      .select(['url', 'acked_at'])
      .where('receipt', '=', receipt)
      .where('recipient', '=', recipient)
      .executeTakeFirst()
    const kept = await db
      .selectFrom('receipt')
      .select(['note', 'subject'])
      .where('code', '=', receipt)
      .executeTakeFirst()
    if (!notice?.url || !kept || notice.acked_at !== null) return
    const response = await fetch(notice.url, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: kept.note,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    await response.body?.cancel()
    if (!response.ok) throw new KhienError('consent/recipient-silent', `The recipient answered ${response.status}.`)
    await ctx.db.transaction<ConsentTables, void>(async (trx) => {
      await trx
        .updateTable('withdrawal_notice')
        .set({ acked_at: ctx.clock() })
        .where('receipt', '=', receipt)
        .where('recipient', '=', recipient)
        .execute()
      await ctx.record(trx, [
        {
          kind: 'consent.recipient-confirmed',
          actor: `recipient:${recipient}`,
          subject: kept.subject,
          result: 'done',
          facts: { receipt },
        },
      ])
    })
  }

  const of = async (receipts: readonly string[]) =>
    receipts.length === 0
      ? []
      : ctx.db
          .tables<ConsentTables>()
          .selectFrom('withdrawal_notice')
          .select(['receipt', 'name', 'acked_at'])
          .where('receipt', 'in', [...receipts])
          .execute()

  return { announce, deliver, of }
}
