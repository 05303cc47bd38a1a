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
  /** Which sites a version changed. */
  gateway_version_site: { version: number; site: string }
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
  {
    name: '20261126T001000-create-gateway-version-site',
    async up(db) {
      await db.schema
        .createTable('gateway_version_site')
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('site', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('gateway_version_site_key', ['site', 'version'])
        .execute()
      // What earlier versions changed stands in their words, at most fifty of each.
      const tables = db.withTables<SettingsTables>()
      const rows = await tables.selectFrom('gateway_version').select(['version', 'changes']).execute()
      const found = rows.flatMap(({ version, changes }) => {
        const words = JSON.parse(changes) as { en: string }[]
        const named = words.flatMap(({ en }) => /^Site ([a-z0-9-]{1,40})[:,]/.exec(en)?.[1] ?? [])
        return [...new Set(named)].map((site) => ({ version: Number(version), site }))
      })
      for (let i = 0; i < found.length; i += 200)
        await tables
          .insertInto('gateway_version_site')
          .values(found.slice(i, i + 200))
          .execute()
    },
  },
]
