import { createHash } from 'node:crypto'
import { refuse } from './media.ts'
import { readMicros, versionKey } from './time.ts'

/** What a request filters by (TAXII 2.1 §3.4), in the order of §3.4.1. */
export type Filter = {
  readonly ids: readonly string[] | undefined
  readonly types: readonly string[] | undefined
  /** `first`, `last`, `all` and version keys; last unless asked. */
  readonly versions: ReadonlySet<string>
  /** Undefined: the newest specification version that each object has. */
  readonly specs: readonly string[] | undefined
  /** Microseconds; only what was added later. */
  readonly addedAfter: number
  readonly limit: number
}

const VALUES = 1_000
const MATCHES = new Set(['match[id]', 'match[type]', 'match[version]', 'match[spec_version]'])

/** Filter and continuation of a query. Errors: 400 `exchange/bad-limit`, `bad-match`, `bad-filter`, `bad-next`. */
export function readQuery(query: URLSearchParams, maxLimit: number): Filter & { readonly print: string } {
  for (const name of new Set(query.keys())) {
    if (name.startsWith('match[') && !MATCHES.has(name))
      throw refuse(400, 'bad-match', 'match[…] takes id, type, version and spec_version.', { field: 'query.match' })
    if (query.getAll(name).length > 1)
      throw refuse(400, 'bad-filter', 'A filter is given twice; join its values with commas.', { field: 'query' })
  }
  const ids = listOf(query, 'match[id]', /^[a-z][a-z0-9-]{0,249}--[0-9a-fA-F-]{36}$/)
  const types = listOf(query, 'match[type]', /^[a-z][a-z0-9-]{0,249}$/)
  const specs = listOf(query, 'match[spec_version]', /^\d{1,3}\.\d{1,3}$/)
  const versions = new Set((listOf(query, 'match[version]', /^.{1,64}$/) ?? ['last']).map(versionOf))
  const after = query.get('added_after')
  const addedAfter = after === null ? -1 : readMicros(after)
  if (addedAfter === undefined)
    throw refuse(400, 'bad-filter', 'added_after: expected a time such as 2026-11-22T09:00:00.000000Z.', {
      field: 'query.added_after',
    })
  const filter = { ids, types, specs, versions, addedAfter, limit: limitOf(query.get('limit'), maxLimit) }
  return { ...filter, print: printOf(filter) }
}

function listOf(query: URLSearchParams, name: string, form: RegExp): string[] | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  const values = text.split(',', VALUES + 1).map((each) => each.trim())
  if (values.length > VALUES || !values.every((each) => form.test(each)))
    throw refuse(400, 'bad-match', `${name}: at least one value is not of the form that the specification gives.`, {
      field: `query.${name}`,
    })
  return values
}

function versionOf(value: string): string {
  if (value === 'first' || value === 'last' || value === 'all') return value
  const key = versionKey(value)
  if (key === undefined)
    throw refuse(400, 'bad-match', 'match[version]: expected first, last, all or a time.', {
      field: 'query.match[version]',
    })
  return key
}

function limitOf(text: string | null, most: number): number {
  if (text === null) return most
  if (!/^\d{1,15}$/.test(text) || Number(text) < 1)
    throw refuse(400, 'bad-limit', 'limit: expected a whole number from 1.', { field: 'query.limit' })
  return Math.min(Number(text), most)
}

/** What a continuation is bound to: a client that changes its filters while paging would miss objects. */
function printOf({ ids, types, versions, specs, addedAfter }: Omit<Filter, 'limit'>): string {
  const text = JSON.stringify([
    ids?.toSorted(),
    types?.toSorted(),
    [...versions].toSorted(),
    specs?.toSorted(),
    addedAfter,
  ])
  return createHash('sha256').update(text).digest('base64url').slice(0, 16)
}

/** The opaque `next`: date_added of the last object, which is unique in a collection, and the filters it belongs to. */
export const printNext = (added: number, print: string): string =>
  Buffer.from(`1.${added.toString(36)}.${print}`).toString('base64url')

/** date_added after which to go on. Errors: 400 `exchange/bad-next`, also when the filters were changed. */
export function readNext(text: string, print: string): number {
  const match = /^1\.([0-9a-z]{1,12})\.([\w-]{16})$/.exec(
    /^[\w-]{1,100}$/.test(text) ? Buffer.from(text, 'base64url').toString() : '',
  )
  if (match === null)
    throw refuse(400, 'bad-next', 'next: expected what an earlier answer gave.', { field: 'query.next' })
  if (match[2] !== print)
    throw refuse(400, 'bad-next', 'The filters were changed while paging; start again without next.', {
      field: 'query.next',
    })
  return Number.parseInt(match[1]!, 36)
}
