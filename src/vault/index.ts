import { sql } from 'kysely'
import { actorOf } from '../kit/contract.ts'
import { answer, type Bound } from '../http/index.ts'
import type { VaultContext } from './context.ts'
import { vaultRoutes as rows } from './contract.ts'
import { conversationApi, openConversations } from './conversations/index.ts'
import { collectionRegistry } from './declared/registry.ts'
import { enforcementService } from './enforcement.ts'
import { eraseService } from './erase.ts'
import { exportService } from './export.ts'
import { getService } from './get.ts'
import { inboxApi, openInbox } from './inbox/index.ts'
import { indexing } from './indexing.ts'
import { keyring } from './keyring.ts'
import { passwordService } from './passwords/service.ts'
import { putService } from './put.ts'
import { placed } from './refused-items.ts'
import { rewrapping } from './rewrapping.ts'
import { openRelay, relayApi } from './relay/index.ts'
import { retention } from './retention.ts'
import { searchService } from './search.ts'
import { shredService } from './shred.ts'
import { staffService } from './staff.ts'
import { tokenService } from './tokens.ts'
import type { KeyTables } from './store.ts'

export { vaultRoutes } from './contract.ts'
export { classOfField, ruleOf } from './collections.ts'
export { keyMigrations, vaultMigrations } from './store.ts'
export type { VaultContext, Wrapping } from './context.ts'
export type { PutItem, PutResult } from './put.ts'
export type { Rules } from './declared/registry.ts'
export type Vault = ReturnType<typeof openVault>

const MINUTE_MS = 60_000

/** Where people's data lies: sealed under each person's own key, given out only on a live ground, every read recorded. */
export function openVault(ctx: VaultContext) {
  const keys = keyring(ctx)
  const registry = collectionRegistry(ctx)
  const enforcement = enforcementService(ctx)
  const passwords = passwordService(ctx, keys)
  const { put, check } = putService(ctx, { keys, registry, passwords })
  const people = async (): Promise<number> => {
    const row = await ctx.keysDb
      .tables<KeyTables>()
      .selectFrom('subject_key')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      // Conversations have keys as well.
      .where(sql<string>`substr(subject, 1, 4)`, '<>', 'cnv_')
      .executeTakeFirstOrThrow()
    return Number(row.n)
  }
  const get = getService(ctx, keys, registry, enforcement)
  const indexes = indexing(ctx, keys, registry)
  const { shred, finish, receipt } = shredService(ctx, keys)
  const conversations = openConversations(ctx, { keys, registry, shred })
  const expire = retention(ctx, registry)
  const rewrap = rewrapping(ctx)
  const relay = openRelay(ctx, { get, put, keys, registry })
  const inbox = openInbox(ctx, (db) => putService({ ...ctx, db }, { keys, registry, passwords }).put, check)
  return {
    people,
    registry,
    enforcement,
    indexes,
    put,
    check,
    get,
    search: searchService(ctx, keys, registry, indexes),
    checkPassword: passwords.check,
    importPasswords: passwords.importHashes,
    passwordFigures: passwords.figures,
    relay,
    async close(): Promise<void> {
      await passwords.close()
      await relay.close()
    },
    tokens: tokenService(ctx, registry),
    erase: eraseService(ctx, registry),
    export: exportService(ctx, { get, registry, conversationsOf: conversations.of }),
    shred,
    shredReceipt: receipt,
    rewrap,
    inbox,
    conversations,
    staff: staffService(ctx, { people, get, registry, messagesOf: conversations.countsOf }),
    jobs: [
      { name: 'vault-indexes', everyMs: 10_000, work: indexes.run },
      { name: 'vault-rewrapping', everyMs: 5_000, work: rewrap.run },
      { name: 'vault-erasures', everyMs: MINUTE_MS, work: finish },
      { name: 'vault-retention', everyMs: 60 * MINUTE_MS, work: expire },
      { name: 'vault-conversations', everyMs: 60 * MINUTE_MS, work: conversations.sweep },
      { name: 'vault-inbox', everyMs: 60 * MINUTE_MS, work: inbox.sweep },
    ] as const,
  }
}

export const vaultApi = (vault: Vault): readonly Bound[] => [
  ...relayApi(vault.relay),
  ...inboxApi(vault.inbox),
  ...conversationApi(vault.conversations),
  answer(rows.put, async ({ body }, { caller, once }) => ({
    items: placed(body.items, await vault.put(body.items, actorOf(caller), once)),
  })),
  answer(rows.check, async ({ body }) => ({ items: placed(body.items, await vault.check(body.items)) })),
  answer(rows.update, async ({ body }, { caller, once }) => ({
    items: placed(body.items, await vault.put(body.items, actorOf(caller), once, { onlyHeld: true })),
  })),
  answer(rows.tokens, async ({ body }, { caller }) => ({
    tokens: await vault.tokens(body.collection, body.field, body.values, actorOf(caller), {
      unbounded: caller.kind === 'service' && caller.scopes.includes('vault:tokens'),
    }),
  })),
  answer(rows.get, async ({ body }, { caller }) => ({
    items: placed(
      body.items,
      await vault.get(body.purpose, body.reason, body.items, actorOf(caller), { masks: body.masks }),
    ),
  })),
  answer(rows.export, ({ body }, { caller }) => vault.export(body.purpose, body.reason, body.subject, actorOf(caller))),
  answer(rows.erase, async ({ body }, { caller, once }) => ({
    items: placed(body.items, await vault.erase(body.items, body.reason, actorOf(caller), once)),
  })),
  answer(rows.shred, ({ params, body }, { caller, once }) =>
    vault.shred(params.subject, body.reason, actorOf(caller), once),
  ),
  answer(rows.shredReceipt, ({ params }) => vault.shredReceipt(params.id)),
  answer(rows.declareCollections, ({ body }, { caller }) => vault.registry.declare(body.collections, actorOf(caller))),
  answer(rows.collections, async () => vault.registry.shown(await vault.indexes.pending())),
  answer(rows.enforcement, () => vault.enforcement.figures()),
  answer(rows.setEnforcement, async ({ body }, { caller }) => {
    await vault.enforcement.set(body, body.mode === 'observe', actorOf(caller))
    return { mode: body.mode }
  }),
  answer(rows.search, async ({ body }, { caller }) => ({
    found: await vault.search(
      body.purpose,
      body.reason,
      body.collection,
      body.field,
      body.value,
      actorOf(caller),
      body.by,
    ),
  })),
  answer(rows.checkPassword, async ({ body }, { caller }) => ({
    right: await vault.checkPassword(body.purpose, body.reason, body.subject, body.password, actorOf(caller)),
  })),
  answer(rows.importPasswords, async ({ body }, { caller, once }) => ({
    items: placed(body.items, await vault.importPasswords(body.items, actorOf(caller), once)),
  })),
  answer(rows.figures, () => vault.staff.figures()),
  answer(rows.person, ({ params }) => vault.staff.person(params.subject)),
  answer(rows.reveal, async ({ params, body }, { caller }) => ({
    fields: await vault.staff.reveal(params.subject, body, actorOf(caller)),
  })),
]
