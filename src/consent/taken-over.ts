import { iso } from '../kit/clock.ts'
import type { Once } from '../kit/contract.ts'
import { KhienError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import { consentOf } from '../law/index.ts'
import { oneAtATime, runOnce, type Transaction } from '../storage/sql/index.ts'
import type { ConsentContext } from './context.ts'
import type { Evidence, Outcome, TakenOver } from './contract.ts'
import type { decisionService } from './decisions.ts'
import type { purposeRegistry } from './purposes.ts'
import type { ConsentTables } from './store.ts'

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

const DAY_MS = 24 * 3_600_000
/** Ms; a day begins in Vietnam. */
const from = (when: string): number => Date.parse(when.length === 10 ? `${when}T00:00:00+07:00` : when)
/** Ms; the last of a day, for one of which only the day is known. */
const until = (when: string): number => (when.length === 10 ? from(when) + DAY_MS - 1 : from(when))
const known = (told: string): boolean => told !== 'not-known'

/**
 * Consents and agreements of before, from another program or from paper. They are recorded with the evidence there is and
 * who stands for it, and never with a receipt of ours: we did not see them given.
 *
 * Law 91/2025 art. 39 keeps consents under Decree 13/2023 valid; the proof that one is such (when, how, to which text:
 * Decree 13 art. 11, Law 91 art. 9) is the controller's. So a consent carries reads when all of that and the place of its
 * evidence are known; what lacks any is kept on record and carries none. An agreement (Law 91 art. 19) carries them while
 * it runs, when its day and the place of its evidence are known. What a person has decided here is never overruled.
 */
export function takeOverService(
  ctx: ConsentContext,
  purposes: ReturnType<typeof purposeRegistry>,
  decisions: ReturnType<typeof decisionService>,
) {
  async function consents(
    items: readonly OldConsent[],
    statedBy: string,
    actor: string,
    once: Once | undefined,
  ): Promise<{ items: Outcome[] }> {
    const refusals = await Promise.all(items.map((item, i) => unfit(item, i)))
    const over = new Set<number>()
    // Whoever withdrew there after giving must not be read here: with a receipt, recipients told, like any withdrawal.
    for (const [i, item] of items.entries())
      if (refusals[i] === undefined && item.withdrawn !== undefined)
        if (await withdraw(item, until(item.withdrawn), actor)) over.add(i)
    return runOnce<ConsentTables, { items: Outcome[] }>(ctx.db, once, ctx.clock(), async (trx) => {
      await inTurn(trx, items)
      const outcomes: Outcome[] = []
      for (const [i, item] of items.entries())
        if (over.has(i)) outcomes.push({ ok: true, state: 'ended', why: 'consent/withdrawn-before' })
        else outcomes.push(refusals[i] ?? (await take(trx, item, statedBy, actor)))
      return { items: outcomes }
    })
  }

  async function unfit({ purpose: id, version, evidence }: OldConsent, i: number): Promise<Outcome | undefined> {
    const field = `body.items.${i}`
    const found = await purposes.find(id, version)
    if (!found) return refused('consent/unknown-purpose', `There is no purpose "${id}" of version ${version}.`, `${field}.purpose`) // prettier-ignore
    if (found.purpose.ground !== 'consent')
      return refused('consent/not-by-consent', `"${id}" does not rest on consent.`, `${field}.purpose`)
    return inFuture(evidence, field)
  }

  const inFuture = ({ given }: Evidence, field: string): Outcome | undefined =>
    known(given) && from(given) > ctx.clock()
      ? refused('consent/in-future', 'It would have been given in the future.', `${field}.evidence.given`)
      : undefined

  async function withdraw({ subject, purpose }: OldConsent, at: number, actor: string): Promise<boolean> {
    const live = (await decisions.of(subject)).find((row) => row.purpose === purpose && row.withdrawn_at === null)
    if (live === undefined || Number(live.given_at) > at) return false
    try {
      await decisions.withdraw(subject, purpose, actor)
      return true
    } catch (error) {
      // The person was quicker.
      if (error instanceof KhienError && error.code === 'consent/none') return false
      throw error
    }
  }

  async function take(trx: Trx, item: OldConsent, statedBy: string, actor: string): Promise<Outcome> {
    const { subject, purpose, version, evidence, withdrawn } = item
    const row = rowOf(subject, 'consent', purpose, String(version), evidence, withdrawn, statedBy)
    if (await isKnown(trx, row)) return { ok: true, state: 'known', why: 'consent/taken-over-already' }
    if (await decidedHere(trx, subject, purpose)) return { ok: true, state: 'known', why: 'consent/decided-here' }
    const why = withdrawn === undefined ? lacking(evidence) : 'consent/withdrawn-before'
    const live = why === null
    if (live && (await runs(trx, subject, purpose))) return { ok: true, state: 'known', why: 'consent/runs-already' }
    await keep(trx, { ...row, live: live ? 1 : 0, why }, actor)
    if (live)
      await trx
        .insertInto('consent')
        .values({
          id: newId('con', ctx.clock(), ctx.entropy),
          subject,
          purpose,
          version,
          method: evidence.method,
          given_at: from(evidence.given),
          withdrawn_at: null,
          receipt: row.id,
          withdrawal: null,
        })
        .execute()
    return { ok: true, state: live ? 'live' : withdrawn === undefined ? 'kept' : 'ended', why }
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
        const refusal = inFuture(evidence, `body.items.${i}`)
        if (refusal) outcomes.push(refusal)
        else if (await isKnown(trx, row)) outcomes.push({ ok: true, state: 'known', why: 'consent/taken-over-already' })
        else outcomes.push(await takeAgreement(trx, row, actor))
      }
      return { items: outcomes }
    })
  }

  async function takeAgreement(trx: Trx, row: Row, actor: string): Promise<Outcome> {
    const { subject, name: kind, ref, given, kept, ended } = row
    const there = await trx
      .selectFrom('agreement')
      .select('closed_at')
      .where('subject', '=', subject)
      .where('kind', '=', kind)
      .where('ref', '=', ref)
      .executeTakeFirst()
    const over = ended !== ''
    if (there && !(over && there.closed_at === null))
      return { ok: true, state: 'known', why: 'consent/agreement-known' }
    const lacks = !known(given) ? 'consent/no-time' : !known(kept) ? 'consent/no-evidence' : null
    const why = over ? 'consent/ended-before' : lacks
    await keep(trx, { ...row, live: why === null ? 1 : 0, why }, actor)
    if (there)
      await trx
        .updateTable('agreement')
        .set({ closed_at: ctx.clock() })
        .where('subject', '=', subject)
        .where('kind', '=', kind)
        .where('ref', '=', ref)
        .execute()
    else if (why === null)
      await trx
        .insertInto('agreement')
        .values({ subject, kind, ref, opened_at: from(given), closed_at: null })
        .execute()
    return { ok: true, state: why === null ? 'live' : over ? 'ended' : 'kept', why }
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

  /** The same said again, by whoever. */
  async function isKnown(trx: Trx, row: Row): Promise<boolean> {
    const rows = await trx
      .selectFrom('taken_over')
      .selectAll()
      .where('subject', '=', row.subject)
      .where('what', '=', row.what)
      .where('name', '=', row.name)
      .where('ref', '=', row.ref)
      .execute()
    const same = ['given', 'ended', 'method', 'text', 'kept'] as const
    return rows.some((each) => same.every((column) => each[column] === row[column]))
  }

  /** A person who has given, refused or withdrawn here has a receipt that names the purpose. */
  async function decidedHere(trx: Trx, subject: string, purpose: string): Promise<boolean> {
    const row = await trx
      .selectFrom('receipt')
      .select('code')
      .where('subject', '=', subject)
      .where('note', 'like', `%\npurpose: ${purpose} version %`)
      .executeTakeFirst()
    return row !== undefined
  }

  async function runs(trx: Trx, subject: string, purpose: string): Promise<boolean> {
    const row = await trx
      .selectFrom('consent')
      .select('id')
      .where('subject', '=', subject)
      .where('purpose', '=', purpose)
      .where('withdrawn_at', 'is', null)
      .executeTakeFirst()
    return row !== undefined
  }

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

/** What is missing before a consent can be shown to be one; null when nothing is. */
function lacking({ given, method, text, kept }: Evidence): string | null {
  if (!known(given)) return 'consent/no-time'
  if (consentOf(from(given)) === undefined) return 'consent/before-the-decree'
  if (!known(method)) return 'consent/no-method'
  if (!known(text)) return 'consent/no-text'
  return known(kept) ? null : 'consent/no-evidence'
}
