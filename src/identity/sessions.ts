import type { Caller, StaffRole } from '../kit/contract.ts'
import { newId, newSecret } from '../kit/ids.ts'
import { hashOf, type IdentityContext } from './context.ts'
import type { IdentityTables } from './store.ts'

const MINUTE = 60_000
const ABSOLUTE_MS = 12 * 60 * MINUTE
/** At most this many open sessions a person; the oldest ends first. */
const AT_ONCE = 3

/** TCVN 14423:2026 level 3: administrators idle out in 5 minutes, others in 15. */
export const idleLimit = (roles: readonly StaffRole[] | undefined): number =>
  (roles?.includes('administrator') ? 5 : 15) * MINUTE

export function sessionService(ctx: IdentityContext) {
  const { db, clock, entropy } = ctx
  const tables = () => db.tables<IdentityTables>()

  async function open(kind: 'staff' | 'person', holder: string): Promise<string> {
    const token = newSecret(entropy)
    const now = clock()
    await db.transaction<IdentityTables, void>(async (trx) => {
      const olds = await trx
        .selectFrom('session')
        .select(['token'])
        .where('holder', '=', holder)
        .where('kind', '=', kind)
        .orderBy('created_at', 'desc')
        .execute()
      const surplus = olds.slice(AT_ONCE - 1).map((row) => row.token)
      if (surplus.length > 0) await trx.deleteFrom('session').where('token', 'in', surplus).execute()
      await trx
        .insertInto('session')
        .values({ token: hashOf(token), id: newId('ses', now, entropy), kind, holder, created_at: now, seen_at: now })
        .execute()
      const actor = kind === 'staff' ? `staff:${holder}` : 'person'
      await ctx.record(trx, [
        { kind: 'session.opened', actor, result: 'done', ...(kind === 'person' ? { subject: holder } : {}) },
      ])
    })
    return token
  }

  /** The caller behind a session cookie; undefined when there is none, it idled out, or it is of the other kind. */
  async function find(token: string, kind: 'staff' | 'person', touch = true): Promise<Caller | undefined> {
    const row = await tables()
      .selectFrom('session')
      .selectAll()
      .where('token', '=', hashOf(token))
      .where('kind', '=', kind)
      .executeTakeFirst()
    if (!row) return undefined
    const now = clock()
    const staff =
      kind === 'staff'
        ? await tables()
            .selectFrom('staff')
            .select(['id', 'name', 'roles'])
            .where('id', '=', row.holder)
            .executeTakeFirst()
        : undefined
    const roles = staff?.roles.split(' ') as StaffRole[] | undefined
    if (now - row.seen_at > idleLimit(roles) || now - row.created_at > ABSOLUTE_MS || (kind === 'staff' && !staff)) {
      await tables().deleteFrom('session').where('token', '=', row.token).execute()
      return undefined
    }
    // Once in a while is enough: a write per page view would cost an fsync each.
    if (touch && now - row.seen_at > 20_000)
      await tables().updateTable('session').set({ seen_at: now }).where('token', '=', row.token).execute()
    return staff
      ? { kind: 'staff', id: staff.id, session: row.id, roles: roles!, name: staff.name }
      : { kind: 'person', id: row.id, session: row.id, subject: row.holder }
  }

  /** Whether a session, by its id, is still open; asking keeps nobody signed in. */
  async function alive(id: string): Promise<boolean> {
    const row = await tables()
      .selectFrom('session')
      .select(['kind', 'holder', 'seen_at', 'created_at'])
      .where('id', '=', id)
      .executeTakeFirst()
    if (!row) return false
    const staff =
      row.kind === 'staff'
        ? await tables().selectFrom('staff').select('roles').where('id', '=', row.holder).executeTakeFirst()
        : undefined
    const roles = staff?.roles.split(' ') as StaffRole[] | undefined
    return clock() - row.seen_at <= idleLimit(roles) && clock() - row.created_at <= ABSOLUTE_MS
  }

  const close = async (token: string): Promise<void> => {
    await tables().deleteFrom('session').where('token', '=', hashOf(token)).execute()
  }

  /** Forgets what has expired: sessions, links, spent handovers. */
  async function sweep(): Promise<void> {
    const now = clock()
    await tables()
      .deleteFrom('session')
      .where('created_at', '<', now - ABSOLUTE_MS)
      .execute()
    await tables()
      .deleteFrom('invitation')
      .where('expires_at', '<', now - ABSOLUTE_MS)
      .execute()
    await tables().deleteFrom('handover_used').where('expires_at', '<', now).execute()
  }

  return { open, find, alive, close, sweep }
}
