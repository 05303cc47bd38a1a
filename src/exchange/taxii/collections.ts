import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely'
import { validateObject } from '../../engine/stix/index.ts'
import type { Clock } from '../../kit/clock.ts'
import type { RefusalReason } from '../contract.ts'
import { oneAtATime, type Database, type Transaction } from '../../storage/sql/index.ts'
import type { ExchangeTables } from '../store.ts'
import type { Rank, StixObject } from '../tlp.ts'
import { nameOf, prepare, type Prepared, sizeFault, unknownMarkings } from './object.ts'
import type { Filter } from './query.ts'
import { printMicros } from './time.ts'

export type Collection = {
  readonly id: string
  readonly root: string
  readonly alias?: string | undefined
  readonly title: string
  readonly description?: string | undefined
  readonly mediaTypes: readonly string[]
}
/** A stored version without its object. */
export type Entry = {
  readonly added: number
  readonly object_id: string
  readonly type: string
  readonly version: string
  readonly spec: string
  readonly tlp: number
}
/** `body` null: it is there and was not read. */
type Found = Entry & { readonly size?: number | undefined; readonly body?: string | null | undefined }
export type Row = Entry & { readonly body: string }
export type Outcome = {
  readonly id: string
  readonly version: string
  readonly failed: boolean
  readonly message?: string
}
/** Whose eyes: an audience is matched by `peer`, a marking by `withhold`. */
export type Viewer = {
  readonly peer: string
  readonly withhold?: ((rank: Rank) => RefusalReason | undefined) | undefined
}
export type Withheld = Entry & { readonly reason: RefusalReason }
export type Page = {
  readonly rows: readonly Row[]
  readonly more: boolean
  /** date_added from which to go on. */
  readonly last: number
  readonly withheld: readonly Withheld[]
}
export type AddOptions = {
  readonly source?: string | undefined
  readonly audience?: readonly string[] | undefined
  /** A version that is there already is shown to this audience too, and comes as new to everybody. */
  readonly widen?: true
  /** `stix`: what is larger than 64 KiB or has an error by STIX 2.1 fails; `shape`: identifier, type and times are enough. */
  readonly check: 'stix' | 'shape'
  /** date_added of each object in microseconds, rising, where it is known from elsewhere. */
  readonly dates?: readonly number[] | undefined
}
type Trx = Transaction<ExchangeTables>

/** So many objects share a transaction: about 10 ms on the event loop. */
const CHUNK = 250
/** Objects of a page together, save for a single one that is larger. */
const PAGE_BYTES = 4_194_304
/** Rounds of reading past what the viewer may not have, until a page is answered as it is. */
const ROUNDS = 20
/** Objects up to so many bytes come along with their entries; larger ones are read when it is known that they fit. */
const SMALL = 4_096
const BODIES = 1_000
const COLUMNS = ['added', 'object_id', 'type', 'version', 'spec', 'tlp'] as const

