import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { admit, turnAway } from './admit.ts'
import { readAsked, type Asked } from './asked.ts'
import { callbackOf } from './callback.ts'
import { endSocket, endWith, sendHead } from './end.ts'
import { requestHeaders, responseHeaders } from './forwarding.ts'
import { lineOf } from './rate-limits.ts'
import { record, refuse, type Reason } from './refuse.ts'
import { countExclusions, headOf, NONE, opened, watch, watchedOnly } from './serve.ts'
import type { Shared } from './shared.ts'
import type { LiveRoute } from './sites.ts'
import { stallWatch, type StallWatch } from './stall.ts'

/** A WebSocket handshake as RFC 6455 §4.1 has it. */
export const isWebSocket = (req: IncomingMessage): boolean =>
  req.method === 'GET' &&
  req.httpVersion === '1.1' &&
  req.headers.upgrade?.toLowerCase() === 'websocket' &&
  /^[A-Za-z0-9+/]{22}==$/.test(req.headers['sec-websocket-key'] ?? '') &&
  req.headers['sec-websocket-version'] === '13' &&
  req.headers['transfer-encoding'] === undefined &&
  (req.headers['content-length'] ?? '0') === '0'

/** A handshake judged as a request, then both sides joined until one ends or nothing moves for `tunnelIdleMs`. Never rejects. */
export async function tunnel(shared: Shared, req: IncomingMessage, client: Duplex, first: Buffer): Promise<void> {
  shared.counts.requests++
  const asked = readAsked(req, shared.deps.clock(), shared.deps.entropy)
  const res = new ServerResponse(req)
  res.on('error', () => undefined)
  const stall = stallWatch(req, res, shared.limits.stallMs, () => shared.counts.stalled++)
  try {
    res.assignSocket(client as never)
    res.shouldKeepAlive = false
    // A client that keeps its own half open has been answered all the same.
    res.once('finish', () => endSocket(client))
    const told = watch(shared, req, res, asked)
    if (!(await admit(shared, req, res, asked))) return stall.finish()
    if (shared.counts.tunnels >= shared.limits.tunnels) turnAway(shared, req, res, asked, 503, 'room')
    else if (await judged(shared, req, res, asked))
      return await join(shared, req, res, asked, client, first, stall, told)
    stall.finish()
  } catch (error) {
    shared.deps.log.error('request-failed', { id: asked.id, error: error instanceof Error ? error.name : typeof error })
    endWith(req, res, asked, 500, { close: true })
    stall.finish()
  }
}

/** The verdict on a handshake: true when it goes on to the application. A copy from a mirror never does. */
async function judged(shared: Shared, req: IncomingMessage, res: ServerResponse, asked: Asked): Promise<boolean> {
  const route = asked.route!
  const { site } = asked.site!
  const mirror = site.placement === 'mirror'
  if (shared.traffic.wants(site)) shared.traffic.add(site.name, asked.at, headOf(asked), NONE)
  let found = judge(asked, route)
  if (found?.verdict.refused && route.mode === 'block' && route.others !== undefined) {
    const others = judge(asked, route.others)
    if (!others?.verdict.refused) watchedOnly(shared, asked, found)
    asked.route = route.others
    found = others
  }
  if (found !== undefined) countExclusions(shared, asked, found.verdict.ruleIds)
  const refused = found?.verdict.refused === true
  if (refused && route.mode === 'block' && !mirror) {
    await refuse(shared, req, res, asked, found!)
    return false
  }
  if (refused) {
    shared.counts.observed++
    void record(shared, asked, found!)
  }
  if (!mirror) return true
  shared.counts.mirrored++
  sendHead(res, 204, 'No Content', ['X-Request-Id', asked.id])
  res.end()
  return false
}

function judge(asked: Asked, route: LiveRoute): Reason | undefined {
  const transaction = opened(asked, route)
  if (transaction === undefined) return undefined
  transaction.inspectHead()
  const verdict = transaction.inspectBody(NONE)
  return { verdict, callback: verdict.refused ? callbackOf(transaction) : undefined, bytes: 0 }
}

async function join(
  shared: Shared,
  req: IncomingMessage,
  res: ServerResponse,
  asked: Asked,
  client: Duplex,
  first: Buffer,
  stall: StallWatch,
  told: (status: number) => void,
): Promise<void> {
  const application = shared.applications.choose(asked.site!.site, [], shared.deps.clock())
  if (application === undefined) return turnAway(shared, req, res, asked, 503, 'failed')
  const place = application.places.ask(lineOf(asked.client.address))
  const leave = (): void => place?.leave()
  client.once('close', leave)
  if (!(await place?.given)) {
    if (client.destroyed) return
    asked.answered?.(503)
    turnAway(shared, req, res, asked, 503, 'room')
    return stall.finish()
  }
  client.off('close', leave)
  const failed = (): void => {
    leave()
    if (client.destroyed) return
    shared.counts.upstreamErrors++
    if (!res.headersSent) asked.answered?.(502)
    endWith(req, res, asked, 502, { close: true })
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
        if (client.destroyed) return controller.abort(new Error('the client left'))
        client.once('close', () => controller.abort(new Error('the client left')))
      },
      onRequestUpgrade(_, status, received, upstream) {
        // The connection is no longer one of the pool's.
        leave()
        // Of a handshake 101 is what 200 is of a page.
        const more = asked.answered?.(200) ?? []
        res.detachSocket(client as never)
        client.write(head101([...responseHeaders(received, asked.id), ...more]))
        if (first.length > 0) upstream.write(first)
        shared.counts.tunnels++
        told(status)
        splice(client, upstream, shared.limits.tunnelIdleMs, () => shared.counts.tunnels--)
      },
      // The application speaks plain HTTP: it has said no, and its own words go out.
      onResponseStart(controller, status, received, message) {
        if (status < 200) return
        const more = asked.answered?.(status) ?? []
        if (sendHead(res, status, message ?? '', [...responseHeaders(received, asked.id), ...more])) return
        controller.abort(new Error('not sendable'))
      },
      onResponseData(controller, chunk) {
        if (res.write(chunk)) return
        controller.pause()
        stall.begin()
        res.once('drain', () => {
          stall.clear()
          controller.resume()
        })
      },
      onResponseEnd() {
        leave()
        res.end()
        stall.finish()
      },
      onResponseError: failed,
    },
  )
}

function head101(headers: readonly string[]): string {
  const flat = ['Connection', 'Upgrade', 'Upgrade', 'websocket', ...headers]
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
