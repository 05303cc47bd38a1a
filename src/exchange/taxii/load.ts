import { z } from 'zod'
import { StartError } from '../../kit/errors.ts'
import type { CollectionStore } from './collections.ts'
import { nameOf } from './object.ts'
import type { ApiRoot } from './server.ts'
import type { StatusStore } from './status.ts'
import { readMicros } from './time.ts'

const LoadedCollection = z.looseObject({
  id: z.string().min(1).max(200),
  title: z.string(),
  description: z.string().optional(),
  alias: z.string().optional(),
  can_read: z.boolean(),
  can_write: z.boolean(),
  media_types: z.array(z.string()).default([]),
  objects: z.array(z.unknown()).default([]),
  manifest: z.array(z.looseObject({ id: z.string(), date_added: z.string(), version: z.string() })).default([]),
})
type LoadedCollection = z.output<typeof LoadedCollection>
const Root = z.looseObject({
  information: z.looseObject({
    title: z.string(),
    description: z.string().optional(),
    max_content_length: z.int().min(1_024).max(104_857_600),
  }),
  status: z.array(z.looseObject({ id: z.string() })).default([]),
  collections: z.array(LoadedCollection).default([]),
})

export type Loaded = {
  readonly discovery: Readonly<Record<string, unknown>>
  readonly roots: readonly ApiRoot[]
  readonly maxContentLength: number
  /** Rights as the file gives them: the same for everybody. */
  readonly rights: ReadonlyMap<string, { readonly reads: boolean; readonly writes: boolean }>
  readonly objects: number
}

/**
 * Loads a whole TAXII server from one file: `/discovery` and, by name, API roots with `information`, `status` and
 * `collections` with `objects` and `manifest`, whose date_added is kept. Objects are taken as they are given.
 * Errors: `exchange/bad-file`.
 */
export async function loadServer(
  text: string,
  stores: { readonly collections: CollectionStore; readonly statuses: StatusStore },
  peer: string,
): Promise<Loaded> {
  const { '/discovery': discovery, ...roots } = parse(text)
  const rights = new Map<string, { reads: boolean; writes: boolean }>()
  const known: ApiRoot[] = []
  let objects = 0
  let maxContentLength = 104_857_600
  for (const [name, value] of Object.entries(roots)) {
    const root = Root.safeParse(value)
    if (!root.success || !/^[\w-]{1,100}$/.test(name))
      throw bad(`${name}.${root.error?.issues[0]?.path.join('.') ?? ''} is not as expected`)
    const { information, status, collections } = root.data
    const path = `/${name}/`
    known.push({ path, title: information.title, description: information.description })
    maxContentLength = Math.min(maxContentLength, information.max_content_length)
    for (const each of status) await stores.statuses.put(each.id, path, peer, JSON.stringify(each))
    for (const each of collections) {
      rights.set(each.id, { reads: each.can_read, writes: each.can_write })
      await stores.collections.ensure({ ...each, root: path, mediaTypes: each.media_types })
      objects += await fill(each, stores.collections)
    }
  }
  return { discovery: (discovery ?? {}) as Record<string, unknown>, roots: known, maxContentLength, rights, objects }
}

async function fill(collection: LoadedCollection, store: CollectionStore): Promise<number> {
  const entries = new Map(
    collection.manifest.map((entry, place) => [
      `${entry.id} ${entry.version}`,
      { place, date: readMicros(entry.date_added) },
    ]),
  )
  const dated = collection.objects.map((object) => {
    const { modified, created } = object as { modified?: string; created?: string }
    const { place, date } = entries.get(`${nameOf(object)?.id} ${modified ?? created}`) ?? {}
    if (place === undefined || date === undefined)
      throw bad(`collection ${collection.id} has an object that its manifest does not list`)
    return { object, place, date }
  })
  // Equal dates keep the order of the manifest; a date_added of ours is unique, so the second is a microsecond later.
  const sorted = dated.toSorted((a, b) => a.date - b.date || a.place - b.place)
  const outcomes = await store.add(
    collection.id,
    sorted.map((each) => each.object),
    { check: 'shape', dates: sorted.map((each) => each.date) },
  )
  const failed = outcomes.find((each) => each.failed)
  if (failed) throw bad(`${failed.id}: ${failed.message}`)
  return outcomes.length
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw bad('it is not a JSON object')
}

const bad = (why: string): StartError => new StartError('exchange/bad-file', `The file cannot be served: ${why}.`)
