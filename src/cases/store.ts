import type { Migration } from '../storage/sql/index.ts'

export type CaseRow = {
  id: string
  title: string
  severity: string
  state: 'open' | 'closed'
  outcome: string | null
  owner: string | null
  opened_at: number
  closed_at: number | null
  /** When the incident was detected; set when a person declares it serious. */
  detected_at: number | null
  first_reported_at: number | null
  full_reported_at: number | null
  origin: string | null
}
export type CaseTables = {
  case_file: CaseRow
  case_entry: { id: string; case_id: string; at: number; actor: string; who: string; kind: string; text: string }
  case_observable: {
    id: string
    case_id: string
    at: number
    kind: string
    value: string
    port: number | null
    role: string
    indicator: string | null
  }
  case_task: {
    id: string
    case_id: string
    title: string
    at: number
    done_at: number | null
    done_by: string | null
  }
}

export const caseMigrations: readonly Migration[] = [
  {
    name: '20261122T002000-create-case',
    async up(db) {
      await db.schema
        .createTable('case_file')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('title', 'text', (c) => c.notNull())
        .addColumn('severity', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('outcome', 'text')
        .addColumn('owner', 'text')
        .addColumn('opened_at', 'bigint', (c) => c.notNull())
        .addColumn('closed_at', 'bigint')
        .addColumn('detected_at', 'bigint')
        .addColumn('first_reported_at', 'bigint')
        .addColumn('full_reported_at', 'bigint')
        .addColumn('origin', 'text')
        .execute()
      await db.schema.createIndex('case_file_state').on('case_file').columns(['state', 'id']).execute()
      await db.schema
        .createTable('case_entry')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('case_id', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('who', 'text', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('text', 'text', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('case_entry_case').on('case_entry').columns(['case_id', 'id']).execute()
      await db.schema
        .createTable('case_observable')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('case_id', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('value', 'text', (c) => c.notNull())
        .addColumn('port', 'integer')
        .addColumn('role', 'text', (c) => c.notNull())
        .addColumn('indicator', 'text')
        .execute()
      await db.schema.createIndex('case_observable_case').on('case_observable').columns(['case_id', 'id']).execute()
      await db.schema
        .createTable('case_task')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('case_id', 'text', (c) => c.notNull())
        .addColumn('title', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('done_at', 'bigint')
        .addColumn('done_by', 'text')
        .execute()
      await db.schema.createIndex('case_task_case').on('case_task').columns(['case_id', 'id']).execute()
    },
  },
]
