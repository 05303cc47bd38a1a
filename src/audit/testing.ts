import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signingKey } from '../engine/seal/index.ts'
import { systemClock } from '../kit/clock.ts'
import { systemEntropy } from '../kit/ids.ts'
import { silentLog } from '../kit/log.ts'
import type { Database } from '../storage/sql/index.ts'
import { audit, type Audit, type AuditEntry, type AuditOptions } from './index.ts'

// What the tests of this slice share: a log with a fixed key in a new folder.

export const ORIGIN = 'example.com/khien-test'
export const seedOf = (name: string): Uint8Array => createHash('sha256').update(name).digest()
export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'khien-audit-'))

export const testAudit = (db: Database, folder: string, more: Partial<AuditOptions> = {}): Audit =>
  audit({
    db,
    clock: systemClock,
    entropy: systemEntropy,
    folder,
    origin: ORIGIN,
    signer: signingKey(seedOf('log')),
    log: silentLog,
    ...more,
  })

export const entries = (count: number, kind = 'vault.read'): AuditEntry[] =>
  Array.from({ length: count }, (_, i) => ({
    kind,
    actor: 'svc_shop',
    subject: `7Q4K-2MXB-9D0R-${String(i).padStart(4, '0')}`,
    purpose: 'delivery',
    result: 'allowed',
    facts: { fields: 'phone,address', count: i },
  }))

export const record = (db: Database, log: Audit, list: readonly AuditEntry[]): Promise<readonly string[]> =>
  db.transaction((trx) => log.record(trx, list))
