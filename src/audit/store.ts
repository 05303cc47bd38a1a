import { type Kysely, sql } from 'kysely'
import type { Database, Transaction } from '../storage/sql/index.ts'
import { commitmentOf } from './entry.ts'

export type AuditTables = {
  audit_record: {
    id: string
    /** Milliseconds, as in the record. */
    at: number
    kind: string
    actor: string
    subject: string | null
    /** Canonical JSON of the record. */
    record: string
    /** 16 bytes, base64; or FORGOTTEN and the commitment that the salt and the record made. */
    salt: string
    /** Its place in the log; null until decided, never changed after. */
    leaf_index: number | null
  }
  audit_head: { origin: string; size: number; root: string }
}
export type AuditRow = AuditTables['audit_record']
export type LeafRow = Pick<AuditRow, 'id' | 'kind' | 'record' | 'salt' | 'leaf_index'>
export type KnownHead = { readonly size: number; readonly root: string }

export const FORGOTTEN = '='

/**
 * Takes out what records say of a subject, but for those of the kinds to `keep`: the leaf stays as its commitment, which
 * nobody can open without salt and record. Answers how many.
 */
export async function forgetSubject(db: Database, subject: string, keep: readonly string[]): Promise<number> {
  for (let forgotten = 0; ;) {
    const rows = await db
      .tables<AuditTables>()
      .selectFrom('audit_record')
      .select(['id', 'kind', 'record', 'salt'])
      .where('subject', '=', subject)
      .where('kind', 'not in', [...keep])
      .limit(INSERT_ROWS)
      .execute()
    if (rows.length === 0) return forgotten
    await db.transaction<AuditTables, void>(async (trx) => {
      for (const { id, kind, record, salt } of rows) {
        const { at, result } = JSON.parse(record) as { at: string; result: string }
        await trx
          .updateTable('audit_record')
          .set({
            subject: null,
            actor: 'forgotten',
            record: JSON.stringify({ actor: 'forgotten', at, id, kind, result }),
            salt: FORGOTTEN + commitmentOf(Buffer.from(salt, 'base64'), record),
          })
          .where('id', '=', id)
          .execute()
      }
    })
    forgotten += rows.length
  }
}

/** SQLite takes 32,766 parameters in a statement; a row has eight. */
const INSERT_ROWS = 1_000

export async function insertRows(trx: Transaction<AuditTables>, rows: readonly AuditRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += INSERT_ROWS) {
    await trx
      .insertInto('audit_record')
      .values(rows.slice(from, from + INSERT_ROWS))
      .execute()
  }
}

/**
 * Gives the oldest rows without a place their places in the log, `limit` at most, in one transaction, and notes the
 * head that was published before. Decided before any file is written, so that a crash cannot order them anew.
 */
export async function assignLeaves(db: Database, origin: string, head: KnownHead, limit: number): Promise<void> {
  const pending = await db
    .tables<AuditTables>()
    .selectFrom('audit_record')
    .select('id')
    .where('leaf_index', 'is', null)
    .limit(1)
    .executeTakeFirst()
  if (pending === undefined) return
  await db.transaction<AuditTables, void>(async (trx) => {
    const base = await nextLeaf(trx)
    await sql`update audit_record set leaf_index = r.n + ${base} from (
      select id as row_id, row_number() over (order by id) - 1 as n from audit_record
      where leaf_index is null order by id limit ${limit}
    ) as r where audit_record.id = r.row_id`.execute(trx)
    await trx
      .insertInto('audit_head')
      .values({ origin, ...head })
      .onConflict((conflict) => conflict.column('origin').doUpdateSet(head))
      .execute()
  })
}

/** The first index that no row has. */
export async function nextLeaf(db: Kysely<AuditTables>): Promise<number> {
  const row = await db
    .selectFrom('audit_record')
    .select('leaf_index')
    .where('leaf_index', 'is not', null)
    .orderBy('leaf_index', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? 0 : Number(row.leaf_index) + 1
}

export const knownHead = (db: Database, origin: string): Promise<KnownHead | undefined> =>
  db
    .tables<AuditTables>()
    .selectFrom('audit_head')
    .select(['size', 'root'])
    .where('origin', '=', origin)
    .executeTakeFirst()

/** Rows with a place in `from` … `from + limit − 1`, in order. */
export const leafRows = (db: Database, from: number, limit: number): Promise<LeafRow[]> =>
  db
    .tables<AuditTables>()
    .selectFrom('audit_record')
    .select(['id', 'kind', 'record', 'salt', 'leaf_index'])
    .where('leaf_index', '>=', from)
    .where('leaf_index', '<', from + limit)
    .orderBy('leaf_index')
    .execute()

export const oneRow = (db: Database, id: string): Promise<LeafRow | undefined> =>
  db
    .tables<AuditTables>()
    .selectFrom('audit_record')
    .select(['id', 'kind', 'record', 'salt', 'leaf_index'])
    .where('id', '=', id)
    .executeTakeFirst()

export type AuditFilter = {
  readonly subject?: string | undefined
  readonly kind?: string | undefined
  readonly actor?: string | undefined
}

/** Newest first, ids below `before`. */
export function newestRows(db: Database, filter: AuditFilter, before: string | undefined, limit: number) {
  let query = db.tables<AuditTables>().selectFrom('audit_record').select(['id', 'record', 'leaf_index'])
  for (const column of ['subject', 'kind', 'actor'] as const) {
    const wanted = filter[column]
    if (wanted !== undefined) query = query.where(column, '=', wanted)
  }
  if (before !== undefined) query = query.where('id', '<', before)
  return query.orderBy('id', 'desc').limit(limit).execute()
}
