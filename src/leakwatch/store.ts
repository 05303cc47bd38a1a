import { bytesType, type Migration } from '../storage/sql/index.ts'

export type ReportRow = {
  id: string
  what: string
  state: string
  received_at: number
  /** First taken up by an officer. */
  taken_at: number | null
  closed_at: number | null
  outcome: string | null
  officer: string | null
  /** 1 while the citizen wrote something no officer has opened. */
  unread: number
  /** Hash of the receipt code; the code itself is nowhere. */
  code: string
  /** What the citizen wrote, under the node's key. */
  sealed: Uint8Array
}
export type LeakwatchTables = {
  citizen_report: ReportRow
  report_message: { id: string; report: string; at: number; author: 'citizen' | 'officer'; sealed: Uint8Array }
  report_ticket: { id: string; expires_at: number }
}

export const leakwatchMigrations: readonly Migration[] = [
  {
    name: '20261122T005000-create-citizen-report',
    async up(db, dialect) {
      await db.schema
        .createTable('citizen_report')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('what', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('received_at', 'bigint', (c) => c.notNull())
        .addColumn('taken_at', 'bigint')
        .addColumn('closed_at', 'bigint')
        .addColumn('outcome', 'text')
        .addColumn('officer', 'text')
        .addColumn('unread', 'integer', (c) => c.notNull())
        .addColumn('code', 'text', (c) => c.notNull().unique())
        .addColumn('sealed', bytesType(dialect), (c) => c.notNull())
        .execute()
      await db.schema
        .createIndex('citizen_report_state')
        .on('citizen_report')
        .columns(['state', 'received_at'])
        .execute()
      await db.schema.createIndex('citizen_report_received').on('citizen_report').column('received_at').execute()
      await db.schema
        .createTable('report_message')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('report', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('author', 'text', (c) => c.notNull())
        .addColumn('sealed', bytesType(dialect), (c) => c.notNull())
        .execute()
      await db.schema.createIndex('report_message_report').on('report_message').columns(['report', 'id']).execute()
      await db.schema
        .createTable('report_ticket')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('expires_at', 'bigint', (c) => c.notNull())
        .execute()
    },
  },
]
