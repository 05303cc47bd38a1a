import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { StartError } from '../kit/errors.ts'

/** What node:http knows and Fetch's Request does not. */
export type Bindings = { incoming: { socket: { remoteAddress?: string; remotePort?: number } } }

export type Listening = AsyncDisposable & { readonly port: number; readonly server: Server }

/**
 * Serves an app on one address (`host:port` or a unix socket path) with limits on head size, time to send a head and
 * time to send a body. Errors: `http/port-busy`, `http/cannot-listen`.
 */
export async function serve(
  app: { fetch(request: Request, env: object): Response | Promise<Response> },
  at: { host: string; port: number } | { socket: string },
): Promise<Listening> {
  const server = createServer(
    {
      maxHeaderSize: 16_384,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 15_000,
      requireHostHeader: true,
    },
    getRequestListener(app.fetch as Parameters<typeof getRequestListener>[0], { overrideGlobalObjects: false }),
  )
  server.maxConnections = 4_096
  server.maxHeadersCount = 100
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(asStartError(error, at)))
    if ('socket' in at) server.listen(at.socket, resolve)
    else server.listen(at.port, at.host, resolve)
  })
  const port = 'socket' in at ? 0 : (server.address() as AddressInfo).port
  return {
    port,
    server,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 1_000).unref()
      await closed
    },
  }
}

function asStartError(error: NodeJS.ErrnoException, at: object): StartError {
  const where = 'socket' in at ? String(at.socket) : `${(at as { host: string }).host}:${(at as { port: number }).port}`
  return error.code === 'EADDRINUSE'
    ? new StartError(
        'http/port-busy',
        `Port ${where} is already in use; stop what uses it or choose another with --port.`,
      )
    : new StartError('http/cannot-listen', `Cannot listen on ${where} (${error.code ?? 'unknown error'}).`)
}

export const newRequestId = (): string => `q-${randomBytes(8).toString('hex')}`
