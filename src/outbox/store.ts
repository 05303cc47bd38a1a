import type { Migration } from '../storage/sql/index.ts'

export type OutboxTables = {
  outbox: { id: string; topic: string; payload: string; at: number; tries: number; next_at: number }
}

export const outboxMigrations: readonly Migration[] = [
  {
    name: '20261121T000110-create-outbox',
    async up(db) {
      await db.schema
        .createTable('outbox')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('topic', 'text', (c) => c.notNull())
        .addColumn('payload', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('tries', 'integer', (c) => c.notNull())
        .addColumn('next_at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('outbox_next').on('outbox').columns(['next_at', 'id']).execute()
    },
  },
]
