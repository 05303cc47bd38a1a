import { CompiledQuery, type Kysely, sql } from 'kysely'
import { bulkInsert, oneAtATime, type Database, type Dialect, type Transaction } from '../storage/sql/index.ts'
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
    /** Its place in the log, given when it is written (SQLite) or before it is published (PostgreSQL); never changed after. */
    leaf_index: number | null
    /** Rows written at about the same time share one: see BUCKET. */
    bucket: number
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
  let forgotten = 0
  for (const buckets of bucketsDown(await newestBucket(db.tables<AuditTables>()))) {
    const rows = await db
      .tables<AuditTables>()
      .selectFrom('audit_record')
      .select(['id', 'kind', 'record', 'salt'])
      .where('bucket', 'in', buckets)
      .where('subject', '=', subject)
      .where('kind', 'not in', [...keep])
      .execute()
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
  return forgotten
}

/**
 * Records of one person are found by bucket and subject. An index of subjects alone is hit at a random page by every
 * record, and each page written costs fifty times the record (bench/vault.ts); within a bucket the pages are few.
 * Looking a person up asks each bucket once: 10 million records are 2,500 of them.
 */
export const BUCKET = 4_096
const BUCKETS_A_QUERY = 250

export async function newestBucket(db: Kysely<AuditTables>): Promise<number> {
  // Not that of the newest id: after a restart under a clock that was set back, ids begin again below earlier ones.
  const row = await db
    .selectFrom('audit_record')
    .select((eb) => eb.fn.max('bucket').as('bucket'))
    .where('subject', 'is not', null)
    .executeTakeFirst()
  return Number(row?.bucket ?? 0)
}

/** Buckets from the newest down, so many a query. */
export function* bucketsDown(newest: number): Generator<number[]> {
  for (let top = newest; top >= 0; top -= BUCKETS_A_QUERY)
    yield Array.from({ length: Math.min(BUCKETS_A_QUERY, top + 1) }, (_, i) => top - i)
}

const COLUMNS = ['id', 'at', 'kind', 'actor', 'subject', 'record', 'salt', 'leaf_index', 'bucket'] as const
const insert = bulkInsert('audit_record', COLUMNS)

export const insertRows = (trx: Transaction<AuditTables>, dialect: Dialect, rows: readonly AuditRow[]): Promise<void> =>
  insert(
    trx,
    dialect,
    rows.map((row) => [
      row.id,
      row.at,
      row.kind,
      row.actor,
      row.subject,
      row.record,
      row.salt,
      row.leaf_index,
      row.bucket,
    ]),
  )

/**
 * Gives the oldest rows without a place their places in the log, `limit` at most, in one transaction. Decided before any
 * file is written, so that a crash cannot order them anew. On SQLite rows have theirs from the beginning: one writer at a
 * time knows the next, and a row that is written once costs half of one that is written twice (bench/log.ts).
 */
export async function assignLeaves(db: Database, limit: number): Promise<void> {
  const pending = await db
    .tables<AuditTables>()
    .selectFrom('audit_record')
    .select('id')
    .where('leaf_index', 'is', null)
    .limit(1)
    .executeTakeFirst()
  if (pending === undefined) return
  await db.transaction<AuditTables, void>(async (trx) => {
    // PostgreSQL: each process of the node does this, and there is one order.
    await oneAtATime(db, trx, 'audit leaves')
    const base = await nextLeaf(trx)
    await sql`update audit_record set leaf_index = r.n + ${base} from (
      select id as row_id, row_number() over (order by id) - 1 as n from audit_record
      where leaf_index is null order by id limit ${limit}
    ) as r where audit_record.id = r.row_id`.execute(trx)
  })
}

/** Notes the head that was published last, before a later one is: a log folder put back is known by it. */
export async function noteHead(db: Database, origin: string, head: KnownHead): Promise<void> {
  await db
    .tables<AuditTables>()
    .insertInto('audit_head')
    .values({ origin, ...head })
    .onConflict((conflict) => conflict.column('origin').doUpdateSet(head))
    .execute()
}

const LAST_LEAF = CompiledQuery.raw(
  'select leaf_index from audit_record where leaf_index is not null order by leaf_index desc limit 1',
)

/** The first index that no row has. */
export async function nextLeaf(db: Kysely<AuditTables>): Promise<number> {
  const { rows } = await db.executeQuery<{ leaf_index: number }>(LAST_LEAF)
  return rows.length === 0 ? 0 : Number(rows[0]!.leaf_index) + 1
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

type ListedRow = Pick<AuditRow, 'id' | 'record' | 'leaf_index'>

/** Newest first, ids below `before`. */
export async function newestRows(
  db: Database,
  { subject, kind, actor }: AuditFilter,
  before: string | undefined,
  limit: number,
): Promise<ListedRow[]> {
  const query = (most: number, buckets?: readonly number[]) => {
    let rows = db.tables<AuditTables>().selectFrom('audit_record').select(['id', 'record', 'leaf_index'])
    if (buckets !== undefined) rows = rows.where('bucket', 'in', [...buckets]).where('subject', '=', subject!)
    if (kind !== undefined) rows = rows.where('kind', '=', kind)
    if (actor !== undefined) rows = rows.where('actor', '=', actor)
    if (before !== undefined) rows = rows.where('id', '<', before)
    // The plus keeps SQLite from walking all records by id in search of the few of one person.
    const order = buckets === undefined || db.dialect === 'postgres' ? sql.ref('id') : sql`+id`
    return rows.orderBy(order, 'desc').limit(most).execute()
  }
  if (subject === undefined) return query(limit)
  const found: ListedRow[] = []
  for (const buckets of bucketsDown(await newestBucket(db.tables<AuditTables>()))) {
    if (found.length >= limit) break
    found.push(...(await query(limit - found.length, buckets)))
  }
  return found
}
