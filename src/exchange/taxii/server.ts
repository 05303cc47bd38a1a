import { asKnown, KhienError } from '../../kit/errors.ts'
import type { Clock } from '../../kit/clock.ts'
import type { Log } from '../../kit/log.ts'
import type { Collection, CollectionStore, Outcome, Page, Viewer, Withheld } from './collections.ts'
import {
  answerError,
  answerJson,
  checkAccept,
  checkContentType,
  refuse,
  STIX_MEDIA,
  type TaxiiAnswer,
} from './media.ts'
import { nameOf } from './object.ts'
import { printNext, readNext, readQuery } from './query.ts'
import type { StatusStore } from './status.ts'
import { printMicros } from './time.ts'

/** Who calls, and what that peer may do with a collection. */
export type TaxiiPeer = Viewer & {
  /** Listed to the peer at all; what is not answers 404, as if it were not there. */
  sees(collection: string): boolean
  reads(collection: string): boolean
  writes(collection: string): boolean
}
export type ApiRoot = {
  /** `/taxii2/root/` */
  readonly path: string
  readonly title: string
  readonly description?: string | undefined
}
export type TaxiiRequest = {
  readonly method: string
  /** Path and query as they came. */
  readonly url: string
  header(name: string): string | undefined
  /** The whole body, or undefined when it is longer than `limit` bytes. */
  body(limit: number): Promise<Uint8Array | undefined>
}
export type TaxiiOptions = {
  readonly discovery: Readonly<Record<string, unknown>>
  readonly roots: readonly ApiRoot[]
  readonly collections: CollectionStore
  readonly statuses: StatusStore
  /** The peer of an Authorization header; throws 429 for one who guesses. */
  authenticate(authorization: string | undefined): Promise<TaxiiPeer | undefined>
  readonly clock: Clock
  readonly log: Log
  readonly pageSize: number
  readonly maxContentLength: number
  readonly check: 'stix' | 'shape'
  readonly newErrorId: () => string
  /** Called with what the marking gate kept back, before the answer leaves. */
  withheld?(peer: string, rows: readonly Withheld[]): Promise<void>
  /** Called after objects were stored for a peer. */
  received?(peer: string, collection: string, outcomes: readonly Outcome[], bytes: number): Promise<void>
  /** Called with the identifiers of the objects that an answer holds. */
  served?(peer: string, collection: string, ids: readonly string[], bytes: number): Promise<void>
}

export const DISCOVERY = '/taxii2/'
const OBJECTS_LIMIT = 10_000
/** Bodies read at once: with the content limit, what they may take of memory. */
const BODIES_AT_ONCE = 16
const SEGMENT = /^[A-Za-z0-9._~:-]{1,300}$/

/**
 * A TAXII 2.1 server (OASIS Standard 10 June 2021) as one function of a request, whatever listens. Never throws: errors are
 * error resources with the status of §3.6.
 */
