import { readInstant } from '../time.ts'
import { MatchError } from './error.ts'

export type StixLike = { readonly [key: string]: unknown }

/** One observed-data as the matcher sees it (STIX 2.1 §4.14, §9.5). */
export type Observation = {
  readonly id: string | undefined
  /** Microseconds since 1970: seen at some instant of [first, last]. */
  readonly first: number
  readonly last: number
  /** `number_observed`: how many times, and so how often one match may use it. */
  readonly count: number
  /** The objects it names, which patterns test. */
  readonly roots: readonly StixLike[]
  /** What a `_ref` in them leads to. */
  readonly byId: ReadonlyMap<string, StixLike>
}

export const OBSERVATIONS_LIMIT = 10_000

/**
 * Observations in the order given, out of bundles, observed-data objects (2.0 style with `objects`, or 2.1 style whose
 * `object_refs` lead into the other objects given) or lists of those. Throws MatchError (`match/data`).
 */
export function readObservations(input: unknown): Observation[] {
  const out: Observation[] = []
  for (const group of groups(input)) {
    const byId = new Map<string, StixLike>()
    for (const object of group) if (typeof object['id'] === 'string') byId.set(object['id'], object)
    for (const object of group) if (object['type'] === 'observed-data') out.push(observe(object, byId))
  }
  if (out.length > OBSERVATIONS_LIMIT) throw new MatchError('match/too-complex', 'there are too many observations')
  return out
}

/** Objects that may refer to each other: each bundle by itself, and all that stand outside bundles. */
function groups(input: unknown): StixLike[][] {
  const loose: StixLike[] = []
  const out: StixLike[][] = []
  for (const item of Array.isArray(input) ? input : [input]) {
    if (!isObject(item)) throw new MatchError('match/data', 'an observation is a JSON object')
    if (item['type'] !== 'bundle') loose.push(item)
    else if (Array.isArray(item['objects'])) out.push(item['objects'].filter((each) => isObject(each)))
  }
  return loose.length > 0 ? [...out, loose] : out
}

function observe(data: StixLike, all: ReadonlyMap<string, StixLike>): Observation {
  const [first, last] = [instant(data, 'first_observed'), instant(data, 'last_observed')]
  const count = data['number_observed'] ?? 1
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1) {
    throw new MatchError('match/data', 'number_observed is not a positive whole number')
  }
  const id = typeof data['id'] === 'string' ? data['id'] : undefined
  const base = { id, first, last: Math.max(first, last), count }
  if (Array.isArray(data['object_refs'])) {
    const roots = new Set<StixLike>()
    for (const ref of data['object_refs']) {
      const root = typeof ref === 'string' ? all.get(ref) : undefined
      if (root !== undefined) roots.add(root)
    }
    return { ...base, roots: [...roots], byId: all }
  }
  const objects = isObject(data['objects']) ? Object.entries(data['objects']) : []
  const byId = new Map(objects.filter((entry): entry is [string, StixLike] => isObject(entry[1])))
  return { ...base, roots: [...byId.values()], byId }
}

function instant(data: StixLike, name: string): number {
  const value = data[name]
  const read = typeof value === 'string' ? readInstant(value) : undefined
  if (read === undefined) throw new MatchError('match/data', `${name} of an observed-data is not a time stamp`)
  return read.micros
}

export const isObject = (value: unknown): value is StixLike =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
