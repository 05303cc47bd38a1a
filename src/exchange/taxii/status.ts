import type { Clock } from '../../kit/clock.ts'
import type { Database } from '../../storage/sql/index.ts'
import type { ExchangeTables } from '../store.ts'
import type { Outcome } from './collections.ts'
import { printMicros } from './time.ts'

/** How long a status can be asked for. */
const KEPT_MS = 24 * 3_600_000

/** Status resources (TAXII 2.1 §4.3): what became of each object of a request. Totals are the lengths of the lists. */
export function statusStore(ctx: { readonly db: Database; readonly clock: Clock; readonly newUuid: () => string }) {
  const rows = () => ctx.db.tables<ExchangeTables>()

  /** Durable before it resolves; answers the resource as text. `at` in milliseconds. */
  async function keep(root: string, peer: string, at: number, outcomes: readonly Outcome[]): Promise<string> {
    const id = ctx.newUuid()
    const detail = ({ id, version, message }: Outcome) => ({
      id,
      version,
      ...(message === undefined ? {} : { message }),
    })
    const successes = outcomes.filter((each) => !each.failed).map(detail)
    const failures = outcomes.filter((each) => each.failed).map(detail)
    const body = JSON.stringify({
      id,
      status: 'complete',
      request_timestamp: printMicros(at * 1_000),
      total_count: outcomes.length,
      success_count: successes.length,
      ...(successes.length > 0 ? { successes } : {}),
      failure_count: failures.length,
      ...(failures.length > 0 ? { failures } : {}),
      pending_count: 0,
    })
    await put(id, root, peer, body)
    return body
  }

  async function put(id: string, root: string, peer: string, body: string): Promise<void> {
    await rows().insertInto('exchange_status').values({ id, root, peer, body, at: ctx.clock() }).execute()
  }

  const find = async (root: string, peer: string, id: string): Promise<string | undefined> =>
    (
      await rows()
        .selectFrom('exchange_status')
        .select('body')
        .where('id', '=', id)
        .where('root', '=', root)
        .where('peer', '=', peer)
        .executeTakeFirst()
    )?.body

  const sweep = async (): Promise<void> => {
    await rows()
      .deleteFrom('exchange_status')
      .where('at', '<', ctx.clock() - KEPT_MS)
      .execute()
  }

  return { keep, put, find, sweep }
}
export type StatusStore = ReturnType<typeof statusStore>