export function taxiiServer(options: TaxiiOptions): (request: TaxiiRequest) => Promise<TaxiiAnswer> {
  const { collections, statuses } = options
  let bodies = 0

  async function handle(request: TaxiiRequest): Promise<TaxiiAnswer> {
    const [path = '', search = ''] = cut(request.url)
    const peer = await options.authenticate(request.header('authorization'))
    if (peer === undefined)
      throw refuse(401, 'sign-in', 'Sign in with HTTP Basic: the user and secret that this server gave you.')
    checkAccept(request.header('accept'))
    const place = placeOf(path, options.roots)
    if (place === undefined) throw notFound()
    if ('collection' in place) return inCollection(request, peer, place, new URLSearchParams(search))
    only(request, ['GET'])
    if (place.kind === 'discovery') return answerJson(200, JSON.stringify(options.discovery))
    const { root } = place
    if (place.kind === 'root') return answerJson(200, JSON.stringify(rootResource(root)))
    if (place.kind === 'status') {
      const status = await statuses.find(root.path, peer.peer, place.id)
      if (status === undefined) throw refuse(404, 'no-status', 'There is no status of yours with this id.')
      return answerJson(200, status)
    }
    const seen = (await collections.list(root.path)).filter((each) => peer.sees(each.id))
    const body = seen.length === 0 ? {} : { collections: seen.map((each) => collectionResource(each, peer)) }
    return answerJson(200, JSON.stringify(body))
  }

  async function inCollection(
    request: TaxiiRequest,
    peer: TaxiiPeer,
    place: InCollection,
    query: URLSearchParams,
  ): Promise<TaxiiAnswer> {
    const listed = await collections.list(place.root.path)
    const collection = listed.find((each) => each.id === place.collection || each.alias === place.collection)
    if (collection === undefined || !peer.sees(collection.id))
      throw refuse(404, 'no-collection', 'There is no collection of this id for you.')
    const { id } = collection
    if (place.kind === 'collection') {
      only(request, ['GET'])
      return answerJson(200, JSON.stringify(collectionResource(collection, peer)))
    }
    if (request.method === 'POST' && place.kind === 'objects') {
      if (!peer.writes(id)) throw refuse(403, 'not-writable', 'You may not write to this collection.')
      return post(request, peer, place.root, id)
    }
    if (request.method === 'DELETE' && place.kind === 'object') {
      if (!peer.reads(id) && !peer.writes(id))
        throw refuse(404, 'no-collection', 'There is no collection of this id for you.')
      if (!peer.reads(id) || !peer.writes(id))
        throw refuse(403, 'not-writable', 'Deleting needs the right to read and to write.')
      return remove(id, place.object, peer, query)
    }
    only(request, place.kind === 'objects' ? ['GET', 'POST'] : place.kind === 'object' ? ['GET', 'DELETE'] : ['GET'])
    if (!peer.reads(id)) throw refuse(403, 'not-readable', 'You may not read this collection.')
    return read(id, place, peer, query)
  }

  async function read(id: string, place: InCollection, peer: TaxiiPeer, query: URLSearchParams): Promise<TaxiiAnswer> {
    const one = place.kind === 'object' || place.kind === 'versions' ? place.object : undefined
    if (one !== undefined) {
      query.delete('match[id]')
      query.delete('match[type]')
    }
    if (place.kind === 'versions') query.set('match[version]', 'all')
    const { print, ...asked } = readQuery(query, options.pageSize)
    const filter = one === undefined ? asked : { ...asked, ids: [one] }
    const next = query.get('next')
    const after = next === null ? -1 : readNext(next, print)
    const page = await collections.page(id, filter, after, peer, place.kind === 'objects' || place.kind === 'object')
    if (page.withheld.length > 0) await options.withheld?.(peer.peer, page.withheld)
    if (one !== undefined && page.rows.length === 0 && !(await collections.has(id, one, peer)))
      throw refuse(404, 'no-object', 'There is no object of this id for you.')
    const body = pageBody(place.kind, page, page.more ? printNext(page.last, print) : undefined)
    if (place.kind === 'objects' || place.kind === 'object')
      await options.served?.(
        peer.peer,
        id,
        page.rows.map((row) => row.object_id),
        body.length,
      )
    return answerJson(200, body, dates(page))
  }

  async function post(request: TaxiiRequest, peer: TaxiiPeer, root: ApiRoot, id: string): Promise<TaxiiAnswer> {
    checkContentType(request.header('content-type'))
    if (bodies >= BODIES_AT_ONCE)
      throw refuse(503, 'busy', 'Too many uploads run at once; try again.', { retryAfter: 1 })
    bodies++
    try {
      const bytes = await request.body(options.maxContentLength)
      if (bytes === undefined)
        throw refuse(413, 'too-large', `The body is larger than ${options.maxContentLength} bytes; send it in parts.`, {
          field: 'body',
        })
      const at = options.clock()
      const objects = envelopeOf(bytes)
      const outcomes = await collections.add(id, objects, { source: peer.peer, check: options.check })
      const status = await statuses.keep(root.path, peer.peer, at, outcomes)
      await options.received?.(peer.peer, id, outcomes, bytes.length)
      return answerJson(202, status)
    } finally {
      bodies--
    }
  }

  /** Takes out what a GET of the same address would have shown (§5.7). */
  async function remove(id: string, object: string, peer: TaxiiPeer, query: URLSearchParams): Promise<TaxiiAnswer> {
    const filter = { ...readQuery(new URLSearchParams(matchesOf(query)), 1_000), ids: [object], limit: 1_000 }
    const { rows } = await collections.page(id, filter, -1, peer, false)
    if (rows.length === 0) throw refuse(404, 'no-object', 'There is no object of this id and version for you.')
    await collections.remove(
      id,
      object,
      rows.map((row) => row.added),
    )
    return answerJson(200, '')
  }

  const rootResource = ({ title, description }: ApiRoot) => ({
    title,
    ...(description === undefined ? {} : { description }),
    versions: ['application/taxii+json;version=2.1'],
    max_content_length: options.maxContentLength,
  })

  return async (request) => {
    try {
      return await handle(request)
    } catch (thrown) {
      const error = asKnown(thrown)
      const id = options.newErrorId()
      if (error instanceof KhienError) return answerError(error, id)
      options.log.error('taxii.failed', { id, name: error instanceof Error ? error.name : 'unknown' })
      return answerError(refuse(500, 'internal', 'Something failed here; tell the administrator the error id.'), id)
    }
  }
}

type InCollection =
  | { readonly kind: 'collection' | 'objects' | 'manifest'; readonly root: ApiRoot; readonly collection: string }
  | {
      readonly kind: 'object' | 'versions'
      readonly root: ApiRoot
      readonly collection: string
      readonly object: string
    }
