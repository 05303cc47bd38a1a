import type { Clock } from '../kit/clock.ts'
import { KhienError, badRequest } from '../kit/errors.ts'
import { newId, type Entropy } from '../kit/ids.ts'
import { iso } from '../kit/clock.ts'
import { eventStore, socketClient, type Cursor, type Span } from '../storage/events/index.ts'
import type { BatchAnswer, Ledger, StoredEvent } from './contract.ts'
import { fieldNamed, parseQuery } from './query.ts'

export type IntakeContext = {
  readonly intakeSocket: string
  readonly storeSocket: string
  /** 32 bytes; accounts in events become tokens under it. */
  readonly tokenKey: Uint8Array
  readonly clock: Clock
  readonly entropy: Entropy
}
/** Instants as ISO 8601; `from` included, `to` excluded; default: the last 24 hours. */
export type Asked = {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly q?: string | undefined
}

const DAY_MS = 86_400_000
const away = (): KhienError =>
  new KhienError(
    'events/intake-away',
    'The intake does not answer at the moment; send the batch again under the same Idempotency-Key.',
    {
      status: 503,
      retryAfter: 2,
    },
  )

/** The node's side of the intake and of the event store, both processes of their own. */
export function openIntake(ctx: IntakeContext) {
  const intake = socketClient(ctx.intakeSocket, away, 30_000)
  const store = eventStore(ctx.storeSocket)
  const tokenKey = Buffer.from(ctx.tokenKey).toString('base64url')

  /** Resolves when the batch is durable. Errors: `events/intake-away`, `events/full`, `events/disk`, `intake/batch`. */
  function post(source: string, batch: string | undefined, lines: Uint8Array): Promise<BatchAnswer> {
    const query = new URLSearchParams({ source, batch: batch ?? newId('bat', ctx.clock(), ctx.entropy) })
    return intake.ask('POST', `/batches?${query}`, lines, {
      'content-type': 'application/x-ndjson',
      'x-token-key': tokenKey,
    })
  }

  const ledger = (): Promise<Ledger> => intake.ask('GET', '/ledger')

  async function search(asked: Asked & { readonly limit: number; readonly cursor?: string | undefined }) {
    const span = spanOf(asked)
    const cursor = asked.cursor === undefined ? null : cursorOf(asked.cursor)
    const { events, next } = await store.search({ ...span, limit: asked.limit, cursor })
    return { ...shown(span), events: events as StoredEvent[], next: next === null ? null : cursorText(next) }
  }

  async function histogram(asked: Asked & { readonly buckets: number; readonly by?: string | undefined }) {
    const span = spanOf(asked)
    const by = fieldNamed(asked.by ?? 'kind', 'query.by')
    const bucketMs = Math.max(1, Math.ceil((span.to - span.from) / asked.buckets))
    const buckets = await store.histogram({ ...span, bucketMs, by })
    return {
      ...shown(span),
      bucketMs,
      buckets: buckets.map((bucket) => ({ ...bucket, at: iso(bucket.at) })),
      total: buckets.reduce((total, { count }) => total + count, 0),
    }
  }

  async function top(asked: Asked & { readonly field: string; readonly limit: number }) {
    const span = spanOf(asked)
    return {
      ...shown(span),
      ...(await store.top({ ...span, field: fieldNamed(asked.field, 'query.field'), limit: asked.limit })),
    }
  }

  /** Errors: `intake/no-event` (404). */
  async function one(id: string): Promise<StoredEvent> {
    const event = await store.one(id)
    if (event === null)
      throw new KhienError(
        'intake/no-event',
        'There is no event of this id; a new one can be found about two seconds after it was taken.',
        { status: 404 },
      )
    return event as StoredEvent
  }

  const count = (asked: Asked): Promise<number> => store.count(spanOf(asked))

  function spanOf({ from, to, q }: Asked): Span {
    const until = to === undefined ? ctx.clock() + 1 : Date.parse(to)
    const since = from === undefined ? until - DAY_MS : Date.parse(from)
    if (since >= until) throw badRequest('intake/span', 'from: expected an instant before to', 'query.from')
    return { from: since, to: until, where: parseQuery(q ?? '') }
  }

  return {
    post,
    ledger,
    search,
    histogram,
    top,
    one,
    count,
    async [Symbol.asyncDispose]() {
      await Promise.all([intake[Symbol.asyncDispose](), store[Symbol.asyncDispose]()])
    },
  }
}
export type Intake = ReturnType<typeof openIntake>

const shown = ({ from, to }: Span): { from: string; to: string } => ({ from: iso(from), to: iso(to) })
const cursorText = ({ time, seq }: Cursor): string => Buffer.from(`${time}.${seq}`).toString('base64url')

function cursorOf(text: string): Cursor {
  const found = /^(\d{1,15})\.(\d{1,16})$/.exec(Buffer.from(text, 'base64url').toString('latin1'))
  if (!found) throw badRequest('intake/cursor', 'cursor: expected what the page before gave as next', 'query.cursor')
  return { time: Number(found[1]), seq: Number(found[2]) }
}
