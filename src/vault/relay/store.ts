import { bytesType, type Migration } from '../../storage/sql/index.ts'

export type RelayTables = {
  vault_recipient: { id: string; text: string; headers: Uint8Array; since: number }
  /** One row an item for ever: what was sent once is not sent again. `answer` is sealed by the node. */
  vault_relayed: {
    recipient: string
    id: string
    subject: string
    at: number
    status: number | null
    answer: Uint8Array | null
  }
}

export const relayMigrations: readonly Migration[] = [
  {
    name: '20261125T002000-create-relay',
    async up(db, dialect) {
      await db.schema
        .createTable('vault_recipient')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('text', 'text', (c) => c.notNull())
        .addColumn('headers', bytesType(dialect) as 'blob', (c) => c.notNull())
        .addColumn('since', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('vault_relayed')
        .addColumn('recipient', 'text', (c) => c.notNull())
        .addColumn('id', 'text', (c) => c.notNull())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('status', 'integer')
        .addColumn('answer', bytesType(dialect) as 'blob')
        .addPrimaryKeyConstraint('vault_relayed_pk', ['recipient', 'id'])
        .execute()
      await db.schema.createIndex('vault_relayed_subject').on('vault_relayed').column('subject').execute()
    },
  },
]