/** Collections of STIX objects, each in the order of its date_added, which is unique and rises (TAXII 2.1 §3.3). */
export function collectionStore(ctx: { readonly db: Database; readonly clock: Clock }) {
  const { db } = ctx

  const numbers = new Map<string, number>()

  async function ensure(collection: Collection): Promise<void> {
    await db.transaction<ExchangeTables, void>(async (trx) => {
      await oneAtATime(db, trx, 'taxii collections')
      const known = await trx
        .selectFrom('exchange_collection')
        .select('no')
        .where('id', '=', collection.id)
        .executeTakeFirst()
      if (known) return
      const { last } = await trx
        .selectFrom('exchange_collection')
        .select((eb) => eb.fn.max<number | null>('no').as('last'))
        .executeTakeFirstOrThrow()
      await trx
        .insertInto('exchange_collection')
        .values({
          no: (last ?? 0) + 1,
          id: collection.id,
          root: collection.root,
          alias: collection.alias ?? null,
          title: collection.title,
          description: collection.description ?? null,
          media_types: JSON.stringify(collection.mediaTypes),
          last_added: 0,
          digested: 0,
        })
        .execute()
    })
    await numberOf(collection.id)
  }

  /** What stands for the collection in its objects. */
  async function numberOf(id: string, within: Kysely<ExchangeTables> = db.tables<ExchangeTables>()): Promise<number> {
    const known = numbers.get(id)
    if (known !== undefined) return known
    const { no } = await within
      .selectFrom('exchange_collection')
      .select('no')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    numbers.set(id, no)
    return no
  }

  async function list(root: string): Promise<Collection[]> {
    const rows = await db
      .tables<ExchangeTables>()
      .selectFrom('exchange_collection')
      .selectAll()
      .where('root', '=', root)
      .orderBy('no')
      .execute()
    return rows.map((row) => ({
      id: row.id,
      root: row.root,
      alias: row.alias ?? undefined,
      title: row.title,
      description: row.description ?? undefined,
      mediaTypes: JSON.parse(row.media_types) as string[],
    }))
  }

  /** Adds objects, a few at a time; each outcome is durable before this resolves. */
  async function add(collection: string, objects: readonly unknown[], options: AddOptions): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    const statements = new Set<string>()
    for (let from = 0; from < objects.length; from += CHUNK) {
      if (from > 0) await new Promise((resolve) => setImmediate(resolve))
      const chunk = await check(objects.slice(from, from + CHUNK), collection, options, statements)
      const added = await db.transaction<ExchangeTables, Outcome[]>((trx) => put(trx, collection, chunk, options))
      outcomes.push(...added)
    }
    return outcomes
  }

  /** Adds objects inside the caller's transaction. */
  async function addIn(
    trx: Trx,
    collection: string,
    objects: readonly unknown[],
    options: AddOptions,
  ): Promise<Outcome[]> {
    return put(trx, collection, await check(objects, collection, options, new Set(), trx), options)
  }

  /** What is wrong with each object, or its columns. */
  async function check(
    objects: readonly unknown[],
    collection: string,
    options: AddOptions,
    statements: Set<string>,
    within: Kysely<ExchangeTables> = db.tables<ExchangeTables>(),
  ): Promise<(Prepared | Outcome)[]> {
    const fine = objects.filter((object): object is StixObject => nameOf(object) !== undefined)
    const unknown = unknownMarkings(fine, statements)
    if (unknown.length > 0)
      for (const id of await statementsAmong(within, await numberOf(collection, within), unknown)) statements.add(id)
    return objects.map((object) => {
      const fault = options.check === 'stix' ? (sizeFault(object) ?? faultOf(object)) : undefined
      const prepared = fault ?? prepare(object as StixObject, statements, options.check === 'stix')
      if (typeof prepared !== 'string') return prepared
      const name = nameOf(object)
      return { id: name?.id ?? 'unknown', version: versionText(object), failed: true, message: prepared }
    })
  }

  async function put(
    trx: Trx,
    collection: string,
    objects: readonly (Prepared | Outcome)[],
    options: AddOptions,
  ): Promise<Outcome[]> {
    await oneAtATime(db, trx, `taxii ${collection}`)
    const { last_added: last, no } = await trx
      .selectFrom('exchange_collection')
      .select(['last_added', 'no'])
      .where('id', '=', collection)
      .executeTakeFirstOrThrow()
    let added = options.dates === undefined ? Math.max(ctx.clock() * 1_000 - 1, last) : last
    const known = await knownVersions(trx, no, objects)
    const audience = options.audience === undefined ? null : audienceOf(options.audience)
    const fresh: ExchangeTables['exchange_object'][] = []
    const moves: Move[] = []
    const outcomes = objects.map((object, i): Outcome => {
      if ('failed' in object) return object
      const versions = known.get(object.id) ?? []
      const same = versions.find((each) => object.version === undefined || each.key === object.key)
      if (same !== undefined) {
        const wider = options.widen && same.added !== undefined ? union(same.audience, audience) : undefined
        if (wider !== undefined) moves.push({ from: same.added!, to: (same.added = ++added), audience: wider.value })
        return { id: object.id, version: same.version, failed: false, message: PRESENT }
      }
      if (object.type === 'indicator' && versions.some((each) => isForeign(each.source, options.source)))
        return { id: object.id, version: object.version ?? '', failed: true, message: HELD }
      added = Math.max(added + 1, options.dates?.[i] ?? 0)
      const version = object.version ?? printMicros(added)
      const row: Known = {
        key: object.key === '' ? version : object.key,
        spec: object.spec,
        version,
        source: options.source ?? null,
        audience,
        row: undefined,
      }
      const newer = versions.some((each) => each.spec === row.spec && each.key > row.key)
      row.row = {
        collection: no,
        added,
        object_id: object.id,
        type: object.type,
        version,
        version_key: row.key,
        spec: object.spec,
        newest: newer ? 0 : 1,
        outdated: versions.some((each) => each.spec > row.spec) ? 1 : 0,
        tlp: object.tlp,
        source: options.source ?? null,
        audience,
        body: object.body,
      }
      for (const older of versions) {
        if (older.spec === row.spec && !newer) markNotNewest(older)
        if (older.spec < row.spec) markOutdated(older)
      }
      versions.push(row)
      known.set(object.id, versions)
      fresh.push(row.row)
      return { id: object.id, version, failed: false }
    })
    for (const { from, to, audience: wider } of moves)
      await trx
        .updateTable('exchange_object')
        .set({ added: to, audience: wider })
        .where('collection', '=', no)
        .where('added', '=', from)
        .execute()
    await supersede(trx, no, known)
    if (fresh.length + moves.length > 0) {
      for (let from = 0; from < fresh.length; from += CHUNK)
        await trx
          .insertInto('exchange_object')
          .values(fresh.slice(from, from + CHUNK))
          .execute()
      await trx.updateTable('exchange_collection').set({ last_added: added }).where('id', '=', collection).execute()
    }
    return outcomes
  }

  /**
   * One page of what the viewer may see, in the order of date_added, of at most `limit` objects and about 4 MiB. `bodies`
   * false leaves the objects themselves out.
   */
  async function page(
    collection: string,
    filter: Filter,
    after: number,
    viewer: Viewer,
    bodies: boolean,
  ): Promise<Page> {
    const entries: Found[] = []
    const withheld: Withheld[] = []
    let from = Math.max(after, filter.addedAfter)
    let bytes = 0
    let ended = false
    let full = false
    for (let round = 0; !ended && !full && round < ROUNDS; round++) {
      const wanted = filter.limit + 1 - entries.length
      const found = await read(collection, filter, from, viewer.peer, bodies, wanted)
      ended = found.length < wanted
      for (const each of found) {
        const reason = viewer.withhold?.(each.tlp)
        if (reason !== undefined) {
          const { size: _, body: __, ...entry } = each
          withheld.push({ ...entry, reason })
          continue
        }
        const { size = 0 } = each
        full = entries.length === filter.limit || (entries.length > 0 && bytes + size > PAGE_BYTES)
        if (full) break
        entries.push(each)
        bytes += size
      }
      from = found.at(-1)?.added ?? from
    }
    const last = full ? entries.at(-1)!.added : from
    return {
      rows: await withBodies(collection, entries),
      more: full || !ended,
      last,
      withheld: withheld.filter((row) => row.added <= last),
    }
  }

  async function read(
    collection: string,
    filter: Filter,
    from: number,
    peer: string,
    bodies: boolean,
    limit: number,
  ): Promise<Found[]> {
    const no = await numberOf(collection)
    let query = db
      .tables<ExchangeTables>()
      .selectFrom('exchange_object as o')
      .select(COLUMNS)
      .$if(bodies, (q) =>
        q.select((eb) => {
          const size = eb.fn<number>('octet_length', ['body'])
          return [size.as('size'), eb.case().when(size, '<=', SMALL).then(eb.ref('body')).end().as('body')]
        }),
      )
      .where('collection', '=', no)
      .where('added', '>', from)
      .where((eb) => eb.or([eb('audience', 'is', null), eb('audience', 'like', `%,${peer},%`)]))
    if (filter.ids) query = query.where('object_id', 'in', [...filter.ids])
    if (filter.types) query = query.where('type', 'in', [...filter.types])
    query = filter.specs ? query.where('spec', 'in', [...filter.specs]) : query.where('outdated', '=', 0)
    if (!filter.versions.has('all')) query = query.where((eb) => versionTest(eb, filter))
    return query.orderBy('added').limit(limit).execute()
  }

  /** What was deleted since the entries were read is left out. */
  async function withBodies(collection: string, entries: readonly Found[]): Promise<readonly Row[]> {
    const large = entries.filter((entry) => entry.body === null).map((entry) => entry.added)
    if (large.length === 0) return entries as Row[]
    const no = await numberOf(collection)
    const bodies = new Map<number, string>()
    for (let from = 0; from < large.length; from += BODIES) {
      const wanted = large.slice(from, from + BODIES)
      const found = await db
        .tables<ExchangeTables>()
        .selectFrom('exchange_object')
        .select(['added', 'body'])
        .where('collection', '=', no)
        .where('added', 'in', wanted)
        .execute()
      for (const { added, body } of found) bodies.set(added, body)
    }
    return entries.flatMap((entry) => {
      const body = entry.body ?? bodies.get(entry.added)
      return body === undefined ? [] : [{ ...entry, body }]
    })
  }

  /** Whether the id is there at all, for this viewer. */
  async function has(collection: string, id: string, viewer: Viewer): Promise<boolean> {
    const no = await numberOf(collection)
    const row = await db
      .tables<ExchangeTables>()
      .selectFrom('exchange_object')
      .select('tlp')
      .where('collection', '=', no)
      .where('object_id', '=', id)
      .where((eb) => eb.or([eb('audience', 'is', null), eb('audience', 'like', `%,${viewer.peer},%`)]))
      .orderBy('tlp')
      .limit(1)
      .executeTakeFirst()
    return row !== undefined && viewer.withhold?.(row.tlp) === undefined
  }

  /** Who sees any version of the object: peers, `all`, or undefined when it is not there. */
  async function audienceFor(trx: Trx, collection: string, id: string): Promise<readonly string[] | 'all' | undefined> {
    const rows = await trx
      .selectFrom('exchange_object')
      .select('audience')
      .distinct()
      .where('collection', '=', await numberOf(collection, trx))
      .where('object_id', '=', id)
      .execute()
    if (rows.length === 0) return undefined
    if (rows.some((row) => row.audience === null)) return 'all'
    return [...new Set(rows.flatMap((row) => namesIn(row.audience!)))]
  }

  /** Takes versions out; what was second becomes the newest. */
  async function remove(collection: string, id: string, versions: readonly number[]): Promise<void> {
    await db.transaction<ExchangeTables, void>(async (trx) => {
      await oneAtATime(db, trx, `taxii ${collection}`)
      const no = await numberOf(collection, trx)
      await trx
        .deleteFrom('exchange_object')
        .where('collection', '=', no)
        .where('object_id', '=', id)
        .where('added', 'in', [...versions])
        .execute()
      const left = await trx
        .selectFrom('exchange_object')
        .select(['added', 'version_key', 'spec', 'newest', 'outdated'])
        .where('collection', '=', no)
        .where('object_id', '=', id)
        .orderBy('version_key', 'desc')
        .execute()
      const seen = new Set<string>()
      const top = left.reduce((most, each) => (each.spec > most ? each.spec : most), '')
      for (const row of left) {
        const newest = seen.has(row.spec) ? 0 : 1
        const outdated = row.spec < top ? 1 : 0
        seen.add(row.spec)
        if (row.newest === newest && row.outdated === outdated) continue
        await trx
          .updateTable('exchange_object')
          .set({ newest, outdated })
          .where('collection', '=', no)
          .where('added', '=', row.added)
          .execute()
      }
    })
  }

  return { ensure, numberOf, list, add, addIn, audienceFor, page, has, remove }
}
export type CollectionStore = ReturnType<typeof collectionStore>

