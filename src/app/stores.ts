import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { auditMigrations } from '../audit/index.ts'
import { backupMigrations } from '../backup/index.ts'
import { caseMigrations, peopleMigrations, socMigrations } from '../cases/index.ts'
import { consentMigrations } from '../consent/index.ts'
import { detectionMigrations } from '../detection/index.ts'
import { exchangeMigrations } from '../exchange/index.ts'
import { gatewayMigrations, trafficKeyMigrations } from '../gateway/index.ts'
import { identityMigrations } from '../identity/index.ts'
import { StartError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import { leakwatchMigrations } from '../leakwatch/index.ts'
import { outboxMigrations } from '../outbox/index.ts'
import {
  checkMigrated,
  type Claim,
  claimPostgres,
  migrate,
  onceMigrations,
  openPostgres,
  openSqlite,
  refuseForeign,
  type Database,
} from '../storage/sql/index.ts'
import { subscriberMigrations } from '../subscribers/index.ts'
import { keyMigrations, vaultMigrations } from '../vault/index.ts'
import type { NodeConfig } from './config.ts'
import { processMigrations, usedKeyMigrations } from './fellows.ts'
import { feedMigrations } from './evidence-feed.ts'
import { mailMigrations } from './post-office.ts'
import { checkPair, pairMigrations } from './store-pair.ts'

export type Stores = AsyncDisposable & { readonly db: Database; readonly keysDb: Database }

export const controlMigrations = [
  ...onceMigrations,
  ...outboxMigrations,
  ...auditMigrations,
  ...identityMigrations,
  ...consentMigrations,
  ...vaultMigrations,
  ...backupMigrations,
  ...gatewayMigrations,
  ...pairMigrations,
  ...feedMigrations,
  ...mailMigrations,
  ...detectionMigrations,
  ...caseMigrations,
  ...socMigrations,
  ...peopleMigrations,
  ...exchangeMigrations,
  ...subscriberMigrations,
  ...leakwatchMigrations,
  ...processMigrations,
]

export const keyStoreMigrations = [...keyMigrations, ...pairMigrations, ...trafficKeyMigrations, ...usedKeyMigrations]
/** Where the stores of a node are. */
export type StorePlaces = Pick<NodeConfig, 'folder' | 'databaseUrl' | 'keysDatabaseUrl'>

/**
 * Opens and brings forward a node's control store and, apart from it, its subject keys. Errors: `data/in-use`; a process
 * beside a node finds them as the node made them, or `data/older-format`. `lost` is told when a store is not this
 * process's any more.
 */
export async function openStores(
  config: StorePlaces,
  log: Log,
  claim: Claim = 'alone',
  lost?: (why: StartError) => void,
): Promise<Stores> {
  try {
    mkdirSync(join(config.folder, 'run'), { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new StartError('data-folder', `The data folder ${config.folder} cannot be written.`, { cause })
  }
  await using opened = new AsyncDisposableStack()
  const open = async (url: string | undefined, file: string): Promise<Database> => {
    if (url === undefined) return opened.use(openSqlite(join(config.folder, file), { log }))
    opened.use(await claimPostgres(url, log, claim, lost))
    const database = opened.use(await openPostgres(url, log))
    await refuseForeign(database, url)
    return database
  }
  const db = await open(config.databaseUrl, 'control.db')
  const keysDb = await open(config.keysDatabaseUrl, 'keys.db')
  const bringForward = claim === 'beside' ? checkMigrated : migrate
  await bringForward(db, controlMigrations)
  await bringForward(keysDb, keyStoreMigrations)
  await checkPair(db, keysDb)
  const kept = opened.move()
  return { db, keysDb, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}
