import { actorOf } from '../kit/contract.ts'
import { answer, type Bound } from '../http/index.ts'
import type { VaultContext } from './context.ts'
import { vaultRoutes as rows } from './contract.ts'
import { getService } from './get.ts'
import { keyring } from './keyring.ts'
import { judge, putService } from './put.ts'
import { searchService } from './search.ts'
import { staffService } from './staff.ts'
import type { KeyTables } from './store.ts'

export { vaultRoutes } from './contract.ts'
export { ruleOf } from './collections.ts'
export { keyMigrations, vaultMigrations } from './store.ts'
export type { VaultContext } from './context.ts'
export type Vault = ReturnType<typeof openVault>

/** Where people's data lies: sealed under each person's own key, given out only on a live ground, every read recorded. */
export function openVault(ctx: VaultContext) {
  const keys = keyring(ctx)
  const { search, checkPassword } = searchService(ctx, keys)
  const people = async (): Promise<number> => {
    const row = await ctx.keysDb
      .tables<KeyTables>()
      .selectFrom('subject_key')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
    return Number(row.n)
  }
  const get = getService(ctx, keys)
  return { people, put: putService(ctx, keys), get, search, checkPassword, staff: staffService(ctx, { people, get }) }
}

export const vaultApi = (vault: Vault): readonly Bound[] => [
  answer(rows.put, async ({ body }, { caller, once }) => ({
    items: await vault.put(body.items, actorOf(caller), once),
  })),
  answer(rows.check, async ({ body }) => ({ items: judge(body.items) })),
  answer(rows.get, async ({ body }, { caller }) => ({
    items: await vault.get(body.purpose, body.reason, body.items, actorOf(caller)),
  })),
  answer(rows.search, async ({ body }, { caller }) => ({
    found: await vault.search(body.purpose, body.reason, body.collection, body.field, body.value, actorOf(caller)),
  })),
  answer(rows.checkPassword, async ({ body }, { caller }) => ({
    right: await vault.checkPassword(body.purpose, body.reason, body.subject, body.password, actorOf(caller)),
  })),
  answer(rows.figures, () => vault.staff.figures()),
  answer(rows.person, ({ params }) => vault.staff.person(params.subject)),
  answer(rows.reveal, async ({ params, body }, { caller }) => ({
    fields: await vault.staff.reveal(params.subject, body, actorOf(caller)),
  })),
]
