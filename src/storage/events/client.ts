import { KhienError } from '../../kit/errors.ts'
import type { FieldName } from './columns.ts'
import { socketClient } from './socket.ts'
import type { Where } from './where.ts'

/** `from` included, `to` excluded, in milliseconds. */
export type Span = { readonly from: number; readonly to: number; readonly where: Where }
/** The last event of a page; the next page begins behind it. */
export type Cursor = { readonly time: number; readonly seq: number }
export type SearchAsked = Span & { readonly limit: number; readonly cursor: Cursor | null }
export type SearchAnswer = { readonly events: Record<string, unknown>[]; readonly next: Cursor | null }
export type HistogramAsked = Span & { readonly bucketMs: number; readonly by: FieldName | null }
export type TopAsked = Span & { readonly field: FieldName; readonly limit: number }

/** The questions the event store answers. */
export interface EventQueries {
  /** Newest first; pages lose and double nothing, also between equal times. */
  search(asked: SearchAsked): Promise<SearchAnswer>
  /** Buckets that are not empty, `at` in milliseconds. */
  histogram(asked: HistogramAsked): Promise<{ at: number; by: string | null; count: number }[]>
  top(asked: TopAsked): Promise<{ values: { value: string; count: number }[]; total: number }>
  /** The newest event of this id. */
  one(id: string): Promise<Record<string, unknown> | null>
  count(asked?: Span): Promise<number>
}

const away = (): KhienError =>
  new KhienError(
    'events/store-away',
    'The event store does not answer at the moment; new events are kept meanwhile. Try again.',
    {
      status: 503,
      retryAfter: 2,
    },
  )

export type EventStore = EventQueries & AsyncDisposable

/** The event store of another process. Errors: `events/store-away`, `events/busy`, `events/too-much`. */
export function eventStore(socketPath: string): EventStore {
  const socket = socketClient(socketPath, away)
  return {
    search: (asked) => socket.ask('POST', '/search', asked),
    histogram: (asked) => socket.ask('POST', '/histogram', asked),
    top: (asked) => socket.ask('POST', '/top', asked),
    one: (id) => socket.ask('POST', '/one', { id }),
    count: (asked) => socket.ask('POST', '/count', asked ?? {}),
    [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
  }
}

export type SegmentLoader = AsyncDisposable & {
  load(id: string): Promise<{ rows: number; added: number; inStore: number }>
  count(): Promise<number>
}

export type MonthWriter = AsyncDisposable & {
  months(below: number): Promise<{ month: number; rows: number }[]>
  /** Answers where the file lies; whoever asked for it removes it. */
  write(month: number, below: number, name: string): Promise<{ path: string }>
}
/** A month of a large store is minutes of work. */
const MONTH_MS = 3_600_000

/** What a backup asks of the store process: the events of segments below a number, month by month. */
export function monthWriter(socketPath: string): MonthWriter {
  const socket = socketClient(socketPath, away, MONTH_MS)
  return {
    months: (below) => socket.ask('POST', '/months', { below }),
    write: (month, below, name) => socket.ask('POST', '/write-month', { month, below, name }),
    [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
  }
}

/** What the intake asks of the store process: take this segment, count what you hold. */
export function segmentLoader(socketPath: string): SegmentLoader {
  const socket = socketClient(socketPath, away, 130_000)
  return {
    load: (id) => socket.ask('POST', '/segments', { id }),
    count: () => socket.ask('POST', '/count', {}),
    [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
  }
}
