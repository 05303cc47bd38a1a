import type { Migration } from '../../storage/sql/index.ts'

/** In the store of keys, which forgets what it deletes: see SECURITY.md. */
export type TrafficKeyTables = {
  gateway_traffic_key: { id: string; site: string; day: number; public: string; sealed: string; ends_at: number }
}
export type TrafficTables = {
  /** What lies in one file. */
  gateway_traffic: {
    key: string
    site: string
    requests: number
    bytes: number
    oldest: number
    newest: number
  }
  gateway_dry_run: { id: string; at: number; body: string }
}

export const trafficKeyMigrations: readonly Migration[] = [
  {
    name: '20261125T001030-create-gateway-traffic-key',
    async up(db) {
      await db.schema
        .createTable('gateway_traffic_key')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('site', 'text', (c) => c.notNull())
        .addColumn('day', 'integer', (c) => c.notNull())
        .addColumn('public', 'text', (c) => c.notNull())
        .addColumn('sealed', 'text', (c) => c.notNull())
        .addColumn('ends_at', 'bigint', (c) => c.notNull())
        .addUniqueConstraint('gateway_traffic_key_day', ['site', 'day'])
        .execute()
    },
  },
]

export const trafficMigrations: readonly Migration[] = [
  {
    name: '20261125T001040-create-gateway-traffic',
    async up(db) {
      await db.schema
        .createTable('gateway_traffic')
        .addColumn('key', 'text', (c) => c.primaryKey())
        .addColumn('site', 'text', (c) => c.notNull())
        .addColumn('requests', 'integer', (c) => c.notNull())
        .addColumn('bytes', 'bigint', (c) => c.notNull())
        .addColumn('oldest', 'bigint', (c) => c.notNull())
        .addColumn('newest', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('gateway_dry_run')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('body', 'text', (c) => c.notNull())
        .execute()
    },
  },
]
