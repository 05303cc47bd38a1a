import type { Migration } from '../storage/sql/index.ts'

export type ExchangeTables = {
  exchange_peer: {
    id: string
    name: string
    role: string
    user: string
    secret_hash: string
    readable: string
    writable: string
    max_tlp: string
    own: number
    enabled: number
    networks: string
    remote: string | null
    /** The secret we sign in with at the peer's, sealed. */
    remote_secret: string | null
    vkey: string | null
    created_at: number
    last_heard_at: number | null
  }
  exchange_collection: {
    /** Stands for the collection in its objects: a few bytes where an identifier would take 36, five times an object. */
    no: number
    id: string
    root: string
    alias: string | null
    title: string
    description: string | null
    media_types: string
    /** Microseconds; the newest date_added, so that the next one is later. */
    last_added: number
    /** Microseconds; what has been made into indicators, sightings and blocks. */
    digested: number
  }
  exchange_object: {
    collection: number
    /** date_added in microseconds, unique and rising in a collection. */
    added: number
    object_id: string
    type: string
    /** The version as the object has it. */
    version: string
    /** Sorts as time does. */
    version_key: string
    spec: string
    /** 1 for the newest version of its id and specification version. */
    newest: number
    /** 1 when the same id is there under a later specification version. */
    outdated: number
    tlp: number
    /** Peer that brought it, or null. */
    source: string | null
    /** Only these peers see it: `,peer_1,peer_2,`; null for all who may read the collection. */
    audience: string | null
    body: string
  }
  exchange_status: { id: string; root: string; peer: string; body: string; at: number }
  exchange_refusal: {
    id: string
    peer: string
    object_id: string
    version: string
    object_type: string
    tlp: number
    ceiling: string
    reason: string
    at: number
    last_at: number
    times: number
  }
  exchange_transfer: {
    id: string
    peer: string | null
    way: string
    started_at: number
    ended_at: number | null
    objects: number
    accepted: number
    failed: number
    bytes: number
    error: string | null
    error_sentence: string | null
  }
  exchange_cursor: { peer: string; added_after: string | null; next: string | null; last: string | null; at: number }
  exchange_delivery: {
    id: string
    peer: string
    indicator: string | null
    object_id: string
    version: string
    body: string
    state: string
    reason: string | null
    at: number
    tries: number
    next_at: number
  }
  indicator: {
    id: string
    stix_id: string
    /** Peer it came from; '' for ours. */
    source: string
    kind: string
    value: string
    pattern: string
    /** What the pattern compares with, when any one of several is enough: JSON of `Term`s. */
    terms: string
    role: string
    tlp: number
    confidence: number
    valid_from: number
    valid_until: number
    state: string
    case_id: string | null
    guard: string | null
    seen_at: number | null
    port: number | null
    sightings: number
    last_seen_at: number | null
    created_at: number
    updated_at: number
    /** `modified` of its newest STIX version, sortable. */
    modified: string
    proposed_by: string
    body: string | null
  }
  indicator_act: { id: string; indicator: string; at: number; act: string; actor: string }
  indicator_sighting: {
    /** `sighting--UUID` */
    id: string
    indicator: string
    source: string
    count: number
    first_seen: number
    last_seen: number
    modified: string
    received_at: number
  }
  block_suggestion: {
    id: string
    stix_id: string
    way: string
    peer: string | null
    indicator: string | null
    address: string
    port: number | null
    seen_at: number
    expires_at: number
    state: string
    case_id: string | null
  }
  /** Counters: `usable` changes with the set that matchers use. */
  exchange_counter: { name: string; value: number }
}

