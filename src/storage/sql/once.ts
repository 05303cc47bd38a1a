import type { Once } from '../../kit/contract.ts'
import { KhienError } from '../../kit/errors.ts'
import type { Database, Transaction } from './database.ts'
import type { Migration } from './migrate.ts'

type OnceTables = { once: { caller: string; key: string; fingerprint: string; response: string; at: number } }

export const onceMigrations: readonly Migration[] = [
  {
    name: '20261121T000100-create-once',
    async up(db) {
      await db.schema
        .createTable('once')
        .addColumn('caller', 'text', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('fingerprint', 'text', (c) => c.notNull())
        .addColumn('response', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('once_pk', ['caller', 'key'])
        .execute()
    },
  },
]

/**
 * Runs `work` in one transaction, at most once per `Idempotency-Key` and caller: a repeat answers what the first
 * answered; the same key with another body is refused (`http/key-reused`). The kept answer must hold no personal data.
 */
export async function runOnce<T, R>(
  db: Database,
  once: Once | undefined,
  now: number,
  work: (trx: Transaction<T>) => Promise<R>,
): Promise<R> {
  if (!once) return db.transaction<T, R>(work)
  return db.transaction<T & OnceTables, R>(async (trx) => {
    const rows = trx as unknown as Transaction<OnceTables>
    const { caller, key, fingerprint } = once
    // Claiming first makes two simultaneous repeats wait for each other instead of both running.
    const claimed = await rows
      .insertInto('once')
      .values({ caller, key, fingerprint, response: '', at: now })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    if (Number(claimed.numInsertedOrUpdatedRows ?? 0) === 0) {
      const kept = await rows
        .selectFrom('once')
        .select(['fingerprint', 'response'])
        .where('caller', '=', caller)
        .where('key', '=', key)
        .executeTakeFirstOrThrow()
      if (kept.fingerprint !== fingerprint) {
        throw new KhienError('http/key-reused', 'This Idempotency-Key was used before with another request.', {
          status: 409,
          field: 'header.idempotency-key',
        })
      }
      return JSON.parse(kept.response) as R
    }
    const result = await work(trx as unknown as Transaction<T>)
    await rows
      .updateTable('once')
      .set({ response: JSON.stringify(result ?? null) })
      .where('caller', '=', caller)
      .where('key', '=', key)
      .execute()
    return result
  })
}

/** Keys older than this are forgotten; a client that repeats later is told nothing was kept. */
export const ONCE_KEPT_MS = 24 * 3_600_000

export const forgetOnce = async (db: Database, now: number): Promise<void> => {
  await db
    .tables<OnceTables>()
    .deleteFrom('once')
    .where('at', '<', now - ONCE_KEPT_MS)
    .execute()
}
