import type { Migration } from '../../storage/sql/index.ts'

export type TuningTables = {
  /** Who made an exclusion and why; what it takes away stands in the settings. */
  gateway_exclusion: {
    id: string
    at: number
    actor: string
    reason: string
    refusal: string | null
    applied: number
  }
  gateway_sudden: {
    id: string
    site: string
    rule: number
    message: string
    at: number
    clients: number
    before: number
    state: 'open' | 'accepted' | 'restored'
    decided_at: number | null
    decided_by: string | null
    reason: string | null
  }
  /** Different clients that one rule alone refused, by ten minutes. */
  gateway_rule_clients: { site: string; rule: number; bucket: number; clients: number }
}

export const tuningMigrations: readonly Migration[] = [
  {
    name: '20261125T001010-create-gateway-tuning',
    async up(db) {
      await db.schema
        .createTable('gateway_exclusion')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .addColumn('refusal', 'text')
        .addColumn('applied', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('gateway_sudden')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('site', 'text', (c) => c.notNull())
        .addColumn('rule', 'integer', (c) => c.notNull())
        .addColumn('message', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('clients', 'integer', (c) => c.notNull())
        .addColumn('before', 'integer', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('decided_at', 'bigint')
        .addColumn('decided_by', 'text')
        .addColumn('reason', 'text')
        .execute()
      await db.schema
        .createTable('gateway_rule_clients')
        .addColumn('site', 'text', (c) => c.notNull())
        .addColumn('rule', 'integer', (c) => c.notNull())
        .addColumn('bucket', 'bigint', (c) => c.notNull())
        .addColumn('clients', 'integer', (c) => c.notNull())
        .addPrimaryKeyConstraint('gateway_rule_clients_pk', ['site', 'rule', 'bucket'])
        .execute()
      await db.schema.createIndex('gateway_rule_clients_at').on('gateway_rule_clients').column('bucket').execute()
    },
  },
]
