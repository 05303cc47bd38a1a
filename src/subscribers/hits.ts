import { z } from 'zod'
import { fastMatcher, type Matcher, type Wanted } from '../engine/intel/index.ts'
import type { UsableIndicator, UsableSet } from '../exchange/index.ts'

/** A device of ours that itself contacted a listed host, as one event shows it. */
export const Hit = z.strictObject({
  /** Who sent the event; its id is unique among theirs. */
  source: z.string().max(200).default(''),
  event: z.string().regex(/^[\x21-\x7e]{1,64}$/),
  /** Milliseconds, UTC. */
  time: z.int().min(0),
  clientAddress: z.union([z.ipv4(), z.ipv6()]),
  clientPort: z.int().min(0).max(65_535).nullable(),
  indicator: z.string().min(1).max(120),
  /** The name it asked for or the address it connected to. */
  contacted: z.string().min(1).max(253),
  kind: z.enum(['dns.query', 'net.flow']),
})
export type Hit = z.output<typeof Hit>
export const A_BATCH_OF_HITS = 500
export const Hits = z.strictObject({ hits: z.array(Hit).max(A_BATCH_OF_HITS) })

/** What of an event the matching looks at; other kinds and fields are passed over. */
export type Seen = Readonly<Record<string, unknown>>
export type IndicatorMatcher = {
  readonly version: number
  /** Indicators that are looked for. */
  readonly size: number
  readonly bytes: number
  hitsOf(event: Seen): readonly Hit[]
}

/** What of an indicator a matcher can look for in names and flows; a file's hash or one page of a site is in neither. */
export function wantedOf(item: UsableIndicator): Wanted | undefined {
  // The type has no attackers; a set that came over a wire might.
  if (item.role !== 'c2' && item.role !== 'download') return undefined
  if (item.kind === 'domain') return { name: item.value }
  return item.kind === 'ipv4' || item.kind === 'ipv6' ? { range: item.value } : undefined
}

/** The indicators of a set, ready to be looked for. */
export function indicatorMatcher({ version, items }: UsableSet): IndicatorMatcher {
  const used = items.filter((item) => wantedOf(item) !== undefined)
  const matcher = fastMatcher(used.map((item) => wantedOf(item)!))
  return {
    version,
    size: matcher.size,
    bytes: matcher.bytes,
    hitsOf: (event) => hitsOf(event, matcher, (ordinal) => used[ordinal]!.id),
  }
}

const NONE: readonly Hit[] = []
const MAX_A_EVENT = 8

/**
 * Contacts that an event shows: the name a device asked for, the name or address it connected to. The answers of a query
 * are no contact: another site at the same address is no sign of anything, and a connection shows itself. Who was connected
 * to never counts, so that an address that only attacked, or was scanned, leads to nothing.
 */
export function hitsOf(event: Seen, matcher: Matcher, idOf: (ordinal: number) => string): readonly Hit[] {
  const { kind } = event
  if (kind !== 'dns.query' && kind !== 'net.flow') return NONE
  let hits: Hit[] | undefined
  const take = (ordinals: readonly number[], contacted: string): void => {
    for (const ordinal of ordinals) {
      const indicator = idOf(ordinal)
      hits ??= []
      if (hits.length >= MAX_A_EVENT || hits.some((hit) => hit.indicator === indicator)) continue
      hits.push({
        source: typeof event['source'] === 'string' ? event['source'] : '',
        event: String(event['id']),
        time: typeof event['time'] === 'number' ? event['time'] : Date.parse(String(event['time'])),
        clientAddress: String(event['clientAddress']),
        clientPort: typeof event['clientPort'] === 'number' ? event['clientPort'] : null,
        indicator,
        contacted,
        kind,
      })
    }
  }
  if (kind === 'dns.query') {
    if (typeof event['query'] === 'string') take(matcher.name(event['query']), event['query'])
    return hits ?? NONE
  }
  if (typeof event['host'] === 'string') take(matcher.name(event['host']), event['host'])
  if (typeof event['serverAddress'] === 'string') {
    const port = typeof event['serverPort'] === 'number' ? event['serverPort'] : null
    take(matcher.address(event['serverAddress'], port), event['serverAddress'])
  }
  return hits ?? NONE
}
