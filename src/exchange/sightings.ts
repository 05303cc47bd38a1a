import { iso } from '../kit/clock.ts'
import { badRequest } from '../kit/errors.ts'
import { SIGHTED, type ExchangeContext } from './context.ts'
import type { DeliveryService } from './deliveries.ts'
import { unknownIndicator } from './indicators.ts'
import type { IndicatorStore, Trx } from './indicator-store.ts'
import type { PeerService } from './peers.ts'
import type { Places } from './places.ts'
import { sightingObject, uuidOf } from './stix.ts'
import type { ExchangeTables } from './store.ts'
import type { CollectionStore } from './taxii/collections.ts'
import { versionKey } from './taxii/time.ts'
import { tlpOfRank, type StixObject } from './tlp.ts'

export type Seen = {
  readonly indicator: string
  /** More of them since the last time. */
  readonly count: number
  /** Milliseconds. */
  readonly firstSeen: number
  readonly lastSeen: number
  readonly actor: string
}

/**
 * That an indicator was seen here, told back to where it came from: how often and when, never by whom. One sighting object
 * an indicator, a new version each time.
 */
export function sightingService(parts: {
  readonly ctx: ExchangeContext
  readonly store: IndicatorStore
  readonly peers: PeerService
  readonly deliveries: DeliveryService
  readonly collections: CollectionStore
  readonly places: Places
  readonly identity: StixObject
  readonly node: string
}) {
  const { ctx, store, peers, deliveries, collections, places, identity } = parts

  /** Errors: 404 `exchange/unknown-indicator`, 400 `exchange/bad-sighting`. `within` makes it part of the caller's transaction. */
  async function sight(seen: Seen, within?: unknown): Promise<void> {
    if (!Number.isSafeInteger(seen.count) || seen.count < 1 || seen.firstSeen > seen.lastSeen)
      throw badRequest(
        'exchange/bad-sighting',
        'A sighting has a count from 1, and its first time is not after its last.',
      )
    if (within !== undefined) return sightIn(within as Trx, seen)
    await ctx.db.transaction<ExchangeTables, void>((trx) => sightIn(trx, seen))
  }

  /** `relay`: what a peer saw is passed on to the indicator's origin as ours; it was counted when it came. */
  async function sightIn(trx: Trx, seen: Seen, source: '' | 'relay' = ''): Promise<void> {
    const row = await store.one(seen.indicator, trx)
    if (!row) throw unknownIndicator()
    const id = `sighting--${uuidOf(`sighting ${parts.node} ${source} ${row.stix_id}`)}`
    const before = await trx
      .selectFrom('indicator_sighting')
      .selectAll()
      .where('id', '=', id)
      .where('source', '=', source)
      .executeTakeFirst()
    const now = ctx.clock()
    const facts = {
      count: (before?.count ?? 0) + seen.count,
      firstSeen: Math.min(before?.first_seen ?? Infinity, seen.firstSeen),
      lastSeen: Math.max(before?.last_seen ?? 0, seen.lastSeen),
    }
    // A version is later than the one before, also within one millisecond.
    const modified = Math.max(now, before === undefined ? 0 : Date.parse(`${before.modified}Z`) + 1)
    const values = {
      count: facts.count,
      first_seen: facts.firstSeen,
      last_seen: facts.lastSeen,
      modified: versionKey(iso(modified))!,
      received_at: now,
    }
    await trx
      .insertInto('indicator_sighting')
      .values({ id, indicator: row.id, source, ...values })
      .onConflict((c) => c.columns(['id', 'source']).doUpdateSet(values))
      .execute()
    if (source === '') {
      await trx
        .updateTable('indicator')
        .set({ sightings: row.sightings + seen.count, last_seen_at: Math.max(row.last_seen_at ?? 0, seen.lastSeen) })
        .where('id', '=', row.id)
        .execute()
      await store.note(trx, row.id, 'seen', seen.actor)
    }
    const object = sightingObject({
      id,
      creator: String(identity['id']),
      of: row.stix_id,
      created: row.created_at,
      modified,
      tlp: tlpOfRank(row.tlp) ?? 'red',
      ...facts,
    })
    await tellOrigin(trx, row, object)
  }

  async function tellOrigin(
    trx: Trx,
    row: { readonly source: string; readonly id: string; readonly tlp: number },
    object: StixObject,
  ): Promise<void> {
    if (row.source === '') return
    const origin = await peers.one(row.source, trx)
    if (origin === undefined) return
    // The origin made the marking, so it may see its own again: what counts is that nobody else does.
    const parcel = { object, rank: 0, indicator: row.id }
    await deliveries.queue(trx, [origin], [{ object: identity, rank: 0, indicator: null }, parcel])
    if (origin.remote?.push) return
    await collections.addIn(trx, places.out.id, [identity], { check: 'stix' })
    await collections.addIn(trx, places.out.id, [object], { check: 'stix', audience: [origin.id] })
  }

  /** A sighting that a peer tells. Answers whether it was new. */
  async function receive(trx: Trx, from: string, object: StixObject): Promise<boolean> {
    const ref = String(object['sighting_of_ref'])
    const row = await trx
      .selectFrom('indicator')
      .selectAll()
      .where('stix_id', '=', ref)
      .orderBy('source')
      .limit(1)
      .executeTakeFirst()
    const modified = versionKey(String(object['modified']))
    if (row === undefined || modified === undefined) return false
    const id = String(object['id'])
    const before = await trx
      .selectFrom('indicator_sighting')
      .selectAll()
      .where('id', '=', id)
      .where('source', '=', from)
      .executeTakeFirst()
    if (before !== undefined && before.modified >= modified) return false
    const now = ctx.clock()
    const lastSeen = timeOf(object['last_seen']) ?? timeOf(object['first_seen']) ?? now
    const count = typeof object['count'] === 'number' ? Math.max(1, Math.trunc(object['count'])) : 1
    const values = {
      count,
      first_seen: Math.min(timeOf(object['first_seen']) ?? lastSeen, lastSeen),
      last_seen: lastSeen,
      modified,
      received_at: now,
    }
    await trx
      .insertInto('indicator_sighting')
      .values({ id, indicator: row.id, source: from, ...values })
      .onConflict((c) => c.columns(['id', 'source']).doUpdateSet(values))
      .execute()
    await trx
      .updateTable('indicator')
      .set({
        sightings: row.sightings + count - (before?.count ?? 0),
        last_seen_at: Math.max(row.last_seen_at ?? 0, lastSeen),
      })
      .where('id', '=', row.id)
      .execute()
    await store.note(trx, row.id, 'seen-by-peer', from)
    const more = count - (before?.count ?? 0)
    if (row.source !== '' && row.source !== from && more > 0)
      await sightIn(
        trx,
        { indicator: row.id, count: more, firstSeen: values.first_seen, lastSeen, actor: from },
        'relay',
      )
    await ctx.emit(trx, SIGHTED, { indicator: row.id, caseId: row.case_id ?? '', count })
    return true
  }

  const of = (indicator: string) =>
    ctx.db
      .tables<ExchangeTables>()
      .selectFrom('indicator_sighting')
      .selectAll()
      .where('indicator', '=', indicator)
      .where('source', '!=', 'relay')
      .orderBy('last_seen', 'desc')
      .limit(500)
      .execute()

  return { sight, receive, of }
}
export type SightingService = ReturnType<typeof sightingService>

function timeOf(value: unknown): number | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(at) ? undefined : at
}
