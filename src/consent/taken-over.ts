import { iso } from '../kit/clock.ts'
import type { Once } from '../kit/contract.ts'
import { newId } from '../kit/ids.ts'
import { oneAtATime, runOnce, type Transaction } from '../storage/sql/index.ts'
import type { ConsentContext } from './context.ts'
import type { Evidence, Outcome, TakenOver } from './contract.ts'
import { decisionService } from './decisions.ts'
import { noticeService } from './notices.ts'
import type { purposeRegistry } from './purposes.ts'
import type { ConsentTables } from './store.ts'
import { ends, from, isEndOf, isLater, isOver, isSame, isTaken, known, lacking, until } from './taken-over-told.ts'

type Trx = Transaction<ConsentTables>
type Row = ConsentTables['taken_over']
type OldConsent = {
  readonly subject: string
  readonly purpose: string
  readonly version: number
  readonly evidence: Evidence
  readonly withdrawn?: string | undefined
}
type OldAgreement = {
  readonly subject: string
  readonly kind: string
  readonly ref: string
  readonly evidence: Evidence
  readonly ended?: string | undefined
}

/** What a column of the store holds. */
const HIGHEST_VERSION = 2_147_483_647

/**
 * Consents and agreements of before, from another program or from paper. They are recorded with the evidence there is and
 * who stands for it, and never with a receipt of ours: we did not see them given.
 *
 * Law 91/2025 art. 39 keeps consents under Decree 13/2023 valid; the proof that one is such (when, how, to which text:
 * Decree 13 art. 11, Law 91 art. 9) is the controller's. So a consent carries reads when all of that and the place of its
 * evidence are known; what lacks any is kept on record and carries none. An agreement (Law 91 art. 19) carries them while
 * it runs, when its day and the place of its evidence are known.
 *
 * The order in which they are told does not matter: an end ends what was given up to it, whether that was told before or
 * is told later, and of several that run the one given last stands. What a person has decided here is overruled only by
 * an end that surely comes after it: a known instant, or a day that begins later.
 */
