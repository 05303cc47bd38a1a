import { promisify } from 'node:util'
import { newSubject } from '../kit/ids.ts'
import type { SubscriberContext, Trx } from './context.ts'

export type References = ReturnType<typeof references>
const A_QUERY = 100
const nextTurn = promisify(setImmediate)

/** From the references an operator's logs use to tokens: the reference becomes a keyed hash, the token is random. */
export function references(ctx: SubscriberContext) {
  const blindOf = (reference: string): string => ctx.fingerprint(`subscriber ${reference}`)

  /** Tokens of references, new ones made on the way. */
  async function tokensOf(trx: Trx, wanted: Iterable<string>): Promise<Map<string, string>> {
    const byBlind = new Map([...new Set(wanted)].map((reference) => [blindOf(reference), reference]))
    const tokens = new Map<string, string>()
    const blinds = [...byBlind.keys()].toSorted()
    for (let at = 0; at < blinds.length; at += A_QUERY) {
      const part = blinds.slice(at, at + A_QUERY)
      const made = part.map((blind) => ({
        token: newSubject(ctx.entropy),
        blind,
        language: 'vi' as const,
        has_contact: 0,
        at: ctx.clock(),
      }))
      await trx
        .insertInto('subscriber')
        .values(made)
        .onConflict((c) => c.column('blind').doNothing())
        .execute()
      const rows = await trx.selectFrom('subscriber').select(['blind', 'token']).where('blind', 'in', part).execute()
      for (const row of rows) tokens.set(byBlind.get(row.blind)!, row.token)
      await nextTurn()
    }
    return tokens
  }
  return { tokensOf }
}
