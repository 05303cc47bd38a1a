import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { badRequest } from '../../kit/errors.ts'
import { SEGMENT_ID } from '../segments/index.ts'
import { ChdbEventStore } from './event-store.ts'
import type { HistogramAsked, SearchAsked, Span, TopAsked } from './client.ts'
import { jsonOf, serveSocket } from './socket.ts'

/** What the store process is told. */
export type StoreConfig = {
  /** The role's folder: the store lies in `events/chdb`, its socket in `run/`. */
  readonly folder: string
}

const SMALL = 64 * 1024
const MONTH_FILE = /^\.month-[0-9A-Z]{26}-\d{6}\.native\.zst$/

/** Opens chDB and serves `run/store.sock`. Only our own processes reach it: what they ask was checked where it came in. */
export async function startStore({ folder }: StoreConfig): Promise<AsyncDisposable> {
  mkdirSync(join(folder, 'run'), { recursive: true, mode: 0o700 })
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await ChdbEventStore.open(join(folder, 'events')))
  const row = <T>(answer: (asked: T) => Promise<unknown>) => ({
    maxBody: SMALL,
    answer: (request: Parameters<typeof jsonOf>[0]) => answer(jsonOf(request) as T),
  })
  stack.use(
    await serveSocket(join(folder, 'run', 'store.sock'), {
      'POST /segments': row<{ id: string }>(({ id }) => {
        if (!SEGMENT_ID.test(id)) throw badRequest('events/segment', 'id: expected the id of a segment', 'id')
        return store.load(id)
      }),
      'POST /count': row<Partial<Span>>((asked) =>
        store.count(asked.where === undefined ? undefined : (asked as Span)),
      ),
      'POST /search': row<SearchAsked>((asked) => store.search(asked)),
      'POST /histogram': row<HistogramAsked>((asked) => store.histogram(asked)),
      'POST /top': row<TopAsked>((asked) => store.top(asked)),
      'POST /one': row<{ id: string }>(({ id }) => store.one(id)),
      'POST /months': row<{ below: number }>(({ below }) => store.months(below)),
      'POST /write-month': row<{ month: number; below: number; name: string }>(({ month, below, name }) => {
        if (!MONTH_FILE.test(name) || !Number.isSafeInteger(month) || !Number.isSafeInteger(below))
          throw badRequest('events/month', 'name: expected the name of a file of a month', 'name')
        return store.writeMonth(month, below, name)
      }),
      'GET /parts': { maxBody: 0, answer: () => store.parts() },
    }),
  )
  const owned = stack.move()
  return { [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