export const exchangeMigrations: readonly Migration[] = [
  {
    name: '20261123T000100-create-exchange',
    async up(db) {
      await db.schema
        .createTable('exchange_peer')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('name', 'text', (c) => c.notNull().unique())
        .addColumn('role', 'text', (c) => c.notNull())
        .addColumn('user', 'text', (c) => c.notNull().unique())
        .addColumn('secret_hash', 'text', (c) => c.notNull())
        .addColumn('readable', 'text', (c) => c.notNull())
        .addColumn('writable', 'text', (c) => c.notNull())
        .addColumn('max_tlp', 'text', (c) => c.notNull())
        .addColumn('own', 'integer', (c) => c.notNull())
        .addColumn('enabled', 'integer', (c) => c.notNull())
        .addColumn('networks', 'text', (c) => c.notNull())
        .addColumn('remote', 'text')
        .addColumn('remote_secret', 'text')
        .addColumn('vkey', 'text')
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('last_heard_at', 'bigint')
        .execute()
      await db.schema
        .createTable('exchange_collection')
        .addColumn('no', 'integer', (c) => c.primaryKey())
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('root', 'text', (c) => c.notNull())
        .addColumn('alias', 'text')
        .addColumn('title', 'text', (c) => c.notNull())
        .addColumn('description', 'text')
        .addColumn('media_types', 'text', (c) => c.notNull())
        .addColumn('last_added', 'bigint', (c) => c.notNull())
        .addColumn('digested', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('exchange_object')
        .addColumn('collection', 'integer', (c) => c.notNull())
        .addColumn('added', 'bigint', (c) => c.notNull())
        .addColumn('object_id', 'text', (c) => c.notNull())
        .addColumn('type', 'text', (c) => c.notNull())
        .addColumn('version', 'text', (c) => c.notNull())
        .addColumn('version_key', 'text', (c) => c.notNull())
        .addColumn('spec', 'text', (c) => c.notNull())
        .addColumn('newest', 'integer', (c) => c.notNull())
        .addColumn('outdated', 'integer', (c) => c.notNull())
        .addColumn('tlp', 'integer', (c) => c.notNull())
        .addColumn('source', 'text')
        .addColumn('audience', 'text')
        .addColumn('body', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('exchange_object_pk', ['collection', 'added'])
        .execute()
      await db.schema
        .createIndex('exchange_object_version')
        .unique()
        .on('exchange_object')
        .columns(['collection', 'object_id', 'version_key'])
        .execute()
      await db.schema
        .createIndex('exchange_object_newest')
        .on('exchange_object')
        .columns(['collection', 'newest', 'added'])
        .execute()
      await db.schema
        .createIndex('exchange_object_type')
        .on('exchange_object')
        .columns(['collection', 'type', 'added'])
        .execute()
      await db.schema
        .createTable('exchange_status')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('root', 'text', (c) => c.notNull())
        .addColumn('peer', 'text', (c) => c.notNull())
        .addColumn('body', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('exchange_status_at').on('exchange_status').column('at').execute()
      await db.schema
        .createTable('exchange_refusal')
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('peer', 'text', (c) => c.notNull())
        .addColumn('object_id', 'text', (c) => c.notNull())
        .addColumn('version', 'text', (c) => c.notNull())
        .addColumn('object_type', 'text', (c) => c.notNull())
        .addColumn('tlp', 'integer', (c) => c.notNull())
        .addColumn('ceiling', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('last_at', 'bigint', (c) => c.notNull())
        .addColumn('times', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('exchange_refusal_pk', ['peer', 'object_id', 'version'])
        .execute()
      await db.schema
        .createTable('exchange_transfer')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('peer', 'text')
        .addColumn('way', 'text', (c) => c.notNull())
        .addColumn('started_at', 'bigint', (c) => c.notNull())
        .addColumn('ended_at', 'bigint')
        .addColumn('objects', 'bigint', (c) => c.notNull())
        .addColumn('accepted', 'bigint', (c) => c.notNull())
        .addColumn('failed', 'bigint', (c) => c.notNull())
        .addColumn('bytes', 'bigint', (c) => c.notNull())
        .addColumn('error', 'text')
        .addColumn('error_sentence', 'text')
        .execute()
      await db.schema
        .createIndex('exchange_transfer_peer')
        .on('exchange_transfer')
        .columns(['peer', 'way', 'id'])
        .execute()
      await db.schema
        .createTable('exchange_cursor')
        .addColumn('peer', 'text', (c) => c.primaryKey())
        .addColumn('added_after', 'text')
        .addColumn('next', 'text')
        .addColumn('last', 'text')
        .addColumn('at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('exchange_delivery')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('peer', 'text', (c) => c.notNull())
        .addColumn('indicator', 'text')
        .addColumn('object_id', 'text', (c) => c.notNull())
        .addColumn('version', 'text', (c) => c.notNull())
        .addColumn('body', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('reason', 'text')
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('tries', 'integer', (c) => c.notNull())
        .addColumn('next_at', 'bigint', (c) => c.notNull())
        .addUniqueConstraint('exchange_delivery_once', ['peer', 'object_id', 'version'])
        .execute()
      await db.schema
        .createIndex('exchange_delivery_due')
        .on('exchange_delivery')
        .columns(['state', 'peer', 'next_at'])
        .execute()
      await db.schema
        .createIndex('exchange_delivery_indicator')
        .on('exchange_delivery')
        .columns(['indicator', 'peer'])
        .execute()
      await db.schema
        .createTable('indicator')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('stix_id', 'text', (c) => c.notNull())
        .addColumn('source', 'text', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('value', 'text', (c) => c.notNull())
        .addColumn('pattern', 'text', (c) => c.notNull())
        .addColumn('terms', 'text', (c) => c.notNull())
        .addColumn('role', 'text', (c) => c.notNull())
        .addColumn('tlp', 'integer', (c) => c.notNull())
        .addColumn('confidence', 'integer', (c) => c.notNull())
        .addColumn('valid_from', 'bigint', (c) => c.notNull())
        .addColumn('valid_until', 'bigint', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('case_id', 'text')
        .addColumn('guard', 'text')
        .addColumn('seen_at', 'bigint')
        .addColumn('port', 'integer')
        .addColumn('sightings', 'bigint', (c) => c.notNull())
        .addColumn('last_seen_at', 'bigint')
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('updated_at', 'bigint', (c) => c.notNull())
        .addColumn('modified', 'text', (c) => c.notNull())
        .addColumn('proposed_by', 'text', (c) => c.notNull())
        .addColumn('body', 'text')
        .addUniqueConstraint('indicator_stix', ['stix_id', 'source'])
        .execute()
      await db.schema.createIndex('indicator_state').on('indicator').columns(['state', 'valid_until']).execute()
      await db.schema.createIndex('indicator_value').on('indicator').columns(['kind', 'value']).execute()
      await db.schema
        .createTable('indicator_act')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('indicator', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('act', 'text', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('indicator_act_of').on('indicator_act').columns(['indicator', 'id']).execute()
      await db.schema
        .createTable('indicator_sighting')
        .addColumn('id', 'text', (c) => c.notNull())
        .addColumn('indicator', 'text', (c) => c.notNull())
        .addColumn('source', 'text', (c) => c.notNull())
        .addColumn('count', 'bigint', (c) => c.notNull())
        .addColumn('first_seen', 'bigint', (c) => c.notNull())
        .addColumn('last_seen', 'bigint', (c) => c.notNull())
        .addColumn('modified', 'text', (c) => c.notNull())
        .addColumn('received_at', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('indicator_sighting_pk', ['id', 'source'])
        .execute()
      await db.schema
        .createIndex('indicator_sighting_of')
        .on('indicator_sighting')
        .columns(['indicator', 'last_seen'])
        .execute()
      await db.schema
        .createTable('block_suggestion')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('stix_id', 'text', (c) => c.notNull())
        .addColumn('way', 'text', (c) => c.notNull())
        .addColumn('peer', 'text')
        .addColumn('indicator', 'text')
        .addColumn('address', 'text', (c) => c.notNull())
        .addColumn('port', 'integer')
        .addColumn('seen_at', 'bigint', (c) => c.notNull())
        .addColumn('expires_at', 'bigint', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('case_id', 'text')
        .addUniqueConstraint('block_suggestion_once', ['stix_id', 'way', 'peer'])
        .execute()
      await db.schema
        .createTable('exchange_counter')
        .addColumn('name', 'text', (c) => c.primaryKey())
        .addColumn('value', 'bigint', (c) => c.notNull())
        .execute()
    },
  },
]
