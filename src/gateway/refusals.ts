import { z } from 'zod'
import type { Clock } from '../kit/clock.ts'
import { badRequest } from '../kit/errors.ts'
import type { Database } from '../storage/sql/index.ts'
import { RefusalId } from './contract.ts'
import type { GatewayTables } from './store.ts'

/** Cut, not refused: what a client made longer than anything in order must not cost its own refusal. */
const upTo = (most: number) => z.string().transform((text) => text.slice(0, most))
const Text = upTo(500)
const METHOD = /^[A-Z][A-Z_-]{0,19}$/
const Match = z.object({
  ruleId: z.int(),
  message: Text,
  severity: Text,
  tags: z.array(Text).transform((tags) => tags.slice(0, 30)),
  place: Text,
  masked: Text,
  score: z.number(),
  length: z.number().optional(),
  file: Text.optional(),
  line: z.int().optional(),
})
/** One refused request as a gateway worker tells it: names, lengths and masked matches, never a value. */
export const Refusal = z.object({
  id: RefusalId,
  at: z.number(),
  worker: z.int(),
  clientAddress: Text,
  clientPort: z.int(),
  method: z.string().transform((method) => (METHOD.test(method) ? method : 'OTHER')),
  host: Text,
  path: upTo(2_000),
  status: z.int(),
  score: z.number(),
  threshold: z.number(),
  mode: z.enum(['block', 'detect']),
  matches: z.array(Match).transform((matches) => matches.slice(0, 50)),
  bytes: z.number(),
  site: Text.optional(),
  route: Text.optional(),
  account: Text.optional(),
  ruleIds: z
    .array(z.int())
    .transform((ids) => ids.slice(0, 200))
    .optional(),
  callbackHost: Text.optional(),
  callbackPort: z.int().optional(),
})
export type Refusal = z.output<typeof Refusal>
const Stats = z
  .object({
    pid: z.int(),
    requests: z.number(),
    refused: z.number(),
    upstreamErrors: z.number(),
    dropped: z.number(),
    queued: z.number(),
    p50: z.number().nullable().optional(),
    p99: z.number().nullable().optional(),
    settingsVersion: z.int().optional(),
    settingsErrors: z.int().optional(),
  })
  .loose()
export type WorkerStats = z.output<typeof Stats>

const KEPT = 100_000
const STALE_MS = 5_000
const PAGE = 50

