import { type Kysely, sql } from 'kysely'
import { bulkInsert, bytesType, type Dialect, type Migration, type Transaction } from '../storage/sql/index.ts'
import { conversationMigrations } from './conversations/store.ts'
import { inboxKeyMigrations, inboxMigrations } from './inbox/store.ts'
import { relayMigrations } from './relay/store.ts'

export type VaultTables = {
  vault_value: { subject: string; collection: string; record: string; field: string; sealed: Uint8Array; at: number }
  /** `field` is the name of an index: `phone`, or `phone~last`. */
  vault_index: { collection: string; field: string; tag: string; subject: string; record: string }
  vault_declaration: { version: number; text: string; declared_at: number }
  /** Indexes that are whole, or on their way: values up to this place have their entries. */
  vault_indexing: { collection: string; name: string; done: number; subject: string; record: string }
  /** Values whose tokens a caller asked for in an hour since 1970, and how often it was told no. */
  vault_token_budget: { caller: string; hour: number; asked: number; refused: number }
  vault_observe: { purpose: string; caller: string; since: number; set_by: string }
  vault_observed: { purpose: string; caller: string; field: string; code: string; day: number; count: number }
  vault_shred: {
    subject: string
    id: string
    at: number
    /** Until when a backup of keys could bring the person back; null: none can. */
    until: number | null
    fields: number
    receipt: string
    /** The key is gone. */
    destroyed_at: number | null
    /** The backups' time is over and what the log said of the person is gone as well. */
    finished_at: number | null
  }
}
/** In a store of its own: whoever holds a backup of the values must not hold the keys as well. */
export type KeyTables = {
  subject_key: { subject: string; version: number; kek: string; wrapped: Uint8Array; created_at: number }
}

/** Which of these people were erased for good. */
export async function shreddedOf(db: Kysely<VaultTables>, subjects: readonly string[]): Promise<Set<string>> {
  if (subjects.length === 0) return new Set()
  const rows = await db
    .selectFrom('vault_shred')
    .select('subject')
    .where('subject', 'in', [...subjects])
    .execute()
  return new Set(rows.map((row) => row.subject))
}

export const PLACE = ['subject', 'collection', 'record', 'field'] as const
const values = bulkInsert(
  'vault_value',
  [...PLACE, 'sealed', 'at'],
  'on conflict (subject, collection, record, field) do update set sealed = excluded.sealed, at = excluded.at',
)
// An entry that stays as it is dirties no page.
const tags = bulkInsert(
  'vault_index',
  [...PLACE, 'tag'],
  'on conflict (subject, collection, record, field) do update set tag = excluded.tag where vault_index.tag <> excluded.tag',
)

/** Puts values in, over what is there. */
export const insertValues = (
  trx: Transaction<VaultTables>,
  dialect: Dialect,
  rows: readonly VaultTables['vault_value'][],
): Promise<void> =>
  values(
    trx,
    dialect,
    rows.map((row) => [row.subject, row.collection, row.record, row.field, row.sealed, row.at]),
  )

export const insertTags = (
  trx: Transaction<VaultTables>,
  dialect: Dialect,
  rows: readonly VaultTables['vault_index'][],
): Promise<void> =>
  tags(
    trx,
    dialect,
    rows.map((row) => [row.subject, row.collection, row.record, row.field, row.tag]),
  )

const KEY = ['subject', 'version', 'kek', 'wrapped', 'created_at'] as const
const newKeys = bulkInsert('subject_key', KEY, 'on conflict do nothing')

/** Puts keys in where there are none. */
export const insertKeys = (
  trx: Transaction<KeyTables>,
  dialect: Dialect,
  rows: readonly KeyTables['subject_key'][],
): Promise<void> =>
  newKeys(
    trx,
    dialect,
    rows.map((row) => KEY.map((column) => row[column])),
  )

