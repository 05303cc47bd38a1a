import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { iso } from '../kit/clock.ts'
import { KhienError } from '../kit/errors.ts'
import { syncFolder } from '../storage/segments/index.ts'
import type { BackupContext } from './context.ts'
import { replaceFile } from './durable.ts'
import { halfName } from './folders.ts'
import type { keyBackups } from './key-backups.ts'
import type { Made } from './make.ts'
import {
  countsOf,
  type DataManifest,
  FORMAT,
  keyFile,
  keyNote,
  MANIFEST,
  manifestText,
  readManifest,
} from './manifest.ts'
import type { BackupTables } from './store.ts'

type Row = BackupTables['backup']

/** How a backup ends: whole and in its place, or away with all of it. */
export function endings(ctx: BackupContext, keys: ReturnType<typeof keyBackups>) {
  const { db, clock } = ctx

  /** Signs what was made and puts it in its place, keys first, the folder's name last: a half one never has the name. */
  async function place(row: Row, dataKey: Uint8Array, made: Made): Promise<{ bytes: number }> {
    const { keys: madeKeys, ...data } = made
    const common = {
      format: FORMAT,
      id: row.id,
      node: ctx.node,
      role: ctx.role,
      kek: ctx.kekId,
      program: ctx.program,
    } as const
    const expiresAt = iso(row.expires_at)
    const keysText = manifestText({ ...common, kind: 'keys', ...madeKeys, ringKey: row.ring_key, expiresAt })
    await rename(join(row.keys_to, halfName(keyFile(row.id))), join(row.keys_to, keyFile(row.id)))
    await replaceFile(join(row.keys_to, keyNote(row.id)), ctx.sign(keysText))
    await keys.writeShredList(row.keys_to)
    const manifest: DataManifest = {
      ...common,
      kind: 'data',
      ...data,
      madeAt: iso(clock()),
      key: Buffer.from(ctx.seal(dataKey, row.id)).toString('base64'),
    }
    const staging = join(row.data_to, halfName(row.id))
    await replaceFile(join(staging, MANIFEST), ctx.sign(manifestText(manifest)))
    await rename(staging, join(row.data_to, row.name))
    await syncFolder(row.data_to)
    return markMade(row, manifest)
  }

  async function markMade(row: Row, manifest: DataManifest): Promise<{ bytes: number }> {
    const counted = countsOf(manifest)
    const { events: known, ...facts } = counted
    await db.transaction<BackupTables, void>(async (trx) => {
      await trx
        .updateTable('backup')
        .set({
          state: 'made',
          shown_at: Date.parse(manifest.at),
          made_at: Date.parse(manifest.madeAt),
          ...counted,
        })
        .where('id', '=', row.id)
        .execute()
      await ctx.record(trx, [
        {
          kind: 'backup.made',
          actor: row.actor,
          result: 'done',
          facts: {
            backup: row.id,
            key: row.ring_key,
            keysExpire: iso(Number(row.expires_at)),
            ...facts,
            ...(known === null ? {} : { events: known }),
          },
        },
      ])
    })
    return counted
  }

  /** What is half is taken away, and its key destroyed at once. Answers the sentence for whoever asked. */
  async function fail(row: Row, error: unknown): Promise<string> {
    const code = error instanceof KhienError ? error.code : 'backup/failed'
    ctx.log.warn('backup.failed', { backup: row.id, code })
    for (const path of [
      ...[halfName(row.id), row.name].map((name) => join(row.data_to, name)),
      ...[halfName(keyFile(row.id)), keyFile(row.id), keyNote(row.id)].map((name) => join(row.keys_to, name)),
    ])
      await rm(path, { recursive: true, force: true }).catch(() => undefined)
    await db.transaction<BackupTables, void>(async (trx) => {
      await trx.updateTable('backup').set({ state: 'failed', failure: code }).where('id', '=', row.id).execute()
      await ctx.record(trx, [
        { kind: 'backup.made', actor: row.actor, result: 'failed', reason: code, facts: { backup: row.id } },
      ])
    })
    await keys.expire()
    return error instanceof KhienError ? error.message : 'The backup could not be put in its place.'
  }

  /** After a crash: a backup whose folder has its name is whole, any other is cleared away. */
  async function recover(): Promise<void> {
    const rows = await db
      .tables<BackupTables>()
      .selectFrom('backup')
      .selectAll()
      .where('state', '=', 'making')
      .execute()
    for (const row of rows) {
      const note = await readFile(join(row.data_to, row.name, MANIFEST), 'utf8').catch(() => undefined)
      if (note === undefined)
        await fail(row, new KhienError('backup/stopped', 'The node ended before the backup was whole.'))
      else await markMade(row, readManifest('data', note, row.name, ctx.verifier))
    }
    // What had its days while the node did not run.
    await keys.expire()
  }

  return { place, fail, recover }
}
