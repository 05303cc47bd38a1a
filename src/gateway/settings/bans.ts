import { iso } from '../../kit/clock.ts'
import { badRequest, KhienError } from '../../kit/errors.ts'
import { newId, type Entropy } from '../../kit/ids.ts'
import { oneAtATime } from '../../storage/sql/index.ts'
import type { Ban } from '../contract.ts'
import type { BanView } from './contract.ts'
import type { SettingsService } from './service.ts'
import type { SettingsTables } from './store.ts'
import { bannedWords, liftedWords } from './words.ts'

/** As many as the workers' document takes. */
const MOST = 100_000

/** Who is kept out until when: a list beside the versions; each change makes the workers ask again. */
export function banService(settings: SettingsService, entropy: Entropy) {
  const { db, clock } = settings

  /** Throws 400 for a time that has passed, 409 when the list is full. Durable before this resolves. */
  async function add(ban: Ban, actor: string, reason: string): Promise<BanView> {
    const [now, endsAt] = [clock(), Date.parse(ban.until)]
    if (endsAt <= now) throw badRequest('gateway/ban-over', 'The ban would end before it begins.', 'body.ban.until')
    const row = {
      id: newId('ban', now, entropy),
      address: ban.address ?? null,
      port: ban.port ?? null,
      account: ban.account ?? null,
      ends_at: endsAt,
      at: now,
      actor,
      reason,
    }
    return db.transaction<SettingsTables, BanView>(async (trx) => {
      await oneAtATime(db, trx, 'gateway.settings')
      const { n } = await trx
        .selectFrom('gateway_ban')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
      if (Number(n) >= MOST)
        throw new KhienError('gateway/bans-full', 'There are 100,000 bans already.', { status: 409 })
      await trx.insertInto('gateway_ban').values(row).execute()
      await settings.appendBans(trx, actor, reason, bannedWords())
      return viewOf(row)
    })
  }

  /** False when it had ended already. */
  async function lift(id: string, actor: string, reason: string): Promise<boolean> {
    return db.transaction<SettingsTables, boolean>(async (trx) => {
      await oneAtATime(db, trx, 'gateway.settings')
      const gone = await trx
        .deleteFrom('gateway_ban')
        .where('id', '=', id)
        .where('ends_at', '>', clock())
        .executeTakeFirst()
      if (Number(gone.numDeletedRows) === 0) return false
      await settings.appendBans(trx, actor, reason, liftedWords())
      return true
    })
  }

  async function page(cursor: string | undefined, limit: number) {
    if (cursor !== undefined && !/^ban_[0-9A-Z]{26}$/.test(cursor))
      throw badRequest('http/cursor', 'This cursor is not one of ours.', 'query.cursor')
    const tables = db.tables<SettingsTables>()
    let query = tables.selectFrom('gateway_ban').selectAll().where('ends_at', '>', clock())
    if (cursor !== undefined) query = query.where('id', '<', cursor)
    const rows = await query
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute()
    const { n } = await tables
      .selectFrom('gateway_ban')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('ends_at', '>', clock())
      .executeTakeFirstOrThrow()
    return {
      items: rows.slice(0, limit).map(viewOf),
      next: rows.length > limit ? rows[limit - 1]!.id : null,
      total: Number(n),
    }
  }

  /** Ended bans hold nothing any more; the workers let them go by themselves. */
  async function sweep(): Promise<void> {
    await db.tables<SettingsTables>().deleteFrom('gateway_ban').where('ends_at', '<=', clock()).execute()
  }

  return { add, lift, page, sweep }
}
export type BanService = ReturnType<typeof banService>

const viewOf = ({
  id,
  address,
  port,
  account,
  ends_at,
  at,
  actor,
  reason,
}: SettingsTables['gateway_ban']): BanView => ({
  id,
  address,
  port: port === null ? null : Number(port),
  account,
  until: iso(Number(ends_at)),
  at: iso(Number(at)),
  by: actor,
  reason,
})
