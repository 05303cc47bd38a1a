import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { openTransaction } from '../../engine/waf/index.ts'
import { readAsked, type Asked } from './asked.ts'
import { callbackOf } from './callback.ts'
import { endWith } from './end.ts'
import { requestHeaders, responseHeaders, type UpstreamHeaders } from './forwarding.ts'
import { record, refuse } from './refuse.ts'
import { admit, turnAway } from './admit.ts'
import { headOf, watch } from './serve.ts'
import type { Shared } from './shared.ts'

/** A WebSocket handshake as RFC 6455 §4.1 has it. */
export const isWebSocket = (req: IncomingMessage): boolean =>
  req.method === 'GET' &&
  req.httpVersion === '1.1' &&
  req.headers.upgrade?.toLowerCase() === 'websocket' &&
  /^[A-Za-z0-9+/]{22}==$/.test(req.headers['sec-websocket-key'] ?? '') &&
  req.headers['sec-websocket-version'] === '13' &&
  req.headers['transfer-encoding'] === undefined &&
  (req.headers['content-length'] ?? '0') === '0'

/** A handshake judged as a request, then both sides joined until one ends or nothing moves for `tunnelIdleMs`. */
export async function tunnel(shared: Shared, req: IncomingMessage, client: Duplex, first: Buffer): Promise<void> {
  shared.counts.requests++
  const asked = readAsked(req, shared.deps.clock(), shared.deps.entropy)
  const res = new ServerResponse(req)
  res.on('error', () => undefined)
  res.assignSocket(client as never)
  res.shouldKeepAlive = false
  res.once('finish', () => client.end())
  const told = watch(shared, req, res, asked)
  try {
    if (!(await admit(shared, req, res, asked))) return
    if (shared.counts.tunnels >= shared.limits.tunnels) return turnAway(shared, req, res, asked, 503, 'room')
    const { plan, mode } = asked.route!
    if (plan !== undefined) {
      const transaction = openTransaction(plan, headOf(asked), { at: asked.at })
      transaction.inspectHead()
      const verdict = transaction.inspectBody(new Uint8Array())
      if (verdict.refused) {
        const reason = { verdict, callback: callbackOf(transaction), bytes: 0 }
        if (mode === 'block') return await refuse(shared, req, res, asked, reason)
        shared.counts.observed++
        void record(shared, asked, reason)
      }
    }
    join(shared, req, res, asked, client, first, told)
  } catch (error) {
    shared.deps.log.error('request-failed', { id: asked.id, error: error instanceof Error ? error.name : typeof error })
    endWith(req, res, asked, 500, { close: true })
  }
}

function join(
  shared: Shared,
  req: IncomingMessage,
  res: ServerResponse,
  asked: Asked,
  client: Duplex,
  first: Buffer,
  told: (status: number) => void,
): void {
  const application = shared.applications.choose(asked.site!.site, [], shared.deps.clock())
  if (application === undefined) return turnAway(shared, req, res, asked, 503, 'failed')
  const failed = (status: number): void => {
    shared.counts.upstreamErrors++
    if (!res.headersSent) endWith(req, res, asked, status, { close: true })
    else client.destroy()
  }
  application.pool.dispatch(
    {
      method: 'GET',
      path: asked.target,
      headers: requestHeaders(asked, false),
      upgrade: 'websocket',
    },
    {
      onRequestStart(controller) {
        client.once('close', () => controller.abort(new Error('the client left')))
      },
      onRequestUpgrade(_, status, received, upstream) {
        res.detachSocket(client as never)
        client.write(head101(received, asked.id))
        if (first.length > 0) upstream.write(first)
        shared.counts.tunnels++
        told(status)
        splice(client, upstream, shared.limits.tunnelIdleMs, () => shared.counts.tunnels--)
      },
      // The application speaks plain HTTP: it has said no, and its own words go out.
      onResponseStart(_, status, received, message) {
        if (status >= 200) res.writeHead(status, message ?? '', responseHeaders(received, asked.id))
      },
      onResponseData(controller, chunk) {
        if (res.write(chunk)) return
        controller.pause()
        res.once('drain', () => controller.resume())
      },
      onResponseEnd() {
        res.end()
      },
      onResponseError() {
        failed(502)
      },
    },
  )
}

function head101(received: UpstreamHeaders, id: string): string {
  const flat = ['Connection', 'Upgrade', 'Upgrade', 'websocket', ...responseHeaders(received, id)]
  let out = 'HTTP/1.1 101 Switching Protocols\r\n'
  for (let at = 0; at + 1 < flat.length; at += 2) out += `${flat[at]}: ${flat[at + 1]}\r\n`
  return `${out}\r\n`
}

/** Joins two sockets. A side that reads slowly slows the other; what is held is a socket's buffer each way. */
function splice(a: Duplex, b: Duplex, idleMs: number, over: () => void): void {
  let open = true
  const timer = setTimeout(() => end(), idleMs)
  const end = (): void => {
    if (!open) return
    open = false
    clearTimeout(timer)
    a.destroy()
    b.destroy()
    over()
  }
  const moved = (): void => void timer.refresh()
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on('error', end).on('close', end)
    from.on('data', moved)
    from.pipe(to)
  }
}
