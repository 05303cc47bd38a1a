import { iso } from '../kit/clock.ts'
import type { Once } from '../kit/contract.ts'
import { KhienError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import { oneAtATime, runOnce, type Transaction } from '../storage/sql/index.ts'
import type { VaultContext } from './context.ts'
import type { Keyring } from './keyring.ts'
import type { RelayTables } from './relay/store.ts'
import type { KeyTables, VaultTables } from './store.ts'

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
 * states two times, because a backup of keys made before can still bring the key back until it expires. A crash between
 * the steps is gone on from: `finish` runs at the start and by the hour.
 */
export function shredService(ctx: VaultContext, keys: Keyring) {
  async function shred(subject: string, reason: string, actor: string, once: Once | undefined): Promise<Shredded> {
    const until = await ctx.keyBackupsUntil()
    const key = await ctx.keysDb
      .tables<KeyTables>()
      .selectFrom('subject_key')
      .select('created_at')
      .where('subject', '=', subject)
      .executeTakeFirst()
    const row = await runOnce<VaultTables & RelayTables, VaultTables['vault_shred']>(
      ctx.db,
      once,
      ctx.clock(),
      async (trx) => {
        await oneAtATime(ctx.db, trx, subject)
        const before = await trx.selectFrom('vault_shred').selectAll().where('subject', '=', subject).executeTakeFirst()
        if (before) return before
        if (!key)
          throw new KhienError('vault/unknown-person', 'The vault holds nothing under this token.', {
            status: 404,
            field: 'path.subject',
          })
        const at = ctx.clock()
        const id = newId('shr', at, ctx.entropy)
        const fields = await takeAll(trx, subject)
        const open = until !== null && until > at ? until : null
        const receipt = ctx.signReceipt(
          [
            'khien/erasure-receipt/v1',
            `controller: ${ctx.controller}`,
            `receipt: ${id}`,
            `subject: ${subject}`,
            `values: ${fields}`,
            `unreadable here since: ${iso(at)}`,
            `unreadable in every backup since: ${iso(open ?? at)}`,
            '',
          ].join('\n'),
        )
        const made = { subject, id, at, until: open, fields, receipt, destroyed_at: null, finished_at: null }
        await trx.insertInto('vault_shred').values(made).execute()
        await ctx.record(trx, [
          {
            kind: 'vault.shredded',
            actor,
            subject,
            reason,
            result: 'done',
            facts: { receipt: id, values: fields, backups: iso(open ?? at) },
          },
        ])
        return made
      },
    )
    // Not before the record: were the key gone first, a crash would leave values nobody may explain.
    await destroy(subject)
    return shown(row)
  }

  async function destroy(subject: string): Promise<void> {
    await keys.destroy(subject)
    await ctx.db.transaction<VaultTables & RelayTables, void>(async (trx) => {
      // What a write under way brought in meanwhile is sealed under a key that is no more.
      await takeAll(trx, subject)
      await trx
        .updateTable('vault_shred')
        .set({ destroyed_at: ctx.clock() })
        .where('subject', '=', subject)
        .where('destroyed_at', 'is', null)
        .execute()
    })
    await ctx.db.forget()
  }

  async function takeAll(trx: Transaction<VaultTables & RelayTables>, subject: string): Promise<number> {
    await trx.deleteFrom('vault_index').where('subject', '=', subject).execute()
    await trx.updateTable('vault_relayed').set({ answer: null }).where('subject', '=', subject).execute()
    const gone = await trx.deleteFrom('vault_value').where('subject', '=', subject).executeTakeFirst()
    return Number(gone.numDeletedRows)
  }

  /** Goes on with what a crash left, and ends what was waiting for the backups' time: the log's records of the person go. */
  async function finish(): Promise<void> {
    const open = await ctx.db
      .tables<VaultTables>()
      .selectFrom('vault_shred')
      .select(['subject', 'until', 'destroyed_at'])
      .where('finished_at', 'is', null)
      .orderBy('at')
      .limit(500)
      .execute()
    for (const { subject, until, destroyed_at } of open) {
      if (destroyed_at === null) await destroy(subject)
      if (until !== null && Number(until) > ctx.clock()) continue
      await ctx.forgetRecords(subject)
      await ctx.db
        .tables<VaultTables>()
        .updateTable('vault_shred')
        .set({ finished_at: ctx.clock() })
        .where('subject', '=', subject)
        .execute()
      await ctx.db.forget()
    }
  }

  /** Throws `vault/unknown-receipt` (404). */
  async function receipt(id: string): Promise<Shredded & { finishedAt: string | null }> {
    const row = await ctx.db
      .tables<VaultTables>()
      .selectFrom('vault_shred')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (!row)
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
