import type { IncomingMessage, ServerResponse } from 'node:http'
import { Pool, type Dispatcher } from 'undici'
import { StartError } from '../../kit/errors.ts'
import { responseHeaders } from './forwarding.ts'
import type { Limits } from './limits.ts'

export type Passed = { readonly headers: string[]; readonly body: Buffer | undefined; readonly id: string }
/** 0 when the answer went out whole or the client left; otherwise the status to answer with, nothing having been sent. */
export type Upstream = AsyncDisposable & {
  pass(req: IncomingMessage, res: ServerResponse, passed: Passed): Promise<number>
}

const SLOW: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
])
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Connections to the application. `origin` is scheme, host and port alone. Throws `StartError`. */
export function openUpstream(origin: string, limits: Limits): Upstream {
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.username !== ''
  ) {
    throw new StartError('upstream', '--upstream must be an origin such as http://127.0.0.1:3000, without a path.')
  }
  const pool = new Pool(url.origin, {
    connections: limits.upstreamConnections,
    pipelining: 1,
    connect: { timeout: limits.upstreamConnectMs },
    headersTimeout: limits.upstreamHeadMs,
    bodyTimeout: limits.upstreamIdleMs,
    // Shorter than the five seconds after which Node servers close: a request must not meet a closing connection.
    keepAliveTimeout: 4_000,
  })
  return {
    async pass(req, res, passed) {
      const first = await attempt(pool, req, res, passed)
      // A kept connection may have closed as we wrote; nothing was answered, so a safe method may be tried again, once.
      if (first === 502 && REPEATABLE.has(req.method ?? '') && !res.headersSent && !res.destroyed)
        return attempt(pool, req, res, passed)
      return first
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}

function attempt(
  pool: Pool,
  req: IncomingMessage,
  res: ServerResponse,
  { headers, body, id }: Passed,
): Promise<number> {
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | undefined
    const onClose = (): void => {
      if (!res.writableFinished) controller?.abort(new Error('the client left'))
      resolve(0)
    }
    const settle = (status: number): void => {
      res.off('close', onClose)
      resolve(status)
    }
    res.on('close', onClose)
    const options = { method: req.method as Dispatcher.HttpMethod, path: req.url!, headers, body: body ?? null }
    try {
      pool.dispatch(options, {
        onRequestStart(started) {
          controller = started
          if (res.destroyed) started.abort(new Error('the client left'))
        },
        onResponseStart(_, status, received, message) {
          // 101 cannot come: Upgrade is never passed on. Other 1xx are not for us to pass either.
          if (status < 200) return
          res.writeHead(status, message ?? '', responseHeaders(received, id))
        },
        onResponseData(started, chunk) {
          if (res.write(chunk)) return
          started.pause()
          res.once('drain', () => started.resume())
        },
        onResponseEnd() {
          res.end()
          settle(0)
        },
        onResponseError(_, error) {
          const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
          if (res.headersSent) {
            // Half an answer must look broken, not finished.
            res.destroy()
            settle(0)
          } else settle(SLOW.has(code) ? 504 : 502)
        },
      })
    } catch {
      settle(502)
    }
  })
}
