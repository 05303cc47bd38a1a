import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { BackupTables } from '../../backup/index.ts'
import { countsOf, emptyPostgres, isEmptyPostgres } from '../../backup/index.ts'
import { openCheckpoint } from '../../engine/tlog/index.ts'
import { StartError } from '../../kit/errors.ts'
import { silentLog } from '../../kit/log.ts'
import { claimPostgres } from '../../storage/sql/index.ts'
import { syncFolder } from '../../storage/segments/index.ts'
import type { Role } from '../config.ts'
import { secretsOf, type Secrets } from '../secrets.ts'
import type { StorePlaces } from '../stores.ts'
import { checkHolds, epochOf, type Epoch } from './epoch.ts'
import { systemEntropy } from '../../kit/ids.ts'
import type { KeyBundle } from '../../engine/seal/index.ts'
import { takeOut } from './people.ts'
import { chooseBackup, logVerifierOf, putAside, type Aside, type Chosen, type ToldStep } from './put-aside.ts'

export type RestoreAsked = {
  readonly role: Role
  readonly from: string
  readonly keysFrom: string
  /** Ms; the newest backup not after it. */
  readonly to: number | undefined
  /** The folder the node will have, `<data>/<role>`; empty, but for its key.json. */
  readonly folder: string
  /** Where its key.json is. */
  readonly keyFile: string
  readonly bundle: KeyBundle
  readonly databaseUrl: string | undefined
  readonly keysDatabaseUrl: string | undefined
  /** A signed note that somebody has of this log. */
  readonly checkpoint: string | undefined
  readonly told: ToldStep
}
export type Restored = {
  readonly name: string
  readonly at: string
  readonly rows: number
  readonly leaves: number
  readonly events: number | null
  /** People whose keys the backup held and who were shredded since. */
  readonly takenOut: number
  readonly epoch: Epoch | undefined
}

/**
 * Puts a backup back into an empty folder or empty databases. All of it happens aside and is looked through; only then
 * the folder gets its name. Nobody who was shredded comes back. Errors: one sentence each, and nothing is left behind.
 */
export async function restore(asked: RestoreAsked): Promise<Restored> {
  const { role, folder } = asked
  const secrets = secretsOf(asked.bundle, role, systemEntropy)
  await mustBeEmpty(folder)
  const chosen = await chooseBackup({ ...asked, secrets })
  const epoch = epochOf(chosen, secrets, asked.checkpoint)
  await using claims = new AsyncDisposableStack()
  const urls = [asked.databaseUrl, asked.keysDatabaseUrl].filter((url) => url !== undefined)
  for (const url of urls) {
    claims.use(await claimPostgres(url, silentLog))
    if (!(await isEmptyPostgres(url)))
      throw new StartError('restore/not-empty', 'The database to restore into holds tables already; give an empty one.')
  }
  const staging = join(dirname(folder), `.restoring-${role}`)
  await clearAway(staging)
  await mkdir(staging, { recursive: true, mode: 0o700 })
  const places: StorePlaces = { ...asked, folder: staging }
  try {
    await copyFile(asked.keyFile, join(staging, 'key.json'))
    const result = await putBack(asked, chosen, secrets, places, epoch, () => claims.disposeAsync())
    await syncTree(staging)
    // Key, data, log: whole and looked through. From here on there is a node.
    await rm(folder, { recursive: true, force: true })
    await rename(staging, folder)
    await syncFolder(dirname(folder))
    return result
  } catch (error) {
    await clearAway(staging)
    for (const url of urls) await emptyPostgres(url).catch(() => undefined)
    throw error
  }
}

async function putBack(
  asked: RestoreAsked,
  chosen: Chosen,
  secrets: Secrets,
  places: StorePlaces,
  epoch: Epoch | undefined,
  filled: () => Promise<void>,
): Promise<Restored> {
  const { manifest } = chosen.backup
  await using aside = await putAside(chosen, secrets, places, asked.told, filled)
  const seen = asked.checkpoint && openCheckpoint(asked.checkpoint, [logVerifierOf(secrets)])
  await checkHolds(join(places.folder, 'log'), manifest.log.size, seen || undefined)
  const takenOut = await takeOut(aside.stores, chosen.erased)
  await rememberRing(asked, chosen, aside)
  await aside.stores.db.transaction(async (trx) => {
    await aside.audit.record(trx, [
      ...(epoch
        ? [
            {
              kind: 'log.epoch',
              actor: 'host',
              reason: 'restored-backup',
              result: 'done' as const,
              facts: { ...epoch, backup: manifest.id },
            },
          ]
        : []),
      {
        kind: 'backup.restored',
        actor: 'host',
        result: 'done' as const,
        facts: { backup: manifest.id, keys: chosen.keys.manifest.id, at: manifest.at, takenOut },
      },
    ])
  })
  await aside.audit.integrate()
  const { events } = manifest
  return {
    name: chosen.backup.name,
    at: manifest.at,
    rows: aside.rows,
    leaves: aside.leaves,
    events: events === null ? null : events.stored + events.pending,
    takenOut,
    epoch,
  }
}

/**
 * The store that comes back knows nothing of key backups made after it, and of its own only that it was being made: what
 * the ring holds is what may still be read, and has to die at its time.
 */
async function rememberRing(asked: RestoreAsked, { ring, all }: Chosen, aside: Aside): Promise<void> {
  const ms = (at: string): number => Date.parse(at)
  await aside.stores.db.transaction<BackupTables, void>(async (trx) => {
    for (const key of ring.keys) {
      const found = all.find(({ manifest }) => manifest.id === key.backup)
      const known = {
        state: 'made' as const,
        keys_to: asked.keysFrom,
        expires_at: ms(key.expiresAt),
        destroyed_at: key.destroyedAt === null ? null : ms(key.destroyedAt),
        ...(found
          ? {
              shown_at: ms(found.manifest.at),
              made_at: ms(found.manifest.madeAt),
              data_to: asked.from,
              ...countsOf(found.manifest),
            }
          : {}),
      }
      const row = {
        id: key.backup,
        actor: 'host',
        started_at: ms(key.madeAt),
        shown_at: null,
        made_at: null,
        name: found?.name ?? key.backup,
        data_to: asked.from,
        ring_key: key.id,
        bytes: 0,
        rows: 0,
        leaves: 0,
        events: null,
        failure: null,
        ...known,
      }
      await trx
        .insertInto('backup')
        .values(row)
        .onConflict((conflict) => conflict.column('id').doUpdateSet(known))
        .execute()
    }
  })
}

async function mustBeEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new StartError('data-folder', `The folder ${folder} cannot be read (${error.code}).`)
  })
  const other = names.find((name) => name !== 'key.json')
  if (other !== undefined)
    throw new StartError(
      'restore/not-empty',
      `${folder} is not empty (${basename(other)} lies there); a backup is restored into a new folder, named with --data.`,
    )
}

/** What was put aside goes again; the keys among it are overwritten first. */
export async function clearAway(folder: string): Promise<void> {
  for (const name of ['keys.db', 'keys.db-wal']) {
    const file = await open(join(folder, name), 'r+').catch(() => undefined)
    if (file === undefined) continue
    const { size } = await file.stat()
    for (let at = 0; at < size; at += 1 << 20)
      await file.write(Buffer.alloc(Math.min(1 << 20, size - at)), 0, undefined, at)
    await file.sync()
    await file.close()
  }
  await rm(folder, { recursive: true, force: true })
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await syncTree(path)
    else if (entry.isFile()) {
      await using file = await open(path, 'r')
      await file.sync()
    }
  }
  await syncFolder(folder)
}
