import type { Once } from '../kit/contract.ts'
import { iso } from '../kit/clock.ts'
import { badRequest } from '../kit/errors.ts'
import { newCode, newId } from '../kit/ids.ts'
import type { Language } from '../kit/i18n.ts'
import { oneAtATime, runOnce, type Transaction } from '../storage/sql/index.ts'
import type { ConsentContext } from './context.ts'
import type { Purpose } from './contract.ts'
import type { noticeService } from './notices.ts'
import type { purposeRegistry } from './purposes.ts'
import type { ConsentTables } from './store.ts'

export type Decision = { readonly purpose: string; readonly version: number; readonly given: boolean }
export type Receipt = { readonly code: string; readonly receipt: string }

type Shown = {
  readonly subject: string
  readonly notice: number
  readonly language: Language
  readonly method: string
  readonly decisions: readonly Decision[]
}

/** Consents and their withdrawal, each with a signed receipt the person keeps. */
export function decisionService(
  ctx: ConsentContext,
  purposes: ReturnType<typeof purposeRegistry>,
  notices: ReturnType<typeof noticeService>,
) {
  async function decide(shown: Shown, actor: string, once: Once | undefined): Promise<Receipt> {
    for (const [i, decision] of shown.decisions.entries()) {
      const found = await purposes.find(decision.purpose)
      const field = `body.decisions.${i}`
      if (!found)
        throw badRequest('consent/unknown-purpose', `There is no purpose "${decision.purpose}".`, `${field}.purpose`)
      if (found.purpose.ground !== 'consent')
        throw badRequest(
          'consent/not-by-consent',
          `"${decision.purpose}" does not rest on consent, so nobody may be asked for it.`,
          `${field}.purpose`,
        )
      if (found.version !== decision.version)
        throw badRequest(
          'consent/old-text',
          `The person was shown version ${decision.version} of "${decision.purpose}"; version ${found.version} is in force.`,
          `${field}.version`,
        )
    }
    return runOnce<ConsentTables, Receipt>(ctx.db, once, ctx.clock(), async (trx) => {
      const now = ctx.clock()
      await oneAtATime(ctx.db, trx, shown.subject)
      const notice = await trx
        .selectFrom('notice')
        .select('version')
        .where('version', '=', shown.notice)
        .executeTakeFirst()
      if (!notice)
        throw badRequest('consent/unknown-notice', `There is no version ${shown.notice} of the notice.`, 'body.notice')
      const receipt = await sign(trx, shown.subject, 'khien/consent-receipt/v1', now, [
        `notice: ${shown.notice} (${shown.language})`,
        `method: ${shown.method}`,
        ...shown.decisions.map((d) => `purpose: ${d.purpose} version ${d.version}: ${d.given ? 'given' : 'refused'}`),
      ])
      for (const d of shown.decisions) await end(trx, shown.subject, d.purpose, receipt.code, !d.given)
      const given = shown.decisions.filter((d) => d.given)
      if (given.length > 0) {
        await trx
          .insertInto('consent')
          .values(
            given.map((d) => ({
              id: newId('con', now, ctx.entropy),
              subject: shown.subject,
              purpose: d.purpose,
              version: d.version,
              method: shown.method,
              given_at: now,
              withdrawn_at: null,
              receipt: receipt.code,
              withdrawal: null,
            })),
          )
          .execute()
      }
      await ctx.record(trx, [
        {
          kind: 'notice.shown',
          actor,
          subject: shown.subject,
          result: 'done',
          facts: { notice: shown.notice, language: shown.language, receipt: receipt.code },
        },
        ...shown.decisions.map((d) => ({
          kind: d.given ? 'consent.given' : 'consent.refused',
          actor,
          subject: shown.subject,
          purpose: d.purpose,
          result: 'done' as const,
          facts: { version: d.version, method: shown.method, receipt: receipt.code },
        })),
      ])
      return receipt
    })
  }

  /** From the moment this resolves, a read that starts and rests on this consent is refused. */
  async function withdraw(subject: string, purpose: string, actor: string, once?: Once): Promise<Receipt> {
    return runOnce<ConsentTables, Receipt>(ctx.db, once, ctx.clock(), async (trx) => {
      const now = ctx.clock()
      await oneAtATime(ctx.db, trx, subject)
      const live = await trx
        .selectFrom('consent')
        .select(['id', 'version'])
        .where('subject', '=', subject)
        .where('purpose', '=', purpose)
        .where('withdrawn_at', 'is', null)
        .executeTakeFirst()
      if (!live)
        throw badRequest('consent/none', 'There is no running consent to withdraw for this purpose.', 'body.purpose')
      const receipt = await sign(trx, subject, 'khien/withdrawal-receipt/v1', now, [
        `purpose: ${purpose} version ${live.version}: withdrawn`,
      ])
      await end(trx, subject, purpose, receipt.code, true)
      await ctx.record(trx, [
        {
          kind: 'consent.withdrawn',
          actor,
          subject,
          purpose,
          result: 'done',
          facts: { version: live.version, receipt: receipt.code },
        },
      ])
      return receipt
    })
  }

  /** Ends whatever runs for this purpose; recipients are told unless a new consent takes its place. */
  async function end(
    trx: Transaction<ConsentTables>,
    subject: string,
    purpose: string,
    code: string,
    tell: boolean,
  ): Promise<void> {
    const live = await trx
      .selectFrom('consent')
      .select('version')
      .where('subject', '=', subject)
      .where('purpose', '=', purpose)
      .where('withdrawn_at', 'is', null)
      .executeTakeFirst()
    if (!live) return
    await trx
      .updateTable('consent')
      .set({ withdrawn_at: ctx.clock(), withdrawal: code })
      .where('subject', '=', subject)
      .where('purpose', '=', purpose)
      .where('withdrawn_at', 'is', null)
      .execute()
    if (!tell) return
    const given = await trx
      .selectFrom('purpose')
      .select('text')
      .where('id', '=', purpose)
      .where('version', '=', live.version)
      .executeTakeFirst()
    if (given) await notices.announce(trx, code, JSON.parse(given.text) as Purpose)
  }

  async function sign(
    trx: Transaction<ConsentTables>,
    subject: string,
    form: string,
    now: number,
    lines: readonly string[],
  ): Promise<Receipt> {
    const code = newCode('KB', ctx.entropy)
    const note = ctx.signNote(
      [
        form,
        `controller: ${ctx.controller}`,
        `receipt: ${code}`,
        `subject: ${subject}`,
        `time: ${iso(now)}`,
        ...lines,
        '',
      ].join('\n'),
    )
    await trx.insertInto('receipt').values({ code, subject, note, at: now }).execute()
    return { code, receipt: note }
  }

  const of = (subject: string) =>
    ctx.db
      .tables<ConsentTables>()
      .selectFrom('consent')
      .selectAll()
      .where('subject', '=', subject)
      .orderBy('given_at', 'desc')
      .limit(200)
      .execute()

  const receiptOf = (subject: string, code: string) =>
    ctx.db
      .tables<ConsentTables>()
      .selectFrom('receipt')
      .select(['note', 'at'])
      .where('subject', '=', subject)
      .where('code', '=', code)
      .executeTakeFirst()

  async function receiptsOf(subject: string) {
    const rows = await ctx.db
      .tables<ConsentTables>()
      .selectFrom('receipt')
      .select(['code', 'at', 'note'])
      .where('subject', '=', subject)
      .orderBy('at', 'desc')
      .limit(50)
      .execute()
    return rows.map(({ code, at, note }) => ({
      code,
      at,
      kind: note.startsWith('khien/withdrawal') ? ('withdrawal' as const) : ('consent' as const),
    }))
  }

  return { decide, withdraw, of, receiptOf, receiptsOf }
}
