import type { Once } from '../kit/contract.ts'
import type { SubscriberContext } from './context.ts'
import type { References } from './people.ts'
import type { SubscriberTables } from './store.ts'

export type ContactItem = {
  readonly subscriber: string
  readonly name: string
  readonly email: string
  readonly language: 'vi' | 'en'
}
type Result = { ok: true } | { ok: false; code: string; detail: string }

/** Contacts of subscribers: into the vault under their tokens, nothing of them beside it. */
export function contactService(ctx: SubscriberContext, people: References) {
  const { db } = ctx
  return async function put(items: readonly ContactItem[], actor: string, once: Once | undefined): Promise<Result[]> {
    const tokens = await db.transaction<SubscriberTables, Map<string, string>>((trx) =>
      people.tokensOf(
        trx,
        items.map((item) => item.subscriber),
      ),
    )
    const tokenOf = (item: ContactItem): string => tokens.get(item.subscriber)!
    const results = await ctx.vault.put(
      items.map((item) => ({
        subject: tokenOf(item),
        collection: 'person',
        record: '-',
        fields: { name: item.name, email: item.email },
      })),
      actor,
      once,
    )
    await db.transaction<SubscriberTables, void>(async (trx) => {
      for (const [i, item] of items.entries())
        if (results[i]!.ok)
          await trx
            .updateTable('subscriber')
            .set({ has_contact: 1, language: item.language })
            .where('token', '=', tokenOf(item))
            .execute()
    })
    return results.map((result) => (result.ok ? { ok: true } : { ok: false, code: result.code, detail: result.detail }))
  }
}
