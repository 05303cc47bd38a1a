import type { Migration } from '../storage/sql/index.ts'

export type BackupTables = {
  backup: {
    id: string
    /** `making` while it is made; a start finds what a crash left and calls it `failed`. */
    state: 'making' | 'made' | 'failed'
    actor: string
    started_at: number
    /** The moment it shows. */
    shown_at: number | null
    made_at: number | null
    name: string
    data_to: string
    keys_to: string
    ring_key: string
    expires_at: number
    /** When the key of its key backup was destroyed. */
    destroyed_at: number | null
    bytes: number
    rows: number
    leaves: number
    events: number | null
    /** Code of the error. */
    failure: string | null
  }
  backup_drill: {
    id: string
    at: number
    actor: string
    backup: string
    /** 1 or 0. */
    good: number
    ms: number
    rows: number
    leaves: number
    events: number | null
    opened: number
    failure: string | null
  }
}

export const backupMigrations: readonly Migration[] = [
  {
    name: '20261126T000010-create-backup',
    async up(db) {
      await db.schema
        .createTable('backup')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('started_at', 'bigint', (c) => c.notNull())
        .addColumn('shown_at', 'bigint')
        .addColumn('made_at', 'bigint')
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('data_to', 'text', (c) => c.notNull())
        .addColumn('keys_to', 'text', (c) => c.notNull())
        .addColumn('ring_key', 'text', (c) => c.notNull())
        .addColumn('expires_at', 'bigint', (c) => c.notNull())
        .addColumn('destroyed_at', 'bigint')
        .addColumn('bytes', 'bigint', (c) => c.notNull())
        .addColumn('rows', 'bigint', (c) => c.notNull())
        .addColumn('leaves', 'bigint', (c) => c.notNull())
        .addColumn('events', 'bigint')
        .addColumn('failure', 'text')
        .execute()
      await db.schema
        .createTable('backup_drill')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('backup', 'text', (c) => c.notNull())
        .addColumn('good', 'integer', (c) => c.notNull())
        .addColumn('ms', 'bigint', (c) => c.notNull())
        .addColumn('rows', 'bigint', (c) => c.notNull())
        .addColumn('leaves', 'bigint', (c) => c.notNull())
        .addColumn('events', 'bigint')
        .addColumn('opened', 'bigint', (c) => c.notNull())
        .addColumn('failure', 'text')
        .execute()
    },
  },
]
