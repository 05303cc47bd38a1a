import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { RecordActs } from '../../kit/act.ts'
import { iso, type Clock } from '../../kit/clock.ts'
import { badRequest } from '../../kit/errors.ts'
import { newId, type Entropy } from '../../kit/ids.ts'
import { hpkeReceiver } from '../../engine/seal/index.ts'
import { oneAtATime, type Database } from '../../storage/sql/index.ts'
import type { SettingsService } from '../settings/service.ts'
import type { TrafficKeyTables, TrafficTables } from './store.ts'

const DAY_MS = 86_400_000
/** All that is kept of all sites. */
const ROOM = 512 << 20
const Site = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/)
const KeyId = z.string().regex(/^tfk_[0-9A-HJKMNP-TV-Z]{26}$/)
const AskedKey = z.strictObject({ site: Site })
const Told = z.strictObject({
  site: Site,
  key: KeyId,
  requests: z.int().min(1).max(100_000),
  sealed: z.base64().max(3 << 20),
})

export type TrafficContext = {
  readonly db: Database
  readonly keysDb: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly record: RecordActs
  readonly settings: SettingsService
  /** Where the files lie. */
  readonly folder: string
  /** Under the node's key. */
  readonly seal: (plain: Uint8Array, about: string) => Uint8Array
  readonly open: (sealed: Uint8Array, about: string) => Uint8Array
}
/** One day's file and the key that opens it; both only while a dry run reads. */
export type KeptFile = {
  readonly path: string
  readonly key: string
  readonly secret: Uint8Array
  readonly requests: number
}

/**
 * Requests kept for dry runs: a key for each site and day, held here under the node's key; workers have its public half. A file is a row of
 * sealed frames. File and key go together after the site's days, or within a minute when the site no longer keeps.
 */
