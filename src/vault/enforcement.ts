import { sql } from 'kysely'
import type { Ruling, Wish } from '../consent/index.ts'
import { iso } from '../kit/clock.ts'
import { KhienError } from '../kit/errors.ts'
import type { Transaction } from '../storage/sql/index.ts'
import type { VaultContext } from './context.ts'
import type { CarriedOut } from './get.ts'
import type { VaultTables } from './store.ts'

const DAY_MS = 86_400_000
/** A purpose that nobody declared, or no law that knows its ground: a mistake, never only watched. */
const ALWAYS = new Set(['vault/unknown-purpose', 'vault/no-law'])
const EVERYBODY = '*'

export type Watched = { readonly purpose: string; readonly caller: string }

/**
 * Observe before enforce: for a purpose, and for one caller or all, reads without a ground are let through, recorded
 * with what would have refused them, and counted by caller and field, until a person who answers for it enforces.
 */
export function enforcementService(ctx: VaultContext) {
  async function carryOut(
    trx: Transaction<VaultTables>,
    { purpose, actor }: { purpose: string; actor: string },
    wishes: readonly Wish[],
    ruled: readonly Ruling[],
  ): Promise<readonly CarriedOut[]> {
    // The ordinary read asks nothing more than its ruling.
    if (ruled.every((ruling) => ruling.lawful || ALWAYS.has(ruling.code))) return ruled
    // Watching is for applications that are being brought in: people who work here are always held to the ground.
    if (!actor.startsWith('service:')) return ruled
    const watched = await trx
      .selectFrom('vault_observe')
      .select('caller')
      .where('purpose', '=', purpose)
      .where('caller', 'in', [actor, EVERYBODY])
      .executeTakeFirst()
    if (!watched) return ruled
    const day = Math.floor(ctx.clock() / DAY_MS)
    const counts = new Map<string, VaultTables['vault_observed']>()
    const carried = ruled.map((ruling, i): CarriedOut => {
      if (ruling.lawful || ALWAYS.has(ruling.code)) return ruling
      for (const field of wishes[i]!.fields) {
        const key = `${field} ${ruling.code}`
        const known = counts.get(key)
        counts.set(key, { purpose, caller: actor, field, code: ruling.code, day, count: (known?.count ?? 0) + 1 })
      }
      return { lawful: true, ground: 'observed', article: '', version: 0, observed: ruling.code }
    })
    if (counts.size > 0)
      await trx
        .insertInto('vault_observed')
        .values([...counts.values()])
        .onConflict((c) =>
          c
            .columns(['purpose', 'caller', 'field', 'code', 'day'])
            .doUpdateSet({ count: sql<number>`vault_observed.count + excluded.count` }),
        )
        .execute()
    return carried
  }

  /** Sets or ends watching for a purpose and a caller (`service:khk_…`, or `*` for all). */
  async function set({ purpose, caller }: Watched, observe: boolean, actor: string): Promise<void> {
    if (observe && !(await ctx.consent.purposes.versions()).has(purpose))
      throw new KhienError('vault/unknown-purpose', `There is no purpose "${purpose}".`, {
        status: 404,
        field: 'body.purpose',
      })
    await ctx.db.transaction<VaultTables, void>(async (trx) => {
      if (observe)
        await trx
          .insertInto('vault_observe')
          .values({ purpose, caller, since: ctx.clock(), set_by: actor })
          .onConflict((c) => c.doNothing())
          .execute()
      else await trx.deleteFrom('vault_observe').where('purpose', '=', purpose).where('caller', '=', caller).execute()
      await ctx.record(trx, [
        {
          kind: observe ? 'vault.observing' : 'vault.enforcing',
          actor,
          purpose,
          result: 'done',
          facts: { caller: caller === EVERYBODY ? 'everybody' : caller },
        },
      ])
    })
  }

  /** What is watched, and what would have been refused in the last 30 days. */
  async function figures() {
    const tables = ctx.db.tables<VaultTables>()
    const since = Math.floor(ctx.clock() / DAY_MS) - 30
    const watched = await tables.selectFrom('vault_observe').selectAll().orderBy('since').limit(500).execute()
    const counts = await tables
      .selectFrom('vault_observed')
      .select(['purpose', 'caller', 'field', 'code'])
      .select((eb) => eb.fn.sum<number>('count').as('count'))
      .where('day', '>=', since)
      .groupBy(['purpose', 'caller', 'field', 'code'])
      .orderBy('count', 'desc')
      .limit(500)
      .execute()
    return {
      watched: watched.map((row) => ({ purpose: row.purpose, caller: row.caller, since: iso(Number(row.since)) })),
      counts: counts.map((row) => ({ ...row, count: Number(row.count) })),
    }
  }

  return { carryOut, set, figures }
}
export type EnforcementService = ReturnType<typeof enforcementService>