const PRESENT = 'This version is there already.'
const HELD = 'Another peer brought this indicator; only that one may change or revoke it.'
const isForeign = (source: string | null, other: string | undefined): boolean =>
  source !== null && other !== undefined && source !== other

/** A stored version whose date_added and audience change. */
type Move = { readonly from: number; readonly to: number; readonly audience: string | null }

/** Who sees what either audience sees (null: all), or undefined when that is the first already. */
function union(first: string | null, second: string | null): { value: string | null } | undefined {
  if (first === null) return undefined
  if (second === null) return { value: null }
  const all = new Set([...namesIn(first), ...namesIn(second)])
  return all.size === namesIn(first).length ? undefined : { value: audienceOf(all) }
}
/** `,peer_1,peer_2,` */
const audienceOf = (peers: Iterable<string>): string => `,${[...peers].join(',')},`
const namesIn = (audience: string): string[] => audience.slice(1, -1).split(',')

/** A version of an id that comes in: stored already (`added`), or about to be (`row`). */
type Known = {
  key: string
  spec: string
  version: string
  source: string | null
  audience: string | null
  row: ExchangeTables['exchange_object'] | undefined
  added?: number
  superseded?: true
  outdated?: true
}

function markNotNewest(known: Known): void {
  if (known.row) known.row.newest = 0
  else known.superseded = true
}

