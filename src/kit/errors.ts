/** An error a person can act on. `code` is stable (`vault/no-ground`), also the translation key; `detail` is a sentence. */
export class KhienError extends Error {
  override readonly name = 'KhienError'
  readonly code: string
  readonly status: number
  /** The input that was wrong, as a path: `body.items.0.purpose`. */
  readonly field: string | undefined
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  readonly retryAfter: number | undefined

  constructor(code: string, detail: string, options: ErrorOptionsKhien = {}) {
    super(detail, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.status = options.status ?? 500
    this.field = options.field
    this.retryAfter = options.retryAfter
  }
}

type ErrorOptionsKhien = { status?: number; field?: string; retryAfter?: number; cause?: unknown }

export const badRequest = (code: string, detail: string, field?: string): KhienError =>
  new KhienError(code, detail, field === undefined ? { status: 400 } : { status: 400, field })

/** A wrong setting, a busy port, an unwritable folder: one sentence, then a non-zero exit. Never carries a secret. */
export class StartError extends KhienError {}

/** RFC 9457 problem document. Unknown errors become 500 with a request id and nothing else. */
export type Problem = {
  type: string
  title: string
  status: number
  code: string
  detail: string
  field?: string
  requestId?: string
}

/** What a client sees when PostgreSQL is away: connection refused, reset or timed out, or the server is stopping. */
const AWAY = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08001',
  '08003',
  '08006',
  '53300',
])

/** What the PostgreSQL client says of its own, without a code. */
const AWAY_SAID =
  /^(?:timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error and is not queryable)/

/** A store that is away becomes an error of ours, so that callers know to come back. */
export function asKnown(error: unknown): unknown {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  const away = AWAY.has(String(code)) || AWAY_SAID.test(String(message))
  if (error instanceof KhienError || !away) return error
  return new KhienError(
    'data/unreachable',
    'The store does not answer at the moment; try again. A write may have been done: send it with the same Idempotency-Key.',
    {
      status: 503,
      retryAfter: 2,
      cause: error,
    },
  )
}

export function toProblem(error: unknown, requestId?: string): Problem {
  const known = error instanceof KhienError ? error : undefined
  const code = known?.code ?? 'internal'
  const problem: Problem = {
    type: `urn:khien:error:${code}`,
    title: code,
    status: known?.status ?? 500,
    code,
    detail: known?.message ?? 'Something failed inside Khiên. Give the request id to your administrator.',
  }
  if (known?.field !== undefined) problem.field = known.field
  if (requestId !== undefined) problem.requestId = requestId
  return problem
}
