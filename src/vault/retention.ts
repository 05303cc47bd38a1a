import { promisify } from 'node:util'
import { sql } from 'kysely'
import type { VaultContext } from './context.ts'
import type { Registry } from './declared/registry.ts'
import { takeOut } from './erase.ts'
import { shortList } from './put.ts'
import type { VaultTables } from './store.ts'

const DAY_MS = 86_400_000
const PAGE = 1_000
const nextTurn = promisify(setImmediate)

/** Takes out what has been kept for as long as its declaration says, and records whose it was (Law 91/2025 art. 14). */
export function retention(ctx: VaultContext, registry: Registry) {
  return async function expire(): Promise<number> {
    const { collections } = await registry.rules()
    const limits = new Map<string, number>()
    for (const [collection, fields] of Object.entries(collections))
      for (const [field, { keepDays }] of Object.entries(fields))
        if (keepDays !== undefined) limits.set(`${collection}.${field}`, keepDays * DAY_MS)
    if (limits.size === 0) return 0
    let expired = 0
    let after = { subject: '', collection: '', record: '', field: '' }
    for (;;) {
      // Along the primary key: no index of times is needed, and no page holds the store for long.
      const page = await ctx.db
        .tables<VaultTables>()
        .selectFrom('vault_value')
        .select(['subject', 'collection', 'record', 'field', 'at'])
        .where(
          sql<boolean>`(subject, collection, record, field) > (${after.subject}, ${after.collection}, ${after.record}, ${after.field})`,
        )
        .orderBy('subject')
        .orderBy('collection')
        .orderBy('record')
        .orderBy('field')
        .limit(PAGE)
        .execute()
      if (page.length === 0) return expired
      const now = ctx.clock()
      const old = page.filter((row) => {
        const limit = limits.get(`${row.collection}.${row.field}`)
        return limit !== undefined && Number(row.at) + limit <= now
      })
      if (old.length > 0) expired += await takeAway(old)
      after = page.at(-1)!
      await nextTurn()
    }
  }

  async function takeAway(rows: readonly Omit<VaultTables['vault_value'], 'sealed'>[]): Promise<number> {
    return ctx.db.transaction<VaultTables, number>(async (trx) => {
      const gone = new Map<string, string[]>()
      for (const { subject, collection, record, field, at } of rows) {
        // Written anew since it was read: its time begins again.
        const query = trx
          .selectFrom('vault_value')
          .select('at')
          .where('subject', '=', subject)
          .where('collection', '=', collection)
          .where('record', '=', record)
          .where('field', '=', field)
        const still = await (ctx.db.dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst()
        if (!still || Number(still.at) !== Number(at)) continue
        await takeOut(trx, { subject, collection, record, fields: [field] })
        gone.set(subject, [...(gone.get(subject) ?? []), `${collection}.${field}`])
      }
      if (gone.size > 0)
        await ctx.record(
          trx,
          [...gone].map(([subject, fields]) => ({
            kind: 'vault.expired',
            actor: 'node',
            subject,
            result: 'done' as const,
            facts: { fields: shortList(fields), count: fields.length },
          })),
        )
      return [...gone.values()].flat().length
    })
  }
}
