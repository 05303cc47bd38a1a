import { randomUUID } from 'node:crypto'
import type { Once } from '../kit/contract.ts'
import { iso } from '../kit/clock.ts'
import { badRequest, KhienError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import { runOnce } from '../storage/sql/index.ts'
import { SHARED, type ExchangeContext } from './context.ts'
import type { IndicatorKind, IndicatorRole, Tlp } from './contract.ts'
import type { DeliveryService, Parcel } from './deliveries.ts'
import { type Guard, type GuardCode, TWO_PEOPLE } from './guard.ts'
import type { IndicatorRow, IndicatorStore, Trx } from './indicator-store.ts'
import { exchangeMessages } from './messages.ts'
import { answersFor, type Peer, type PeerService } from './peers.ts'
import type { Places } from './places.ts'
import { attackPatternOf, indicatorObject, patternOf } from './stix.ts'
import type { ExchangeTables } from './store.ts'
import type { CollectionStore } from './taxii/collections.ts'
import { versionKey } from './taxii/time.ts'
import { rankOf, TLP2_MARKINGS, tlpOfRank, withheldFrom, type StixObject } from './tlp.ts'

export type Proposed = {
  readonly value: string
  readonly kind: Exclude<IndicatorKind, 'pattern'>
  readonly role: IndicatorRole
  /** 0–100. */
  readonly confidence: number
  /** Milliseconds; at most 30 days from now. */
  readonly validUntil: number
  readonly tlp: Tlp
  readonly caseId: string | null
  /** Of an attacker's address: when (milliseconds) and from which source port. */
  readonly seenAt?: number | undefined
  readonly port?: number | undefined
  readonly actor: string
}

export const LONGEST_VALID_MS = 30 * 24 * 3_600_000
const ORIGIN = ''

export type Parts = {
  readonly ctx: ExchangeContext
  readonly store: IndicatorStore
  readonly guard: Guard
  readonly peers: PeerService
  readonly deliveries: DeliveryService
  readonly collections: CollectionStore
  readonly places: Places
  readonly identity: StixObject
}

/** Our indicators from proposal to revocation, and the sharing of received ones. */
export function indicatorService(parts: Parts) {
  const { ctx, store, guard, peers, deliveries, collections, places, identity } = parts

  /**
   * Keeps a proposal that the warning lists let pass; one that hits something popular waits for a second person.
   * `within` makes it part of the caller's transaction. Errors: 422 `exchange/guard-…`, 400 `valid-until`, `port-needed`,
   * 409 `known`.
   */
  async function propose(wish: Proposed, once?: Once, within?: unknown): Promise<{ id: string }> {
    const now = ctx.clock()
    if (wish.validUntil <= now || wish.validUntil > now + LONGEST_VALID_MS)
      throw badRequest(
        'exchange/valid-until',
        'validUntil: expected a time within the next 30 days.',
        'body.validUntil',
      )
    const { value, code } = guard(wish.kind, wish.value, wish.role)
    if (code !== undefined && !TWO_PEOPLE.has(code)) throw guarded(code)
    const { seenAt = now, port } = wish
    if (wish.role === 'attacker') checkAttacker(wish, seenAt, now)
    const pattern =
      wish.role === 'attacker'
        ? attackPatternOf({ kind: wish.kind, value }, port!)
        : patternOf({ kind: wish.kind, value })
    const keep = async (trx: Trx): Promise<{ id: string }> => {
      await refuseKnown(trx, wish, value)
      const id = newId('ind', now, ctx.entropy)
      const row: IndicatorRow = {
        id,
        stix_id: `indicator--${randomUUID()}`,
        source: ORIGIN,
        kind: wish.kind,
        value,
        pattern,
        terms: wish.role === 'attacker' ? '[]' : JSON.stringify([{ kind: wish.kind, value }]),
        role: wish.role,
        tlp: rankOf(wish.tlp),
        confidence: wish.confidence,
        valid_from: wish.role === 'attacker' ? Math.min(seenAt, now) : now,
        valid_until: wish.validUntil,
        state: code === undefined ? 'draft' : 'pending',
        case_id: wish.caseId,
        guard: code ?? null,
        seen_at: wish.role === 'attacker' ? seenAt : null,
        port: wish.role === 'attacker' ? port! : null,
        sightings: 0,
        last_seen_at: null,
        created_at: now,
        updated_at: now,
        modified: versionKey(iso(now))!,
        proposed_by: wish.actor,
        body: null,
      }
      await trx.insertInto('indicator').values(row).execute()
      await store.note(trx, id, 'proposed', wish.actor)
      await ctx.record(trx, [act('exchange.indicator-proposed', row, wish.actor)])
      if (wish.caseId !== null) await ctx.linkCase?.(trx, wish.caseId, value, id)
      return { id }
    }
    return within === undefined ? runOnce<ExchangeTables, { id: string }>(ctx.db, once, now, keep) : keep(within as Trx)
  }

  async function refuseKnown(trx: Trx, wish: Proposed, value: string): Promise<void> {
    const known = await trx
      .selectFrom('indicator')
      .select(['id', 'port', 'seen_at'])
      .where('source', '=', ORIGIN)
      .where('kind', '=', wish.kind)
      .where('value', '=', value)
      .where('role', '=', wish.role)
      .where('state', 'in', ['draft', 'pending', 'shared'])
      .execute()
    const same = known.find(
      (row) => wish.role !== 'attacker' || (row.port === wish.port && row.seen_at === wish.seenAt),
    )
    if (same)
      throw new KhienError('exchange/known', `This is listed already (${same.id}).`, {
        status: 409,
        field: 'body.value',
      })
  }

  /** A second person's yes. Errors: 409 `exchange/not-pending`, 403 `exchange/same-person`. */
  async function approve(id: string, actor: string): Promise<void> {
    await ctx.db.transaction<ExchangeTables, void>(async (trx) => {
      const row = await known(trx, id)
      if (row.state !== 'pending') throw conflict('not-pending', 'This proposal waits for nobody.')
      if (row.proposed_by === actor)
        throw new KhienError('exchange/same-person', 'Who proposed it cannot be the second person.', { status: 403 })
      await trx
        .updateTable('indicator')
        .set({ state: 'draft', updated_at: ctx.clock() })
        .where('id', '=', id)
        .where('state', '=', 'pending')
        .execute()
      await store.note(trx, id, 'approved', actor)
      await ctx.record(trx, [act('exchange.indicator-approved', row, actor)])
    })
  }

  /**
   * Makes it STIX 2.1, puts it into `out` for those who fetch and queues it for those we push to; whoever the marking
   * keeps it from is refused and written down. An attacker's address goes only to the network that answers for it, or to
   * an authority that passes it on.
   * Errors: 409 `exchange/not-shareable`, 400 `exchange/unknown-peer`, `exchange/no-owner`.
   */
  async function share(id: string, only: readonly string[] | undefined, actor: string, once?: Once): Promise<void> {
    const all = (await peers.list()).filter((peer) => peer.enabled)
    const chosen = only === undefined ? all : only.map((each) => all.find((peer) => peer.id === each))
    const missing = chosen.indexOf(undefined)
    if (missing >= 0)
      throw badRequest('exchange/unknown-peer', 'There is no enabled peer of this id.', `body.peers.${missing}`)
    await runOnce<ExchangeTables, null>(ctx.db, once, ctx.clock(), async (trx) => {
      await shareIn(trx, await known(trx, id), chosen as Peer[], only === undefined, actor)
      return null
    })
    store.tell()
  }

  async function shareIn(
    trx: Trx,
    row: IndicatorRow,
    chosen: readonly Peer[],
    toAll: boolean,
    actor: string,
  ): Promise<void> {
    const now = ctx.clock()
    if (!['draft', 'shared', 'received'].includes(row.state) || row.valid_until <= now)
      throw conflict('not-shareable', 'Only a draft, shared or received indicator that is still valid can be shared.')
    const isAttack = row.role === 'attacker'
    // What a peer gave us does not go back to it.
    const others = chosen.filter((peer) => peer.id !== row.source)
    const to = isAttack ? others.filter((peer) => mayBlock(peer, row)) : others
    if (isAttack && to.length === 0)
      throw badRequest(
        'exchange/no-owner',
        'No peer answers for this address, so nobody could act on it.',
        'body.peers',
      )
    const object = objectOf(row)
    const parcels = withFrame(object, row)
    const open = await deliveries.queue(trx, to, parcels)
    if (isAttack) await suggestBlocks(trx, row, open)
    const audience = isAttack || !toAll ? open.map((peer) => peer.id) : undefined
    await publish(trx, object, row, audience)
    if (row.state === 'draft') {
      await trx
        .updateTable('indicator')
        .set({ state: 'shared', updated_at: now, body: JSON.stringify(object) })
        .where('id', '=', row.id)
        .execute()
      await store.changed(trx)
    }
    await store.note(trx, row.id, 'shared', actor)
    await ctx.emit(trx, SHARED, { indicator: row.id, caseId: row.case_id ?? '', peers: open.length })
    await ctx.record(trx, [
      {
        ...act('exchange.indicator-shared', row, actor),
        facts: { ...factsOf(row), peers: open.length, withheld: to.length - open.length },
      },
    ])
  }

  /** The objects in `out`: identity and marking for all, the indicator for its audience. RED stays out of there. */
  async function publish(trx: Trx, object: StixObject, row: IndicatorRow, audience: readonly string[] | undefined) {
    if (audience?.length === 0 || withheldFrom(row.tlp, { maxTlp: 'red', own: true }) !== undefined) return
    const frame = row.source === ORIGIN ? [identity, TLP2_MARKINGS[tlpOfRank(row.tlp)!]] : []
    const outcomes = [
      ...(await collections.addIn(trx, places.out.id, frame, { check: 'stix' })),
      ...(await collections.addIn(trx, places.out.id, [object], {
        check: 'stix',
        audience,
        widen: true,
        source: row.source || undefined,
      })),
    ]
    const failed = outcomes.find((each) => each.failed)
    if (failed) throw new KhienError('exchange/bad-stix', `${failed.id}: ${failed.message}`, { status: 422 })
  }

  /** Revokes our own: who had it gets a version that says so (STIX 2.1 §3.6). Errors: 409 `exchange/not-revocable`. */
  async function revoke(id: string, reason: string, actor: string): Promise<void> {
    const all = new Map((await peers.list()).map((peer) => [peer.id, peer]))
    await ctx.db.transaction<ExchangeTables, void>(async (trx) => {
      const row = await known(trx, id)
      if (row.source !== ORIGIN || !['draft', 'pending', 'shared'].includes(row.state))
        throw conflict('not-revocable', 'Only an indicator of ours that is not revoked yet can be revoked.')
      const now = ctx.clock()
      const gone = { ...row, state: 'revoked', updated_at: now }
      const object = objectOf(gone)
      await trx
        .updateTable('indicator')
        .set({ state: 'revoked', updated_at: now, modified: versionKey(iso(now))!, body: JSON.stringify(object) })
        .where('id', '=', id)
        .execute()
      if (row.state === 'shared') await tellRevoked(trx, gone, object, all)
      await store.changed(trx)
      await store.note(trx, id, 'revoked', actor)
      await ctx.record(trx, [{ ...act('exchange.indicator-revoked', row, actor), reason }])
    })
    store.tell()
  }

  /** A received indicator that we shared on was revoked by who made it. */
  async function passOnRevocation(trx: Trx, row: IndicatorRow, known: readonly Peer[]): Promise<void> {
    await tellRevoked(trx, row, objectOf(row), new Map(known.map((peer) => [peer.id, peer])))
  }

  async function tellRevoked(trx: Trx, row: IndicatorRow, object: StixObject, all: ReadonlyMap<string, Peer>) {
    const had = await trx
      .selectFrom('exchange_delivery')
      .select('peer')
      .distinct()
      .where('indicator', '=', row.id)
      .where('state', 'in', ['sent', 'queued', 'failed'])
      .execute()
    const to = had.map(({ peer }) => all.get(peer)).filter((peer) => peer !== undefined)
    await deliveries.queue(trx, to, [{ object, rank: row.tlp, indicator: row.id }])
    const audience = await collections.audienceFor(trx, places.out.id, row.stix_id)
    if (audience !== undefined) await publish(trx, object, row, audience === 'all' ? undefined : audience)
  }

  async function suggestBlocks(trx: Trx, row: IndicatorRow, to: readonly Peer[]): Promise<void> {
    for (const peer of to)
      await trx
        .insertInto('block_suggestion')
        .values({
          id: newId('blk', ctx.clock(), ctx.entropy),
          stix_id: row.stix_id,
          way: 'out',
          peer: peer.id,
          indicator: row.id,
          address: row.value,
          port: row.port,
          seen_at: row.seen_at ?? row.valid_from,
          expires_at: row.valid_until,
          state: 'queued',
          case_id: row.case_id,
        })
        .onConflict((c) => c.columns(['stix_id', 'way', 'peer']).doNothing())
        .execute()
  }

  /** The STIX of a row: a received one leaves exactly as it came. */
  function objectOf(row: IndicatorRow): StixObject {
    if (row.source !== ORIGIN) return JSON.parse(row.body!) as StixObject
    return indicatorObject({
      stixId: row.stix_id,
      creator: String(identity['id']),
      created: row.created_at,
      modified: Math.max(row.state === 'revoked' ? row.updated_at : row.created_at, row.created_at),
      pattern: row.pattern,
      role: row.role as IndicatorRole,
      tlp: tlpOfRank(row.tlp) ?? 'red',
      confidence: row.confidence,
      validFrom: row.valid_from,
      validUntil: row.valid_until,
      revoked: row.state === 'revoked',
    })
  }

  function withFrame(object: StixObject, row: IndicatorRow): Parcel[] {
    const own = { object, rank: row.tlp, indicator: row.id }
    if (row.source !== ORIGIN) return [own]
    const clear = { rank: rankOf('clear'), indicator: null }
    return [{ object: identity, ...clear }, { object: TLP2_MARKINGS[tlpOfRank(row.tlp)!], ...clear }, own]
  }

  async function known(trx: Trx, id: string): Promise<IndicatorRow> {
    const row = await store.one(id, trx)
    if (row) return row
    throw unknownIndicator()
  }

  return { propose, approve, share, shareIn, revoke, passOnRevocation, objectOf }
}
export type IndicatorService = ReturnType<typeof indicatorService>

export const unknownIndicator = (): KhienError =>
  new KhienError('exchange/unknown-indicator', 'There is no indicator of this id.', { status: 404 })

/** The network that owns the address can act on it; an authority knows who does. */
export const mayBlock = (peer: Peer, row: Pick<IndicatorRow, 'value'>): boolean =>
  answersFor(peer, row.value) || peer.role === 'authority'

function checkAttacker(wish: Proposed, seenAt: number, now: number): void {
  if (wish.kind !== 'ipv4' && wish.kind !== 'ipv6')
    throw badRequest('exchange/not-an-address', 'kind: an attacker is an address, ipv4 or ipv6.', 'body.kind')
  if (wish.value.includes('/'))
    throw badRequest('exchange/not-an-address', 'value: an attacker is one address, not a range.', 'body.value')
  // Behind CGNAT an address without its port and time names hundreds of customers.
  if (wish.port === undefined || wish.seenAt === undefined)
    throw badRequest(
      'exchange/port-needed',
      'port, seenAt: an attacker’s address is shared only with the source port and the time it was seen.',
      wish.port === undefined ? 'body.port' : 'body.seenAt',
    )
  if (seenAt > now) throw badRequest('exchange/seen-later', 'seenAt: expected a time that is past.', 'body.seenAt')
}

const guarded = (code: GuardCode): KhienError =>
  new KhienError(`exchange/guard-${code}`, exchangeMessages.en.guard[code], { status: 422, field: 'body.value' })
const conflict = (code: string, sentence: string): KhienError =>
  new KhienError(`exchange/${code}`, sentence, { status: 409 })

const factsOf = (row: IndicatorRow) => ({
  indicator: row.id,
  kind: row.kind,
  role: row.role,
  tlp: tlpOfRank(row.tlp) ?? 'unknown',
})
const act = (kind: string, row: IndicatorRow, actor: string) =>
  ({ kind, actor, result: 'done', facts: factsOf(row) }) as const
