import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { iso } from '../kit/clock.ts'
import { KhienError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import { oneAtATime } from '../storage/sql/index.ts'
import type { BackupContext } from './context.ts'
import { endings } from './ending.ts'
import { checkFolders, halfName, makeFolders } from './folders.ts'
import { KEY_PROMISES, type keyBackups } from './key-backups.ts'
import type { Made, MakeJob, Progress } from './make.ts'
import type { FromMaking } from './make-thread.ts'
import { backupName, keyFile } from './manifest.ts'
import { addToRing, readRing } from './ring.ts'
import type { BackupTables } from './store.ts'

export type BackupAsked = {
  /** Absolute folders: of data and of keys, apart from each other. */
  readonly to: string
  readonly keysTo: string
  /** Days until the key backup can be read no more, 1–3650. */
  readonly keepKeys: number
  /** MiB a second at most. */
  readonly rate: number
}
export type BackupStatus = {
  readonly id: string
  readonly state: 'making' | 'made' | 'failed'
  readonly name: string
  readonly part: Progress['part'] | null
  readonly bytes: number
  readonly detail: string | null
}

const DAY_MS = 86_400_000
const MIB = 1 << 20
/** Rows live for a batch: a small young space is emptied often and grows no garbage. */
const LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 }
const MODULE = new URL('./make-thread.ts', import.meta.url)

/** Makes backups, one at a time, in a thread of its own; every one is recorded. */
export function backupService(ctx: BackupContext, keys: ReturnType<typeof keyBackups>) {
  const { db, clock, entropy } = ctx
  const { place, fail, recover } = endings(ctx, keys)
  let status: BackupStatus | undefined
  let worker: Worker | undefined
  let running: Promise<void> | undefined
  let closed = false

  /**
   * Begins a backup and answers its id; `status` tells how it goes. Errors: `backup/running`, `backup/folders`, and
   * those of a ring that is another node's or damaged.
   */
  async function start(asked: BackupAsked, actor: string): Promise<{ id: string }> {
    if (running) throw new KhienError('backup/running', 'A backup is being made already; wait for it.', { status: 409 })
    const { promise, resolve } = Promise.withResolvers<void>()
    running = promise
    const ended = (outcome: BackupStatus | undefined): void => {
      running = undefined
      status = outcome
      resolve()
    }
    try {
      checkFolders(asked, ctx.folder)
      // What lies there may be another node's, or damaged: said before anything is begun.
      await readRing(asked.keysTo, ctx.role, ctx.node)
      const row = newRow(asked, actor)
      const { id, name } = row
      await makeFolders(asked, id)
      status = { id, state: 'making', name, part: null, bytes: 0, detail: null }
      // The row first: whoever erases a person from here on promises nothing before this backup's keys have died.
      await db.transaction<BackupTables, void>(async (trx) => {
        await oneAtATime(db, trx, KEY_PROMISES)
        await trx.insertInto('backup').values(row).execute()
      })
      void run(row, asked.rate * MIB)
        .then(({ bytes }) => ({ ...status!, state: 'made' as const, part: null, bytes }))
        .catch(async (error: unknown) => {
          const detail = await fail(row, error)
          return { ...status!, state: 'failed' as const, part: null, detail }
        })
        .catch((error: unknown) => {
          ctx.log.error('backup.failed', { code: error instanceof KhienError ? error.code : 'failed' })
          return { ...status!, state: 'failed' as const, part: null, detail: 'The backup could not be recorded.' }
        })
        // Said last: whoever hears it may ask for the next one.
        .then(ended)
      return { id }
    } catch (error) {
      ended(undefined)
      throw error
    }
  }

  async function run(row: BackupTables['backup'], rate: number): Promise<{ bytes: number }> {
    const { id } = row
    const [dataKey, keysKey] = [entropy(32), entropy(32)]
    try {
      await addToRing(row.keys_to, ctx.role, ctx.node, {
        id: row.ring_key,
        backup: id,
        madeAt: iso(row.started_at),
        expiresAt: iso(row.expires_at),
        sealed: Buffer.from(ctx.seal(keysKey, row.ring_key)).toString('base64'),
        destroyedAt: null,
      }).catch(async (error: unknown) => {
        await keys.neverStored(row)
        throw error
      })
      if (closed) throw new KhienError('backup/stopped', 'The node ended before the backup was whole.')
      const made = await inThread({
        id,
        folder: ctx.folder,
        staging: join(row.data_to, halfName(id)),
        keysPath: join(row.keys_to, halfName(keyFile(id))),
        dataKey,
        keysKey,
        databaseUrl: ctx.databaseUrl,
        keysDatabaseUrl: ctx.keysDatabaseUrl,
        logVkey: ctx.logVkey,
        rate,
        events: ctx.events,
        erased: ctx.erased,
        derived: ctx.derived,
        settings: ctx.settings,
      })
      return await place(row, dataKey, made)
    } finally {
      dataKey.fill(0)
      keysKey.fill(0)
      // While the backup read, what was deleted could not leave the journals.
      await Promise.allSettled([db.forget(), ctx.keysDb.forget()])
    }
  }

  const inThread = (job: MakeJob): Promise<Made> =>
    new Promise((resolve, reject) => {
      const thread = (worker = new Worker(MODULE, { workerData: job, resourceLimits: LIMITS }))
      thread.on('message', (told: FromMaking) => {
        if (told.type === 'done') resolve(told.made)
        else if (told.type === 'failed') reject(new KhienError(told.code, told.detail))
        else status = { ...status!, part: told.progress.part, bytes: status!.bytes + told.progress.bytes }
      })
      thread.on('error', () => reject(new KhienError('backup/failed', 'The thread that makes the backup ended.')))
      thread.on('exit', () => reject(new KhienError('backup/stopped', 'The backup was stopped before it was whole.')))
    })

  function newRow(asked: BackupAsked, actor: string): BackupTables['backup'] {
    const now = clock()
    const id = newId('bak', now, entropy)
    return {
      id,
      state: 'making',
      actor,
      started_at: now,
      shown_at: null,
      made_at: null,
      name: backupName(ctx.role, iso(now), id),
      data_to: asked.to,
      keys_to: asked.keysTo,
      ring_key: newId('rgk', now, entropy),
      expires_at: now + asked.keepKeys * DAY_MS,
      destroyed_at: null,
      bytes: 0,
      rows: 0,
      leaves: 0,
      events: null,
      failure: null,
    }
  }

  return {
    start,
    recover,
    status: (): BackupStatus | undefined => status,
    /** Resolves when nothing is being made any more. */
    idle: async (): Promise<void> => void (await running),
    async [Symbol.asyncDispose](): Promise<void> {
      closed = true
      await worker?.terminate()
      await running
    },
  }
}