export function keptTraffic(ctx: TrafficContext) {
  const { clock, settings } = ctx
  const keys = () => ctx.keysDb.tables<TrafficKeyTables>()
  const tables = () => ctx.db.tables<TrafficTables>()
  const fileOf = (key: string): string => join(ctx.folder, `${key}.box`)
  let dropped = 0
  let last: Promise<unknown> = Promise.resolve()
  /** Frames are written one after the other, so that files and rows agree. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }

  async function keepsOf(site: string): Promise<number | undefined> {
    const kept = await settings.current.kept()
    return kept?.body.sites.find(({ name }) => name === site)?.keep?.days
  }

  /** Today's public key of a site; made when it is first asked for. Null when the site keeps nothing. */
  async function keyFor(
    told: unknown,
  ): Promise<{ key: string; publicKey: string; until: number } | Record<string, never>> {
    const asked = AskedKey.safeParse(told)
    if (!asked.success) throw badRequest('gateway/traffic', 'Asked for a key of no site.', 'body.site')
    const { site } = asked.data
    const days = await keepsOf(site)
    if (days === undefined) return {}
    const day = Math.floor(clock() / DAY_MS)
    const row = await ctx.keysDb.transaction<TrafficKeyTables, TrafficKeyTables['gateway_traffic_key']>(async (trx) => {
      await oneAtATime(ctx.keysDb, trx, 'gateway.traffic-key')
      const found = await trx
        .selectFrom('gateway_traffic_key')
        .selectAll()
        .where('site', '=', site)
        .where('day', '=', day)
        .executeTakeFirst()
      if (found) return found
      const id = newId('tfk', clock(), ctx.entropy)
      const secret = ctx.entropy(32)
      const made = {
        id,
        site,
        day,
        public: Buffer.from(hpkeReceiver(secret).publicKey).toString('base64url'),
        sealed: Buffer.from(ctx.seal(secret, id)).toString('base64'),
        ends_at: (day + days) * DAY_MS,
      }
      await trx.insertInto('gateway_traffic_key').values(made).execute()
      return made
    })
    return { key: row.id, publicKey: row.public, until: (day + 1) * DAY_MS }
  }

  /** Takes a sealed frame in; false when there is no room, or no such key any more. On the disk before this resolves. */
  async function receive(told: unknown): Promise<{ kept: boolean }> {
    const parsed = Told.safeParse(told)
    if (!parsed.success) throw badRequest('gateway/traffic', 'A frame is malformed.', 'body')
    const { site, key, requests, sealed } = parsed.data
    return inTurn(async () => {
      const row = await keys()
        .selectFrom('gateway_traffic_key')
        .select('id')
        .where('id', '=', key)
        .where('site', '=', site)
        .where('ends_at', '>', clock())
        .executeTakeFirst()
      const { bytes } = await tables()
        .selectFrom('gateway_traffic')
        .select((eb) => eb.fn.sum<number>('bytes').as('bytes'))
        .executeTakeFirstOrThrow()
      const frame = Buffer.from(sealed, 'base64')
      if (!row || Number(bytes ?? 0) + frame.length > ROOM) {
        dropped += requests
        return { kept: false }
      }
      await append(fileOf(key), frame)
      const now = clock()
      await tables()
        .insertInto('gateway_traffic')
        .values({ key, site, requests, bytes: frame.length + 4, oldest: now, newest: now })
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet((eb) => ({
            requests: eb('gateway_traffic.requests', '+', requests),
            bytes: eb('gateway_traffic.bytes', '+', frame.length + 4),
            newest: now,
          })),
        )
        .execute()
      return { kept: true }
    })
  }

  async function append(path: string, frame: Buffer): Promise<void> {
    await mkdir(ctx.folder, { recursive: true, mode: 0o700 })
    await using file = await open(path, 'a', 0o600)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(frame.length)
    await file.write(Buffer.concat([length, frame]))
    await file.datasync()
  }

  async function figures() {
    const rows = await tables().selectFrom('gateway_traffic').selectAll().execute()
    const items = [...Map.groupBy(rows, ({ site }) => site)].map(([site, some]) => ({
      site,
      requests: some.reduce((sum, { requests }) => sum + Number(requests), 0),
      bytes: some.reduce((sum, { bytes }) => sum + Number(bytes), 0),
      oldest: iso(Math.min(...some.map(({ oldest }) => Number(oldest)))),
      newest: iso(Math.max(...some.map(({ newest }) => Number(newest)))),
    }))
    return { items: items.toSorted((a, b) => (a.site < b.site ? -1 : 1)), dropped }
  }

  /** What a dry run reads; the secrets are for its thread alone. */
  async function filesOf(site: string): Promise<KeptFile[]> {
    const found = await keys()
      .selectFrom('gateway_traffic_key')
      .selectAll()
      .where('site', '=', site)
      .where('ends_at', '>', clock())
      .orderBy('day')
      .execute()
    const rows = await tables().selectFrom('gateway_traffic').selectAll().where('site', '=', site).execute()
    return found.flatMap(({ id, sealed }) => {
      const row = rows.find(({ key }) => key === id)
      const secret = (): Uint8Array => Uint8Array.from(ctx.open(Buffer.from(sealed, 'base64'), id))
      return row ? [{ path: fileOf(id), key: id, secret: secret(), requests: Number(row.requests) }] : []
    })
  }

  async function destroy(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    // The key first: without it the file says nothing, should we end here.
    await keys().deleteFrom('gateway_traffic_key').where('id', 'in', ids).execute()
    await ctx.keysDb.forget()
    for (const id of ids) await rm(fileOf(id), { force: true })
    await tables().deleteFrom('gateway_traffic').where('key', 'in', ids).execute()
  }

  /** Ends what has had its days, and what belongs to sites that keep no longer; then files that nobody has a key for. */
  const sweep = (): Promise<void> =>
    inTurn(async () => {
      const all = await keys().selectFrom('gateway_traffic_key').select(['id', 'site', 'ends_at']).execute()
      const kept = await settings.current.kept()
      const keeping = new Set(kept?.body.sites.filter(({ keep }) => keep !== undefined).map(({ name }) => name))
      const over = all.filter(({ site, ends_at }) => Number(ends_at) <= clock() || !keeping.has(site))
      await destroy(over.map(({ id }) => id))
      const living = new Set(all.filter((one) => !over.includes(one)).map(({ id }) => `${id}.box`))
      const files = await readdir(ctx.folder).catch(() => [])
      for (const name of files) if (!living.has(name)) await rm(join(ctx.folder, name), { force: true })
    })

  /** Everything of all sites. Answers how many requests went. */
  const forget = (actor: string): Promise<number> =>
    inTurn(async () => {
      const { items } = await figures()
      const forgotten = items.reduce((sum, { requests }) => sum + requests, 0)
      const all = await keys().selectFrom('gateway_traffic_key').select('id').execute()
      await destroy(all.map(({ id }) => id))
      await ctx.db.transaction((trx) =>
        ctx.record(trx, [{ kind: 'gateway.traffic-forgotten', actor, result: 'done', facts: { requests: forgotten } }]),
      )
      return forgotten
    })

  return { keyFor, receive, figures, filesOf, sweep, forget }
}
export type KeptTraffic = ReturnType<typeof keptTraffic>
