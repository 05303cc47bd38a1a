import type { Kysely } from 'kysely'
import { iso } from '../kit/clock.ts'
import { newId } from '../kit/ids.ts'
import type { Transaction } from '../storage/sql/index.ts'
import type { ExchangeContext } from './context.ts'
import type { IndicatorKind, IndicatorRole, IndicatorState, IndicatorView } from './contract.ts'
import type { ExchangeTables } from './store.ts'
import type { Term } from './stix.ts'
import { tlpOfRank } from './tlp.ts'

export type IndicatorRow = ExchangeTables['indicator']
export type Trx = Transaction<ExchangeTables>

/** From this confidence on an indicator may lead to the warning of a person. */
export const CONFIDENT = 75
/** `usable`: version of the set that matchers use; the others count what was refused. */
export type Counter = 'usable' | 'file-refused' | 'held-by-another'
/** States of an indicator that matchers may use. */
const IN_USE = ['shared', 'received'] as const

/**
 * What a matcher may look for. An `attacker` is not among the roles: an address that only attacked is never matched
 * against subscribers.
 */
export type UsableIndicator = Term & {
  readonly id: string
  readonly role: Exclude<IndicatorRole, 'attacker'>
  readonly confidence: number
  readonly validUntil: number
}
export type UsableSet = { readonly version: number; readonly items: readonly UsableIndicator[] }

