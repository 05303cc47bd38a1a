import { bytesType, type Migration } from '../../storage/sql/index.ts'

export type ConversationTables = {
  vault_conversation: { id: string; mode: 'open' | 'sealed'; opened_at: number }
  vault_conversation_person: { conversation: string; subject: string }
  /** `subject` wrote it. Sealed under the writer's key, and that again under the conversation's. */
  vault_message: { conversation: string; record: string; subject: string; sealed: Uint8Array; at: number }
  /** Public keys of devices. */
  vault_box: { id: string; subject: string; public_key: string; since: number }
}

export const conversationMigrations: readonly Migration[] = [
  {
    name: '20261201T000200-create-conversations',
    async up(db, dialect) {
      await db.schema
        .createTable('vault_conversation')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('mode', 'text', (c) => c.notNull())
        .addColumn('opened_at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('vault_conversation_person')
        .addColumn('conversation', 'text', (c) => c.notNull())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('vault_conversation_person_pk', ['conversation', 'subject'])
        .execute()
      await db.schema
        .createTable('vault_message')
        .addColumn('conversation', 'text', (c) => c.notNull())
        .addColumn('record', 'text', (c) => c.notNull())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('sealed', bytesType(dialect) as 'blob', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('vault_message_pk', ['conversation', 'record'])
        .execute()
      await db.schema
        .createTable('vault_box')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('public_key', 'text', (c) => c.notNull())
        .addColumn('since', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createIndex('vault_message_at')
        .on('vault_message')
        .columns(['conversation', 'at', 'record'])
        .execute()
      await db.schema.createIndex('vault_message_age').on('vault_message').column('at').execute()
      for (const table of ['vault_conversation_person', 'vault_message', 'vault_box'] as const)
        await db.schema.createIndex(`${table}_subject`).on(table).column('subject').execute()
    },
  },
]
