import { sql } from 'kysely'
import type { Migration } from '../storage/sql/index.ts'

export type ConsentTables = {
  notice: { version: number; text: string; declared_at: number }
  purpose: { id: string; version: number; text: string; declared_at: number }
  consent: {
    id: string
    subject: string
    purpose: string
    version: number
    method: string
    given_at: number
    withdrawn_at: number | null
    receipt: string
    withdrawal: string | null
  }
  receipt: { code: string; subject: string; note: string; at: number }
  withdrawal_notice: { receipt: string; recipient: string; name: string; url: string | null; acked_at: number | null }
  agreement: { subject: string; kind: string; ref: string; opened_at: number; closed_at: number | null }
  /** What was agreed elsewhere before, with the evidence there is; never what we saw ourselves. */
  taken_over: {
    id: string
    subject: string
    what: 'consent' | 'agreement'
    /** The purpose, or the kind of agreement. */
    name: string
    /** Version of the purpose, or the reference of the agreement. */
    ref: string
    /** As it was told: an instant, a day, or `not-known`. */
    given: string
    ended: string
    method: string
    text: string
    kept: string
    stated_by: string
    taken_at: number
    live: number
    why: string | null
  }
}

export const consentMigrations: readonly Migration[] = [
  {
    name: '20261121T000300-create-consent',
    async up(db) {
      await db.schema
        .createTable('notice')
        .addColumn('version', 'integer', (c) => c.primaryKey())
        .addColumn('text', 'text', (c) => c.notNull())
        .addColumn('declared_at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('purpose')
        .addColumn('id', 'text', (c) => c.notNull())
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('text', 'text', (c) => c.notNull())
        .addColumn('declared_at', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('purpose_pk', ['id', 'version'])
        .execute()
      await db.schema
        .createTable('consent')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('purpose', 'text', (c) => c.notNull())
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('method', 'text', (c) => c.notNull())
        .addColumn('given_at', 'bigint', (c) => c.notNull())
        .addColumn('withdrawn_at', 'bigint')
        .addColumn('receipt', 'text', (c) => c.notNull())
        .addColumn('withdrawal', 'text')
        .execute()
      await db.schema
        .createIndex('consent_running')
        .unique()
        .on('consent')
        .columns(['subject', 'purpose'])
        .where(sql.ref('withdrawn_at'), 'is', null)
        .execute()
      await db.schema.createIndex('consent_subject').on('consent').columns(['subject', 'purpose']).execute()
      await db.schema
        .createTable('receipt')
        .addColumn('code', 'text', (c) => c.primaryKey())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('note', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('receipt_subject').on('receipt').column('subject').execute()
      await db.schema
        .createTable('withdrawal_notice')
        .addColumn('receipt', 'text', (c) => c.notNull())
        .addColumn('recipient', 'text', (c) => c.notNull())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('url', 'text')
        .addColumn('acked_at', 'bigint')
        .addPrimaryKeyConstraint('withdrawal_notice_pk', ['receipt', 'recipient'])
        .execute()
      await db.schema
        .createTable('agreement')
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('ref', 'text', (c) => c.notNull())
        .addColumn('opened_at', 'bigint', (c) => c.notNull())
        .addColumn('closed_at', 'bigint')
        .addPrimaryKeyConstraint('agreement_pk', ['subject', 'kind', 'ref'])
        .execute()
    },
  },
  {
    name: '20261128T000100-create-taken-over',
    async up(db) {
      let table = db.schema.createTable('taken_over').addColumn('id', 'text', (c) => c.primaryKey())
      const texts = ['subject', 'what', 'name', 'ref', 'given', 'ended', 'method', 'text', 'kept', 'stated_by'] as const
      for (const column of texts) table = table.addColumn(column, 'text', (c) => c.notNull())
      await table
        .addColumn('taken_at', 'bigint', (c) => c.notNull())
        .addColumn('live', 'integer', (c) => c.notNull())
        .addColumn('why', 'text')
        .execute()
      await db.schema
        .createIndex('taken_over_subject')
        .on('taken_over')
        .columns(['subject', 'what', 'name', 'ref'])
        .execute()
    },
  },
]