export const vaultMigrations: readonly Migration[] = [
  {
    name: '20261121T000400-create-vault',
    async up(db, dialect) {
      await db.schema
        .createTable('vault_value')
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('collection', 'text', (c) => c.notNull())
        .addColumn('record', 'text', (c) => c.notNull())
        .addColumn('field', 'text', (c) => c.notNull())
        .addColumn('sealed', bytesType(dialect) as 'blob', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('vault_value_pk', ['subject', 'collection', 'record', 'field'])
        .execute()
      await db.schema
        .createTable('vault_index')
        .addColumn('collection', 'text', (c) => c.notNull())
        .addColumn('field', 'text', (c) => c.notNull())
        .addColumn('tag', 'text', (c) => c.notNull())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('record', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('vault_index_pk', ['subject', 'collection', 'record', 'field'])
        .execute()
      await db.schema.createIndex('vault_index_tag').on('vault_index').columns(['collection', 'field', 'tag']).execute()
    },
  },
  {
    name: '20261125T000000-declare-collections',
    async up(db) {
      await db.schema
        .createTable('vault_declaration')
        .addColumn('version', 'integer', (c) => c.primaryKey())
        .addColumn('text', 'text', (c) => c.notNull())
        .addColumn('declared_at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('vault_indexing')
        .addColumn('collection', 'text', (c) => c.notNull())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('done', 'integer', (c) => c.notNull())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('record', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('vault_indexing_pk', ['collection', 'name'])
        .execute()
      // What could be searched before this migration is whole.
      for (const name of ['phone', 'email', 'personal_id'])
        await (db as Kysely<VaultTables>)
          .insertInto('vault_indexing')
          .values({ collection: 'person', name, done: 1, subject: '', record: '' })
          .execute()
      await db.schema
        .createTable('vault_observe')
        .addColumn('purpose', 'text', (c) => c.notNull())
        .addColumn('caller', 'text', (c) => c.notNull())
        .addColumn('since', 'bigint', (c) => c.notNull())
        .addColumn('set_by', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('vault_observe_pk', ['purpose', 'caller'])
        .execute()
      await db.schema
        .createTable('vault_observed')
        .addColumn('purpose', 'text', (c) => c.notNull())
        .addColumn('caller', 'text', (c) => c.notNull())
        .addColumn('field', 'text', (c) => c.notNull())
        .addColumn('code', 'text', (c) => c.notNull())
        .addColumn('day', 'integer', (c) => c.notNull())
        .addColumn('count', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('vault_observed_pk', ['purpose', 'caller', 'field', 'code', 'day'])
        .execute()
      await db.schema
        .createTable('vault_shred')
        .addColumn('subject', 'text', (c) => c.primaryKey())
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('until', 'bigint')
        .addColumn('fields', 'integer', (c) => c.notNull())
        .addColumn('receipt', 'text', (c) => c.notNull())
        .addColumn('destroyed_at', 'bigint')
        .addColumn('finished_at', 'bigint')
        .execute()
      await db.schema
        .createIndex('vault_shred_open')
        .on('vault_shred')
        .column('at')
        .where(sql.ref('finished_at'), 'is', null)
        .execute()
    },
  },
  ...inboxMigrations,
  ...relayMigrations,
  ...conversationMigrations,
  {
    name: '20261201T000120-index-shreds-by-time',
    async up(db) {
      await db.schema.createIndex('vault_shred_at').on('vault_shred').column('at').execute()
    },
  },
  {
    name: '20261201T000210-create-vault-token-budget',
    async up(db) {
      await db.schema
        .createTable('vault_token_budget')
        .addColumn('caller', 'text', (c) => c.notNull())
        .addColumn('hour', 'integer', (c) => c.notNull())
        .addColumn('asked', 'bigint', (c) => c.notNull())
        .addColumn('refused', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('vault_token_budget_pk', ['caller', 'hour'])
        .execute()
    },
  },
]

export const keyMigrations: readonly Migration[] = [
  {
    name: '20261121T000500-create-subject-key',
    async up(db, dialect) {
      await db.schema
        .createTable('subject_key')
        .addColumn('subject', 'text', (c) => c.primaryKey())
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('kek', 'text', (c) => c.notNull())
        .addColumn('wrapped', bytesType(dialect) as 'blob', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .execute()
    },
  },
  ...inboxKeyMigrations,
]