export function takeOverService(ctx: ConsentContext, purposes: ReturnType<typeof purposeRegistry>) {
  async function consents(
    items: readonly OldConsent[],
    statedBy: string,
    actor: string,
    once: Once | undefined,
  ): Promise<{ items: Outcome[] }> {
    const refusals = await Promise.all(items.map((item, i) => unfit(item, i)))
    return runOnce<ConsentTables, { items: Outcome[] }>(ctx.db, once, ctx.clock(), async (trx) => {
      await inTurn(trx, items)
      const outcomes: Outcome[] = []
      for (const [i, item] of items.entries()) outcomes.push(refusals[i] ?? (await take(trx, item, statedBy, actor)))
      return { items: outcomes }
    })
  }

  async function unfit(item: OldConsent, i: number): Promise<Outcome | undefined> {
    const { purpose: id, version } = item
    const field = `body.items.${i}`
    const found = version > HIGHEST_VERSION ? undefined : await purposes.find(id, version)
    if (!found) return refused('consent/unknown-purpose', `There is no purpose "${id}" of version ${version}.`, `${field}.purpose`) // prettier-ignore
    if (found.purpose.ground !== 'consent')
      return refused('consent/not-by-consent', `"${id}" does not rest on consent.`, `${field}.purpose`)
    return untimely(item.evidence, item.withdrawn, field, 'withdrawn')
  }

  /** A given or an end that cannot be: not yet, or over before it was given. */
  function untimely({ given }: Evidence, ended: string | undefined, field: string, end: string): Outcome | undefined {
    if (known(given) && from(given) > ctx.clock())
      return refused('consent/in-future', 'It would have been given in the future.', `${field}.evidence.given`)
    if (ended === undefined) return undefined
    if (from(ended) > ctx.clock())
      return refused('consent/end-in-future', 'Its end is still to come: tell it when it has ended.', `${field}.${end}`)
    return known(given) && until(ended) < from(given)
      ? refused('consent/end-before-given', 'It would have ended before it was given.', `${field}.${end}`)
      : undefined
  }

  async function take(trx: Trx, item: OldConsent, statedBy: string, actor: string): Promise<Outcome> {
    const { subject, purpose, version, evidence, withdrawn } = item
    const row = rowOf(subject, 'consent', purpose, String(version), evidence, withdrawn, statedBy)
    const before = await told(trx, row)
    const running = await runningOf(trx, subject, purpose)
    const again: Outcome = { ok: true, state: 'known', why: 'consent/taken-over-already' }
    const here = await decidedHere(trx, subject, purpose, before)
    if (withdrawn !== undefined) {
      const over = running !== undefined && ends(withdrawn, Number(running.given_at), isTaken(running))
      // With a receipt, and recipients told, like any withdrawal.
      if (over) await within(trx, row.taken_at).withdraw(subject, purpose, actor)
      if (isSame(before, row)) return over ? { ok: true, state: 'ended', why: 'consent/withdrawn-before' } : again
      if (here && !over) return { ok: true, state: 'known', why: 'consent/decided-here' }
      await keep(trx, { ...row, why: 'consent/withdrawn-before' }, actor)
      return { ok: true, state: 'ended', why: 'consent/withdrawn-before' }
    }
    if (isSame(before, row)) return again
    if (here) return { ok: true, state: 'known', why: 'consent/decided-here' }
    const over = isOver(before, evidence.given)
    const why = over ? 'consent/withdrawn-before' : lacking(evidence)
    if (why === null && running && !isLater(from(evidence.given), version, running))
      return { ok: true, state: 'known', why: 'consent/runs-already' }
    await keep(trx, { ...row, live: why === null ? 1 : 0, why }, actor)
    if (why !== null) return { ok: true, state: over ? 'ended' : 'kept', why }
    const rests = { version, method: evidence.method, given_at: from(evidence.given), receipt: row.id }
    if (running) await trx.updateTable('consent').set(rests).where('id', '=', running.id).execute()
    else {
      const id = newId('con', ctx.clock(), ctx.entropy)
      await trx
        .insertInto('consent')
        .values({ id, subject, purpose, ...rests, withdrawn_at: null, withdrawal: null })
        .execute()
    }
    return { ok: true, state: 'live', why }
  }

  /**
   * Withdrawals in a transaction that runs already, at its instant: by that instant `decidedHere` tells an end of before
   * from what the person decided here.
   */
  const within = (trx: Trx, at: number): ReturnType<typeof decisionService> => {
    const db = { ...ctx.db, transaction: (work: (same: never) => Promise<never>) => work(trx as never) }
    return decisionService({ ...ctx, db: db as ConsentContext['db'], clock: () => at }, purposes, noticeService(ctx))
  }

  async function agreements(
    items: readonly OldAgreement[],
    statedBy: string,
    actor: string,
    once: Once | undefined,
  ): Promise<{ items: Outcome[] }> {
    return runOnce<ConsentTables, { items: Outcome[] }>(ctx.db, once, ctx.clock(), async (trx) => {
      await inTurn(trx, items)
      const outcomes: Outcome[] = []
      for (const [i, { subject, kind, ref, evidence, ended }] of items.entries()) {
        const row = rowOf(subject, 'agreement', kind, ref, evidence, ended, statedBy)
        const refusal = untimely(evidence, ended, `body.items.${i}`, 'ended')
        outcomes.push(refusal ?? (await takeAgreement(trx, row, actor)))
      }
      return { items: outcomes }
    })
  }

  async function takeAgreement(trx: Trx, row: Row, actor: string): Promise<Outcome> {
    const { subject, name: kind, ref, given, kept, ended } = row
    const before = await told(trx, row)
    const there = await trx
      .selectFrom('agreement')
      .select(['opened_at', 'closed_at'])
      .where('subject', '=', subject)
      .where('kind', '=', kind)
      .where('ref', '=', ref)
      .executeTakeFirst()
    const runs = there !== undefined && there.closed_at === null
    const taken = before.some(({ live }) => live === 1)
    const closedHere =
      there !== undefined && !runs && !before.some((one) => isEndOf(one, there.opened_at, there.closed_at))
    const here = there !== undefined && (!taken || closedHere)
    // Closing here waits for nobody: what it has closed meanwhile stays as it closed it.
    const set = (to: { opened_at?: number; closed_at?: number | null }) =>
      trx
        .updateTable('agreement')
        .set(to)
        .where('subject', '=', subject)
        .where('kind', '=', kind)
        .where('ref', '=', ref)
        .where('closed_at', runs ? 'is' : '=', runs ? null : there!.closed_at)
        .execute()
    const again: Outcome = { ok: true, state: 'known', why: 'consent/taken-over-already' }
    const stays: Outcome = { ok: true, state: 'known', why: 'consent/agreement-known' }
    if (ended !== '') {
      const over = runs && ends(ended, Number(there.opened_at), !here)
      if (over) await set({ closed_at: row.taken_at })
      if (isSame(before, row)) return over ? { ok: true, state: 'ended', why: 'consent/ended-before' } : again
      if (here && !over) return stays
      await keep(trx, { ...row, why: 'consent/ended-before' }, actor)
      return { ok: true, state: 'ended', why: 'consent/ended-before' }
    }
    if (isSame(before, row)) return again
    if (here) return stays
    const over = isOver(before, given)
    const lacks = !known(given) ? 'consent/no-time' : !known(kept) ? 'consent/no-evidence' : null
    const why = over ? 'consent/ended-before' : lacks
    if (why === null && runs && Number(there.opened_at) >= from(given)) return stays
    await keep(trx, { ...row, live: why === null ? 1 : 0, why }, actor)
    if (why !== null) return { ok: true, state: over ? 'ended' : 'kept', why }
    if (there) await set({ opened_at: from(given), ...(runs ? {} : { closed_at: null }) })
    else
      await trx
        .insertInto('agreement')
        .values({ subject, kind, ref, opened_at: from(given), closed_at: null })
        .execute()
    return { ok: true, state: 'live', why }
  }

  const rowOf = (subject: string, what: Row['what'], name: string, ref: string, evidence: Evidence, ended: string | undefined, statedBy: string): Row => ({
    id: newId('tko', ctx.clock(), ctx.entropy), subject, what, name, ref, ...evidence,
    ended: ended ?? '', stated_by: statedBy, taken_at: ctx.clock(), live: 0, why: null,
  }) // prettier-ignore

  async function keep(trx: Trx, row: Row, actor: string): Promise<void> {
    await trx.insertInto('taken_over').values(row).execute()
    const { subject, what, name, ref, given, method, text, kept, live, why } = row
    const facts = { given, method, text, kept, by: row.stated_by, live: live === 1, id: row.id }
    const ended = { ...(row.ended === '' ? {} : { ended: row.ended }), ...(why === null ? {} : { why }) }
    const of = what === 'consent' ? { version: Number(ref) } : { agreement: name, ref }
    await ctx.record(trx, [
      {
        kind: `${what}.taken-over`,
        actor,
        subject,
        ...(what === 'consent' ? { purpose: name } : {}),
        result: 'done',
        facts: { ...facts, ...ended, ...of },
      },
    ])
  }

  /** What was told before of the same consent (whatever its version) or the same agreement. */
  async function told(trx: Trx, { subject, what, name, ref }: Row): Promise<Row[]> {
    const rows = trx
      .selectFrom('taken_over')
      .selectAll()
      .where('subject', '=', subject)
      .where('what', '=', what)
      .where('name', '=', name)
    return (what === 'consent' ? rows : rows.where('ref', '=', ref)).execute()
  }

  /**
   * A person who has given, refused or withdrawn here has a receipt that names the purpose. The receipt of a withdrawal
   * that was told of before says what they did there.
   */
  async function decidedHere(trx: Trx, subject: string, purpose: string, before: readonly Row[]): Promise<boolean> {
    const receipts = await trx
      .selectFrom('receipt')
      .select('code')
      .where('subject', '=', subject)
      .where('note', 'like', `%\npurpose: ${purpose} version %`)
      .execute()
    if (receipts.length === 0) return false
    const over = await trx
      .selectFrom('consent')
      .select(['receipt', 'withdrawal', 'given_at', 'withdrawn_at'])
      .where('subject', '=', subject)
      .where('purpose', '=', purpose)
      .where('withdrawn_at', 'is not', null)
      .execute()
    const there = over.filter(
      (one) => isTaken(one) && before.some((row) => isEndOf(row, one.given_at, one.withdrawn_at)),
    )
    const codes = new Set(there.map(({ withdrawal }) => withdrawal))
    return receipts.some(({ code }) => !codes.has(code))
  }

  const runningOf = (trx: Trx, subject: string, purpose: string) =>
    trx
      .selectFrom('consent')
      .select(['id', 'version', 'given_at', 'receipt'])
      .where('subject', '=', subject)
      .where('purpose', '=', purpose)
      .where('withdrawn_at', 'is', null)
      .executeTakeFirst()

  /** One after another per person, and in one order for everybody, so that two batches do not wait for each other. */
  async function inTurn(trx: Trx, items: readonly { readonly subject: string }[]): Promise<void> {
    for (const subject of [...new Set(items.map((item) => item.subject))].toSorted())
      await oneAtATime(ctx.db, trx, subject)
  }

  /** What was taken over of a person: consents first, what carries reads before the rest, newest first, at most 200; `id` is what a consent of theirs rests on. */
  async function of(subject: string): Promise<{ id: string; taken: TakenOver }[]> {
    const rows = await ctx.db
      .tables<ConsentTables>()
      .selectFrom('taken_over')
      .selectAll()
      .where('subject', '=', subject)
      .orderBy('what', 'desc')
      .orderBy('live', 'desc')
      .orderBy('id', 'desc')
      .limit(200)
      .execute()
    return rows.map(({ id, what, name, ref, given, method, text, kept, ended, stated_by, taken_at, live, why }) => {
      const evidence = { given, method, text, kept, statedBy: stated_by, takenAt: iso(Number(taken_at)) }
      return { id, taken: { what, name, ref, ...evidence, ended: ended === '' ? null : ended, live: live === 1, why } }
    })
  }

  return { consents, agreements, of }
}

const refused = (code: string, detail: string, field: string): Outcome => ({ ok: false, code, detail, field })
