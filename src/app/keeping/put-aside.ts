import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { audit as openAudit, noteSigner, readCheckpoint, readOnly, type Audit } from '../../audit/index.ts'
import {
  findBackups,
  findKeys,
  readRing,
  readShredList,
  unpackData,
  unpackKeys,
  type Erased,
  type FoundBackup,
  type FoundKeys,
  type Ring,
} from '../../backup/index.ts'
import { toBase64 } from '../../engine/bytes/base64.ts'
import { systemClock } from '../../kit/clock.ts'
import { KhienError, StartError } from '../../kit/errors.ts'
import { systemEntropy } from '../../kit/ids.ts'
import { silentLog } from '../../kit/log.ts'
import { migrate, openPostgres, openSqlite, type Migration } from '../../storage/sql/index.ts'
import type { Role } from '../config.ts'
import { checkWrapping } from './people.ts'
import type { Secrets } from '../secrets.ts'
import { checkKey } from '../store-pair.ts'
import { controlMigrations, keyStoreMigrations, openStores, type StorePlaces, type Stores } from '../stores.ts'

export type Chosen = {
  readonly backup: FoundBackup
  /** Newest first. */
  readonly all: readonly FoundBackup[]
  readonly keys: FoundKeys
  /** The ring's key that opens `keys`, under the node's key. */
  readonly sealedKey: string
  readonly ring: Ring
  /** People who were erased for good, by now. */
  readonly erased: readonly Erased[]
}
export type Step = 'keys' | 'control' | 'log' | 'files' | 'ledger' | 'segments' | 'event-store' | 'verify'
export type ToldStep = (step: Step, bytes: number) => void

/**
 * The newest backup not after `to`, with the newest living key backup that fits it: keys of later make hold all that the
 * values need, and nothing of whoever was shredded before. Errors: `restore/no-backup`, `restore/no-keys`,
 * `backup/ring`, `backup/shred-list`, those of the manifests.
 */
export async function chooseBackup(asked: {
  readonly role: Role
  readonly from: string
  readonly keysFrom: string
  readonly to: number | undefined
  readonly secrets: Secrets
}): Promise<Chosen> {
  const { role, from, keysFrom, to, secrets } = asked
  const all = await findBackups(from, role, secrets.backupSigner)
  const backup = all.find(({ manifest }) => to === undefined || Date.parse(manifest.at) <= to)
  if (backup === undefined)
    throw new StartError(
      'restore/no-backup',
      all.length === 0
        ? `There is no whole backup of the ${role} node in ${from}.`
        : `There is no backup of the ${role} node in ${from} from before that time; the oldest is of ${all.at(-1)!.manifest.at}.`,
    )
  const ring = await readRing(keysFrom, role, secrets.node)
  if (ring === undefined)
    throw new StartError('backup/ring', `There is no ring file of the ${role} node in ${keysFrom}.`)
  const living = new Map(ring.keys.flatMap(({ id, sealed }) => (sealed === null ? [] : [[id, sealed] as const])))
  const keys = (await findKeys(keysFrom, secrets.backupSigner)).find(
    ({ manifest }) => living.has(manifest.ringKey) && manifest.at >= backup.manifest.at,
  )
  if (keys === undefined)
    throw new StartError(
      'restore/no-keys',
      `No living key backup in ${keysFrom} is as new as the backup of ${backup.manifest.at}: the keys have had their days, and nothing in this backup can be opened any more.`,
    )
  const erased = await readShredList(keysFrom, role, secrets.backupSigner)
  if (erased.length < backup.manifest.shredded)
    throw new StartError(
      'backup/shred-list',
      `The list of shredded people in ${keysFrom} is older than the backup; put back the newest copy of this folder.`,
    )
  return { backup, all, keys, sealedKey: living.get(keys.manifest.ringKey)!, ring, erased }
}

export type Aside = AsyncDisposable & {
  readonly stores: Stores
  readonly audit: Audit
  /** Of the log, compared with the rows entry by entry. */
  readonly leaves: number
  readonly rows: number
}

/**
 * Puts a backup back into empty places and looks it through: seals, counts, the pair of stores, the key, and the whole
 * log against the rows. Nobody erased is taken out yet. `filled`: told before the stores are opened as a node's. Errors: whatever does not fit, in one sentence.
 */
export async function putAside(
  chosen: Pick<Chosen, 'backup' | 'keys' | 'sealedKey'>,
  secrets: Secrets,
  places: StorePlaces,
  told: ToldStep,
  filled: () => Promise<void> = async () => {},
): Promise<Aside> {
  const { manifest } = chosen.backup
  await mkdir(places.folder, { recursive: true, mode: 0o700 })
  told('keys', 0)
  const makeKeys = tablesIn(places.keysDatabaseUrl, join(places.folder, 'keys.db'), keyStoreMigrations)
  await unpackKeys(chosen.keys, chosen.sealedKey, secrets.openSmall, places, makeKeys)
  const makeControl = tablesIn(places.databaseUrl, join(places.folder, 'control.db'), controlMigrations)
  await unpackData(chosen.backup, secrets.openSmall, places, makeControl, told)
  told('verify', 0)
  await filled()
  await using stack = new AsyncDisposableStack()
  const stores = stack.use(await openStores(places, silentLog))
  await checkKey(stores.db, secrets.kekId)
  await checkKey(stores.keysDb, secrets.kekId)
  await checkWrapping(stores, secrets)
  const audit = stack.use(
    openAudit({
      db: stores.db,
      clock: systemClock,
      entropy: systemEntropy,
      log: silentLog,
      folder: places.folder,
      origin: `khien/${secrets.node}`,
      signer: secrets.logSigner,
    }),
  )
  const { head } = await readCheckpoint(readOnly(join(places.folder, 'log')), logVerifierOf(secrets))
  if (head.size !== manifest.log.size || toBase64(head.root) !== manifest.log.root)
    throw new KhienError('backup/altered', 'The log in the backup is not the one its manifest names.')
  const { checked } = await audit.reconcile('full')
  const rows = [manifest.control.rows, chosen.keys.manifest.keys.rows]
    .flatMap((counts) => Object.values(counts))
    .reduce((total, n) => total + n, 0)
  const owned = stack.move()
  return { stores, audit, leaves: checked, rows, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export const logVerifierOf = (secrets: Secrets) => noteSigner(`khien/${secrets.node}`, secrets.logSigner)

function tablesIn(url: string | undefined, file: string, known: readonly Migration[]) {
  return async (names: readonly string[]): Promise<void> => {
    const ours = new Set(known.map(({ name }) => name))
    const foreign = names.find((name) => !ours.has(name))
    if (foreign !== undefined)
      throw new StartError(
        'data/newer-format',
        `The backup was made by a newer Khiên (it knows "${foreign}"); restore it with that version.`,
      )
    await using db = url === undefined ? openSqlite(file) : await openPostgres(url, silentLog)
    await migrate(
      db,
      known.filter(({ name }) => names.includes(name)),
    )
  }
}
