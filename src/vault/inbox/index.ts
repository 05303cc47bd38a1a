import { promisify } from 'node:util'
import { type HpkeReceiver, SealError } from '../../engine/seal/index.ts'
import { answer, type Bound } from '../../http/index.ts'
import { actorOf } from '../../kit/contract.ts'
import type { Database, Transaction } from '../../storage/sql/index.ts'
import type { VaultContext } from '../context.ts'
import type { PutItem, PutResult } from '../put.ts'
import { inboxRoutes as rows, Plain } from './contract.ts'
import { inboxKeys } from './keys.ts'
import { holdPlaces, releasePlaces } from './places.ts'
import type { VaultTables } from '../store.ts'
import type { InboxTables } from './store.ts'

export type SealedItem = { readonly id: string; readonly key: string; readonly at: number; readonly sealed: string }
export type InboxResult =
  | { ok: true; id: string; known?: true; tokens?: Record<string, string>; bands?: Record<string, string> }
  | { ok: false; id: string; code: string; detail: string; field?: string; later?: true }
/** The vault's own `put` in transactions of the given store. */
export type PutIn = (
  db: Database,
) => (items: readonly PutItem[], actor: string, once: undefined) => Promise<PutResult[]>

const DAY_MS = 86_400_000
/** Ids are remembered for so long; an older item is refused, so that it is taken once for ever and not for so long. */
export const REMEMBERED_MS = 400 * DAY_MS
/** The public key may be used for so long before it is asked for again. */
const RENEW_MS = 3_600_000
/** Items opened before others get their turn of the event loop: about 5 ms. */
const SLICE = 20
const nextTurn = promisify(setImmediate)
const INFO = Buffer.from('khien/inbox/v1')
/** Binds a sealed item to its id, time and key; the client writes the same (src/client/sealing.ts, Khien.php). */
const about = (item: SealedItem): Uint8Array => Buffer.from(`${item.key}\n${item.id}\n${item.at}`)

/** Somebody else took one of these meanwhile: look again. */
class Taken extends Error {}

/**
 * Takes what apps sealed while the vault was away. Each id is taken once: the id and the values are one transaction.
 * The newest writing of a field stays, whatever the order of arrival: an item counts from its own `at` (never later
 * than now), a direct `put` from the moment it came; of two equal times the one that came later stays. An erasure is a
 * writing too: what was written before it does not come back.
 */
