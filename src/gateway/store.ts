import type { Migration } from '../storage/sql/index.ts'
import { figureMigrations } from './figures/store.ts'
import { settingsMigrations } from './settings/store.ts'
import { trafficMigrations } from './traffic/store.ts'
import { tuningMigrations } from './tuning/store.ts'

export type GatewayTables = { refusal: { id: string; at: number; body: string } }

export const gatewayMigrations: readonly Migration[] = [
  {
    name: '20261121T000600-create-refusal',
    async up(db) {
      await db.schema
        .createTable('refusal')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('body', 'text', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('refusal_at').on('refusal').columns(['at', 'id']).execute()
    },
  },
  ...settingsMigrations,
  ...tuningMigrations,
  ...figureMigrations,
  ...trafficMigrations,
]