function markOutdated(known: Known): void {
  if (known.row) known.row.outdated = 1
  else known.outdated = true
}

/** Of each id: its newest versions, and those of the same key as one that comes in. */
async function knownVersions(
  trx: Trx,
  collection: number,
  objects: readonly (Prepared | Outcome)[],
): Promise<Map<string, Known[]>> {
  const wanted = objects.filter((object): object is Prepared => 'key' in object)
  const known = new Map<string, Known[]>()
  if (wanted.length === 0) return known
  const rows = await trx
    .selectFrom('exchange_object')
    .select(['object_id', 'version_key', 'version', 'spec', 'source', 'audience', 'added'])
    .where('collection', '=', collection)
    .where('object_id', 'in', [...new Set(wanted.map((object) => object.id))])
    .where((eb) =>
      eb.or([eb('newest', '=', 1), eb('version_key', 'in', [...new Set(wanted.map((object) => object.key))])]),
    )
    .execute()
  for (const { object_id: id, version_key: key, version, spec, source, audience, added } of rows) {
    const versions = known.get(id) ?? []
    versions.push({ key, version, spec, source, audience, added, row: undefined })
    known.set(id, versions)
  }
  return known
}

/** Marks stored versions that are no longer the newest, or of an outdated specification version. */
async function supersede(trx: Trx, collection: number, known: ReadonlyMap<string, Known[]>): Promise<void> {
  const all = [...known].flatMap(([id, versions]) => versions.map((each) => ({ ...each, id })))
  const stored = all.filter((each) => each.added !== undefined)
  const older = stored.filter((each) => each.superseded).map((each) => each.added!)
  if (older.length > 0)
    await trx
      .updateTable('exchange_object')
      .set({ newest: 0 })
      .where('collection', '=', collection)
      .where('added', 'in', older)
      .execute()
  for (const each of stored.filter((one) => one.outdated))
    await trx
      .updateTable('exchange_object')
      .set({ outdated: 1 })
      .where('collection', '=', collection)
      .where('object_id', '=', each.id)
      .where('spec', '=', each.spec)
      .execute()
}

