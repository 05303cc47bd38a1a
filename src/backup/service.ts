import { access, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative } from 'node:path'
import { Worker } from 'node:worker_threads'
import { iso } from '../kit/clock.ts'
import { badRequest, KhienError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import { syncFolder } from '../storage/segments/index.ts'
import { oneAtATime } from '../storage/sql/index.ts'
import type { BackupContext } from './context.ts'
import { replaceFile } from './durable.ts'
import { KEY_PROMISES, keyBackups } from './key-backups.ts'
import type { Made, MakeJob, Progress } from './make.ts'
import type { FromMaking } from './make-thread.ts'
import { backupName, FORMAT, keyFile, keyNote, MANIFEST, manifestText } from './manifest.ts'
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
  const tables = () => db.tables<BackupTables>()
  let status: BackupStatus | undefined
  let outcome: BackupStatus | undefined
  let running: { readonly worker: Worker; readonly done: Promise<void> } | undefined
  let closed = false

  /** Begins a backup and answers its id; `status` tells how it goes. Errors: `backup/running`, `backup/folders`. */
  async function start(asked: BackupAsked, actor: string): Promise<{ id: string }> {
    if (running) throw new KhienError('backup/running', 'A backup is being made already; wait for it.', { status: 409 })
    checkFolders(asked, ctx.folder)
    const now = clock()
    const id = newId('bak', now, entropy)
    const ringKey = newId('rgk', now, entropy)
    const name = backupName(ctx.role, iso(now), id)
    const row: BackupTables['backup'] = {
      id,
      state: 'making',
      actor,
      started_at: now,
      shown_at: null,
      made_at: null,
      name,
      data_to: asked.to,
      keys_to: asked.keysTo,
      ring_key: ringKey,
      expires_at: now + asked.keepKeys * DAY_MS,
      destroyed_at: null,
      bytes: 0,
      rows: 0,
      leaves: 0,
      events: null,
      failure: null,
    }
    outcome = status = { id, state: 'making', name, part: null, bytes: 0, detail: null }
    const staging = join(asked.to, `.making-${id}`)
    const [dataKey, keysKey] = [entropy(32), entropy(32)]
    try {
      for (const folder of [asked.to, asked.keysTo]) {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await syncFolder(dirname(folder))
      }
      await mkdir(staging, { mode: 0o700 })
    } catch (cause) {
      status = undefined
      const { code } = cause as NodeJS.ErrnoException
      throw new KhienError('backup/folders', `The folders for the backup cannot be written (${code ?? 'failed'}).`, {
        status: 400,
        cause,
      })
    }
    // What lies there may be another node's, or damaged: said before anything is begun.
    await readRing(asked.keysTo, ctx.role, ctx.node).catch(async (error: unknown) => {
      status = undefined
      await rm(staging, { recursive: true, force: true })
      throw error
    })
    // The row first: whoever erases a person from here on promises nothing before this backup's keys have died.
    await db.transaction<BackupTables, void>(async (trx) => {
      await oneAtATime(db, trx, KEY_PROMISES)
      await trx.insertInto('backup').values(row).execute()
    })
    const job: MakeJob = {
      id,
      folder: ctx.folder,
      staging,
      keysPath: join(asked.keysTo, `.making-${keyFile(id)}`),
      dataKey,
      keysKey,
      databaseUrl: ctx.databaseUrl,
      keysDatabaseUrl: ctx.keysDatabaseUrl,
      logVkey: ctx.logVkey,
      rate: asked.rate * MIB,
      events: ctx.events,
      erased: ctx.erased,
      settings: ctx.settings,
    }
    const sealed = Buffer.from(ctx.seal(keysKey, ringKey)).toString('base64')
    await addToRing(asked.keysTo, ctx.role, ctx.node, {
      id: ringKey,
      backup: id,
      madeAt: iso(now),
      expiresAt: iso(row.expires_at),
      sealed,
      destroyedAt: null,
    }).catch(async (error: unknown) => {
      await keys.neverStored(row)
      await failed(row, error)
      status = outcome
      throw error
    })
    const worker = new Worker(MODULE, { workerData: job, resourceLimits: LIMITS })
    const done = work(worker, row.id)
      .then((made) => finish(row, staging, dataKey, made))
      .catch((error: unknown) => failed(row, error))
      .catch((error: unknown) => ctx.log.error('backup.failed', { code: codeOf(error) }))
      .finally(async () => {
        dataKey.fill(0)
        keysKey.fill(0)
        // While the backup read, what was deleted could not leave the journals.
        await Promise.allSettled([ctx.db.forget(), ctx.keysDb.forget()])
        running = undefined
        // Said last: whoever hears it may ask for the next one.
        status = outcome
      })
    running = { worker, done }
    return { id }
  }

  const work = (worker: Worker, id: string): Promise<Made> =>
    new Promise((resolve, reject) => {
      worker.on('message', (told: FromMaking) => {
        if (told.type === 'done') resolve(told.made)
        else if (told.type === 'failed') reject(new KhienError(told.code, told.detail))
        else if (status?.id === id)
          status = { ...status, part: told.progress.part, bytes: status.bytes + told.progress.bytes }
      })
      worker.on('error', () => reject(new KhienError('backup/failed', 'The thread that makes the backup ended.')))
      worker.on('exit', () => reject(new KhienError('backup/stopped', 'The backup was stopped before it was whole.')))
    })

  /** Signs what was made and puts it in its place, keys first, the folder's name last: a half one never has the name. */
  async function finish(row: BackupTables['backup'], staging: string, dataKey: Uint8Array, made: Made): Promise<void> {
    const common = { format: FORMAT, id: row.id, node: ctx.node, role: ctx.role, kek: ctx.kekId, program: ctx.program }
    const { keys: madeKeys, ...data } = made
    const keysText = manifestText({
      ...common,
      format: 1,
      role: ctx.role as 'platform',
      kind: 'keys',
      ...madeKeys,
      ringKey: row.ring_key,
      expiresAt: iso(row.expires_at),
    })
    await rename(join(row.keys_to, `.making-${keyFile(row.id)}`), join(row.keys_to, keyFile(row.id)))
    await replaceFile(join(row.keys_to, keyNote(row.id)), ctx.sign(keysText))
    await keys.writeShredList(row.keys_to)
    const now = clock()
    const text = manifestText({
      ...common,
      format: 1,
      role: ctx.role as 'platform',
      kind: 'data',
      ...data,
      madeAt: iso(now),
      key: Buffer.from(ctx.seal(dataKey, row.id)).toString('base64'),
    })
    await replaceFile(join(staging, MANIFEST), ctx.sign(text))
    await rename(staging, join(row.data_to, row.name))
    await syncFolder(row.data_to)
    const sum = (counts: Readonly<Record<string, number>>): number =>
      Object.values(counts).reduce((total, n) => total + n, 0)
    const facts = {
      bytes: Object.values(made.parts).reduce((total, part) => total + part.bytes, 0) + madeKeys.file.bytes,
      rows: sum(made.control.rows) + sum(madeKeys.keys.rows),
      leaves: made.log.size,
      events: made.events === null ? null : made.events.stored + made.events.pending,
    }
    await markMade({ ...row, shown_at: Date.parse(made.at), made_at: now, ...facts })
    outcome = { ...status!, state: 'made', part: null, bytes: facts.bytes }
  }

  const markMade = (row: BackupTables['backup']): Promise<void> =>
    db.transaction<BackupTables, void>(async (trx) => {
      const { id, shown_at, made_at, bytes, rows, leaves, events } = row
      await trx
        .updateTable('backup')
        .set({ state: 'made', shown_at, made_at, bytes, rows, leaves, events })
        .where('id', '=', id)
        .execute()
      await ctx.record(trx, [
        {
          kind: 'backup.made',
          actor: row.actor,
          result: 'done',
          facts: {
            backup: id,
            key: row.ring_key,
            rows,
            leaves,
            bytes,
            ...(events === null ? {} : { events }),
            keysExpire: iso(row.expires_at),
          },
        },
      ])
    })

  /** What is half is taken away, and its key destroyed at once. */
  async function failed(row: BackupTables['backup'], error: unknown): Promise<void> {
    const code = codeOf(error)
    if (status?.id === row.id)
      outcome = {
        ...status,
        state: 'failed',
        part: null,
        detail: error instanceof KhienError ? error.message : `The backup could not be made (${code}).`,
      }
    ctx.log.warn('backup.failed', { backup: row.id, code })
    await clearAway(row)
    await db.transaction<BackupTables, void>(async (trx) => {
      await trx.updateTable('backup').set({ state: 'failed', failure: code }).where('id', '=', row.id).execute()
      await ctx.record(trx, [
        { kind: 'backup.made', actor: row.actor, result: 'failed', reason: code, facts: { backup: row.id } },
      ])
    })
    await keys.expire()
  }

  async function clearAway(row: BackupTables['backup']): Promise<void> {
    await rm(join(row.data_to, `.making-${row.id}`), { recursive: true, force: true }).catch(() => undefined)
    for (const name of [`.making-${keyFile(row.id)}`, keyFile(row.id), keyNote(row.id)])
      await rm(join(row.keys_to, name), { force: true }).catch(() => undefined)
  }

  /** After a crash: a backup whose folder has its name is whole, any other is cleared away. */
  async function recover(): Promise<void> {
    const rows = await tables().selectFrom('backup').selectAll().where('state', '=', 'making').execute()
    for (const row of rows) {
      if (await isThere(join(row.data_to, row.name, MANIFEST))) {
        await markMade({ ...row, made_at: clock(), shown_at: row.started_at })
      } else await failed(row, new KhienError('backup/stopped', 'The node ended before the backup was whole.'))
    }
    // What had its days while the node did not run.
    await keys.expire()
  }

  return {
    start,
    recover,
    status: (): BackupStatus | undefined => status,
    /** Resolves when nothing is being made any more. */
    idle: async (): Promise<void> => void (await running?.done),
    async [Symbol.asyncDispose](): Promise<void> {
      if (closed) return
      closed = true
      await running?.worker.terminate()
      await running?.done
    },
  }
}

function checkFolders({ to, keysTo }: BackupAsked, folder: string): void {
  const within = (inner: string, outer: string): boolean => !relative(outer, inner).startsWith('..')
  if (!isAbsolute(to) || !isAbsolute(keysTo))
    throw badRequest('backup/folders', 'The folders of a backup are named in full.', 'body.to')
  if (within(to, keysTo) || within(keysTo, to))
    throw badRequest(
      'backup/folders',
      'Data and keys go to two folders, neither inside the other: whoever finds one must not find the other.',
      'body.keysTo',
    )
  for (const at of [to, keysTo])
    if (within(at, folder) || within(folder, at))
      throw badRequest(
        'backup/folders',
        `A backup does not lie inside the node's own folder ${dirname(folder)}.`,
        'body.to',
      )
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
const codeOf = (error: unknown): string => (error instanceof KhienError ? error.code : 'backup/failed')
