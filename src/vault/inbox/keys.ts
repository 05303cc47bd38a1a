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

export type InboxKey = { readonly id: string; readonly publicKey: Uint8Array; readonly givenFrom: number }
type KeyContext = Pick<VaultContext, 'db' | 'keysDb' | 'clock' | 'entropy' | 'record' | 'sealer' | 'wrapping' | 'node'>

/**
 * The vault's own key pairs, to which apps seal; the private halves lie in the store of keys under the node's key. The
 * key of next month is made a month ahead: whoever restores a backup younger than that has it, and with it whatever
 * apps sealed after the backup was made.
 */
export function inboxKeys(ctx: KeyContext) {
  const kept = new Map<string, HpkeReceiver>()
  let current: InboxKey | undefined
  let next: InboxKey | undefined
  const rows = () => ctx.keysDb.tables<InboxKeyTables>()
  const placeOf = (id: string) => keyPlace(ctx.node, id)
  const serves = (now: number): boolean => current !== undefined && next !== undefined && now < next.givenFrom

  const open = (from: { selectFrom: ReturnType<typeof rows>['selectFrom'] }) =>
    from
      .selectFrom('vault_inbox_key')
      .select(['id', 'public_key', 'given_from'])
      .where('closes_at', 'is', null)
      .orderBy('given_from')
      .execute()

  async function load(now: number): Promise<void> {
    const keys = (await open(rows())).map(({ id, public_key, given_from }) => ({
      id,
      publicKey: Uint8Array.from(public_key),
      givenFrom: Number(given_from),
    }))
    current = keys.findLast((key) => key.givenFrom <= now)
    next = keys.find((key) => key.givenFrom > now)
  }

  /** The key that is given out now; the one after it follows after 30 days. */
  async function give(): Promise<InboxKey> {
    const now = ctx.clock()
    // Another process of this vault may have made new ones, so what is kept serves for its own days only.
    if (!serves(now)) await load(now)
    if (!serves(now)) await follow('node', now, current)
    return current!
  }

  /** Makes new keys at once; those of before open for another 90 days. */
  async function rotate(actor: string): Promise<{ id: string; closed: string | null; oldOpensUntil: number | null }> {
    const now = ctx.clock()
    await load(now)
    const before = current?.id ?? null
    await follow(actor, now, undefined)
    return { id: current!.id, closed: before, oldOpensUntil: before === null ? null : now + OPENS_MS }
  }

  /** Makes what is missing: the next key, and one for now unless `stays` serves on. Everything else open is closed. */
  async function follow(actor: string, now: number, stays: InboxKey | undefined): Promise<void> {
    const made = [...(stays ? [] : [newKey(now, now)]), newKey(now, now + GIVEN_OUT_MS)]
    const seen = [current?.id, next?.id].join()
    // Said before it is done: a key that nobody recorded must never be given out.
    const facts = { made: made.map((key) => key.id).join(' '), stays: stays?.id ?? '-' }
    await ctx.db.transaction((trx) => ctx.record(trx, [{ kind: 'vault.inbox-key', actor, result: 'done', facts }]))
    await ctx.keysDb.transaction<InboxKeyTables, void>(async (trx) => {
      await oneAtATime(ctx.keysDb, trx, 'vault-inbox-key')
      const there = await open(trx)
      const serving = there.findLast((key) => Number(key.given_from) <= now)?.id
      const following = there.find((key) => Number(key.given_from) > now)?.id
      // Another process was faster.
      if ([serving, following].join() !== seen) return
      await trx
        .updateTable('vault_inbox_key')
        .set({ closes_at: now + OPENS_MS })
        .where('closes_at', 'is', null)
        .where('id', '!=', stays?.id ?? '')
        .execute()
      await trx.insertInto('vault_inbox_key').values(made).execute()
    })
    await load(now)
  }

  function newKey(now: number, givenFrom: number): InboxKeyTables['vault_inbox_key'] {
    const id = newId('ibk', now, ctx.entropy)
    const secret = Uint8Array.from(ctx.entropy(32))
    const { publicKey } = hpkeReceiver(secret)
    const { id: kek, key } = ctx.wrapping.current()
    const sealed = ctx.sealer.seal(key, secret, placeOf(id))
    secret.fill(0)
    return { id, public_key: publicKey, sealed, kek, created_at: now, given_from: givenFrom, closes_at: null }
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

const keyPlace = (node: string, id: string) => ({
  node,
  subject: '-',
  collection: 'inbox',
  record: id,
  field: 'key',
  version: 1,
})

type Rewrapped = Pick<VaultContext, 'keysDb' | 'sealer' | 'wrapping' | 'node'>

/** Puts the private halves under the node's newest wrapping key. */
export async function rewrapInboxKeys({ keysDb, sealer, wrapping, node }: Rewrapped): Promise<void> {
  const { id: kek, key } = wrapping.current()
  const rows = keysDb.tables<InboxKeyTables>()
  const old = await rows.selectFrom('vault_inbox_key').select(['id', 'kek', 'sealed']).where('kek', '<>', kek).execute()
  for (const one of old) {
    const was = wrapping.of(one.kek)
    if (was === undefined) continue
    const secret = sealer.open(was, one.sealed, keyPlace(node, one.id))
    const sealed = sealer.seal(key, secret, keyPlace(node, one.id))
    secret.fill(0)
    await rows
      .updateTable('vault_inbox_key')
      .set({ kek, sealed })
      .where('id', '=', one.id)
      .where('kek', '=', one.kek)
      .execute()
  }
}

/** How many lie under another key. */
export async function inboxKeysBehind({ keysDb }: Rewrapped, kek: string): Promise<number> {
  const rows = keysDb.tables<InboxKeyTables>().selectFrom('vault_inbox_key')
  const behind = rows.select((eb) => eb.fn.countAll<number>().as('n')).where('kek', '<>', kek)
  return Number((await behind.executeTakeFirstOrThrow()).n)
}