async function statementsAmong(
  db: Kysely<ExchangeTables>,
  collection: number,
  ids: readonly string[],
): Promise<string[]> {
  const rows = await db
    .selectFrom('exchange_object')
    .select(['object_id', 'body'])
    .where('collection', '=', collection)
    .where('object_id', 'in', ids.slice(0, 1_000))
    .where('newest', '=', 1)
    .execute()
  return rows
    .filter((row) => (JSON.parse(row.body) as StixObject)['definition_type'] === 'statement')
    .map((row) => row.object_id)
}

function faultOf(object: unknown): string | undefined {
  const fault = validateObject(object).find((each) => each.level === 'error')
  if (fault === undefined) return undefined
  return `${fault.path === '' ? '' : `${fault.path}: `}${fault.message} (STIX 2.1 §${fault.section})`.slice(0, 500)
}

function versionText(object: unknown): string {
  const { modified, created } = (object ?? {}) as { modified?: unknown; created?: unknown }
  const version = modified ?? created
  return typeof version === 'string' ? version.slice(0, 64) : '1970-01-01T00:00:00.000Z'
}

type Builder = ExpressionBuilder<ExchangeTables & { o: ExchangeTables['exchange_object'] }, 'o'>

/** §3.4.1: any of the versions asked for; first and last among those of the specification versions asked for. */
function versionTest(eb: Builder, filter: Filter): Expression<SqlBool> {
  const tests: Expression<SqlBool>[] = []
  const keys = [...filter.versions].filter((each) => each !== 'first' && each !== 'last')
  if (keys.length > 0) tests.push(eb('o.version_key', 'in', keys))
  if (filter.versions.has('last')) {
    const own = eb('o.newest', '=', 1)
    tests.push((filter.specs?.length ?? 1) > 1 ? eb.and([own, eb.not(eb.exists(other(eb, filter, '>')))]) : own)
  }
  if (filter.versions.has('first')) tests.push(eb.not(eb.exists(other(eb, filter, '<'))))
  return tests.length === 1 ? tests[0]! : eb.or(tests)
}

function other(eb: Builder, filter: Filter, sign: '<' | '>') {
  const query = eb
    .selectFrom('exchange_object as v')
    .select('v.added')
    .whereRef('v.collection', '=', 'o.collection')
    .whereRef('v.object_id', '=', 'o.object_id')
    .whereRef('v.version_key', sign, 'o.version_key')
  return filter.specs ? query.where('v.spec', 'in', [...filter.specs]) : query.where('v.outdated', '=', 0)
}
