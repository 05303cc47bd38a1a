import { newId } from '../kit/ids.ts'
import type { ExchangeContext } from './context.ts'
import type { GateLog } from './gate.ts'
import type { Trx } from './indicator-store.ts'
import { fitting } from './pages.ts'
import type { Peer, PeerService } from './peers.ts'
import type { ExchangeTables } from './store.ts'
import { withheldFrom, type Rank, type StixObject } from './tlp.ts'
import type { TransferLog } from './transfers.ts'

export type Parcel = { readonly object: StixObject; readonly rank: Rank; readonly indicator: string | null }

const BATCH = 1_000
/** Read, parsed and printed in one go for a peer. */
const BATCH_BYTES = 1_048_576
const TRIES = 12
const LONGEST_WAIT_MS = 3_600_000

/**
 * What is queued for peers. Peers whose server we know are pushed to; the others fetch from `out`. The marking gate is
 * passed when a parcel is queued and again when it leaves, should the ceiling have come down since.
 */
export function deliveryService(ctx: ExchangeContext, peers: PeerService, gate: GateLog, transfers: TransferLog) {
  const rows = () => ctx.db.tables<ExchangeTables>()

  /** Queues objects for peers in the caller's transaction; answers the peers that each may go to. */
  async function queue(trx: Trx, to: readonly Peer[], parcels: readonly Parcel[]): Promise<Peer[]> {
    const open: Peer[] = []
    for (const peer of to) {
      const kept = parcels.filter((each) => withheldFrom(each.rank, peer) !== undefined)
      if (kept.length > 0)
        await gate.write(
          trx,
          peer,
          kept.map((each) => asKept(each, peer)),
        )
      if (kept.length < parcels.length) open.push(peer)
      for (const parcel of parcels) await put(trx, peer, parcel)
    }
    return open
  }

  async function put(trx: Trx, peer: Peer, { object, rank, indicator }: Parcel): Promise<void> {
    const now = ctx.clock()
    const reason = withheldFrom(rank, peer)
    await trx
      .insertInto('exchange_delivery')
      .values({
        id: newId('del', now, ctx.entropy),
        peer: peer.id,
        indicator,
        object_id: String(object['id']),
        version: versionOf(object),
        body: JSON.stringify({ object, rank }),
        state: reason === undefined ? 'queued' : 'refused',
        reason: reason ?? null,
        at: now,
        tries: 0,
        next_at: now,
      })
      .onConflict((c) => c.columns(['peer', 'object_id', 'version']).doNothing())
      .execute()
  }

  /** Pushes what is due to every peer that is pushed to; a peer that fails does not hold up the others. */
  async function push(): Promise<number> {
    const due = await rows()
      .selectFrom('exchange_delivery')
      .select('peer')
      .distinct()
      .where('state', '=', 'queued')
      .where('next_at', '<=', ctx.clock())
      .execute()
    let sent = 0
    for (const { peer: id } of due) {
      const peer = await peers.one(id)
      if (peer?.enabled && peer.remote?.push) sent += await pushTo(peer)
    }
    return sent
  }

  async function pushTo(peer: Peer): Promise<number> {
    const startedAt = ctx.clock()
    const due = await rows()
      .selectFrom('exchange_delivery')
      .select((eb) => ['id', eb.fn<number>('octet_length', ['body']).as('size')])
      .where('state', '=', 'queued')
      .where('peer', '=', peer.id)
      .where('next_at', '<=', startedAt)
      .orderBy('id')
      .limit(BATCH)
      .execute()
    if (due.length === 0) return 0
    const next = due.slice(0, fitting(due, BATCH_BYTES)).map((row) => row.id)
    const found = await rows()
      .selectFrom('exchange_delivery')
      .selectAll()
      .where('id', 'in', next)
      .orderBy('id')
      .execute()
    const parcels = found.map((row) => ({ row, ...(JSON.parse(row.body) as { object: StixObject; rank: Rank }) }))
    const kept = parcels.filter((each) => withheldFrom(each.rank, peer) !== undefined)
    if (kept.length > 0) await refuse(peer, kept)
    const open = parcels.filter((each) => !kept.includes(each))
    if (open.length === 0) return 0
    const objects = open.map(({ row, object }) => ({
      id: row.object_id,
      version: row.version,
      body: JSON.stringify(object),
    }))
    const bytes = objects.reduce((sum, each) => sum + each.body.length, 0)
    try {
      const outcomes = await peers.clientOf(peer, 'push')!.push(objects)
      const failed = await settle(open.map(({ row }, i) => ({ row, outcome: outcomes[i]! })))
      await transfers.keep(peer.id, 'push', startedAt, {
        objects: open.length,
        accepted: outcomes.filter((each) => each.outcome === 'success').length,
        failed,
        bytes,
      })
      return open.length
    } catch (error) {
      await later(open.map(({ row }) => row))
      await transfers.keep(peer.id, 'push', startedAt, { objects: 0, accepted: 0, failed: 0, bytes: 0, error })
      return 0
    }
  }

  type Row = ExchangeTables['exchange_delivery']

  async function settle(
    decided: readonly { row: Row; outcome: { outcome: string; message: string | undefined } }[],
  ): Promise<number> {
    let failed = 0
    await ctx.db.transaction<ExchangeTables, void>(async (trx) => {
      for (const { row, outcome } of decided) {
        // Still pending there: sent again later, and again accepted if it was.
        if (outcome.outcome === 'pending') {
          await trx
            .updateTable('exchange_delivery')
            .set({ next_at: ctx.clock() + waitOf(row.tries), tries: row.tries + 1 })
            .where('id', '=', row.id)
            .execute()
          continue
        }
        const state = outcome.outcome === 'success' ? 'sent' : 'failed'
        if (state === 'failed') failed++
        await trx
          .updateTable('exchange_delivery')
          .set({ state, reason: outcome.message?.slice(0, 500) ?? null, at: ctx.clock(), body: '{}' })
          .where('id', '=', row.id)
          .execute()
        if (state === 'sent') await markBlocks(trx, row.peer, [row.object_id])
      }
    })
    return failed
  }

  const markBlocks = (trx: Trx, peer: string, objects: readonly string[]) =>
    trx
      .updateTable('block_suggestion')
      .set({ state: 'sent' })
      .where('stix_id', 'in', objects)
      .where('peer', '=', peer)
      .where('way', '=', 'out')
      .where('state', '=', 'queued')
      .execute()

  async function refuse(peer: Peer, kept: readonly { row: Row; object: StixObject; rank: Rank }[]): Promise<void> {
    await ctx.db.transaction<ExchangeTables, void>(async (trx) => {
      await gate.write(
        trx,
        peer,
        kept.map((each) => asKept(each, peer)),
      )
      for (const { row, rank } of kept)
        await trx
          .updateTable('exchange_delivery')
          .set({ state: 'refused', reason: withheldFrom(rank, peer) ?? null, body: '{}' })
          .where('id', '=', row.id)
          .execute()
    })
  }

  async function later(found: readonly Row[]): Promise<void> {
    await ctx.db.transaction<ExchangeTables, void>(async (trx) => {
      for (const row of found)
        await trx
          .updateTable('exchange_delivery')
          .set({ tries: Math.min(row.tries + 1, TRIES), next_at: ctx.clock() + waitOf(row.tries) })
          .where('id', '=', row.id)
          .execute()
    })
  }

  /** What a peer has fetched from `out` by itself. */
  async function fetched(peer: string, ids: readonly string[]): Promise<void> {
    const open = await rows()
      .selectFrom('exchange_delivery')
      .select(['id', 'object_id'])
      .where('state', '=', 'queued')
      .where('peer', '=', peer)
      .limit(BATCH)
      .execute()
    const seen = new Set(ids)
    const done = open.filter((row) => seen.has(row.object_id))
    if (done.length === 0) return
    await ctx.db.transaction<ExchangeTables, void>(async (trx) => {
      await trx
        .updateTable('exchange_delivery')
        .set({ state: 'sent', at: ctx.clock(), body: '{}' })
        .where(
          'id',
          'in',
          done.map((row) => row.id),
        )
        .execute()
      await markBlocks(
        trx,
        peer,
        done.map((row) => row.object_id),
      )
    })
  }

  async function queued(): Promise<number> {
    const row = await rows()
      .selectFrom('exchange_delivery')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('state', '=', 'queued')
      .executeTakeFirstOrThrow()
    return Number(row.n)
  }

  const of = (indicator: string): Promise<Row[]> =>
    rows()
      .selectFrom('exchange_delivery')
      .selectAll()
      .where('indicator', '=', indicator)
      .orderBy('id', 'desc')
      .limit(500)
      .execute()

  return { queue, push, fetched, queued, of }
}
export type DeliveryService = ReturnType<typeof deliveryService>

export const versionOf = (object: StixObject): string => String(object['modified'] ?? object['created'] ?? '')

const waitOf = (tries: number): number => Math.min(LONGEST_WAIT_MS, 1_000 * 2 ** Math.min(tries, TRIES))

const asKept = ({ object, rank }: { object: StixObject; rank: Rank }, peer: Peer) => ({
  object_id: String(object['id']),
  version: versionOf(object),
  type: String(object['type']),
  tlp: rank,
  reason: withheldFrom(rank, peer)!,
})
