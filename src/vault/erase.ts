import type { Once } from '../kit/contract.ts'
import { runOnce, type Transaction } from '../storage/sql/index.ts'
import type { VaultContext } from './context.ts'
import type { Registry } from './declared/registry.ts'
import { noteErased } from './inbox/places.ts'
import { refuse, shortList, type Refusal } from './put.ts'
import type { VaultTables } from './store.ts'
import { indexNames } from './values.ts'

export type EraseItem = {
  readonly subject: string
  readonly collection: string
  readonly record: string
  /** All of the record's when left out. */
  readonly fields?: readonly string[] | undefined
}
export type EraseResult = { ok: true; erased: number } | Refusal

/** Takes values out, with their index entries; what is erased is named in the record of the act. The person's key stays. */
export function eraseService(ctx: VaultContext, registry: Registry) {
  return async function erase(
    items: readonly EraseItem[],
    reason: string,
    actor: string,
    once: Once | undefined,
  ): Promise<EraseResult[]> {
    const rules = await registry.rules()
    const faults = items.map(({ collection, fields }): Refusal | undefined => {
      const missing =
        fields === undefined
          ? Object.hasOwn(rules.collections, collection)
            ? undefined
            : collection
          : fields.find((field) => !rules.of(collection, field))
      return missing === undefined
        ? undefined
        : refuse(
            'vault/unknown-field',
            fields ? `There is no field ${collection}.${missing}.` : `There is no collection ${missing}.`,
          )
    })
    return runOnce<VaultTables, EraseResult[]>(ctx.db, once, ctx.clock(), async (trx) => {
      const sound = items.filter((_, i) => faults[i] === undefined)
      await noteErased(ctx.db, trx, sound, ctx.clock())
      const results: EraseResult[] = []
      const erased = new Map<string, string[]>()
      for (const [i, item] of items.entries()) {
        const fault = faults[i]
        if (fault) {
          results.push(fault)
          continue
        }
        const gone = await takeOut(trx, item)
        results.push({ ok: true, erased: gone.length })
        if (gone.length > 0)
          erased.set(item.subject, [
            ...(erased.get(item.subject) ?? []),
            ...gone.map((field) => `${item.collection}.${field}`),
          ])
      }
      if (erased.size > 0)
        await ctx.record(
          trx,
          [...erased].map(([subject, fields]) => ({
            kind: 'vault.erased',
            actor,
            subject,
            reason,
            result: 'done' as const,
            facts: { fields: shortList(fields), count: fields.length },
          })),
        )
      return results
    })
  }
}

/** Deletes values of one record and whatever was made of them to find them by; the fields that were there. */
export async function takeOut(trx: Transaction<VaultTables>, item: EraseItem): Promise<string[]> {
  let values = trx
    .deleteFrom('vault_value')
    .where('subject', '=', item.subject)
    .where('collection', '=', item.collection)
    .where('record', '=', item.record)
  if (item.fields) values = values.where('field', 'in', [...item.fields])
  const gone = (await values.returning('field').execute()).map((row) => row.field)
  if (gone.length > 0)
    await trx
      .deleteFrom('vault_index')
      .where('subject', '=', item.subject)
      .where('collection', '=', item.collection)
      .where('record', '=', item.record)
      .where('field', 'in', gone.flatMap(indexNames))
      .execute()
  return gone
}
