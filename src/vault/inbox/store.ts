import { bytesType, type Migration } from '../../storage/sql/index.ts'

export type InboxTables = {
  /** What was taken: the id alone, so that it is taken once. `at`: when it was taken. */
  vault_inbox_taken: { id: string; at: number }
}
/** In the store of keys, which forgets what it deletes: whoever kept a copy of a spool reads it no more. */
export type InboxKeyTables = {
  vault_inbox_key: {
    id: string
    public_key: Uint8Array
    sealed: Uint8Array
    kek: string
    created_at: number
    /** Null: this is the one that is given out. */
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
]
