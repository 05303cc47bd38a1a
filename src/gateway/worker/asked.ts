import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { newCode, type Entropy } from '../../kit/ids.ts'
import { plainAddress, type Client } from './forwarding.ts'
import { pairsOf, type RawHeaders } from './limits.ts'
import type { LiveRoute, LiveSite } from './sites.ts'

export type Req = IncomingMessage | Http2ServerRequest
export type Res = ServerResponse | Http2ServerResponse
export type Wire = Socket | TLSSocket

/** A request as all of the gateway speaks of it, HTTP/1.1 and HTTP/2 alike. */
export type Asked = {
  readonly id: string
  readonly at: number
  readonly began: number
  readonly method: string
  readonly target: string
  readonly version: string
  /** With Host, whichever way it came, and one Cookie. */
  readonly headers: RawHeaders
  readonly host: string
  readonly peer: string
  readonly port: number
  readonly secure: boolean
  readonly hasBody: boolean
  readonly length: number | undefined
  /** From here on known once the site is. */
  client: Client
  account: string | undefined
  site: LiveSite | undefined
  route: LiveRoute | undefined
  /** To be told the application's status; says which headers to add, as flat pairs. */
  answered: ((status: number) => readonly string[]) | undefined
}

export const isHttp2 = (message: Req | Res): message is Http2ServerRequest | Http2ServerResponse =>
  'stream' in message && message.stream !== null && typeof message.stream === 'object'

/** Is there nobody to answer any more? */
export const hasLeft = (res: Res): boolean => (isHttp2(res) ? res.stream.destroyed : res.destroyed)

/** The socket below; of HTTP/2 the connection's own, as the proxy that stands for it throws once the client has left. */
export const wireOf = (req: Req): Wire | undefined =>
  isHttp2(req) ? req.stream.session && peers.get(req.stream.session)?.wire : req.socket

/** Who the other side of each HTTP/2 connection is. A session no longer has its socket when its client has left. */
const peers = new WeakMap<object, { readonly address: string; readonly port: number; readonly wire: Wire }>()
export const rememberPeer = (session: object, wire: Wire): void =>
  void peers.set(session, {
    address: plainAddress(wire.remoteAddress ?? ''),
    port: wire.remotePort ?? 0,
    wire,
  })

/** Reads the request's facts. Its shape is not checked here. */
export function readAsked(req: Req, at: number, entropy: Entropy): Asked {
  const http2 = isHttp2(req)
  const told = (http2 && req.stream.session && peers.get(req.stream.session)) || undefined
  const socket = http2 ? undefined : req.socket
  const peer = told?.address ?? plainAddress(socket?.remoteAddress ?? '')
  const port = told?.port ?? socket?.remotePort ?? 0
  const length = req.headers['content-length']
  const headers = http2 ? plainHeaders(req) : pairsOf(req.rawHeaders)
  return {
    id: newCode('R', entropy),
    at,
    began: performance.now(),
    method: req.method ?? '',
    target: req.url ?? '',
    version: http2 ? '2' : req.httpVersion,
    headers,
    host: http2 ? (req.headers[':authority'] ?? req.headers.host ?? '') : (req.headers.host ?? ''),
    peer,
    port,
    secure: http2 ? true : 'encrypted' in req.socket,
    hasBody: http2
      ? !req.stream.endAfterHeaders
      : (length !== undefined && length !== '0') || req.headers['transfer-encoding'] !== undefined,
    length: length === undefined ? undefined : Number(length),
    client: { address: peer, port, trusted: false },
    account: undefined,
    site: undefined,
    route: undefined,
    answered: undefined,
  }
}

/** HTTP/2's headers as HTTP/1.1's: :authority is Host, cookies are one (RFC 9113 §8.2.3, §8.3.1). */
function plainHeaders(req: Http2ServerRequest): RawHeaders {
  const out: [string, string][] = []
  const cookies: string[] = []
  const authority = req.headers[':authority']
  if (authority !== undefined) out.push(['host', authority])
  for (const [name, value] of pairsOf(req.rawHeaders)) {
    if (name.startsWith(':')) continue
    // A second name for the host must be the same one; then it says nothing new.
    if (name === 'host' && value === authority) continue
    if (name === 'cookie') cookies.push(value)
    else out.push([name, value])
  }
  if (cookies.length > 0) out.push(['cookie', cookies.join('; ')])
  return out
}
