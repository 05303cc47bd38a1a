import { answer, type Bound } from '../../http/index.ts'
import { actorOf, type Once } from '../../kit/contract.ts'
import type { VaultContext } from '../context.ts'
import type { Registry } from '../declared/registry.ts'
import type { Keyring } from '../keyring.ts'
import type { shredService } from '../shred.ts'
import { conversationRoutes as rows } from './contract.ts'
import { conversationService } from './service.ts'

export { takeMessages } from './service.ts'
export type Conversations = ReturnType<typeof openConversations>

export function openConversations(
  ctx: VaultContext,
  { keys, registry, shred }: { keys: Keyring; registry: Registry; shred: ReturnType<typeof shredService>['shred'] },
) {
  const service = conversationService(ctx, keys, registry)
  return {
    ...service,
    /** Destroys the key; the receipt is that of an erasure, of a conversation in place of a person. */
    end: (id: string, reason: string, actor: string, once: Once | undefined) => shred(id, reason, actor, once),
    async sweep(): Promise<void> {
      await service.expire()
      for (const id of await service.deserted()) await shred(id, 'nobody-left', 'node', undefined)
    },
  }
}

export const conversationApi = (conversations: Conversations): readonly Bound[] => [
  answer(rows.openConversation, ({ body }, { caller, once }) =>
    conversations.open(body.people, body.mode, actorOf(caller), once),
  ),
  answer(rows.conversation, ({ params }) => conversations.shown(params.id)),
  answer(rows.writeMessages, async ({ params, body }, { caller, once }) => ({
    items: await conversations.write(params.id, body.items, actorOf(caller), once),
  })),
  answer(rows.readMessages, ({ params, body }, { caller }) => conversations.read(params.id, body, actorOf(caller))),
  answer(rows.eraseMessages, ({ params, body }, { caller, once }) =>
    conversations.erase(params.id, body.records, body.reason, actorOf(caller), once),
  ),
  answer(rows.endConversation, ({ params, body }, { caller, once }) =>
    conversations.end(params.id, body.reason, actorOf(caller), once),
  ),
  answer(rows.addBox, ({ body }, { caller, once }) =>
    conversations.addBox(body.subject, body.publicKey, actorOf(caller), once),
  ),
  answer(rows.removeBox, ({ params }, { caller }) => conversations.removeBox(params.id, actorOf(caller))),
]
