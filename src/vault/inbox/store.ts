import { bytesType, type Migration } from '../../storage/sql/index.ts'

export type InboxTables = {
  /** What was taken: the id alone, so that it is taken once. `at`: when it was taken. */
  vault_inbox_taken: { id: string; at: number }
  /** Erased at a time, so that what was written before and comes later does not bring it back. Field `*`: the whole record. */
  vault_erased_place: { subject: string; collection: string; record: string; field: string; at: number }
}
/** In the store of keys, which forgets what it deletes: whoever kept a copy of a spool reads it no more. */
export type InboxKeyTables = {
  vault_inbox_key: {
    id: string
    public_key: Uint8Array
    sealed: Uint8Array
    kek: string
    created_at: number
    /** It is made a month before. */
    given_from: number
    /** Null: it is given out, or will be. */
    closes_at: number | null
  }
}

export const inboxMigrations: readonly Migration[] = [
  {
    name: '20261127T000100-create-vault-inbox',
    async up(db) {
      await db.schema
        .createTable('vault_inbox_taken')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('vault_inbox_taken_at').on('vault_inbox_taken').column('at').execute()
    },
  },
  {
    name: '20261201T000200-create-vault-erased-place',
    async up(db) {
      await db.schema
        .createTable('vault_erased_place')
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('collection', 'text', (c) => c.notNull())
        .addColumn('record', 'text', (c) => c.notNull())
        .addColumn('field', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('vault_erased_place_pk', ['subject', 'collection', 'record', 'field'])
        .execute()
      await db.schema.createIndex('vault_erased_place_at').on('vault_erased_place').column('at').execute()
    },
  },
]

export const inboxKeyMigrations: readonly Migration[] = [
  {
    name: '20261127T000200-create-vault-inbox-key',
    async up(db, dialect) {
      await db.schema
        .createTable('vault_inbox_key')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('public_key', bytesType(dialect) as 'blob', (c) => c.notNull())
        .addColumn('sealed', bytesType(dialect) as 'blob', (c) => c.notNull())
        .addColumn('kek', 'text', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('closes_at', 'bigint')
        .execute()
    },
  },
  {
    name: '20261127T000300-make-inbox-keys-ahead',
    async up(db) {
      await db.schema
        .alterTable('vault_inbox_key')
        .addColumn('given_from', 'bigint', (c) => c.notNull().defaultTo(0))
        .execute()
    },
  },
]