export function openInbox(ctx: VaultContext, putIn: PutIn, check: (items: readonly PutItem[]) => Promise<PutResult[]>) {
  const keys = inboxKeys(ctx)

  async function take(items: readonly SealedItem[], actor: string): Promise<InboxResult[]> {
    const now = ctx.clock()
    const results = new Map<string, InboxResult>()
    const opened = new Map<string, PutItem>()
    const known = new Set(await taken(items.map((item) => item.id)))
    const receivers = new Map<string, HpkeReceiver | undefined>()
    for (const id of new Set(items.map((item) => item.key))) receivers.set(id, await keys.receiver(id))
    for (const [i, item] of items.entries()) {
      if (i % SLICE === SLICE - 1) await nextTurn()
      const { id } = item
      if (opened.has(id) || results.has(id)) continue
      // Taken is taken, also when its key is gone by now.
      const one = known.has(id) ? undefined : open(item, receivers.get(item.key), now)
      if (one === undefined) results.set(id, { ok: true, id, known: true })
      else if ('code' in one) results.set(id, refusal(id, one.code, one.detail))
      else opened.set(id, { ...one, at: Math.min(item.at, now) })
    }
    // Before it is asked which writing is the newest: one that is refused takes no other's place.
    const unsaid = newestOnly([...opened.values()])
    for (const [i, [id, item]] of [...opened].entries()) {
      const [verdict] = await check([item])
      if (verdict!.ok) continue
      // All it says is said by a newer one: nothing of it is missed.
      if (Object.keys(unsaid[i]!.fields).length === 0) opened.set(id, { ...item, fields: {} })
      else {
        results.set(id, said(id, verdict!))
        opened.delete(id)
      }
    }
    while (opened.size > 0) {
      try {
        for (const [id, result] of await store(opened, actor)) results.set(id, result)
        break
      } catch (error) {
        if (!(error instanceof Taken)) throw error
      }
      for (const id of await taken([...opened.keys()])) {
        opened.delete(id)
        results.set(id, { ok: true, id, known: true })
      }
    }
    return items.map((item) => results.get(item.id)!)
  }

  /** What was sealed, or why it cannot be taken; the words never repeat any of it. */
  function open(
    item: SealedItem,
    receiver: HpkeReceiver | undefined,
    now: number,
  ): Omit<PutItem, 'at'> | { code: string; detail: string } {
    if (item.at < now - REMEMBERED_MS)
      return { code: 'vault/inbox-too-old', detail: 'The item is older than 400 days.' }
    if (!receiver)
      return { code: 'vault/inbox-key-gone', detail: 'The inbox key is unknown or was destroyed: its time is over.' }
    try {
      const text = receiver.open(Buffer.from(item.sealed, 'base64url'), { info: INFO, aad: about(item) })
      const plain = Plain.safeParse(JSON.parse(Buffer.from(text).toString()))
      if (plain.success) return plain.data
      return {
        code: 'vault/inbox-unreadable',
        detail: `Sealed item: ${String(plain.error.issues[0]!.path[0] ?? 'body')}: wrong.`,
      }
    } catch (error) {
      if (error instanceof SealError) return { code: error.code, detail: error.message }
      if (error instanceof SyntaxError)
        return { code: 'vault/inbox-unreadable', detail: 'What was sealed is not valid JSON.' }
      throw error
    }
  }

  async function taken(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return []
    const rows = await ctx.db
      .tables<InboxTables>()
      .selectFrom('vault_inbox_taken')
      .select('id')
      .where('id', 'in', [...ids])
      .execute()
    return rows.map((row) => row.id)
  }

  async function store(opened: ReadonlyMap<string, PutItem>, actor: string): Promise<Map<string, InboxResult>> {
    const ids = [...opened.keys()]
    const items = newestOnly([...opened.values()])
    const full = items.flatMap((item, i) => (Object.keys(item.fields).length > 0 ? [i] : []))
    const resultsOf = (answers: readonly PutResult[]): Map<string, InboxResult> => {
      const results = new Map<string, InboxResult>(ids.map((id) => [id, { ok: true, id }]))
      for (const [n, i] of full.entries()) results.set(ids[i]!, said(ids[i]!, answers[n]!))
      return results
    }
    let results: Map<string, InboxResult> | undefined
    const remember = async (trx: Transaction<InboxTables>, answers: readonly PutResult[]): Promise<void> => {
      results = resultsOf(answers)
      await claim(
        trx,
        ids.filter((id) => results!.get(id)!.ok),
      )
    }
    const written = full.map((i) => items[i]!)
    if (written.length === 0) await ctx.db.transaction<InboxTables, void>((trx) => remember(trx, []))
    else {
      const put = putIn({
        ...ctx.db,
        // The vault's put ends with its answers: what it took and that it took it are one transaction.
        transaction: <T, R>(work: (trx: Transaction<T>) => Promise<R>) =>
          ctx.db.transaction<T, R>(async (trx) => {
            const values = trx as unknown as Transaction<VaultTables>
            await holdPlaces(ctx.db, values, written)
            const answers = await work(trx)
            await releasePlaces(values, written)
            await remember(trx as unknown as Transaction<InboxTables>, answers as PutResult[])
            return answers
          }),
      })
      // With tokens and bands, which are not among what the transaction ends with.
      results = resultsOf(await put(written, actor, undefined))
    }
    return results!
  }

  async function claim(trx: Transaction<InboxTables>, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    const at = ctx.clock()
    const rows = ids.toSorted().map((id) => ({ id, at }))
    const done = await trx
      .insertInto('vault_inbox_taken')
      .values(rows)
      .onConflict((c) => c.doNothing())
      .executeTakeFirst()
    if (Number(done.numInsertedOrUpdatedRows ?? 0) !== ids.length) throw new Taken()
  }

  /** Forgets ids and destroys keys whose time is over. */
  async function sweep(): Promise<void> {
    await keys.sweep()
    await ctx.db
      .tables<InboxTables>()
      .deleteFrom('vault_inbox_taken')
      .where('at', '<', ctx.clock() - REMEMBERED_MS)
      .execute()
    // Whatever was written before is too old to be taken.
    await ctx.db
      .tables<InboxTables>()
      .deleteFrom('vault_erased_place')
      .where('at', '<', ctx.clock() - REMEMBERED_MS)
      .execute()
  }

  return { take, give: keys.give, rotate: keys.rotate, sweep, now: ctx.clock }
}
export type Inbox = ReturnType<typeof openInbox>

const refusal = (id: string, code: string, detail: string): InboxResult => ({ ok: false, id, code, detail })

function said(id: string, answer: PutResult): InboxResult {
  if (answer.ok) return { ...answer, id }
  const { code, detail } = answer
  // `body.items.3.fields.phone` speaks of a batch that the app never saw.
  const field = answer.field?.split('.').slice(-2).join('.')
  // A batch hashes only so many passwords: those behind come with the next one.
  const later = code === 'vault/too-many-passwords' ? { later: true as const } : {}
  return { ok: false, id, code, detail, ...(field === undefined ? {} : { field }), ...later }
}

/** Of several writings of one field in a batch, the newest; the older ones are taken and have nothing to say any more. */
function newestOnly(items: readonly PutItem[]): PutItem[] {
  const newest = new Map<string, number>()
  const placeOf = (item: PutItem, field: string): string =>
    [item.subject, item.collection, item.record, field].join(' ')
  for (const [i, item] of items.entries())
    for (const field of Object.keys(item.fields)) {
      const place = placeOf(item, field)
      const before = newest.get(place)
      if (before === undefined || items[before]!.at! <= item.at!) newest.set(place, i)
    }
  return items.map((item, i) => ({
    ...item,
    fields: Object.fromEntries(Object.entries(item.fields).filter(([field]) => newest.get(placeOf(item, field)) === i)),
  }))
}

export const inboxApi = (inbox: Inbox): readonly Bound[] => [
  answer(rows.inboxKey, async () => {
    const { id, publicKey } = await inbox.give()
    const now = inbox.now()
    return {
      id,
      publicKey: Buffer.from(publicKey).toString('base64url'),
      renewAt: new Date(now + RENEW_MS).toISOString(),
      now: new Date(now).toISOString(),
    }
  }),
  answer(rows.inbox, async ({ body }, { caller }) => ({ items: await inbox.take(body.items, actorOf(caller)) })),
  answer(rows.rotateInboxKey, async (_, { caller }) => {
    const { id, closed, oldOpensUntil } = await inbox.rotate(actorOf(caller))
    return { id, closed, oldOpensUntil: oldOpensUntil === null ? null : new Date(oldOpensUntil).toISOString() }
  }),
]
