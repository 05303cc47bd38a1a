import { conversations, type Conversations } from './conversations.ts'
import { handover } from './handover.ts'
import { maskCache } from './masks.ts'
import { soon, type SpoolFigures } from './soon.ts'
import { memorySpool, type Spool } from './spool.ts'
import { isAway, transport, type VaultState } from './transport.ts'
import type * as t from './types.ts'

export {
  isToken,
  placeToken,
  recordOf,
  vaultColumns,
  type Cell,
  type CellPlace,
  type ColumnOptions,
} from './columns.ts'
export type * from './conversations.ts'
export { KhienRefusal } from './error.ts'
export { memorySpool, storageSpool, type KeyValueStorage, type Spool, type SpoolItem } from './spool.ts'
export type { SpoolFigures } from './soon.ts'
export type { VaultState } from './transport.ts'
export type * from './types.ts'

export type KhienOptions = {
  /** Internal origin of the platform node, `http://127.0.0.1:8081`. */
  readonly origin: string
  /** Service key, `khk_…`. */
  readonly key: string
  /** Public origin of the node, where people see their own pages. */
  readonly publicOrigin: string
  /** How long one call may take in all, repeats included. 5 s unless said. */
  readonly timeoutMs?: number
  readonly fetch?: typeof fetch
  /** Where `putSoon` keeps what cannot be delivered now; without it in memory, which ends with the process. */
  readonly spool?: Spool
  /** How long a `putSoon` waits for a vault that hangs before it keeps the items here. 1 s unless said. */
  readonly soonMs?: number
  /** Heard for each item that was spooled, once the vault has it or has refused it; after a crash perhaps again. */
  readonly onDelivered?: (delivered: t.Delivered) => unknown
  /** Masked records that `getMasked` remembers, in memory. 10,000 unless said; 0 remembers nothing. */
  readonly maskedRecords?: number
  /** How long a mask may be shown without the vault. One day unless said. */
  readonly maskedForMs?: number
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const DAY_MS = 86_400_000
/** A carrier may take its time for 5,000 labels. */
const RELAY_MS = 120_000

/** A new pseudonymous subject token, 80 random bits. Make it before the first `put`, so that a repeat means the same person. */
export function newSubject(): string {
  const signs = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => CROCKFORD[byte & 31])
  return signs.join('').replace(/(.{4})(?=.)/g, '$1-')
}

/**
 * Speaks to one platform node. Every write carries an idempotency key, so a repeat after a lost answer does no harm.
 * Whatever fails is a KhienRefusal. A node that is away costs the first callers their timeout and everybody after them
 * microseconds (`client/unreachable`), until it answers again.
 */
export function createKhien(options: KhienOptions): Khien {
  const { origin, key, timeoutMs = 5_000 } = options
  if (!/^khk_[0-9A-Z]{26}_[\w-]{43}$/.test(key ?? ''))
    throw new TypeError('createKhien: key: expected a service key (khk_…) of the page “People and keys”')
  const link = transport({ origin, key, timeoutMs, fetch: options.fetch ?? fetch })
  const { call } = link
  const write = { once: true }
  const masks = maskCache(options.maskedRecords ?? 10_000, options.maskedForMs ?? DAY_MS)
  let later: ReturnType<typeof soon> | undefined
  // Only an app that asks for it has a spool, its questions for the key and its timers.
  const spooling = () =>
    (later ??= soon(link, {
      spool: options.spool ?? memorySpool(),
      serviceKey: key,
      soonMs: options.soonMs ?? 1_000,
      onDelivered: options.onDelivered,
    }))
  if (options.spool) spooling()

  async function getMasked(body: Omit<t.GetBody, 'masks'>): Promise<t.MaskedItem[]> {
    const placeOf = ({ subject, collection, record = '-' }: t.GetItem) =>
      ({ subject, purpose: body.purpose, collection, record }) as const
    try {
      const { items } = await call<t.GetAnswer>('POST', '/api/vault/get', { ...body, masks: true })
      return items.map((item, i) => {
        const place = placeOf(body.items[i]!)
        if (!item.ok) {
          masks.forget(place)
          return item
        }
        masks.keep(place, item.masks ?? {})
        return { ok: true, masks: item.masks ?? {}, stale: false, at: Date.now() }
      })
    } catch (error) {
      if (!isAway(error)) throw error
      return body.items.map((item): t.MaskedItem => {
        const found = masks.find(placeOf(item), item.fields)
        if (found) return { ok: true, masks: found.masks, stale: true, at: found.at }
        return { ok: false, code: 'client/unreachable', detail: 'The vault does not answer; no mask is remembered.' }
      })
    }
  }

  /** What was remembered of people goes first: a write that fails must not leave it standing. */
  function forgetting<T>(subjects: readonly string[], work: Promise<T>): Promise<T> {
    for (const subject of new Set(subjects)) masks.forgetPerson(subject)
    return work
  }
  const subjectsOf = (items: readonly t.Place[]): string[] => items.map((item) => item.subject)

  return {
    newSubject,
    handoverLink: handover(key, options.publicOrigin),

    declare: (body) => call('PUT', '/api/processing', body),
    processing: () => call('GET', '/api/processing'),
    decide: (body) => call('POST', '/api/consents', body, write),
    withdraw: (body) => forgetting([body.subject], call('POST', '/api/consents/withdraw', body, write)),
    consents: (subject) => call('GET', `/api/consents/${encodeURIComponent(subject)}`),
    openAgreement: (body) => call('POST', '/api/agreements', body, write),
    closeAgreement: (body) => forgetting([body.subject], call('POST', '/api/agreements/close', body, write)),

    put: (items) => call('POST', '/api/vault/put', { items }, write),
    check: (items) => call('POST', '/api/vault/check', { items }),
    update: (items) => forgetting(subjectsOf(items), call('POST', '/api/vault/update', { items }, write)),
    tokens: (body) => call('POST', '/api/vault/tokens', body),
    get: (body) => call('POST', '/api/vault/get', body),
    search: (body) => call('POST', '/api/vault/search', body),
    checkPassword: (body) => call('POST', '/api/vault/passwords/check', body),
    erase: (body) => forgetting(subjectsOf(body.items), call('POST', '/api/vault/erase', body, write)),
    export: (body) => call('POST', '/api/vault/export', body),
    shred: (subject, reason) =>
      forgetting([subject], call('POST', `/api/vault/people/${encodeURIComponent(subject)}/shred`, { reason }, write)),
    importPasswords: (items) => call('POST', '/api/vault/passwords/import', { items }, write),
    relay: (body, waitMs = RELAY_MS) => call('POST', '/api/vault/relay', body, { timeoutMs: waitMs }),
    recipients: async () => (await call<{ recipients: t.Recipient[] }>('GET', '/api/vault/recipients')).recipients,
    collections: () => call('GET', '/api/vault/collections'),
    declareCollections: (collections) => call('PUT', '/api/vault/collections', { collections }),

    conversations: conversations(link),

    putSoon: (items) => spooling().putSoon(items),
    getMasked,
    state: link.state,
    spooled: () => spooling().counts(),
    deliver: () => spooling().deliver(),
    async close() {
      link.close()
      await later?.close()
    },
  }
}

