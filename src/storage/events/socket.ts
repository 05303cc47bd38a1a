import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Pool } from 'undici'
import { KhienError, StartError, badRequest, toProblem, type Problem } from '../../kit/errors.ts'

export type SocketRequest = {
  readonly query: URLSearchParams
  readonly header: (name: string) => string | undefined
  readonly body: Buffer
}
export type SocketHandler = {
  /** Longest body in bytes. */
  readonly maxBody: number
  answer(request: SocketRequest): Promise<unknown>
}

/** sockaddr_un holds 108 bytes. */
const LONGEST_PATH = 100

/**
 * Serves `METHOD /path` rows as JSON on a unix socket that only its own user can open (0600). Errors: problem documents;
 * `data-folder` when the path is too long for a socket. At most `maxRequests` bodies are held at once, more are 503.
 */
export async function serveSocket(
  path: string,
  rows: Readonly<Record<string, SocketHandler>>,
  { maxRequests = 64, overloaded = () => {} }: { maxRequests?: number; overloaded?: (row: string) => void } = {},
): Promise<AsyncDisposable> {
  if (Buffer.byteLength(path) > LONGEST_PATH)
    throw new StartError(
      'data-folder',
      `The path ${path} is too long for a socket; choose a data folder with a shorter name.`,
    )
  // The folder's lock says that nobody else runs here, so what lies there is a dead process's.
  rmSync(path, { force: true })
  let busy = 0

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [pathname, search] = request.url!.split('?', 2) as [string, string | undefined]
    const name = `${request.method} ${pathname}`
    const row = Object.hasOwn(rows, name) ? rows[name] : undefined
    try {
      if (!row) throw new KhienError('http/not-found', 'There is nothing at this address.', { status: 404 })
      if (busy >= maxRequests) {
        overloaded(name)
        throw new KhienError('events/busy', 'Too many requests at once; try again.', { status: 503, retryAfter: 1 })
      }
      busy++
      try {
        const header = (field: string): string | undefined => {
          const value = request.headers[field]
          return typeof value === 'string' ? value : undefined
        }
        const body = await bodyOf(request, row.maxBody)
        send(response, 200, await row.answer({ query: new URLSearchParams(search), header, body }), undefined)
      } finally {
        busy--
      }
    } catch (error) {
      const problem = toProblem(error)
      send(response, problem.status, problem, error instanceof KhienError ? error.retryAfter : undefined)
      if (!(error instanceof KhienError)) process.emitWarning(`socket ${name}: ${(error as Error)?.name ?? 'error'}`)
    }
  }

  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 60_000 },
    (request, response) => {
      void handle(request, response).catch(() => response.destroy())
    },
  )
  server.maxConnections = 256
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new StartError('http/cannot-listen', `Cannot listen on ${path} (${error.code ?? 'unknown error'}).`)),
    )
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 1_000).unref()
      await closed
    },
  }
}

function send(response: ServerResponse, status: number, value: unknown, retryAfter: number | undefined): void {
  const text = JSON.stringify(value)
  response.writeHead(status, {
    'content-type': status < 400 ? 'application/json' : 'application/problem+json',
    'content-length': Buffer.byteLength(text),
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  })
  response.end(text)
}

async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer> {
  const tooLarge = new KhienError('http/too-large', `The body is larger than ${most} bytes.`, {
    status: 413,
    field: 'body',
  })
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > most) throw tooLarge
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** The body of a request as JSON. Errors: `http/json`. */
export function jsonOf(request: SocketRequest): unknown {
  try {
    return JSON.parse(request.body.toString('utf8'))
  } catch {
    throw badRequest('http/json', 'The body is not valid JSON.', 'body')
  }
}

export type SocketClient = AsyncDisposable & {
  /** Errors: those the other side answers; `away` when it does not. */
  ask<T>(method: 'GET' | 'POST', path: string, body?: unknown, headers?: Record<string, string>): Promise<T>
}

/** Calls `serveSocket` of another process. A body that is no bytes and no text goes as JSON. `away` makes the error when it does not answer. */
export function socketClient(path: string, away: () => KhienError, timeoutMs = 15_000): SocketClient {
  const pool = new Pool('http://process.internal', {
    socketPath: path,
    connections: 16,
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: { timeout: 2_000 },
  })
  return {
    async ask<T>(method: 'GET' | 'POST', to: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
      const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array
      let status: number
      let retryAfter: string | string[] | undefined
      let text: string
      try {
        const answer = await pool.request({
          method,
          path: to,
          headers,
          body: raw ? ((body as string | Uint8Array | undefined) ?? null) : JSON.stringify(body),
        })
        status = answer.statusCode
        retryAfter = answer.headers['retry-after']
        text = await answer.body.text()
      } catch {
        throw away()
      }
      const value = JSON.parse(text) as T
      if (status < 400) return value
      const problem = value as Problem
      throw new KhienError(problem.code, problem.detail, {
        status: problem.status,
        ...(problem.field === undefined ? {} : { field: problem.field }),
        ...(retryAfter === undefined ? {} : { retryAfter: Number(retryAfter) }),
      })
    },
    async [Symbol.asyncDispose]() {
      await pool.destroy()
    },
  }
}
