import type { RequestHead } from '../engine/waf/index.ts'
import { clientAddressOf } from './client.ts'
import { Inspection, type Watch } from './inspection.ts'
import { demandBody, hasBody, isHttp2, readAhead, type Req } from './read-ahead.ts'
import type { Refusal } from './refusal.ts'

/** `gone`: the client left, there is nobody to answer. */
export type Outcome = 'pass' | 'gone' | Refusal

/** Facts of a request as the engine reads them; in HTTP/2 :authority is Host and cookies are one (RFC 9113 §8.2.3, §8.3.1). */
export function headOf(req: Req, watch: Watch): RequestHead {
  const { socket } = req
  const http2 = isHttp2(req)
  const headers: [string, string][] = []
  const cookies: string[] = []
  const authority = http2 ? req.headers[':authority'] : undefined
  if (authority !== undefined) headers.push(['host', authority])
  for (let at = 0; at + 1 < req.rawHeaders.length; at += 2) {
    const [name, value] = [req.rawHeaders[at]!, req.rawHeaders[at + 1]!]
    if (http2 && (name.startsWith(':') || (name === 'host' && value === authority))) continue
    if (http2 && name === 'cookie') cookies.push(value)
    else headers.push([name, value])
  }
  if (cookies.length > 0) headers.push(['cookie', cookies.join('; ')])
  const serverAddress = socket?.localAddress
  // Express keeps the whole target there when it has taken a router's own path off `url`.
  const { originalUrl } = req as { originalUrl?: unknown }
  return {
    method: req.method ?? '',
    target: typeof originalUrl === 'string' ? originalUrl : (req.url ?? ''),
    httpVersion: http2 ? '2' : req.httpVersion,
    headers,
    clientAddress: clientAddressOf(socket?.remoteAddress ?? '', headers, watch.trusts),
    clientPort: socket?.remotePort ?? 0,
    ...(serverAddress === undefined ? {} : { serverAddress, serverPort: socket.localPort ?? 0 }),
  }
}

/** Both phases of one request. At once when there is no body. Throws `GuardError` when the body is no longer to be had. */
export function inspectRequest(watch: Watch, req: Req): Outcome | Promise<Outcome> {
  const inspection = new Inspection(watch, headOf(req, watch))
  const early = inspection.head()
  if (early !== undefined) return early
  if (!inspection.wantsBody) return 'pass'
  if (!hasBody(req)) return inspection.nobody() ?? 'pass'
  demandBody(req)
  return readAndInspect(watch, req, inspection)
}

async function readAndInspect(watch: Watch, req: Req, inspection: Inspection): Promise<Outcome> {
  const held = await readAhead(req, watch)
  if (held !== 'gone') return (await inspection.body(held)) ?? 'pass'
  watch.counts.gone++
  return 'gone'
}
