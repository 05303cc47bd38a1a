import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { audit as openAudit } from '../../audit/index.ts'
import type { Backups } from '../../backup/index.ts'
import type { KeyBundle } from '../../engine/seal/index.ts'
import type { RecordActs } from '../../kit/act.ts'
import { systemClock } from '../../kit/clock.ts'
import { systemEntropy } from '../../kit/ids.ts'
import { silentLog } from '../../kit/log.ts'
import { backupsOf } from '../backups.ts'
import type { Role } from '../config.ts'
import { secretsOf } from '../secrets.ts'
import { checkKey } from '../store-pair.ts'
import { SupervisedProcess } from '../supervised-process.ts'
import { openStores, type StorePlaces } from '../stores.ts'

/**
 * Opens the stores and the log of a node that does not run, to back it up or to record a drill. The caller holds its data
 * folder. `events`: with its event store beside it.
 */
export async function openStopped(
  place: StorePlaces & { readonly role: Role },
  bundle: KeyBundle,
  root: string,
  wanted: { readonly events: boolean },
): Promise<AsyncDisposable & { readonly backups: Backups }> {
  await using stack = new AsyncDisposableStack()
  if (wanted.events && existsSync(join(place.folder, 'events', 'chdb'))) {
    const module = join(root, 'src/app/processes/store.ts')
    const spec = { name: `${place.role} store`, module, config: { folder: place.folder }, restart: false }
    const store = new SupervisedProcess(spec, { root, compileCache: undefined }, true)
    stack.defer(() => store.stop())
    await store.ready()
  }
  const deps = { clock: systemClock, entropy: systemEntropy, log: silentLog }
  const secrets = secretsOf(bundle, place.role, systemEntropy)
  const stores = stack.use(await openStores(place, silentLog))
  await checkKey(stores.db, secrets.kekId)
  await checkKey(stores.keysDb, secrets.kekId)
  const audit = stack.use(
    openAudit({
      ...deps,
      db: stores.db,
      folder: place.folder,
      origin: `khien/${secrets.node}`,
      signer: secrets.logSigner,
    }),
  )
  await audit.reconcile('edge')
  const record: RecordActs = (trx, acts) => audit.record(trx as Parameters<typeof audit.record>[0], acts)
  const backups = backupsOf({ ...deps, config: place, stores, secrets, audit, record })
  await backups.recover()
  stack.defer(async () => void (await audit.integrate()))
  stack.use(backups)
  const owned = stack.move()
  return { backups, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
