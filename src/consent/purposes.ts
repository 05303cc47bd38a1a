import { badRequest } from '../kit/errors.ts'
import { oneAtATime } from '../storage/sql/index.ts'
import type { ConsentContext } from './context.ts'
import type { Purpose } from './contract.ts'
import type { ConsentTables } from './store.ts'

/** How old the texts may be that another process declared anew. */
const FRESH_MS = 1_000

export type Declared = {
  readonly notice: { readonly version: number; readonly text: { vi: string; en: string } }
  readonly purposes: readonly { readonly version: number; readonly purpose: Purpose }[]
}

/** What the controller says it does with data. Every text is kept in every version: old consents refer to old texts. */
export function purposeRegistry(ctx: ConsentContext) {
  /** All versions of all purposes; small, and on SQLite changed only here, so it is read once and kept. */
  let kept: Map<string, Purpose[]> | undefined
  let readAt = 0

  async function versions(): Promise<Map<string, Purpose[]>> {
    const now = ctx.clock()
    // Another process of the node may declare on the same PostgreSQL.
    const fresh = ctx.db.dialect === 'sqlite' || (now - readAt < FRESH_MS && now >= readAt)
    if (kept && fresh) return kept
    readAt = now
    const rows = await ctx.db
      .tables<ConsentTables>()
      .selectFrom('purpose')
      .selectAll()
      .orderBy('id')
      .orderBy('version')
      .execute()
    return (kept = byId(rows))
  }

  /** Newest version unless one is named; undefined when there is none. */
  async function find(id: string, version?: number): Promise<{ version: number; purpose: Purpose } | undefined> {
    const all = (await versions()).get(id)
    const wanted = version ?? all?.length ?? 0
    const purpose = all?.[wanted - 1]
    return purpose && { version: wanted, purpose }
  }

  async function current(): Promise<Declared> {
    const notice = await ctx.db
      .tables<ConsentTables>()
      .selectFrom('notice')
      .selectAll()
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (!notice)
      throw badRequest('consent/nothing-declared', 'No processing notice has been declared yet (PUT /api/processing).')
    const all = [...(await versions()).values()]
    return {
      notice: { version: notice.version, text: JSON.parse(notice.text) as { vi: string; en: string } },
      purposes: all.map((list) => ({ version: list.length, purpose: list.at(-1)! })),
    }
  }

  async function declare(
    notice: { vi: string; en: string },
    purposes: readonly Purpose[],
    actor: string,
  ): Promise<Declared> {
    const twice = purposes.find((p, i) => purposes.findIndex((q) => q.id === p.id) !== i)
    if (twice)
      throw badRequest('consent/purpose-twice', `The purpose "${twice.id}" is declared twice.`, 'body.purposes')
    await ctx.db.transaction<ConsentTables, void>(async (trx) => {
      await oneAtATime(ctx.db, trx, 'consent purposes')
      const before = byId(await trx.selectFrom('purpose').selectAll().orderBy('id').orderBy('version').execute())
      const changed = purposes.filter((p) => JSON.stringify(before.get(p.id)?.at(-1)) !== JSON.stringify(p))
      const turned = purposes.find((p) => before.has(p.id) && before.get(p.id)!.at(-1)!.ground !== p.ground)
      if (turned)
        throw badRequest(
          'consent/ground-changed',
          `The ground of "${turned.id}" cannot change: people were told another. Declare a new purpose.`,
          'body.purposes',
        )
      const latest = await trx.selectFrom('notice').selectAll().orderBy('version', 'desc').limit(1).executeTakeFirst()
      const text = JSON.stringify(notice)
      const now = ctx.clock()
      if (latest?.text !== text)
        await trx
          .insertInto('notice')
          .values({ version: (latest?.version ?? 0) + 1, text, declared_at: now })
          .execute()
      for (const purpose of changed) {
        const version = (before.get(purpose.id)?.length ?? 0) + 1
        await trx
          .insertInto('purpose')
          .values({ id: purpose.id, version, text: JSON.stringify(purpose), declared_at: now })
          .execute()
      }
      if (changed.length > 0 || latest?.text !== text) {
        await ctx.record(trx, [
          {
            kind: 'processing.declared',
            actor,
            result: 'done',
            facts: { purposes: changed.map((p) => p.id).join(' '), notice: latest?.text !== text },
          },
        ])
      }
    })
    kept = undefined
    return current()
  }

  return { find, current, declare, versions }
}

function byId(rows: readonly { readonly id: string; readonly text: string }[]): Map<string, Purpose[]> {
  const map = new Map<string, Purpose[]>()
  for (const row of rows) map.set(row.id, [...(map.get(row.id) ?? []), JSON.parse(row.text) as Purpose])
  return map
}
