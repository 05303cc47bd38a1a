import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Kysely, sql } from 'kysely'
import { iso } from '../kit/clock.ts'
import { KhienError } from '../kit/errors.ts'
import type { BackupContext } from './context.ts'
import { keyFile, keyNote } from './manifest.ts'
import { destroyInRing, readRing } from './ring.ts'
import { oneAtATime } from '../storage/sql/index.ts'
import { writeShredList, type Erased } from './shred-list.ts'
import type { BackupTables } from './store.ts'

const DAY_MS = 86_400_000
/** Erasures that promise a time and backups that begin go one after the other. */
export const KEY_PROMISES = 'backup.key-promises'

/** Keys of people in backups: how long they live, their end, and who must not come back. */
export function keyBackups(ctx: BackupContext) {
  const { db, clock } = ctx
  const tables = () => db.tables<BackupTables>()
  /** People named in each folder's list. */
  const written = new Map<string, number>()
  let listFault = false

  const living = () => tables().selectFrom('backup').selectAll().where('destroyed_at', 'is', null)

  /**
   * Until when some key backup that can hold a key as of now is readable, ms; null when there is none. To be asked in the
   * transaction that records the erasure: a backup that begins after it leaves the erased out. One that should have died
   * and has not (its folder is away) counts as living for another day.
   */
  async function keyBackupsUntil(trx?: unknown): Promise<{ until: number | null }> {
    if (trx !== undefined) await oneAtATime(db, trx, KEY_PROMISES)
    const rows = await ((trx as Kysely<BackupTables> | undefined) ?? tables())
      .selectFrom('backup')
      .select('expires_at')
      .where('destroyed_at', 'is', null)
      .execute()
    if (rows.length === 0) return { until: null }
    const now = clock()
    const ends = rows.map(({ expires_at }) => (Number(expires_at) > now ? Number(expires_at) : now + DAY_MS))
    return { until: Math.max(...ends) }
  }

  const erased = async (): Promise<Erased[]> => {
    const { rows } = await sql<Erased>`${sql.raw(ctx.erased)} order by subject`.execute(db.tables())
    return rows.map(({ subject, id, at }) => ({ subject, id, at: Number(at) }))
  }

  async function writeList(folder: string): Promise<void> {
    const rows = await erased()
    await writeShredList(folder, ctx.role, { node: ctx.node, at: iso(clock()), sign: ctx.sign }, rows)
    written.set(folder, rows.length)
  }

  /** Brings the list beside every ring up to date. */
  async function settle(): Promise<void> {
    const rows = await living().execute()
    const counted = await sql<{ n: number }>`select count(*) as n from (${sql.raw(ctx.erased)}) as e`.execute(
      db.tables(),
    )
    const n = Number(counted.rows[0]?.n ?? 0)
    let fault = false
    for (const folder of new Set(rows.filter(({ state }) => state === 'made').map(({ keys_to }) => keys_to)))
      if (written.get(folder) !== n)
        await writeList(folder).catch((error: unknown) => {
          fault = true
          ctx.log.warn('backup.shred-list', { code: codeOf(error) })
        })
    listFault = fault
  }

  /** Destroys the keys whose time has come, and those of backups that failed. */
  async function expire(): Promise<void> {
    const now = clock()
    const due = (await living().execute()).filter(
      ({ state, expires_at }) => state === 'failed' || (state === 'made' && Number(expires_at) <= now),
    )
    for (const row of due) {
      try {
        await destroyInRing(row.keys_to, ctx.role, ctx.node, row.ring_key, iso(now))
        for (const name of [keyFile(row.id), keyNote(row.id)]) await rm(join(row.keys_to, name), { force: true })
      } catch (error) {
        ctx.log.warn('backup.keys-stay', { backup: row.id, code: codeOf(error) })
        continue
      }
      await db.transaction<BackupTables, void>(async (trx) => {
        await trx.updateTable('backup').set({ destroyed_at: now }).where('id', '=', row.id).execute()
        await ctx.record(trx, [
          {
            kind: 'backup.keys-expired',
            actor: 'node',
            result: 'done',
            facts: { backup: row.id, key: row.ring_key, due: iso(row.expires_at) },
          },
        ])
      })
    }
  }

  /** Of a backup whose key did not get into the ring: nothing can be read, and nothing has to die. */
  async function neverStored(row: BackupTables['backup']): Promise<void> {
    const ring = await readRing(row.keys_to, ctx.role, ctx.node).catch(() => undefined)
    if (ring?.keys.some(({ id }) => id === row.ring_key)) return
    await tables().updateTable('backup').set({ destroyed_at: clock() }).where('id', '=', row.id).execute()
  }

  /** Why the promises about keys in backups are not kept at the moment; undefined when they are. */
  async function fault(): Promise<string | undefined> {
    const now = clock()
    const overdue = (await living().execute()).filter(
      ({ state, expires_at }) => state === 'failed' || (state === 'made' && Number(expires_at) <= now),
    ).length
    if (overdue > 0)
      return `the keys of ${overdue} key backups are past their end and their folder is away: put it back in its place`
    return listFault ? 'the list of shredded people cannot be written beside the key backups' : undefined
  }

  return { keyBackupsUntil, writeShredList: writeList, settle, expire, neverStored, fault }
}

const codeOf = (error: unknown): string =>
  error instanceof KhienError ? error.code : String((error as { code?: unknown })?.code ?? 'failed')
