import { plainMatcher, type Wanted } from '../engine/intel/index.ts'
import type { UsableIndicator } from '../exchange/index.ts'
import type { SubscriberContext } from './context.ts'
import { A_BATCH_OF_HITS, hitsOf, wantedOf, type Hit } from './hits.ts'
import type { SubscriberTables } from './store.ts'

const DAY_MS = 86_400_000
/** Searched at once, and again when what was on its way to the store has arrived there. */
const PASSES = 2
const AGAIN_AFTER_MS = 30_000
const A_TURN = 20
const PAGES = 20

/** New indicators over the stored events of the last day: a device may have called before anybody knew the host. */
export function retroSearch(ctx: SubscriberContext, receive: (hits: readonly Hit[]) => Promise<unknown>) {
  const tables = () => ctx.db.tables<SubscriberTables>()
  const counts = { searched: 0, waiting: 0, cut: 0 }

  async function turn(): Promise<number> {
    const now = ctx.clock()
    const { items } = await ctx.indicators.usable()
    const done = new Map(
      (await tables().selectFrom('indicator_searched').selectAll().execute()).map((row) => [row.indicator, row]),
    )
    const due = [...Map.groupBy(items, (item) => item.id)].filter(([id]) => {
      const row = done.get(id)
      return row === undefined || (row.passes < PASSES && row.at <= now - AGAIN_AFTER_MS)
    })
    counts.waiting = due.length
    for (const [id, terms] of due.slice(0, A_TURN)) {
      for (const term of terms) await search(term, now)
      await note(id, (done.get(id)?.passes ?? 0) + 1, now)
      counts.searched++
      counts.waiting--
    }
    const listed = new Set(items.map((item) => item.id))
    for (const id of done.keys())
      if (!listed.has(id)) await tables().deleteFrom('indicator_searched').where('indicator', '=', id).execute()
    return Math.min(due.length, A_TURN)
  }

  const note = async (indicator: string, passes: number, at: number): Promise<void> => {
    await tables()
      .insertInto('indicator_searched')
      .values({ indicator, passes, at })
      .onConflict((c) => c.column('indicator').doUpdateSet({ passes, at }))
      .execute()
  }

  async function search(item: UsableIndicator, now: number): Promise<void> {
    const wanted = wantedOf(item)
    if (wanted === undefined) return
    const matcher = plainMatcher([wanted])
    for (const query of queriesOf(wanted)) {
      let cursor: string | undefined
      for (let page = 0; ; page++) {
        const { events, next } = await ctx.searchEvents(query, now - DAY_MS, now + 1, cursor)
        const hits = events.flatMap((event) => hitsOf(event, matcher, () => item.id))
        for (let at = 0; at < hits.length; at += A_BATCH_OF_HITS) await receive(hits.slice(at, at + A_BATCH_OF_HITS))
        if (next === null) break
        if (page === PAGES) {
          counts.cut++
          break
        }
        cursor = next
      }
    }
  }

  /** Whoever watches the stream began anew and may have lost what it had not told: the last day once more. */
  const again = async (): Promise<void> => {
    await tables()
      .updateTable('indicator_searched')
      .set({ passes: PASSES - 1 })
      .where('passes', '=', PASSES)
      .execute()
  }
  return { turn, again, counts }
}

/** Searches of the event store that find every event the matcher would hit. */
export function queriesOf(wanted: Wanted): string[] {
  if ('range' in wanted) return [`kind:net.flow serverAddress:${wanted.range}`]
  const { name } = wanted
  return ['kind:dns.query query', 'kind:net.flow host'].flatMap((field) => [`${field}:"${name}"`, `${field}:*.${name}`])
}
