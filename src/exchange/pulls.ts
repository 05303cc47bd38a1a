import type { ExchangeContext } from './context.ts'
import type { Peer, PeerService } from './peers.ts'
import type { Places } from './places.ts'
import type { ExchangeTables } from './store.ts'
import type { AddOptions, CollectionStore } from './taxii/collections.ts'
import { FROM_START, type PullCursor, type PulledPage, withoutNext } from './taxii/client.ts'
import { nameOf } from './taxii/object.ts'
import type { TransferLog } from './transfers.ts'

/** A turn fetches so many pages at most, so that one peer cannot keep the others waiting. */
const PAGES = 1_000
/** What one transaction stores at most: with SQLite it holds the event loop. */
const CHUNK = 250
const CHUNK_BYTES = 524_288

/** Fetches from peers' collections. A page and where to go on from are stored together: a kill loses and doubles nothing. */
export function pullService(parts: {
  readonly ctx: ExchangeContext
  readonly peers: PeerService
  readonly transfers: TransferLog
  readonly collections: CollectionStore
  readonly places: Places
}) {
  const { ctx, peers, transfers, collections, places } = parts

  /** The `next` that this process itself got and stored, by peer; one from before a crash is not trusted. */
  const ours = new Map<string, string | null>()

  /** One turn over all peers that we fetch from; answers how many objects were new. */
  async function pull(): Promise<number> {
    let fresh = 0
    for (const peer of await peers.list()) if (peer.enabled && peer.remote?.pull) fresh += await pullFrom(peer)
    return fresh
  }

  async function pullFrom(peer: Peer): Promise<number> {
    const startedAt = ctx.clock()
    const sum = { objects: 0, accepted: 0, failed: 0, bytes: 0 }
    try {
      const client = peers.clientOf(peer, 'pull')!
      let cursor = await cursorOf(peer.id)
      if (cursor.next !== null && ours.get(peer.id) !== cursor.next) cursor = withoutNext(cursor)
      for (let pages = 0; pages < PAGES; pages++) {
        const page = await client.page(cursor)
        const moved = page.cursor.addedAfter !== cursor.addedAfter || page.cursor.next !== cursor.next
        if (page.objects.length > 0 || moved) {
          const { accepted, failed } = await store(peer, page)
          sum.objects += page.objects.length
          sum.accepted += accepted
          sum.failed += failed
          sum.bytes += page.bytes
        }
        cursor = page.cursor
        ours.set(peer.id, cursor.next)
        if (!page.more) break
      }
      await transfers.keep(peer.id, 'pull', startedAt, sum)
    } catch (error) {
      ours.delete(peer.id)
      await transfers.keep(peer.id, 'pull', startedAt, { ...sum, error })
    }
    return sum.accepted
  }

  /** Large pages in several transactions: only the last moves the cursor, and what is stored twice is stored once. */
  async function store(
    peer: Peer,
    { objects, cursor, bytes }: PulledPage & { readonly bytes: number },
  ): Promise<{ accepted: number; failed: number }> {
    const options: AddOptions = { source: peer.id, check: 'stix' }
    const named = objects.filter((object) => nameOf(object) !== undefined)
    let failed = objects.length - named.length
    const chunk = Math.max(1, Math.min(CHUNK, Math.floor((CHUNK_BYTES * objects.length) / bytes)))
    for (let from = 0; from === 0 || from < named.length; from += chunk) {
      const isLast = from + chunk >= named.length
      const outcomes = await ctx.db.transaction<ExchangeTables, { failed: boolean }[]>(async (trx) => {
        const done = await collections.addIn(trx, places.pulled.id, named.slice(from, from + chunk), options)
        if (isLast) {
          const values = { added_after: cursor.addedAfter, next: cursor.next, last: cursor.last, at: ctx.clock() }
          await trx
            .insertInto('exchange_cursor')
            .values({ peer: peer.id, ...values })
            .onConflict((c) => c.column('peer').doUpdateSet(values))
            .execute()
        }
        return done
      })
      failed += outcomes.filter((each) => each.failed).length
      if (!isLast) await new Promise((resolve) => setImmediate(resolve))
    }
    return { accepted: objects.length - failed, failed }
  }

  async function cursorOf(peer: string): Promise<PullCursor> {
    const row = await ctx.db
      .tables<ExchangeTables>()
      .selectFrom('exchange_cursor')
      .selectAll()
      .where('peer', '=', peer)
      .executeTakeFirst()
    return row === undefined ? FROM_START : { addedAfter: row.added_after, next: row.next, last: row.last }
  }

  return { pull, pullFrom }
}
export type PullService = ReturnType<typeof pullService>
