import type { Migration } from '../storage/sql/index.ts'
import { bytesType } from '../storage/sql/index.ts'

export type IdentityTables = {
  staff: {
    id: string
    name: string
    password: string
    /** TOTP secret, sealed under the node's key. */
    totp: Uint8Array
    totp_step: number
    roles: string
    failures: number
    locked_until: number
    created_at: number
    seen_at: number
  }
  invitation: {
    token: string
    roles: string
    staff: string | null
    /** Who asked for it; `host` is the machine itself. */
    made_by: string
    totp: Uint8Array
    expires_at: number
    used_at: number | null
  }
  session: {
    token: string
    id: string
    kind: 'staff' | 'person'
    holder: string
    created_at: number
    seen_at: number
  }
  service_key: {
    id: string
    name: string
    secret: string
    /** Ed25519 public key (32 bytes) that checks handover links made with this key. */
    handover: Uint8Array
    scopes: string
    created_at: number
    revoked_at: number | null
  }
  handover_used: { jti: string; expires_at: number }
}

export const identityMigrations: readonly Migration[] = [
  {
    name: '20261121T000200-create-identity',
    async up(db, dialect) {
      const bytes = bytesType(dialect) as 'blob'
      await db.schema
        .createTable('staff')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('name', 'text', (c) => c.notNull().unique())
        .addColumn('password', 'text', (c) => c.notNull())
        .addColumn('totp', bytes, (c) => c.notNull())
        .addColumn('totp_step', 'bigint', (c) => c.notNull())
        .addColumn('roles', 'text', (c) => c.notNull())
        .addColumn('failures', 'integer', (c) => c.notNull())
        .addColumn('locked_until', 'bigint', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('seen_at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('invitation')
        .addColumn('token', 'text', (c) => c.primaryKey())
        .addColumn('roles', 'text', (c) => c.notNull())
        .addColumn('staff', 'text')
        .addColumn('made_by', 'text', (c) => c.notNull())
        .addColumn('totp', bytes, (c) => c.notNull())
        .addColumn('expires_at', 'bigint', (c) => c.notNull())
        .addColumn('used_at', 'bigint')
        .execute()
      await db.schema
        .createTable('session')
        .addColumn('token', 'text', (c) => c.primaryKey())
        .addColumn('id', 'text', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('holder', 'text', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('seen_at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('service_key')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('secret', 'text', (c) => c.notNull())
        .addColumn('handover', bytes, (c) => c.notNull())
        .addColumn('scopes', 'text', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('revoked_at', 'bigint')
        .execute()
      await db.schema
        .createTable('handover_used')
        .addColumn('jti', 'text', (c) => c.primaryKey())
        .addColumn('expires_at', 'bigint', (c) => c.notNull())
        .execute()
    },
  },
]