/** Refusals of all workers: kept, listed and passed on live. The oldest beyond 100,000 are forgotten, and counted. */
export function refusalStore(ctx: { readonly db: Database; readonly clock: Clock }) {
  const listeners = new Set<(refusal: Refusal) => void>()
  const workers = new Map<number, WorkerStats & { at: number }>()
  /** Totals of workers that have ended, so that a counter never goes back. */
  const ended = { requests: 0, refused: 0, upstreamErrors: 0, dropped: 0 }
  let forgotten = 0

  /** Keeps a batch (NDJSON lines); a repeat after a lost answer changes nothing. Durable before this resolves. */
  async function keep(lines: string): Promise<number> {
    const refusals = lines
      .split('\n')
      .filter((line) => line !== '')
      .map(parse)
    if (refusals.length === 0) return 0
    const fresh = await ctx.db.transaction<GatewayTables, Refusal[]>(async (trx) => {
      const ids = refusals.map((r) => r.id)
      const known = new Set(
        (await trx.selectFrom('refusal').select('id').where('id', 'in', ids).execute()).map((row) => row.id),
      )
      const rows = refusals.filter((r, i) => !known.has(r.id) && ids.indexOf(r.id) === i)
      if (rows.length > 0)
        await trx
          .insertInto('refusal')
          .values(rows.map((r) => ({ id: r.id, at: r.at, body: JSON.stringify(r) })))
          .execute()
      return rows
    })
    for (const refusal of fresh) for (const listener of listeners) listener(refusal)
    return fresh.length
  }

  function parse(line: string): Refusal {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      throw badRequest('gateway/refusal', 'A refusal is not valid JSON.', 'body')
    }
    const result = Refusal.safeParse(value)
    if (!result.success)
      throw badRequest(
        'gateway/refusal',
        `A refusal is malformed at ${result.error.issues[0]!.path.join('.')}.`,
        'body',
      )
    return result.data
  }

  function hear(stats: unknown): void {
    const result = Stats.safeParse(stats)
    if (!result.success) throw badRequest('gateway/stats', 'Worker figures are malformed.', 'body')
    workers.set(result.data.pid, { ...result.data, at: ctx.clock() })
    for (const [pid, worker] of workers) {
      if (ctx.clock() - worker.at <= STALE_MS) continue
      for (const name of ['requests', 'refused', 'upstreamErrors', 'dropped'] as const) ended[name] += worker[name]
      workers.delete(pid)
    }
  }

  /** Figures over all workers since this node started. */
  function figures() {
    const live = [...workers.values()].filter((worker) => ctx.clock() - worker.at <= STALE_MS)
    const sum = (name: keyof typeof ended): number =>
      ended[name] + [...workers.values()].reduce((total, worker) => total + worker[name], 0)
    return {
      workers: live.length,
      requests: sum('requests'),
      refused: sum('refused'),
      upstreamErrors: sum('upstreamErrors'),
      dropped: sum('dropped'),
      forgotten,
    }
  }

  /** What each worker that was heard of lately has taken of the settings. */
  const taken = () =>
    [...workers.values()]
      .filter((worker) => ctx.clock() - worker.at <= STALE_MS)
      .map(({ pid, settingsVersion = 0, settingsErrors = 0 }) => ({
        pid,
        version: settingsVersion,
        errors: settingsErrors,
      }))

  async function page(before: string | undefined): Promise<Refusal[]> {
    const db = ctx.db.tables<GatewayTables>()
    const edge =
      before === undefined
        ? undefined
        : await db.selectFrom('refusal').select(['at', 'id']).where('id', '=', before).executeTakeFirst()
    let query = db.selectFrom('refusal').select('body')
    if (edge)
      query = query.where((eb) =>
        eb.or([eb('at', '<', edge.at), eb.and([eb('at', '=', edge.at), eb('id', '<', edge.id)])]),
      )
    const rows = await query.orderBy('at', 'desc').orderBy('id', 'desc').limit(PAGE).execute()
    return rows.map((row) => JSON.parse(row.body) as Refusal)
  }

  /** What came after a refusal that a reader saw last, oldest first, one page at most. */
  async function since(id: string): Promise<Refusal[]> {
    const db = ctx.db.tables<GatewayTables>()
    const edge = await db.selectFrom('refusal').select('at').where('id', '=', id).executeTakeFirst()
    if (!edge) return []
    const rows = await db
      .selectFrom('refusal')
      .select('body')
      .where('at', '>=', edge.at)
      .where('id', '!=', id)
      .orderBy('at', 'desc')
      .limit(PAGE)
      .execute()
    return rows.map((row) => JSON.parse(row.body) as Refusal).toReversed()
  }

  async function one(id: string): Promise<Refusal | undefined> {
    const row = await ctx.db
      .tables<GatewayTables>()
      .selectFrom('refusal')
      .select('body')
      .where('id', '=', id)
      .executeTakeFirst()
    return row && (JSON.parse(row.body) as Refusal)
  }

  async function count(): Promise<number> {
    const row = await ctx.db
      .tables<GatewayTables>()
      .selectFrom('refusal')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
    return Number(row.n)
  }

  async function sweep(): Promise<void> {
    const db = ctx.db.tables<GatewayTables>()
    const edge = await db
      .selectFrom('refusal')
      .select('at')
      .orderBy('at', 'desc')
      .offset(KEPT)
      .limit(1)
      .executeTakeFirst()
    if (!edge) return
    const gone = await db.deleteFrom('refusal').where('at', '<=', edge.at).executeTakeFirst()
    forgotten += Number(gone.numDeletedRows)
  }

  function listen(listener: (refusal: Refusal) => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  return { keep, hear, figures, workers: taken, page, since, one, count, sweep, listen }
}
export type RefusalStore = ReturnType<typeof refusalStore>
export const REFUSALS_A_PAGE = PAGE