type Place =
  | InCollection
  | { readonly kind: 'discovery' }
  | { readonly kind: 'root' | 'collections'; readonly root: ApiRoot }
  | { readonly kind: 'status'; readonly root: ApiRoot; readonly id: string }

/** Which endpoint a path means (§3, table of endpoints); the slash at the end is ours to forgive. */
function placeOf(path: string, roots: readonly ApiRoot[]): Place | undefined {
  const whole = path.endsWith('/') ? path : `${path}/`
  if (whole === DISCOVERY) return { kind: 'discovery' }
  const root = roots.find((each) => whole.startsWith(each.path))
  if (root === undefined) return undefined
  const rest = whole.slice(root.path.length, -1)
  if (rest === '') return whole === root.path ? { kind: 'root', root } : undefined
  const [what, first, third, object, versions, ...more] = rest.split('/')
  if (![what, first, third, object, versions].every((part) => part === undefined || SEGMENT.test(part)))
    return undefined
  if (more.length > 0) return undefined
  if (what === 'status' && first !== undefined && third === undefined) return { kind: 'status', root, id: first }
  if (what !== 'collections') return undefined
  if (first === undefined) return { kind: 'collections', root }
  const at = { root, collection: first }
  if (third === undefined) return { kind: 'collection', ...at }
  if (third === 'manifest' && object === undefined) return { kind: 'manifest', ...at }
  if (third !== 'objects') return undefined
  if (object === undefined) return { kind: 'objects', ...at }
  if (versions === undefined) return { kind: 'object', object, ...at }
  return versions === 'versions' ? { kind: 'versions', object, ...at } : undefined
}

function cut(url: string): [string, string] {
  const at = url.indexOf('?')
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
}

function only(request: TaxiiRequest, methods: readonly string[]): void {
  if (!methods.includes(request.method))
    throw refuse(405, 'method', `This address takes ${methods.join(' and ')}.`, { field: 'method' })
}

const notFound = (): KhienError => refuse(404, 'not-found', 'There is nothing at this address.')

function* matchesOf(query: URLSearchParams): Generator<[string, string]> {
  for (const [name, value] of query)
    if (name.startsWith('match[') && name !== 'match[id]' && name !== 'match[type]') yield [name, value]
}

const collectionResource = (collection: Collection, peer: TaxiiPeer) => ({
  id: collection.id,
  title: collection.title,
  ...(collection.description === undefined ? {} : { description: collection.description }),
  ...(collection.alias === undefined ? {} : { alias: collection.alias }),
  can_read: peer.reads(collection.id),
  can_write: peer.writes(collection.id),
  media_types: collection.mediaTypes,
})

/** The objects of an envelope. Errors: 400 `exchange/not-json`, 413 `too-many`, 422 `not-an-envelope`. */
function envelopeOf(bytes: Uint8Array): readonly unknown[] {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw refuse(400, 'not-json', 'The body is not JSON in UTF-8.', { field: 'body' })
  }
  const why = 'While processing supplied content, an error occurred:'
  const objects = typeof value === 'object' && value !== null ? (value as { objects?: unknown }).objects : undefined
  if (!Array.isArray(objects) || objects.length === 0)
    throw refuse(422, 'not-an-envelope', `${why} expected {"objects": […]}, not empty.`, { field: 'body.objects' })
  if (objects.length > OBJECTS_LIMIT)
    throw refuse(413, 'too-many', `Send at most ${OBJECTS_LIMIT} objects at a time.`, { field: 'body.objects' })
  // A status names each object by its identifier; what has none cannot be reported on.
  const nameless = objects.findIndex((object) => nameOf(object) === undefined)
  if (nameless >= 0)
    throw refuse(422, 'not-an-envelope', `${why} object ${nameless} has no type and id.`, {
      field: `body.objects.${nameless}`,
    })
  return objects as readonly unknown[]
}

/** Joined as text: the objects are stored as they are sent. bench/taxii.ts: pull. */
function pageBody(kind: InCollection['kind'], page: Page, next: string | undefined): string {
  if (page.rows.length === 0 && !page.more) return '{}'
  const head = `{"more":${page.more}${next === undefined ? '' : `,"next":"${next}"`}`
  if (kind === 'versions') return `${head},"versions":${JSON.stringify(page.rows.map((row) => row.version))}}`
  if (kind !== 'manifest') return `${head},"objects":[${page.rows.map((row) => row.body).join(',')}]}`
  const entries = page.rows.map((row) => ({
    id: row.object_id,
    date_added: printMicros(row.added),
    version: row.version,
    media_type: `${STIX_MEDIA.slice(0, -3)}${row.spec}`,
  }))
  return `${head},"objects":${JSON.stringify(entries)}}`
}

function dates(page: Page): Record<string, string> {
  const [first] = page.rows
  if (first === undefined) return {}
  return {
    'x-taxii-date-added-first': printMicros(first.added),
    'x-taxii-date-added-last': printMicros(page.rows.at(-1)!.added),
  }
}
