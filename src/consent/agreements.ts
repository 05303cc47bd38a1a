import type { Once } from '../kit/contract.ts'
import { badRequest } from '../kit/errors.ts'
import { runOnce } from '../storage/sql/index.ts'
import type { ConsentContext } from './context.ts'
import type { ConsentTables } from './store.ts'

type Agreement = { readonly subject: string; readonly kind: string; readonly ref: string }

/** Agreements with a person that are running or over: the ground of Law 91/2025 art. 19. */
export function agreementService(ctx: ConsentContext) {
  const open = (agreement: Agreement, actor: string, once: Once | undefined): Promise<{ open: boolean }> =>
    runOnce<ConsentTables, { open: boolean }>(ctx.db, once, ctx.clock(), async (trx) => {
      const made = await trx
        .insertInto('agreement')
        .values({ ...agreement, opened_at: ctx.clock(), closed_at: null })
        .onConflict((c) => c.doNothing())
        .executeTakeFirst()
      if (Number(made.numInsertedOrUpdatedRows ?? 0) === 1) await note(trx, 'agreement.opened', agreement, actor)
      else {
        const row = await find(trx, agreement)
        // A closed agreement stays closed: reopening it would quietly revive every use that rested on it.
        if (row?.closed_at != null)
          throw badRequest(
            'consent/agreement-closed',
            'This agreement was closed; open a new one under another reference.',
            'body.ref',
          )
      }
      return { open: true }
    })

  const close = (agreement: Agreement, actor: string, once: Once | undefined): Promise<{ open: boolean }> =>
    runOnce<ConsentTables, { open: boolean }>(ctx.db, once, ctx.clock(), async (trx) => {
      if (!(await find(trx, agreement)))
        throw badRequest('consent/unknown-agreement', 'There is no such agreement.', 'body.ref')
      const done = await trx
        .updateTable('agreement')
        .set({ closed_at: ctx.clock() })
        .where('subject', '=', agreement.subject)
        .where('kind', '=', agreement.kind)
        .where('ref', '=', agreement.ref)
        .where('closed_at', 'is', null)
        .executeTakeFirst()
      if (Number(done.numUpdatedRows) === 1) await note(trx, 'agreement.closed', agreement, actor)
      return { open: false }
    })

  type Trx = Parameters<Parameters<typeof ctx.db.transaction<ConsentTables, unknown>>[0]>[0]
  const find = (trx: Trx, { subject, kind, ref }: Agreement) =>
    trx
      .selectFrom('agreement')
      .select('closed_at')
      .where('subject', '=', subject)
      .where('kind', '=', kind)
      .where('ref', '=', ref)
      .executeTakeFirst()
  const note = (trx: Trx, kind: string, agreement: Agreement, actor: string) =>
    ctx.record(trx, [
      {
        kind,
        actor,
        subject: agreement.subject,
        result: 'done',
        facts: { agreement: agreement.kind, ref: agreement.ref },
      },
    ])

  const runningOf = (subject: string) =>
    ctx.db
      .tables<ConsentTables>()
      .selectFrom('agreement')
      .select(['kind', 'ref', 'opened_at'])
      .where('subject', '=', subject)
      .where('closed_at', 'is', null)
      .execute()

  return { open, close, runningOf }
}
