import { z } from 'zod'
import type { UsableIndicator, UsableSet } from '../exchange/index.ts'
import { A_BATCH_OF_HITS, indicatorMatcher, type Hit, type IndicatorMatcher, type Seen } from './hits.ts'

/** What the node is told of the matching, once a second. */
export const MatchingStatus = z.strictObject({
  /** When this matching began; changes with every start of its process. */
  began: z.int(),
  indicators: z.int(),
  version: z.int(),
  events: z.int(),
  hits: z.int(),
  /** Hits that could not be told because the way to the node was full. */
  dropped: z.int(),
})
export type MatchingStatus = z.output<typeof MatchingStatus>
/** Ask of the matching to the node: which indicators, from which place in the list. */
export const IndicatorsWanted = z.strictObject({ version: z.int(), known: z.int(), from: z.int().min(0) })
export const A_PAGE_OF_INDICATORS = 10_000
/** One page: `items` null when `known` is the version in force. A version that changes between pages begins anew. */
export type IndicatorPage = {
  readonly version: number
  readonly items: readonly UsableIndicator[] | null
  readonly total: number
}

const RECENT = 20_000

export type Matching = ReturnType<typeof openMatching>

/**
 * Indicators over the stream of events, in the process that takes them in. `tell` gets batches of hits and answers whether
 * it took them; the node knows an event and indicator it has seen before.
 */
export function openMatching(ctx: {
  readonly tell: (body: { readonly hits: readonly Hit[] }) => boolean
  readonly began: number
}) {
  let matcher: IndicatorMatcher = indicatorMatcher({ version: -1, items: [] })
  /** The last events: an indicator that arrives a moment after the contact still finds it, before the store can. */
  let recent: Seen[] = []
  let known = new Set<string>()
  const counts = { events: 0, hits: 0, dropped: 0 }

  function push(events: readonly Seen[]): void {
    counts.events += events.length
    for (const event of events) recent.push(event)
    if (recent.length > 2 * RECENT) recent = recent.slice(-RECENT)
    look(matcher, events)
  }

  function look(matcher: IndicatorMatcher, events: readonly Seen[]): void {
    if (matcher.size === 0) return
    let batch: Hit[] = []
    for (const event of events) {
      for (const hit of matcher.hitsOf(event)) {
        batch.push(hit)
        if (batch.length === A_BATCH_OF_HITS) {
          say(batch)
          batch = []
        }
      }
    }
    if (batch.length > 0) say(batch)
  }
  function say(hits: readonly Hit[]): void {
    counts.hits += hits.length
    if (!ctx.tell({ hits })) counts.dropped += hits.length
  }

  const replace = (set: UsableSet): void => {
    matcher = indicatorMatcher(set)
    const fresh = set.items.filter(({ id }) => !known.has(id))
    known = new Set(set.items.map(({ id }) => id))
    if (fresh.length > 0) look(indicatorMatcher({ version: set.version, items: fresh }), recent)
  }

  /** Fetches the set when the node has another; to be repeated. `ask` answers undefined while the node is away. */
  async function follow(ask: (body: z.input<typeof IndicatorsWanted>) => Promise<unknown>): Promise<void> {
    const items: UsableIndicator[] = []
    for (let version = -1; ;) {
      const page = (await ask({ version, known: matcher.version, from: items.length })) as IndicatorPage | undefined
      if (!page?.items) return
      if (version !== -1 && page.version !== version) items.length = 0
      else for (const item of page.items) items.push(item)
      version = page.version
      if (items.length >= page.total) return replace({ version, items })
    }
  }

  const status = (): MatchingStatus => ({
    began: ctx.began,
    indicators: matcher.size,
    version: matcher.version,
    ...counts,
  })
  return { push, replace, follow, status }
}