/** Reads and counters of the indicator table. */
export function indicatorStore(ctx: ExchangeContext) {
  const rows = () => ctx.db.tables<ExchangeTables>()
  let cached: (UsableSet & { readonly until: number }) | undefined
  const listeners = new Set<() => void>()

  async function counted(name: Counter, db: Kysely<ExchangeTables> = rows()): Promise<number> {
    const row = await db.selectFrom('exchange_counter').select('value').where('name', '=', name).executeTakeFirst()
    return row?.value ?? 0
  }

  async function count(trx: Trx, name: Counter): Promise<void> {
    await trx
      .insertInto('exchange_counter')
      .values({ name, value: 1 })
      .onConflict((c) => c.column('name').doUpdateSet((eb) => ({ value: eb('exchange_counter.value', '+', 1) })))
      .execute()
  }

  const version = (db?: Kysely<ExchangeTables>): Promise<number> => counted('usable', db)
  /** The set that matchers use has changed: to be called in the transaction that changes it. */
  const changed = (trx: Trx): Promise<void> => count(trx, 'usable')

  /** Marks what has run out; answers how many. */
  async function expire(at: number): Promise<number> {
    return ctx.db.transaction<ExchangeTables, number>(async (trx) => {
      const done = await trx
        .updateTable('indicator')
        .set({ state: 'expired', updated_at: at })
        .where('state', 'in', ['draft', 'pending', 'shared', 'received'])
        .where('valid_until', '<=', at)
        .executeTakeFirst()
      await trx
        .updateTable('block_suggestion')
        .set({ state: 'expired' })
        .where('state', '!=', 'expired')
        .where('expires_at', '<=', at)
        .execute()
      if (Number(done.numUpdatedRows) > 0) await changed(trx)
      return Number(done.numUpdatedRows)
    })
  }

  /**
   * What matchers may use at `at` (milliseconds): command-and-control and download hosts of confidence 75 and more, valid
   * then, not revoked, passed by the guard. The version changes whenever the set does.
   */
  async function usable(at: number = ctx.clock()): Promise<UsableSet> {
    if (cached !== undefined && at >= cached.until) {
      await expire(at)
      await ctx.db.transaction<ExchangeTables, void>(changed)
    }
    const now = await version()
    if (cached?.version === now && at < cached.until) return cached
    const found = await rows()
      .selectFrom('indicator')
      .select(['id', 'role', 'terms', 'confidence', 'valid_from', 'valid_until'])
      .where('state', 'in', [...IN_USE])
      .where('role', 'in', ['c2', 'download'])
      .where('confidence', '>=', CONFIDENT)
      .where('valid_until', '>', at)
      .orderBy('id')
      .execute()
    const valid = found.filter((row) => row.valid_from <= at)
    const all = valid.flatMap((row) =>
      (JSON.parse(row.terms) as Term[]).map((term) => ({
        ...term,
        id: row.id,
        role: row.role as 'c2' | 'download',
        confidence: row.confidence,
        validUntil: row.valid_until,
      })),
    )
    // Two peers that name one host name one thing: the one who came first stands for it, so that nobody is warned twice.
    const first = new Map(all.toReversed().map((item) => [`${item.kind} ${item.value}`, item]))
    const items = all.filter((item) => first.get(`${item.kind} ${item.value}`) === item)
    let until = Infinity
    for (const row of found) until = Math.min(until, row.valid_from > at ? row.valid_from : row.valid_until)
    cached = { version: now, items, until }
    return cached
  }

  async function one(id: string, db: Kysely<ExchangeTables> = rows()): Promise<IndicatorRow | undefined> {
    return db.selectFrom('indicator').selectAll().where('id', '=', id).executeTakeFirst()
  }

  function list(filter: {
    readonly cursor: string | undefined
    readonly limit: number
    readonly state?: IndicatorState | undefined
    readonly role?: IndicatorRole | undefined
    readonly kind?: IndicatorKind | undefined
    readonly source?: 'own' | 'peer' | undefined
    readonly caseId?: string | undefined
    readonly q?: string | undefined
  }): Promise<IndicatorRow[]> {
    let query = rows().selectFrom('indicator').selectAll()
    if (filter.cursor !== undefined) query = query.where('id', '<', filter.cursor)
    if (filter.state) query = query.where('state', '=', filter.state)
    if (filter.role) query = query.where('role', '=', filter.role)
    if (filter.kind) query = query.where('kind', '=', filter.kind)
    if (filter.source) query = query.where('source', filter.source === 'own' ? '=' : '!=', '')
    if (filter.caseId) query = query.where('case_id', '=', filter.caseId)
    if (filter.q) {
      const q = filter.q.toLowerCase().replace(/[\\%_]/g, '\\$&')
      query = query.where((eb) => eb(eb.fn<string>('lower', ['value']), 'like', eb.val(`%${q}%`)))
    }
    return query
      .orderBy('id', 'desc')
      .limit(filter.limit + 1)
      .execute()
  }

  async function states(): Promise<Partial<Record<IndicatorState, number>>> {
    const found = await rows()
      .selectFrom('indicator')
      .select((eb) => ['state', eb.fn.countAll<number>().as('n')])
      .groupBy('state')
      .execute()
    return Object.fromEntries(found.map((row) => [row.state, Number(row.n)]))
  }

  /** Writes an act into the indicator's own timeline. */
  async function note(trx: Trx, indicator: string, act: string, actor: string): Promise<void> {
    const at = ctx.clock()
    await trx
      .insertInto('indicator_act')
      .values({ id: newId('ina', at, ctx.entropy), indicator, at, act, actor })
      .execute()
  }

  /** Calls back after the set may have changed in this process; the caller asks for `usable` then. */
  function listen(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  const tell = (): void => {
    for (const listener of listeners) listener()
  }

  return { counted, count, version, changed, expire, usable, one, list, states, note, listen, tell }
}
export type IndicatorStore = ReturnType<typeof indicatorStore>

export function isUsable(row: IndicatorRow, at: number): boolean {
  return (
    (IN_USE as readonly string[]).includes(row.state) &&
    row.role !== 'attacker' &&
    row.confidence >= CONFIDENT &&
    row.valid_from <= at &&
    row.valid_until > at &&
    row.terms !== '[]'
  )
}

export type Seen = {
  readonly at: number
  readonly names: ReadonlyMap<string, string>
  readonly controller: string
  readonly sharedWith: number
  readonly sentence: (code: string) => string
}

export function indicatorView(row: IndicatorRow, seen: Seen): IndicatorView {
  return {
    id: row.id,
    stixId: row.stix_id,
    kind: row.kind as IndicatorKind,
    value: row.value,
    pattern: row.pattern,
    role: row.role as IndicatorRole,
    // What cannot be read is shown as the most closed.
    tlp: tlpOfRank(row.tlp) ?? 'red',
    confidence: row.confidence,
    validFrom: iso(row.valid_from),
    validUntil: iso(row.valid_until),
    state: row.state as IndicatorState,
    source:
      row.source === ''
        ? { kind: 'own', peer: null, name: seen.controller }
        : {
            kind: 'peer',
            peer: seen.names.has(row.source) ? row.source : null,
            name: seen.names.get(row.source) ?? row.source,
          },
    caseId: row.case_id,
    usable: isUsable(row, seen.at),
    guard: row.guard,
    guardSentence: row.guard === null ? null : seen.sentence(row.guard),
    sightings: row.sightings,
    lastSeenAt: row.last_seen_at === null ? null : iso(row.last_seen_at),
    sharedWith: seen.sharedWith,
    createdAt: iso(row.created_at),
    updatedAt: iso(row.updated_at),
    proposedBy: row.proposed_by,
  }
}
