import { hpkeReceiver, type HpkeReceiver } from '../../engine/seal/index.ts'
import { KhienError } from '../../kit/errors.ts'
import { newId } from '../../kit/ids.ts'
import { oneAtATime } from '../../storage/sql/index.ts'
import type { VaultContext } from '../context.ts'
import type { InboxKeyTables } from './store.ts'

const DAY_MS = 86_400_000
/** A key is given out for so long. */
export const GIVEN_OUT_MS = 30 * DAY_MS
/** And opens so much longer what was sealed to it; then it is destroyed. */
export const OPENS_MS = 90 * DAY_MS

export type InboxKey = { readonly id: string; readonly publicKey: Uint8Array; readonly createdAt: number }
type KeyContext = Pick<VaultContext, 'db' | 'keysDb' | 'clock' | 'entropy' | 'record' | 'sealer' | 'wrapping' | 'node'>

/** The vault's own key pairs, to which apps seal; the private halves lie in the store of keys under the node's key. */
export function inboxKeys(ctx: KeyContext) {
  const kept = new Map<string, HpkeReceiver>()
  let current: InboxKey | undefined
  const rows = () => ctx.keysDb.tables<InboxKeyTables>()
  const placeOf = (id: string) => ({
    node: ctx.node,
    subject: '-',
    collection: 'inbox',
    record: id,
    field: 'key',
    version: 1,
  })
  const given = (now: number): boolean => current !== undefined && now < current.createdAt + GIVEN_OUT_MS

  async function load(): Promise<void> {
    const row = await rows()
      .selectFrom('vault_inbox_key')
      .select(['id', 'public_key', 'created_at'])
      .where('closes_at', 'is', null)
      .executeTakeFirst()
    current = row && {
      id: row.id,
      publicKey: Uint8Array.from(row.public_key),
      createdAt: Number(row.created_at),
    }
  }

  /** The key that is given out now; made when there is none, followed by a new one after 30 days. */
  async function give(): Promise<InboxKey> {
    const now = ctx.clock()
    // Another process of this vault may have made a new one, so what is kept serves for its own days only.
    if (!given(now)) await load()
    if (!given(now)) await follow('node', current?.id)
    return current!
  }

  /** Makes a new key; the one given out so far opens for another 90 days. */
  async function rotate(actor: string): Promise<{ id: string; closed: string | null; oldOpensUntil: number | null }> {
    await load()
    return follow(actor, current?.id)
  }

  async function follow(actor: string, before: string | undefined) {
    const now = ctx.clock()
    const id = newId('ibk', now, ctx.entropy)
    const secret = Uint8Array.from(ctx.entropy(32))
    const { publicKey } = hpkeReceiver(secret)
    const { id: kek, key: wrapping } = ctx.wrapping.current()
    const sealed = ctx.sealer.seal(wrapping, secret, placeOf(id))
    secret.fill(0)
    const closed = before ?? null
    const oldOpensUntil = before === undefined ? null : now + OPENS_MS
    // Said before it is done: a key that nobody recorded must never be given out.
    await ctx.db.transaction((trx) =>
      ctx.record(trx, [{ kind: 'vault.inbox-key', actor, result: 'done', facts: { key: id, before: before ?? '-' } }]),
    )
    const made = await ctx.keysDb.transaction<InboxKeyTables, boolean>(async (trx) => {
      await oneAtATime(ctx.keysDb, trx, 'vault-inbox-key')
      const there = await trx
        .selectFrom('vault_inbox_key')
        .select('id')
        .where('closes_at', 'is', null)
        .executeTakeFirst()
      if (there?.id !== before) return false
      await trx
        .updateTable('vault_inbox_key')
        .set({ closes_at: oldOpensUntil })
        .where('closes_at', 'is', null)
        .execute()
      await trx
        .insertInto('vault_inbox_key')
        .values({ id, public_key: publicKey, sealed, kek, created_at: now, closes_at: null })
        .execute()
      return true
    })
    await load()
    return { id: current!.id, closed: made ? closed : null, oldOpensUntil: made ? oldOpensUntil : null }
  }

  /** The private half of a key that still opens; undefined when it is gone or was never ours. */
  async function receiver(id: string): Promise<HpkeReceiver | undefined> {
    const known = kept.get(id)
    const row = await rows()
      .selectFrom('vault_inbox_key')
      .select(['sealed', 'kek', 'closes_at'])
      .where('id', '=', id)
      .executeTakeFirst()
    if (!row || (row.closes_at !== null && Number(row.closes_at) <= ctx.clock())) {
      kept.delete(id)
      return undefined
    }
    if (known) return known
    const wrapping = ctx.wrapping.of(row.kek)
    if (wrapping === undefined)
      throw new KhienError('vault/other-key', 'An inbox key is wrapped by a key that this node has not.', {
        status: 503,
      })
    const secret = ctx.sealer.open(wrapping, row.sealed, placeOf(id))
    const opened = hpkeReceiver(secret)
    secret.fill(0)
    kept.set(id, opened)
    return opened
  }

  /** Destroys keys whose time is over; answers how many. */
  async function sweep(): Promise<number> {
    const gone = await rows().deleteFrom('vault_inbox_key').where('closes_at', '<=', ctx.clock()).executeTakeFirst()
    const many = Number(gone.numDeletedRows)
    if (many === 0) return 0
    kept.clear()
    // Out of free pages and the write-ahead log too.
    await ctx.keysDb.forget()
    return many
  }

  return { give, rotate, receiver, sweep }
}
export type InboxKeys = ReturnType<typeof inboxKeys>
