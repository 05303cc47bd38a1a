import { KhienError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import type { ExchangeContext } from './context.ts'
import type { ExchangeTables } from './store.ts'

export type Way = 'push' | 'pull' | 'serve-push' | 'serve-pull' | 'file-out' | 'file-in'
type Done = { objects: number; accepted: number; failed: number; bytes: number; error?: unknown }

const KEPT_MS = 90 * 24 * 3_600_000

/** What went over the wire, either way. Turns that moved nothing leave no row; one error in a row is one row. */
export function transferLog(ctx: ExchangeContext) {
  const rows = () => ctx.db.tables<ExchangeTables>()
  const failed = new Set<string>()
  const served = new Map<string, { peer: string; way: Way; at: number; objects: number; bytes: number }>()

  async function keep(peer: string | null, way: Way, startedAt: number, done: Done): Promise<void> {
    const error = done.error === undefined ? null : done.error instanceof KhienError ? done.error.code : 'failed'
    if (error === null) failed.delete(`${peer} ${way}`)
    else if (way === 'push' || way === 'pull') failed.add(`${peer} ${way}`)
    if (done.objects === 0 && error === null) return
    if (error !== null && done.objects === 0 && (await again(peer, way, error))) return
    await rows()
      .insertInto('exchange_transfer')
      .values({
        id: newId('tra', startedAt, ctx.entropy),
        peer,
        way,
        started_at: startedAt,
        ended_at: ctx.clock(),
        objects: done.objects,
        accepted: done.accepted,
        failed: done.failed,
        bytes: done.bytes,
        error,
        error_sentence: done.error instanceof KhienError ? done.error.message.slice(0, 500) : null,
      })
      .execute()
  }

  /** The same error as last time: its row is drawn longer. */
  async function again(peer: string | null, way: Way, error: string): Promise<boolean> {
    const last = await rows()
      .selectFrom('exchange_transfer')
      .select(['id', 'error', 'objects'])
      .where('peer', peer === null ? 'is' : '=', peer)
      .where('way', '=', way)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (last?.error !== error || last.objects > 0) return false
    await rows().updateTable('exchange_transfer').set({ ended_at: ctx.clock() }).where('id', '=', last.id).execute()
    return true
  }

  /** Pages served to a peer are summed up until `flush`. */
  function count(peer: string, way: Way, objects: number, bytes: number): void {
    if (objects === 0) return
    const key = `${peer} ${way}`
    const sum = served.get(key) ?? { peer, way, at: ctx.clock(), objects: 0, bytes: 0 }
    served.set(key, { ...sum, objects: sum.objects + objects, bytes: sum.bytes + bytes })
  }

  async function flush(): Promise<void> {
    const sums = [...served.values()]
    served.clear()
    for (const { peer, way, at, objects, bytes } of sums)
      await keep(peer, way, at, { objects, accepted: objects, failed: 0, bytes })
  }

  function list(filter: { cursor: string | undefined; peer: string | undefined; limit: number }) {
    let query = rows().selectFrom('exchange_transfer').selectAll()
    if (filter.cursor !== undefined) query = query.where('id', '<', filter.cursor)
    if (filter.peer !== undefined) query = query.where('peer', '=', filter.peer)
    return query
      .orderBy('id', 'desc')
      .limit(filter.limit + 1)
      .execute()
  }

  /** Peers whose last push or pull failed, since the node started. */
  const failing = (): number => new Set([...failed].map((key) => key.split(' ')[0])).size

  const sweep = async (): Promise<void> => {
    await rows()
      .deleteFrom('exchange_transfer')
      .where('started_at', '<', ctx.clock() - KEPT_MS)
      .execute()
  }

  return { keep, count, flush, list, failing, sweep }
}
export type TransferLog = ReturnType<typeof transferLog>
