import { badRequest, KhienError } from '../kit/errors.ts'
import type { FieldRule } from './collections.ts'
import type { VaultContext } from './context.ts'
import type { Registry } from './declared/registry.ts'
import type { VaultTables } from './store.ts'
import { fault, normalise } from './values.ts'

/**
 * What stands in the app's own tables for a value of this field. `stable`: `kh_` and 16 signs. `digits`: as many digits
 * as the normalised value, a phone keeping its 0 (FF1, NIST SP 800-38G). Equal values have equal tokens, so that
 * joins, GROUP BY and UNIQUE go on; a token says nothing without this vault.
 */
export function tokensOf(ctx: VaultContext, collection: string, field: string, rule: FieldRule) {
  if (rule.token === 'stable')
    return (value: string): string => ctx.token(collection, field, normalise(rule.kind, value))
  const cipher = ctx.digits(collection, field)
  return (value: string): string => {
    const plain = normalise(rule.kind, value)
    return rule.kind === 'phone' ? `0${cipher.encrypt(plain.slice(1))}` : cipher.encrypt(plain)
  }
}

/** Values a key may ask for in an hour, unless the operator says otherwise: a shop's log-ins, not all phones there are. */
export const TOKEN_BUDGET = 100_000
const HOUR_MS = 3_600_000
/** Hours that are remembered. */
const KEPT = 48

/**
 * Tokens of values without keeping any value, for `where phone = …` in the app's own tables. Whoever holds those tables
 * could try values against them this way: how many were asked for is recorded, and bounded by key and hour (of the
 * clock) in every process together. Errors: `vault/token-budget` (429).
 */
export function tokenService(ctx: VaultContext, registry: Registry) {
  const budget = ctx.tokenBudget ?? TOKEN_BUDGET

  return async function tokens(
    collection: string,
    field: string,
    values: readonly string[],
    actor: string,
    /** For a key that moves a whole database in: recorded, and not bounded. */
    { unbounded = false }: { readonly unbounded?: boolean } = {},
  ): Promise<string[]> {
    const rule = (await registry.rules()).of(collection, field)
    if (!rule) throw badRequest('vault/unknown-field', `There is no field ${collection}.${field}.`, 'body.field')
    if (rule.token === undefined)
      throw badRequest('vault/no-token', `${collection}.${field} has no tokens; declare them.`, 'body.field')
    const token = tokensOf(ctx, collection, field, rule)
    for (const [i, value] of values.entries()) {
      const wrong = fault(rule, value)
      if (wrong) throw badRequest(wrong.code, `${collection}.${field}: ${wrong.words}.`, `body.values.${i}`)
    }
    const now = ctx.clock()
    const hour = Math.floor(now / HOUR_MS)
    const act = { kind: 'vault.tokens', actor }
    const facts = { fields: `${collection}.${field}`, count: values.length }
    const within = await ctx.db.transaction<VaultTables, boolean>(async (trx) => {
      if (unbounded) {
        await ctx.record(trx, [{ ...act, result: 'done', facts }])
        return true
      }
      const { asked } = await trx
        .insertInto('vault_token_budget')
        .values({ caller: actor, hour, asked: values.length, refused: 0 })
        .onConflict((c) =>
          c.columns(['caller', 'hour']).doUpdateSet((eb) => ({
            asked: eb('vault_token_budget.asked', '+', values.length),
          })),
        )
        .returning('asked')
        .executeTakeFirstOrThrow()
      if (Number(asked) === values.length)
        await trx
          .deleteFrom('vault_token_budget')
          .where('hour', '<', hour - KEPT)
          .execute()
      if (Number(asked) <= budget) {
        await ctx.record(trx, [{ ...act, result: 'done', facts }])
        return true
      }
      // What is refused counts for nothing, and is recorded once an hour: a loop must not fill the log.
      const before = await trx
        .updateTable('vault_token_budget')
        .set((eb) => ({ asked: eb('asked', '-', values.length), refused: eb('refused', '+', 1) }))
        .where('caller', '=', actor)
        .where('hour', '=', hour)
        .returning('refused')
        .executeTakeFirstOrThrow()
      if (Number(before.refused) === 1)
        await ctx.record(trx, [{ ...act, result: 'refused', facts: { ...facts, code: 'vault/token-budget' } }])
      return false
    })
    if (!within)
      throw new KhienError(
        'vault/token-budget',
        `This key may ask for the tokens of ${budget} values in an hour (--token-budget); to move a database in, use a key with the scope vault:tokens.`,
        { status: 429, retryAfter: Math.max(1, Math.ceil(((hour + 1) * HOUR_MS - now) / 1_000)) },
      )
    return values.map(token)
  }
}
