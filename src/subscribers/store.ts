import { sql } from 'kysely'
import type { Migration } from '../storage/sql/index.ts'
import type { Attribution, Infection, Notice } from './contract.ts'
import type { z } from 'zod'

export type SubscriberRow = {
  /** The vault's token of the person. */
  token: string
  /** Keyed hash of the reference the operator's logs use; the reference itself is nowhere. */
  blind: string
  language: 'vi' | 'en'
  has_contact: number
  at: number
}
export type PortLogRow = {
  id: string
  name: string
  /** SHA-256 of the file: the same file again changes nothing. */
  digest: string
  imported_at: number
  rows: number
  refused: number
  errors: string
  from_at: number | null
  to_at: number | null
  /** 0 while its rows are still being written; such a log does not count. */
  whole: number
}
export type PortBlockRow = {
  log: string
  line: number
  address: string
  port_from: number
  port_to: number
  subscriber: string
  start_at: number
  end_at: number | null
  device: string
}
export type InfectionRow = {
  id: string
  /** `token indicator`, or `? address indicator` while nobody is known. */
  place: string
  indicator: string
  contacted: string
  subscriber: string | null
  result: Attribution['result']
  candidates: number
  why: string | null
  first_at: number
  last_at: number
  sightings: number
  state: Infection['state']
  notice: string | null
}
export type HitRow = {
  source: string
  event: string
  indicator: string
  infection: string
  at: number
  address: string
  port: number | null
  kind: string
  contacted: string
  result: Attribution['result']
  candidates: number
  why: string | null
}
export type NoticeRow = {
  id: string
  infection: string
  subscriber: string
  state: z.output<typeof Notice>['state']
  why: string | null
  at: number
  sent_at: number | null
  tries: number
  confirmed_at: number | null
  /** Keyed hash of the code in the mail; the code follows from the id under the node's key. */
  code: string
  first_at: number
  last_at: number
}
export type SubscriberTables = {
  subscriber: SubscriberRow
  port_log: PortLogRow
  port_block: PortBlockRow
  port_span: { log: string; device: string; kind: 'covers' | 'gap' | 'seen'; from_at: number; to_at: number }
  infection: InfectionRow
  infection_hit: HitRow
  subscriber_notice: NoticeRow
  warning_setting: { id: number; mode: 'on' | 'dry-run' | 'off'; cap: number; clean_after_days: number }
  /** Indicators whose past day was searched, how often and when last. */
  indicator_searched: { indicator: string; passes: number; at: number }
}

