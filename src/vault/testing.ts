import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import { consentMigrations, openConsent } from '../consent/index.ts'
import { ff1, sealer } from '../engine/seal/index.ts'
import { manualClock } from '../kit/clock.ts'
import { systemEntropy } from '../kit/ids.ts'
import { recordedActs } from '../kit/testing.ts'
import { migrate, onceMigrations, type Database, type Migration } from '../storage/sql/index.ts'
import type { VaultContext } from './context.ts'
import { keyMigrations, openVault, vaultMigrations } from './index.ts'

/** A vault over two stores as a node opens it, with a clock that is set by hand and acts that can be looked at. */
export async function vaultOver(
  db: Database,
  keysDb: Database,
  change: Partial<VaultContext> = {},
  more: readonly Migration[] = [],
) {
  await migrate(db, [...onceMigrations, ...consentMigrations, ...vaultMigrations, ...more])
  await migrate(keysDb, keyMigrations)
  const clock = manualClock(Date.parse('2026-11-21T03:00:00Z'))
  const { acts, record } = recordedActs()
  const consent = openConsent({
    db,
    clock,
    entropy: systemEntropy,
    record: change.record ?? record,
    controller: 'Chợ Sen',
    signNote: (text) => text,
    emit: async () => {},
  })
  const secret = randomBytes(32)
  const kek = createSecretKey(randomBytes(32))
  const digitKey = createSecretKey(randomBytes(32))
  const mac = (...names: string[]): string => createHmac('sha256', secret).update(names.join('.')).digest('hex')
  const ctx: VaultContext = {
    db,
    keysDb,
    clock,
    entropy: systemEntropy,
    record,
    consent,
    sealer: sealer({ entropy: systemEntropy }),
    kek,
    kekId: 'kek_test',
    wrapping: { current: () => ({ id: 'kek_test', key: kek }), of: (id) => (id === 'kek_test' ? kek : undefined) },
    node: 'node-test',
    pepper: randomBytes(32),
    // Eight bits only, so that different values do share a tag.
    tag: (collection, index, text) => mac(collection, index, text).slice(0, 2),
    token: (collection, field, text) => `kh_${mac('token', collection, field, text).slice(0, 16)}`,
    digits: () => ff1({ key: digitKey, radix: 10, tweak: new Uint8Array() }),
    sealSmall: (plain) => plain,
    openSmall: (sealed) => sealed,
    signReceipt: (text) => text,
    controller: 'Chợ Sen',
    keyBackupsUntil: async () => null,
    forgetRecords: async () => 0,
    ...change,
  }
  const vault = openVault(ctx)
  await vault.indexes.run()
  return { ctx, consent, clock, acts, keepAct: record, vault }
}
