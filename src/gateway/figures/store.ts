import type { Migration } from '../../storage/sql/index.ts'

export type FigureTables = {
  gateway_tally: {
    kind: string
    hour: number
    site: string
    route: string
    label: string
    n: number
  }
  /** The last batch taken of each worker's life. */
  gateway_tally_sender: { sender: string; seq: number; at: number }
  gateway_outgoing_answer: { id: string; at: number; site: string; decision: string; body: string }
}

export const figureMigrations: readonly Migration[] = [
  {
    name: '20261125T001020-create-gateway-figures',
    async up(db) {
      await db.schema
        .createTable('gateway_tally')
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('hour', 'integer', (c) => c.notNull())
        .addColumn('site', 'text', (c) => c.notNull())
        .addColumn('route', 'text', (c) => c.notNull())
        .addColumn('label', 'text', (c) => c.notNull())
        .addColumn('n', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('gateway_tally_pk', ['kind', 'hour', 'site', 'route', 'label'])
        .execute()
      await db.schema
        .createTable('gateway_tally_sender')
        .addColumn('sender', 'text', (c) => c.primaryKey())
        .addColumn('seq', 'integer', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('gateway_outgoing_answer')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('site', 'text', (c) => c.notNull())
        .addColumn('decision', 'text', (c) => c.notNull())
        .addColumn('body', 'text', (c) => c.notNull())
        .execute()
      await db.schema
        .createIndex('gateway_outgoing_answer_at')
        .on('gateway_outgoing_answer')
        .columns(['at', 'id'])
        .execute()
    },
  },
]
