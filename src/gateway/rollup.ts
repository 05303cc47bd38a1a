import { setImmediate as breathe } from 'node:timers/promises'
import { REFUSALS_A_PAGE, type Refusal, type RefusalStore } from './refusals.ts'

export const BUCKET_MS = 600_000
export const DAY_MS = 86_400_000
const BUCKETS = DAY_MS / BUCKET_MS
const A_HOUR = 3_600_000 / BUCKET_MS
/** Rules told apart in one bucket; a refusal by any further one counts in the total only. */
const RULES_A_BUCKET = 300

/** Sites told apart in one bucket; a thousand is the most there can be. */
const SITES_A_BUCKET = 1_000

type SiteDay = { refused: number; observed: number }
type Bucket = {
  count: number
  observed: number
  oldest: { at: number; id: string }
  rules: Map<number, number>
  sites: Map<string, SiteDay>
}
type RuleDay = { rule: number; message: string; tags: string[]; total: number; hours: number[] }
export type Rollup = {
  /** Start of the first of 144 buckets, milliseconds. */
  readonly from: number
  readonly counts: readonly number[]
  readonly observed: number
  readonly rules: readonly RuleDay[]
  /** Stopped and only observed, by the site's name. */
  readonly sites: ReadonlyMap<string, SiteDay>
  /** The refusal before which a search for what is older than `to` may begin; undefined: at the newest. */
  edgeAfter(to: number): string | undefined
}

/**
 * Counts the refusals of the last 24 hours by ten minutes: read once from the store, page by page with the loop free in
 * between, then kept up by what comes in. Bounded by 145 buckets × 300 rules.
 */
export function rollupOf(store: RefusalStore, clock: () => number = Date.now): () => Promise<Rollup> {
  const buckets = new Map<number, Bucket>()
  const named = new Map<number, { message: string; tags: string[] }>()
  let read: Promise<void> | undefined

  function add(refusal: Refusal): void {
    const key = Math.floor(refusal.at / BUCKET_MS)
    const { id, at } = refusal
    const bucket: Bucket = buckets.get(key) ?? {
      count: 0,
      observed: 0,
      oldest: { at, id },
      rules: new Map(),
      sites: new Map(),
    }
    buckets.set(key, bucket)
    bucket.count++
    const observed = refusal.mode === 'detect'
    if (observed) bucket.observed++
    const site = refusal.site === undefined ? undefined : bucket.sites.get(refusal.site)
    if (site) site[observed ? 'observed' : 'refused']++
    else if (refusal.site !== undefined && bucket.sites.size < SITES_A_BUCKET)
      bucket.sites.set(refusal.site, { refused: observed ? 0 : 1, observed: observed ? 1 : 0 })
    if (at < bucket.oldest.at || (at === bucket.oldest.at && id < bucket.oldest.id)) bucket.oldest = { at, id }
    const first = refusal.matches.toSorted((a, b) => b.score - a.score)[0]
    if (first === undefined) return
    const known = bucket.rules.get(first.ruleId)
    if (known === undefined && bucket.rules.size >= RULES_A_BUCKET) return
    bucket.rules.set(first.ruleId, (known ?? 0) + 1)
    named.set(first.ruleId, { message: first.message, tags: first.tags })
  }

  async function readDay(): Promise<void> {
    const heard = new Set<string>()
    let reading = true
    const stop = store.listen((refusal) => {
      if (reading) heard.add(refusal.id)
      add(refusal)
      forget()
    })
    const since = clock() - DAY_MS - BUCKET_MS
    let before: string | undefined
    try {
      for (let more = true; more; await breathe()) {
        const page = await store.page(before)
        for (const refusal of page) if (refusal.at >= since && !heard.has(refusal.id)) add(refusal)
        before = page.at(-1)?.id
        more = page.length === REFUSALS_A_PAGE && page.at(-1)!.at >= since
      }
    } catch (error) {
      stop()
      buckets.clear()
      throw error
    }
    reading = false
  }

  function forget(): void {
    const oldest = Math.floor(clock() / BUCKET_MS) - BUCKETS
    for (const key of buckets.keys()) if (key < oldest) buckets.delete(key)
    if (named.size <= RULES_A_BUCKET) return
    const used = new Set([...buckets.values()].flatMap(({ rules }) => [...rules.keys()]))
    for (const rule of named.keys()) if (!used.has(rule)) named.delete(rule)
  }

  return async () => {
    read ??= readDay().catch((error: unknown) => {
      read = undefined
      throw error
    })
    await read
    forget()
    const last = Math.floor(clock() / BUCKET_MS)
    const first = last - BUCKETS + 1
    const counts = Array.from({ length: BUCKETS }, (_, i) => buckets.get(first + i)?.count ?? 0)
    const rules = new Map<number, RuleDay>()
    const sites = new Map<string, SiteDay>()
    let observed = 0
    for (const [key, bucket] of buckets) {
      if (key < first) continue
      observed += bucket.observed
      for (const [name, n] of bucket.sites) {
        const day = sites.get(name) ?? { refused: 0, observed: 0 }
        sites.set(name, { refused: day.refused + n.refused, observed: day.observed + n.observed })
      }
      for (const [rule, n] of bucket.rules) {
        const day = rules.get(rule) ?? { rule, ...named.get(rule)!, total: 0, hours: Array<number>(24).fill(0) }
        rules.set(rule, day)
        day.total += n
        day.hours[Math.floor((key - first) / A_HOUR)]! += n
      }
    }
    return {
      from: first * BUCKET_MS,
      counts,
      observed,
      sites,
      rules: [...rules.values()].toSorted((a, b) => b.total - a.total || a.rule - b.rule),
      edgeAfter(to) {
        if (to === Infinity) return undefined
        const newer = [...buckets.keys()].filter((key) => key * BUCKET_MS >= to).toSorted((a, b) => a - b)[0]
        return newer === undefined ? undefined : buckets.get(newer)!.oldest.id
      },
    }
  }
}
