import { sql } from 'kysely'
import type { Migration } from '../storage/sql/index.ts'

export const auditMigrations: readonly Migration[] = [
  {
    name: '20261121T000200-create-audit',
    async up(db) {
      await db.schema
        .createTable('audit_record')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('subject', 'text')
        .addColumn('record', 'text', (c) => c.notNull())
        .addColumn('salt', 'text', (c) => c.notNull())
        .addColumn('leaf_index', 'bigint')
        .execute()
      await db.schema
        .createIndex('audit_record_leaf')
        .unique()
        .on('audit_record')
        .column('leaf_index')
        .where(sql.ref('leaf_index'), 'is not', null)
        .execute()
      await db.schema
        .createIndex('audit_record_pending')
        .on('audit_record')
        .column('id')
        .where(sql.ref('leaf_index'), 'is', null)
        .execute()
      for (const column of ['subject', 'kind', 'actor']) {
        await db.schema.createIndex(`audit_record_${column}`).on('audit_record').columns([column, 'id']).execute()
      }
      // What was last seen published, so that a log folder put back to an earlier state is noticed.
      await db.schema
        .createTable('audit_head')
        .addColumn('origin', 'text', (c) => c.primaryKey())
        .addColumn('size', 'bigint', (c) => c.notNull())
        .addColumn('root', 'text', (c) => c.notNull())
        .execute()
    },
  },
  {
    name: '20261125T001000-bucket-audit-subjects',
    async up(db) {
      // Rows of before are one bucket, found as they were.
      await db.schema
        .alterTable('audit_record')
        .addColumn('bucket', 'integer', (c) => c.notNull().defaultTo(0))
        .execute()
      await db.schema.dropIndex('audit_record_subject').execute()
      await db.schema
        .createIndex('audit_record_subject')
        .on('audit_record')
        .columns(['bucket', 'subject', 'id'])
        .where(sql.ref('subject'), 'is not', null)
        .execute()
    },
  },
]
