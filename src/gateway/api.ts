import { setImmediate as breathe } from 'node:timers/promises'
import { answer, eventStream, type Bound } from '../http/index.ts'
import { iso } from '../kit/clock.ts'
import { badRequest, KhienError } from '../kit/errors.ts'
import { gatewayRoutes as rows, RefusalId, type RefusalView } from './contract.ts'
import { REFUSALS_A_PAGE, type Refusal, type RefusalStore } from './refusals.ts'
import { BUCKET_MS, type Rollup } from './rollup.ts'

/** Most refusals that one narrow question looks at: about 0.1 s in pieces, the loop free in between. */
const LOOKED = 4_000
const ALIKE = 10
const RULES = 12

type Wish = {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly rule?: number | undefined
  readonly source?: string | undefined
  readonly severity?: RefusalView['matches'][number]['severity'] | undefined
  readonly mode?: Refusal['mode'] | undefined
  readonly path?: string | undefined
  readonly site?: string | undefined
}

/** Refusals as data for the console: list, one, figures of the day, live. */
export function refusalsApi(
  store: RefusalStore,
  rollup: () => Promise<Rollup>,
  alive: (session: string) => Promise<boolean>,
): readonly Bound[] {
  return [
    answer(rows.stream, async (_, { caller, raw }) => {
      const last = RefusalId.safeParse(raw.headers.get('last-event-id'))
      const stream = eventStream<Refusal>('refusal', store.listen, {
        signal: raw.signal,
        alive: async () => caller.kind === 'staff' && alive(caller.session),
        render: async (refusal) => viewOf(refusal),
        ...(last.success ? { missed: () => store.since(last.data) } : {}),
      })
      if (!stream)
        throw new KhienError('gateway/too-many-watchers', 'Too many pages watch live already.', {
          status: 503,
          retryAfter: 30,
        })
      return stream
    }),
    answer(rows.figures, async () => {
      const [day, kept] = [await rollup(), await store.count()]
      const { workers: running, ...counted } = store.figures()
      return {
        from: iso(day.from),
        bucketMs: BUCKET_MS,
        refused: [...day.counts],
        observed: day.observed,
        total: day.counts.reduce((sum, n) => sum + n, 0),
        rules: day.rules.slice(0, RULES),
        rulesInAll: day.rules.length,
        kept,
        workers: { running, ...counted },
      }
    }),
    answer(rows.refusals, async ({ query }) => {
      const { cursor, limit, ...wish } = query
      return listOf(store, await rollup(), wish, limit, cursor)
    }),
    answer(rows.refusal, async ({ params }) => {
      const found = await store.one(params.id)
      if (!found) throw new KhienError('gateway/unknown-refusal', 'There is no refusal with this id.', { status: 404 })
      const refusal = viewOf(found)
      const rule = refusal.matches[0]?.ruleId
      const day = await rollup()
      const alike = rule === undefined ? [] : (await listOf(store, day, { rule }, ALIKE + 1, undefined)).items
      return {
        refusal,
        alike: alike.filter(({ id }) => id !== refusal.id).slice(0, ALIKE),
        hours: day.rules.find((one) => one.rule === rule)?.hours ?? [],
      }
    }),
  ]
}

async function listOf(store: RefusalStore, day: Rollup, wish: Wish, limit: number, cursor: string | undefined) {
  const edge = cursor === undefined ? undefined : RefusalId.safeParse(Buffer.from(cursor, 'base64url').toString())
  if (edge?.success === false) throw badRequest('gateway/bad-cursor', 'The cursor is not one of ours.', 'query.cursor')
  const from = wish.from === undefined ? -Infinity : Date.parse(wish.from)
  const to = wish.to === undefined ? Infinity : Date.parse(wish.to)
  const items: RefusalView[] = []
  let before = edge?.data ?? day.edgeAfter(to)
  let [looked, reached, more] = [0, Infinity, true]
  while (more && items.length < limit && looked < LOOKED) {
    const page = await store.page(before)
    more = page.length === REFUSALS_A_PAGE
    for (const refusal of page) {
      if (refusal.at < from || items.length === limit) {
        more = items.length === limit
        break
      }
      looked++
      reached = refusal.at
      before = refusal.id
      const view = viewOf(refusal)
      if (refusal.at < to && fits(view, wish)) items.push(view)
    }
    await breathe()
  }
  const open = more && before !== undefined
  return {
    items,
    next: open ? Buffer.from(before!).toString('base64url') : null,
    total: null,
    looked,
    reached: reached === Infinity ? null : iso(reached),
  }
}

const fits = (view: RefusalView, { rule, source, severity, mode, path, site }: Wish): boolean =>
  (rule === undefined || view.matches.some(({ ruleId }) => ruleId === rule)) &&
  (source === undefined || view.clientAddress === source) &&
  (severity === undefined || view.matches[0]?.severity === severity) &&
  (mode === undefined || view.mode === mode) &&
  (site === undefined || view.site === site) &&
  (path === undefined || view.path.includes(path))

const LEVEL: Readonly<Record<string, RefusalView['matches'][number]['severity']>> = {
  NOTICE: 'low',
  WARNING: 'medium',
  ERROR: 'high',
  CRITICAL: 'critical',
}

/** A kept refusal as it goes over the wire, its heaviest match first. */
function viewOf(refusal: Refusal): RefusalView {
  const { id, at, clientAddress, clientPort, method, host, path, status, score, threshold, mode } = refusal
  const matches = refusal.matches
    .toSorted((a, b) => b.score - a.score)
    .map(({ ruleId, message, severity, tags, place, masked, score, file = null, line = null }) => ({
      ruleId,
      message,
      severity: LEVEL[severity.toUpperCase()] ?? 'medium',
      tags,
      place,
      masked,
      score,
      file,
      line,
    }))
  const { site = null, route = null, account = null, ruleIds = matches.map(({ ruleId }) => ruleId) } = refusal
  return {
    id,
    at: iso(at),
    clientAddress,
    clientPort,
    method,
    host,
    path,
    status,
    score,
    threshold,
    mode,
    site,
    route,
    account,
    matches,
    ruleIds,
  }
}
