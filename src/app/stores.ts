import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { auditMigrations } from '../audit/index.ts'
import { consentMigrations } from '../consent/index.ts'
import { gatewayMigrations } from '../gateway/index.ts'
import { identityMigrations } from '../identity/index.ts'
import { StartError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import { outboxMigrations } from '../outbox/index.ts'
import { migrate, onceMigrations, openPostgres, openSqlite, type Database } from '../storage/sql/index.ts'
import { keyMigrations, vaultMigrations } from '../vault/index.ts'
import type { NodeConfig } from './config.ts'
import { checkPair, pairMigrations } from './store-pair.ts'

export type Stores = AsyncDisposable & { readonly db: Database; readonly keysDb: Database }

export const controlMigrations = [
  ...onceMigrations,
  ...outboxMigrations,
  ...auditMigrations,
  ...identityMigrations,
  ...consentMigrations,
  ...vaultMigrations,
  ...gatewayMigrations,
  ...pairMigrations,
]

/** Opens and brings forward a node's control store and, apart from it, its subject keys. */
export async function openStores(config: NodeConfig, log: Log): Promise<Stores> {
  try {
    mkdirSync(join(config.folder, 'run'), { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new StartError('data-folder', `The data folder ${config.folder} cannot be written.`, { cause })
  }
  const db =
    config.databaseUrl === undefined
      ? openSqlite(join(config.folder, 'control.db'))
      : await openPostgres(config.databaseUrl, log)
  const keysDb =
    config.keysDatabaseUrl === undefined
      ? openSqlite(join(config.folder, 'keys.db'), { forgetful: true })
      : await openPostgres(config.keysDatabaseUrl, log)
  await migrate(db, controlMigrations)
  await migrate(keysDb, [...keyMigrations, ...pairMigrations])
  await checkPair(db, keysDb)
  return {
    db,
    keysDb,
    async [Symbol.asyncDispose]() {
      await keysDb[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
    },
  }
}
