import { iso } from '../kit/clock.ts'
import type { Once } from '../kit/contract.ts'
import { KhienError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import { oneAtATime, runOnce, type Transaction } from '../storage/sql/index.ts'
import type { VaultContext } from './context.ts'
import { takeMessages } from './conversations/index.ts'
import type { ConversationTables } from './conversations/store.ts'
import type { Keyring } from './keyring.ts'
import type { InboxTables } from './inbox/store.ts'
import type { RelayTables } from './relay/store.ts'
import type { KeyTables, VaultTables } from './store.ts'

/** All that holds something of a person. */
type Everything = VaultTables & RelayTables & ConversationTables & InboxTables

export type Shredded = {
  readonly id: string
  readonly subject: string
  /** Unreadable here since. */
  readonly unreadableHere: string
  /** Unreadable in every backup since: what the expiry of key backups leaves. */
  readonly unreadableInBackups: string
  /** Signed note of all that, for the person. */
  readonly receipt: string
}

/**
 * Erases a person for good: values, index entries and the key they were sealed under (Law 91/2025 art. 14). The receipt
 * states two times, because a backup of keys made before can still bring the key back until it expires. It is signed
 * when the key is gone: a backup that ran meanwhile counts. `finish` goes on with what a crash left between the steps.
 */
export function shredService(ctx: VaultContext, keys: Keyring) {
  const tables = () => ctx.db.tables<VaultTables>()
  const rowOf = (subject: string) =>
    tables().selectFrom('vault_shred').selectAll().where('subject', '=', subject).executeTakeFirst()

  async function shred(subject: string, reason: string, actor: string, once: Once | undefined): Promise<Shredded> {
    const key = await ctx.keysDb
      .tables<KeyTables>()
      .selectFrom('subject_key')
      .select('created_at')
      .where('subject', '=', subject)
      .executeTakeFirst()
    // The person is named by the path, of which the fingerprint of the body knows nothing.
    const own = once && { ...once, fingerprint: `${once.fingerprint} ${subject}` }
    await runOnce<Everything, null>(ctx.db, own, ctx.clock(), async (trx) => {
      await oneAtATime(ctx.db, trx, subject)
      const before = await trx.selectFrom('vault_shred').select('id').where('subject', '=', subject).executeTakeFirst()
      if (before) return null
      if (!key && !(await isTold(trx, subject)))
        throw new KhienError('vault/unknown-person', 'The vault holds nothing under this token.', {
          status: 404,
          field: 'path.subject',
        })
      const at = ctx.clock()
      const id = newId('shr', at, ctx.entropy)
      const fields = await takeAll(trx, subject)
      const begun = { subject, id, at, until: null, fields, receipt: '', destroyed_at: null, finished_at: null }
      await trx.insertInto('vault_shred').values(begun).execute()
      // Not after the key: were it gone first, a crash would leave values nobody may explain.
      const facts = { receipt: id, values: fields }
      await ctx.record(trx, [{ kind: 'vault.shredding', actor, subject, reason, result: 'done', facts }])
      return null
    })
    await complete(subject)
    return shown((await rowOf(subject))!)
  }

  /** Somebody who wrote nothing may still be named: as one of a conversation, by a device, by what was sent. */
  async function isTold(trx: Transaction<Everything>, subject: string): Promise<boolean> {
    for (const table of ['vault_conversation_person', 'vault_box', 'vault_relayed'] as const)
      if (await trx.selectFrom(table).select('subject').where('subject', '=', subject).limit(1).executeTakeFirst())
        return true
    return false
  }

  /** Destroys the key and signs what is then true. */
  async function complete(subject: string): Promise<void> {
    const row = (await rowOf(subject))!
    if (row.destroyed_at !== null) return
    await keys.destroy(subject)
    await ctx.db.transaction<Everything, void>(async (trx) => {
      const at = ctx.clock()
      const until = await ctx.keyBackupsUntil(trx)
      const open = until !== null && until > at ? until : null
      // What a write under way brought in meanwhile is sealed under a key that is no more.
      const fields = row.fields + (await takeAll(trx, subject))
      const receipt = ctx.signReceipt(
        [
          'khien/erasure-receipt/v1',
          `controller: ${ctx.controller}`,
          `receipt: ${row.id}`,
          `subject: ${subject}`,
          `values: ${fields}`,
          `unreadable here since: ${iso(at)}`,
          `unreadable in every backup since: ${iso(open ?? at)}`,
          '',
        ].join('\n'),
      )
      const signed = await trx
        .updateTable('vault_shred')
        .set({ at, until: open, fields, receipt, destroyed_at: at })
        .where('subject', '=', subject)
        .where('destroyed_at', 'is', null)
        .executeTakeFirst()
      if (Number(signed.numUpdatedRows) === 0) return
      const facts = { receipt: row.id, values: fields, backups: iso(open ?? at) }
      await ctx.record(trx, [{ kind: 'vault.shredded', actor: 'node', subject, result: 'done', facts }])
    })
    await ctx.db.forget()
  }

  async function takeAll(trx: Transaction<Everything>, subject: string): Promise<number> {
    // Values before their index, as they are written: on PostgreSQL two that go crosswise wait for each other.
    await trx.deleteFrom('vault_erased_place').where('subject', '=', subject).execute()
    const gone = await trx.deleteFrom('vault_value').where('subject', '=', subject).executeTakeFirst()
    await trx.deleteFrom('vault_index').where('subject', '=', subject).execute()
    await trx.updateTable('vault_relayed').set({ answer: null }).where('subject', '=', subject).execute()
    return Number(gone.numDeletedRows) + (await takeMessages(trx, subject))
  }

  /** Goes on with what a crash left, and ends what was waiting for the backups' time: the log's records of the person go. */
  async function finish(): Promise<void> {
    const open = await tables()
      .selectFrom('vault_shred')
      .select(['subject', 'destroyed_at'])
      .where('finished_at', 'is', null)
      // Those whose time has not come must not stand before those who are to be seen to now.
      .where((eb) => eb.or([eb('destroyed_at', 'is', null), eb('until', 'is', null), eb('until', '<=', ctx.clock())]))
      .orderBy('at')
      .limit(500)
      .execute()
    for (const { subject, destroyed_at } of open) {
      if (destroyed_at === null) {
        await complete(subject)
        continue
      }
      // PostgreSQL: a write of another process may have been committed behind the key's end.
      await ctx.db.transaction<Everything, number>((trx) => takeAll(trx, subject))
      await ctx.forgetRecords(subject)
      await tables()
        .updateTable('vault_shred')
        .set({ finished_at: ctx.clock() })
        .where('subject', '=', subject)
        .execute()
      await ctx.db.forget()
    }
  }

  /** Throws `vault/unknown-receipt` (404). */
  async function receipt(id: string): Promise<Shredded & { finishedAt: string | null }> {
    const row = await tables().selectFrom('vault_shred').selectAll().where('id', '=', id).executeTakeFirst()
    if (!row || row.destroyed_at === null)
      throw new KhienError('vault/unknown-receipt', 'There is no such receipt of an erasure.', {
        status: 404,
        field: 'path.id',
      })
    return { ...shown(row), finishedAt: row.finished_at === null ? null : iso(Number(row.finished_at)) }
  }

  const shown = (row: VaultTables['vault_shred']): Shredded => ({
    id: row.id,
    subject: row.subject,
    unreadableHere: iso(Number(row.at)),
    unreadableInBackups: iso(Number(row.until ?? row.at)),
    receipt: row.receipt,
  })

  return { shred, finish, receipt }
}
