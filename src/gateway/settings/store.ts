import type { Migration } from '../../storage/sql/index.ts'

export type SettingsTables = {
  /** `body`: sites and rule sets as JSON; null for a version in which only bans changed. */
  gateway_version: {
    version: number
    at: number
    actor: string
    reason: string
    changes: string
    more: number
    body: string | null
  }
  gateway_ban: {
    id: string
    address: string | null
    port: number | null
    account: string | null
    ends_at: number
    at: number
    actor: string
    reason: string
  }
}

export const settingsMigrations: readonly Migration[] = [
  {
    name: '20261125T001000-create-gateway-settings',
    async up(db) {
      await db.schema
        .createTable('gateway_version')
        .addColumn('version', 'integer', (c) => c.primaryKey())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .addColumn('changes', 'text', (c) => c.notNull())
        .addColumn('more', 'integer', (c) => c.notNull())
        .addColumn('body', 'text')
        .execute()
      await db.schema
        .createTable('gateway_ban')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('address', 'text')
        .addColumn('port', 'integer')
        .addColumn('account', 'text')
        .addColumn('ends_at', 'bigint', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('gateway_ban_ends').on('gateway_ban').column('ends_at').execute()
    },
  },
]
