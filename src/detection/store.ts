import type { Migration } from '../storage/sql/index.ts'

export type AlertRow = {
  id: string
  rule: string
  /** The group's values as canonical JSON; with the rule it says which open alert a firing belongs to. */
  group_key: string
  title: string
  level: string
  first_at: number
  last_at: number
  count: number
  state: 'new' | 'case' | 'dismissed'
  /** 1 while firings of the same rule and group are added to it. */
  open: number
  case_id: string | null
  /** Observables and event ids, JSON. */
  body: string
  origin: string | null
}
export type DetectionTables = { alert: AlertRow }

export const detectionMigrations: readonly Migration[] = [
  {
    name: '20261122T001000-create-alert',
    async up(db) {
      await db.schema
        .createTable('alert')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('rule', 'text', (c) => c.notNull())
        .addColumn('group_key', 'text', (c) => c.notNull())
        .addColumn('title', 'text', (c) => c.notNull())
        .addColumn('level', 'text', (c) => c.notNull())
        .addColumn('first_at', 'bigint', (c) => c.notNull())
        .addColumn('last_at', 'bigint', (c) => c.notNull())
        .addColumn('count', 'bigint', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('open', 'integer', (c) => c.notNull())
        .addColumn('case_id', 'text')
        .addColumn('body', 'text', (c) => c.notNull())
        .addColumn('origin', 'text')
        .execute()
      await db.schema.createIndex('alert_group').on('alert').columns(['rule', 'group_key', 'last_at']).execute()
      await db.schema.createIndex('alert_state').on('alert').columns(['state', 'id']).execute()
      await db.schema.createIndex('alert_case').on('alert').column('case_id').execute()
    },
  },
]