export type Khien = {
  newSubject(): string
  /** A single-use link to the person's own pages; see `handover`. */
  handoverLink(subject: string): Promise<string>

  declare(body: { readonly notice: t.Both; readonly purposes: readonly t.Purpose[] }): Promise<t.Declared>
  processing(): Promise<t.Declared>
  decide(body: t.Decisions): Promise<t.ConsentReceipt>
  withdraw(body: { readonly subject: string; readonly purpose: string }): Promise<t.ConsentReceipt>
  consents(subject: string): Promise<t.Consents>
  openAgreement(body: t.Agreement): Promise<{ open: boolean }>
  closeAgreement(body: t.Agreement): Promise<{ open: boolean }>

  put(items: readonly t.PutItem[]): Promise<{ items: t.PutAnswer[] }>
  /** What `put` would answer; nothing is kept. */
  check(items: readonly t.PutItem[]): Promise<{ items: t.PutAnswer[] }>
  /** As `put`, for fields that are held already. */
  update(items: readonly t.PutItem[]): Promise<{ items: t.PutAnswer[] }>
  /** The tokens of values, to look for them in the app's own tables; nothing is kept. */
  tokens(body: {
    readonly collection: string
    readonly field: string
    readonly values: readonly string[]
  }): Promise<{ tokens: string[] }>
  get(body: t.GetBody): Promise<t.GetAnswer>
  search(body: t.SearchBody): Promise<t.Found>
  checkPassword(body: t.PasswordBody): Promise<{ right: boolean }>
  erase(body: { readonly reason: string; readonly items: readonly t.EraseItem[] }): Promise<t.EraseAnswer>
  /** Everything of one person that a purpose opens now. */
  export(body: { readonly purpose: string; readonly reason: string; readonly subject: string }): Promise<t.Exported>
  /** Erases a person for good. */
  shred(subject: string, reason: string): Promise<t.ShredReceipt>
  /** Takes over hashes of another program; each becomes the vault's own when its owner next signs in. */
  importPasswords(items: readonly t.StoredHash[]): Promise<t.ImportAnswer>
  /** Has the vault call a registered recipient with values the app never sees; each item once, up to 5,000. */
  relay(body: t.RelayBody, waitMs?: number): Promise<t.RelayAnswer>
  recipients(): Promise<t.Recipient[]>
  collections(): Promise<{ version: number; fields: t.FieldShown[] }>
  declareCollections(collections: readonly t.CollectionDeclaration[]): Promise<{ version: number; declaredAt: string }>

  /** Messages under a key of each conversation; between devices alone with khien-client/messages. */
  readonly conversations: Conversations

  /**
   * `put` that never waits for the vault: when it does not answer, the items are sealed to its public key, kept in the
   * spool and delivered in order when it is back, each once. Throws `client/spool-full`, `client/no-inbox-key`,
   * `client/too-large`, `client/invalid`, and what the node refuses as a whole.
   */
  putSoon(items: readonly t.PutItem[]): Promise<t.SoonAnswer[]>
  /** Masked values for a screen; without the vault those of an earlier read, which say `stale`. */
  getMasked(body: Omit<t.GetBody, 'masks'>): Promise<t.MaskedItem[]>
  /** How the node answers, as far as this client knows. */
  state(): VaultState
  spooled(): Promise<SpoolFigures>
  /** Delivers now what waits; resolves when nothing does any more or the vault is away. */
  deliver(): Promise<void>
  /** Stops timers and gives back what was being delivered. */
  close(): Promise<void>
}
