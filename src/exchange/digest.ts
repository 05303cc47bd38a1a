import { KhienError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import { oneAtATime } from '../storage/sql/index.ts'
import type { ExchangeContext } from './context.ts'
import type { Guard, GuardCode } from './guard.ts'
import { LONGEST_VALID_MS, mayBlock, type IndicatorService } from './indicators.ts'
import { CONFIDENT, type IndicatorRow, type IndicatorStore, type Trx } from './indicator-store.ts'
import { fitting } from './pages.ts'
import type { Peer, PeerService } from './peers.ts'
import type { Places } from './places.ts'
import type { SightingService } from './sightings.ts'
import { readPattern, roleOf, type Term } from './stix.ts'
import type { ExchangeTables } from './store.ts'
import { versionKey } from './taxii/time.ts'
import type { StixObject } from './tlp.ts'

/** What one transaction takes in at most; with SQLite it holds the event loop all that time. */
const BATCH = 200
const BATCH_BYTES = 524_288
const BATCH_MS = 30
/** While much comes in, matchers hear of it this often. */
const TELL_MS = 1_000
/** Who put something in when it was no peer: a signed file; behind a colon stands its key. */
export const FROM_FILE = 'file'

type Found = Pick<ExchangeTables['exchange_object'], 'added' | 'type' | 'tlp' | 'source' | 'body'>

/**
 * Makes what came in (pushed, pulled, from a file) into indicators, sightings and block suggestions: each object once, in
 * the order it came, in the transaction that moves the mark. Received indicators pass the same guard as ours.
 */
export function digestService(parts: {
  readonly ctx: ExchangeContext
  readonly store: IndicatorStore
  readonly guard: Guard
  readonly peers: PeerService
  readonly indicators: IndicatorService
  readonly sightings: SightingService
  readonly places: Places
}) {
  const { ctx, store, guard, peers, indicators, sightings, places } = parts
  let running: Promise<number> = Promise.resolve(0)

  /** Takes in all that waits; calls that overlap run one after the other. Answers how many objects. */
  function digest(): Promise<number> {
    running = running.then(all, all)
    return running
  }

  async function all(): Promise<number> {
    let count = 0
    const known = await peers.list()
    let told = performance.now()
    // In turn, so that a peer that pushes without end keeps nothing else waiting.
    for (let round = 1; round > 0;) {
      round = 0
      for (const place of [places.in, places.pulled, places.files]) {
        round += await some(place.id, known)
        await new Promise((resolve) => setImmediate(resolve))
      }
      count += round
      if (performance.now() - told < TELL_MS) continue
      store.tell()
      told = performance.now()
    }
    if (count > 0) store.tell()
    return count
  }

  async function some(collection: string, known: readonly Peer[]): Promise<number> {
    const marked = await ctx.db
      .tables<ExchangeTables>()
      .selectFrom('exchange_collection')
      .select(['digested', 'last_added'])
      .where('id', '=', collection)
      .executeTakeFirstOrThrow()
    if (marked.digested >= marked.last_added) return 0
    return ctx.db.transaction<ExchangeTables, number>(async (trx) => {
      await oneAtATime(ctx.db, trx, `digest ${collection}`)
      const { digested, no } = await trx
        .selectFrom('exchange_collection')
        .select(['digested', 'no'])
        .where('id', '=', collection)
        .executeTakeFirstOrThrow()
      const waiting = await trx
        .selectFrom('exchange_object')
        .select((eb) => ['added', eb.fn<number>('octet_length', ['body']).as('size')])
        .where('collection', '=', no)
        .where('added', '>', digested)
        .orderBy('added')
        .limit(BATCH)
        .execute()
      const end = waiting[fitting(waiting, BATCH_BYTES) - 1]?.added ?? digested
      const found = await trx
        .selectFrom('exchange_object')
        .select(['added', 'type', 'tlp', 'source', 'body'])
        .where('collection', '=', no)
        .where('added', '>', digested)
        .where('added', '<=', end)
        .orderBy('added')
        .execute()
      const began = performance.now()
      let changed = false
      let done = 0
      for (const each of found) {
        if (done > 0 && performance.now() - began > BATCH_MS) break
        done++
        try {
          if (await take(trx, each, known)) changed = true
        } catch (error) {
          // One that a rule of ours stops does not stop what comes behind it.
          if (!(error instanceof KhienError)) throw error
          ctx.log.warn('exchange.not-digested', { code: error.code, type: each.type })
        }
      }
      if (changed) await store.changed(trx)
      const last = found[done - 1]
      if (last)
        await trx
          .updateTable('exchange_collection')
          .set({ digested: last.added })
          .where('id', '=', collection)
          .execute()
      return done
    })
  }

  /** Whether the set that matchers use has changed. */
  async function take(trx: Trx, found: Found, known: readonly Peer[]): Promise<boolean> {
    if (found.type !== 'indicator' && found.type !== 'sighting') return false
    const object = JSON.parse(found.body) as StixObject
    const source = found.source ?? FROM_FILE
    if (found.type === 'sighting') {
      await sightings.receive(trx, source, object)
      return false
    }
    return takeIndicator(trx, object, found, source, known)
  }

  async function takeIndicator(
    trx: Trx,
    object: StixObject,
    found: Found,
    source: string,
    known: readonly Peer[],
  ): Promise<boolean> {
    const stixId = String(object['id'])
    const modified = versionKey(String(object['modified'] ?? object['created']))
    if (modified === undefined) return false
    const before = await trx
      .selectFrom('indicator')
      .selectAll()
      .where('stix_id', '=', stixId)
      .orderBy('created_at')
      .limit(1)
      .executeTakeFirst()
    // STIX 2.1 §3.6: only its creator may make a new version, and the creator's name can be forged: who brought it first
    // has it. A copy of what is known already is no attempt to change it.
    if (before !== undefined && before.source !== source) {
      if (modified > before.modified) await store.count(trx, 'held-by-another')
      return false
    }
    // An older version that comes late, or after a revocation, changes nothing (STIX 2.1 §3.6).
    if (before !== undefined && (before.modified >= modified || before.state === 'revoked')) return false
    const row = rowOf(object, found.tlp, source, modified, before)
    const { id, ...values } = row
    if (before) await trx.updateTable('indicator').set(values).where('id', '=', id).execute()
    else await trx.insertInto('indicator').values(row).execute()
    await store.note(trx, id, row.state === 'received' ? (before ? 'updated' : 'received') : row.state, source)
    if (row.state === 'revoked' && before) await indicators.passOnRevocation(trx, row, known)
    if (row.role === 'attacker' && row.state === 'received') await takeBlock(trx, row, known)
    else if (row.state === 'received' && isRelayed(row))
      await indicators.shareIn(trx, row, known.filter(isOn), true, 'relay')
    return true
  }

  const isOn = (peer: Peer): boolean => peer.enabled
  const isRelayed = (row: IndicatorRow): boolean =>
    ctx.relay === true && row.role !== 'attacker' && row.confidence >= CONFIDENT && row.terms !== '[]'

  function rowOf(
    object: StixObject,
    tlp: number,
    source: string,
    modified: string,
    before: IndicatorRow | undefined,
  ): IndicatorRow {
    const now = ctx.clock()
    const pattern = String(object['pattern'])
    const read = object['pattern_type'] === 'stix' ? readPattern(pattern) : { terms: [] }
    const role = read.attack === undefined ? roleOf(object) : 'attacker'
    const judged = judge(read.attack === undefined ? read.terms : [read.attack.term], role)
    const validFrom = timeOf(object['valid_from']) ?? now
    // One without an end would warn people for ever: it ends after thirty days like ours, unless it is said again.
    const validUntil = Math.min(timeOf(object['valid_until']) ?? Infinity, Math.max(validFrom, now) + LONGEST_VALID_MS)
    const [only] = judged.terms
    const state = object['revoked'] === true ? 'revoked' : judged.code !== undefined ? 'refused' : 'received'
    return {
      id: before?.id ?? newId('ind', now, ctx.entropy),
      stix_id: String(object['id']),
      source,
      kind: judged.terms.length === 1 ? only!.kind : 'pattern',
      value: judged.terms.length === 1 ? only!.value : pattern.slice(0, 2_048),
      pattern,
      terms: JSON.stringify(role === 'attacker' ? [] : judged.terms),
      role,
      tlp,
      // Said by nobody, it is not enough to warn a person.
      confidence: typeof object['confidence'] === 'number' ? object['confidence'] : 0,
      valid_from: validFrom,
      valid_until: validUntil,
      state: state === 'received' && validUntil <= now ? 'expired' : state,
      case_id: before?.case_id ?? null,
      guard: judged.code ?? null,
      seen_at: role === 'attacker' ? validFrom : null,
      port: read.attack?.port ?? null,
      sightings: before?.sightings ?? 0,
      last_seen_at: before?.last_seen_at ?? null,
      created_at: before?.created_at ?? now,
      updated_at: now,
      modified,
      proposed_by: source,
      body: JSON.stringify(object),
    }
  }

  function judge(terms: readonly Term[], role: IndicatorRow['role']): { terms: Term[]; code: GuardCode | undefined } {
    const judged = terms.map(({ kind, value }) => ({ kind, ...guard(kind, value, role as 'c2') }))
    return {
      terms: judged.map(({ kind, value }) => ({ kind, value })),
      code: judged.find((each) => each.code !== undefined)?.code,
    }
  }

  /** A suggestion to block: kept, and by an authority passed on to the network that answers for the address. */
  async function takeBlock(trx: Trx, row: IndicatorRow, known: readonly Peer[]): Promise<void> {
    if (row.kind !== 'ipv4' && row.kind !== 'ipv6') return
    await trx
      .insertInto('block_suggestion')
      .values({
        id: newId('blk', ctx.clock(), ctx.entropy),
        stix_id: row.stix_id,
        way: 'in',
        peer: row.source,
        indicator: row.id,
        address: row.value,
        port: row.port,
        seen_at: row.seen_at ?? row.valid_from,
        expires_at: row.valid_until,
        state: 'received',
        case_id: null,
      })
      .onConflict((c) => c.columns(['stix_id', 'way', 'peer']).doUpdateSet({ expires_at: row.valid_until }))
      .execute()
    const owners = known.filter((peer) => isOn(peer) && peer.id !== row.source && peer.role !== 'authority')
    if (ctx.role === 'authority' && owners.some((peer) => mayBlock(peer, row)))
      await indicators.shareIn(trx, row, owners, false, 'relay')
  }

  return { digest }
}
export type DigestService = ReturnType<typeof digestService>

function timeOf(value: unknown): number | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(at) ? undefined : at
}