export const subscriberMigrations: readonly Migration[] = [
  {
    name: '20261123T002000-create-subscriber',
    async up(db) {
      await db.schema
        .createTable('subscriber')
        .addColumn('token', 'text', (c) => c.primaryKey())
        .addColumn('blind', 'text', (c) => c.notNull().unique())
        .addColumn('language', 'text', (c) => c.notNull())
        .addColumn('has_contact', 'integer', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('port_log')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('digest', 'text', (c) => c.notNull())
        .addColumn('imported_at', 'bigint', (c) => c.notNull())
        .addColumn('rows', 'bigint', (c) => c.notNull())
        .addColumn('refused', 'bigint', (c) => c.notNull())
        .addColumn('errors', 'text', (c) => c.notNull())
        .addColumn('from_at', 'bigint')
        .addColumn('to_at', 'bigint')
        .addColumn('whole', 'integer', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('port_log_digest').on('port_log').columns(['digest', 'whole']).execute()
      await db.schema
        .createTable('port_block')
        .addColumn('log', 'text', (c) => c.notNull())
        .addColumn('line', 'bigint', (c) => c.notNull())
        .addColumn('address', 'text', (c) => c.notNull())
        .addColumn('port_from', 'integer', (c) => c.notNull())
        .addColumn('port_to', 'integer', (c) => c.notNull())
        .addColumn('subscriber', 'text', (c) => c.notNull())
        .addColumn('start_at', 'bigint', (c) => c.notNull())
        .addColumn('end_at', 'bigint')
        .addColumn('device', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('port_block_pk', ['log', 'line'])
        .execute()
      await db.schema
        .createTable('port_span')
        .addColumn('log', 'text', (c) => c.notNull())
        .addColumn('device', 'text', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('from_at', 'bigint', (c) => c.notNull())
        .addColumn('to_at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('port_span_log').on('port_span').column('log').execute()
      await db.schema
        .createTable('infection')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('place', 'text', (c) => c.notNull().unique())
        .addColumn('indicator', 'text', (c) => c.notNull())
        .addColumn('contacted', 'text', (c) => c.notNull())
        .addColumn('subscriber', 'text')
        .addColumn('result', 'text', (c) => c.notNull())
        .addColumn('candidates', 'integer', (c) => c.notNull())
        .addColumn('why', 'text')
        .addColumn('first_at', 'bigint', (c) => c.notNull())
        .addColumn('last_at', 'bigint', (c) => c.notNull())
        .addColumn('sightings', 'bigint', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('notice', 'text')
        .execute()
      await db.schema.createIndex('infection_state').on('infection').columns(['state', 'last_at']).execute()
      await db.schema.createIndex('infection_result').on('infection').columns(['result', 'id']).execute()
      await db.schema.createIndex('infection_indicator').on('infection').columns(['indicator', 'id']).execute()
      await db.schema
        .createTable('infection_hit')
        .addColumn('event', 'text', (c) => c.notNull())
        .addColumn('indicator', 'text', (c) => c.notNull())
        .addColumn('infection', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('address', 'text', (c) => c.notNull())
        .addColumn('port', 'integer')
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('contacted', 'text', (c) => c.notNull())
        .addColumn('result', 'text', (c) => c.notNull())
        .addColumn('candidates', 'integer', (c) => c.notNull())
        .addColumn('why', 'text')
        .addPrimaryKeyConstraint('infection_hit_pk', ['event', 'indicator'])
        .execute()
      await db.schema.createIndex('infection_hit_of').on('infection_hit').columns(['infection', 'at']).execute()
      await db.schema.createIndex('infection_hit_result').on('infection_hit').columns(['result', 'at']).execute()
      await db.schema
        .createTable('subscriber_notice')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('infection', 'text', (c) => c.notNull())
        .addColumn('subscriber', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('why', 'text')
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('sent_at', 'bigint')
        .addColumn('tries', 'integer', (c) => c.notNull())
        .addColumn('confirmed_at', 'bigint')
        .addColumn('code', 'text', (c) => c.notNull().unique())
        .addColumn('first_at', 'bigint', (c) => c.notNull())
        .addColumn('last_at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('subscriber_notice_state').on('subscriber_notice').columns(['state', 'why']).execute()
      await db.schema.createIndex('subscriber_notice_sent').on('subscriber_notice').column('sent_at').execute()
      await db.schema.createIndex('subscriber_notice_of').on('subscriber_notice').column('infection').execute()
      await db.schema
        .createTable('warning_setting')
        .addColumn('id', 'integer', (c) => c.primaryKey())
        .addColumn('mode', 'text', (c) => c.notNull())
        .addColumn('cap', 'integer', (c) => c.notNull())
        .addColumn('clean_after_days', 'integer', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('indicator_searched')
        .addColumn('indicator', 'text', (c) => c.primaryKey())
        .addColumn('passes', 'integer', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .execute()
    },
  },
  {
    name: '20261124T003000-key-infection-hit-by-source',
    async up(db) {
      // SQLite cannot change a key in place.
      await db.schema
        .createTable('infection_hit_by_source')
        .addColumn('source', 'text', (c) => c.notNull())
        .addColumn('event', 'text', (c) => c.notNull())
        .addColumn('indicator', 'text', (c) => c.notNull())
        .addColumn('infection', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('address', 'text', (c) => c.notNull())
        .addColumn('port', 'integer')
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('contacted', 'text', (c) => c.notNull())
        .addColumn('result', 'text', (c) => c.notNull())
        .addColumn('candidates', 'integer', (c) => c.notNull())
        .addColumn('why', 'text')
        .addPrimaryKeyConstraint('infection_hit_by_source_pk', ['event', 'indicator', 'source'])
        .execute()
      await sql`insert into infection_hit_by_source
        (source, event, indicator, infection, at, address, port, kind, contacted, result, candidates, why)
        select '', event, indicator, infection, at, address, port, kind, contacted, result, candidates, why
        from infection_hit`.execute(db)
      await db.schema.dropTable('infection_hit').execute()
      await db.schema.alterTable('infection_hit_by_source').renameTo('infection_hit').execute()
      await db.schema.createIndex('infection_hit_of').on('infection_hit').columns(['infection', 'at']).execute()
      await db.schema.createIndex('infection_hit_result').on('infection_hit').columns(['result', 'at']).execute()
    },
  },
]
