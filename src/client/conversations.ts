import type { Box } from './messages.ts'
import type { Transport } from './transport.ts'
import type { Refused, ShredReceipt } from './types.ts'

export type ConversationMode = 'open' | 'sealed'
export type Conversation = {
  readonly id: string
  readonly mode: ConversationMode
  readonly openedAt: string
  readonly people: readonly string[]
  /** Of a sealed one: what its messages are sealed to. */
  readonly boxes: readonly Box[]
}
export type MessageItem = { readonly from: string; readonly record: string } & (
  | { readonly body: string }
  | { readonly sealed: Readonly<Record<string, string>> }
)
export type MessageShown = {
  readonly record: string
  readonly from: string
  readonly at: string
  readonly body?: string
  readonly sealed?: Readonly<Record<string, string>>
}
export type MessagesWanted = {
  readonly purpose: string
  readonly reason: string
  /** One of its people; without it the ground of everybody is needed. */
  readonly reader?: string
  readonly before?: string
  readonly limit?: number
}

export type Conversations = {
  open(people: readonly string[], mode?: ConversationMode): Promise<{ id: string; mode: ConversationMode }>
  find(id: string): Promise<Conversation>
  write(id: string, items: readonly MessageItem[]): Promise<{ items: ({ ok: true } | Refused)[] }>
  /** Newest first. */
  read(
    id: string,
    wanted: MessagesWanted,
  ): Promise<{ mode: ConversationMode; items: MessageShown[]; next: string | null }>
  erase(id: string, reason: string, records: readonly string[]): Promise<{ erased: number }>
  /** For good: its key is destroyed. */
  end(id: string, reason: string): Promise<ShredReceipt>
  /** A device's public key, which the device alone has the other half of (`keyPair` of khien-client/messages). */
  addBox(subject: string, publicKey: string): Promise<Box>
  removeBox(id: string): Promise<{ removed: boolean }>
}

export function conversations({ call }: Pick<Transport, 'call'>): Conversations {
  const at = (id: string): string => `/api/vault/conversations/${encodeURIComponent(id)}`
  const write = { once: true }
  return {
    open: (people, mode = 'open') => call('POST', '/api/vault/conversations', { people, mode }, write),
    find: (id) => call('GET', at(id)),
    write: (id, items) => call('POST', `${at(id)}/messages`, { items }, write),
    read: (id, wanted) => call('POST', `${at(id)}/read`, wanted),
    erase: (id, reason, records) => call('POST', `${at(id)}/erase`, { reason, records }, write),
    end: (id, reason) => call('POST', `${at(id)}/end`, { reason }, write),
    addBox: (subject, publicKey) => call('POST', '/api/vault/boxes', { subject, publicKey }, write),
    removeBox: (id) => call('DELETE', `/api/vault/boxes/${encodeURIComponent(id)}`, {}),
  }
}
