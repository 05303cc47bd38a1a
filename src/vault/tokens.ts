import { badRequest } from '../kit/errors.ts'
import type { FieldRule } from './collections.ts'
import type { VaultContext } from './context.ts'
import type { Registry } from './declared/registry.ts'
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

/** Tokens of values without keeping any value; how many were asked for is recorded. For `where phone = …` in the app's own tables. */
export function tokenService(ctx: VaultContext, registry: Registry) {
  return async function tokens(
    collection: string,
    field: string,
    values: readonly string[],
    actor: string,
  ): Promise<string[]> {
    const rule = (await registry.rules()).of(collection, field)
    if (!rule) throw badRequest('vault/unknown-field', `There is no field ${collection}.${field}.`, 'body.field')
    if (rule.token === undefined)
      throw badRequest('vault/no-token', `${collection}.${field} has no tokens; declare them.`, 'body.field')
    const token = tokensOf(ctx, collection, field, rule)
    const tokens = values.map((value, i) => {
      const wrong = fault(rule, value)
      if (wrong) throw badRequest(wrong.code, `${collection}.${field}: ${wrong.words}.`, `body.values.${i}`)
      return token(value)
    })
    // Whoever holds the app's tables could try values against them this way: who asks for how many is on record.
    await ctx.db.transaction((trx) =>
      ctx.record(trx, [
        {
          kind: 'vault.tokens',
          actor,
          result: 'done',
          facts: { fields: `${collection}.${field}`, count: values.length },
        },
      ]),
    )
    return tokens
  }
}
