import { sql } from 'kysely'
import { newId } from '../kit/ids.ts'
import type { Transaction } from '../storage/sql/index.ts'
import type { ExchangeContext } from './context.ts'
import type { RefusalReason } from './contract.ts'
import type { Peer } from './peers.ts'
import type { ExchangeTables } from './store.ts'
import type { Rank } from './tlp.ts'

export type Kept = {
  readonly object_id: string
  readonly version: string
  readonly type: string
  readonly tlp: Rank
  readonly reason: RefusalReason
}

const CHUNK = 200
/** A peer that asks every half second is not written down every half second. */
const AGAIN_MS = 60_000

/** The log of what the marking gate kept back: one row a (peer, object version), with how many times, at most once a minute. */
export function gateLog(ctx: ExchangeContext) {
  const rows = () => ctx.db.tables<ExchangeTables>()
  const recent = new Map<string, number>()

  async function write(trx: Transaction<ExchangeTables>, peer: Peer, kept: readonly Kept[]): Promise<void> {
    const now = ctx.clock()
    for (let from = 0; from < kept.length; from += CHUNK)
      await trx
        .insertInto('exchange_refusal')
        .values(
          kept.slice(from, from + CHUNK).map((each) => ({
            id: newId('ref', now, ctx.entropy),
            peer: peer.id,
            object_id: each.object_id,
            version: each.version,
            object_type: each.type,
            tlp: each.tlp,
            ceiling: peer.maxTlp,
            reason: each.reason,
            at: now,
            last_at: now,
            times: 1,
          })),
        )
        .onConflict((c) =>
          c
            .columns(['peer', 'object_id', 'version'])
            .doUpdateSet({ last_at: now, times: sql`exchange_refusal.times + 1`, ceiling: peer.maxTlp }),
        )
        .execute()
  }

  /** In a transaction of its own, before the answer that leaves them out. */
  async function keep(peer: Peer, kept: readonly Kept[]): Promise<void> {
    const now = ctx.clock()
    if (recent.size > 100_000) recent.clear()
    const fresh = kept.filter((each) => {
      const key = `${peer.id} ${each.object_id} ${each.version}`
      if (now - (recent.get(key) ?? -AGAIN_MS) < AGAIN_MS) return false
      recent.set(key, now)
      return true
    })
    if (fresh.length > 0) await ctx.db.transaction<ExchangeTables, void>((trx) => write(trx, peer, fresh))
  }

  async function counts(): Promise<Map<string, number>> {
    const found = await rows()
      .selectFrom('exchange_refusal')
      .select((eb) => ['peer', eb.fn.countAll<number>().as('n')])
      .groupBy('peer')
      .execute()
    return new Map(found.map((row) => [row.peer, Number(row.n)]))
  }

  function list(filter: { cursor: string | undefined; peer: string | undefined; limit: number }) {
    let query = rows().selectFrom('exchange_refusal').selectAll()
    if (filter.cursor !== undefined) query = query.where('id', '<', filter.cursor)
    if (filter.peer !== undefined) query = query.where('peer', '=', filter.peer)
    return query
      .orderBy('id', 'desc')
      .limit(filter.limit + 1)
      .execute()
  }

  return { keep, write, counts, list }
}
export type GateLog = ReturnType<typeof gateLog>
