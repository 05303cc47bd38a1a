import { bytesType, type Migration } from '../storage/sql/index.ts'

export type VaultTables = {
  vault_value: { subject: string; collection: string; record: string; field: string; sealed: Uint8Array; at: number }
  vault_index: { collection: string; field: string; tag: string; subject: string; record: string }
}
/** In a store of its own: whoever holds a backup of the values must not hold the keys as well. */
export type KeyTables = {
  subject_key: { subject: string; version: number; kek: string; wrapped: Uint8Array; created_at: number }
}

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
]
