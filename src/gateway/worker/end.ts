import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { newCode, type Entropy } from '../../kit/ids.ts'
import { answerFor } from './answer.ts'
import { hasLeft, isHttp2, wireOf, type Asked, type Req, type Res } from './asked.ts'

const LINGER_MS = 200

/** Of these node:http2 writes only one; applications that say one twice mean the same. */
const SINGLE: ReadonlySet<string> = new Set(
  `access-control-allow-credentials access-control-max-age access-control-request-method age authorization content-encoding
  content-language content-length content-location content-md5 content-range content-type date dnt etag expires from host
  if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards
  proxy-authorization range referer retry-after tk upgrade-insecure-requests user-agent x-content-type-options`.split(
    /\s+/,
  ),
)

/** Sends a head made of flat pairs; a name may come several times. False, and nothing sent or set: HTTP cannot say it. */
export function sendHead(res: Res, status: number, message: string, flat: readonly string[]): boolean {
  try {
    if (isHttp2(res)) res.writeHead(status, gathered(flat))
    // A reason phrase says nothing to programs (RFC 9112 §4); one that is not ASCII gives way to the usual one.
    else (res as ServerResponse).writeHead(status, /^[\x20-\x7e]+$/.test(message) ? message : reason(status), [...flat])
    return true
  } catch {
    clearHead(res)
    return false
  }
}

const reason = (status: number): string => STATUS_CODES[status] ?? 'Unknown'

function gathered(flat: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = flat[at]!.toLowerCase()
    const before = headers[name]
    if (before === undefined) headers[name] = flat[at + 1]!
    else if (!SINGLE.has(name)) headers[name] = [before, flat[at + 1]!].flat()
  }
  return headers
}

/** What a head that could not be written has left behind, so that another can be. */
function clearHead(res: Res): void {
  if (res.headersSent) return
  if (!isHttp2(res)) res.statusMessage = ''
  for (const name of res.getHeaderNames()) res.removeHeader(name)
}

export type EndOptions = {
  readonly close?: boolean
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of the usual page or problem. */
  readonly body?: string
}

/** Answers and, when part of the request is still unread, closes: what follows cannot be told from a next request. */
export function endWith(req: Req, res: Res, asked: Asked, status: number, options: EndOptions = {}): void {
  if (res.headersSent || hasLeft(res)) return cut(req, res)
  try {
    answer(req, res, asked, status, options)
  } catch {
    // Nobody above has anything better to send.
    cut(req, res)
  }
}

function answer(req: Req, res: Res, asked: Asked, status: number, options: EndOptions): void {
  const value = (name: string): string => asked.headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? ''
  const said = answerFor(status, asked.id, value('accept'), value('accept-language'))
  const text = options.body ?? said.body
  const headers = { ...said.headers, 'Content-Length': String(Buffer.byteLength(text)), ...options.headers }
  const body = asked.method === 'HEAD' ? undefined : text
  if (isHttp2(res)) {
    res.writeHead(said.status, headers)
    if (body === undefined) res.end()
    else res.end(body)
    return
  }
  const close = !req.complete || status === 400 || options.close === true
  const http1 = res as ServerResponse
  http1.writeHead(said.status, close ? { ...headers, Connection: 'close' } : headers)
  if (body === undefined) http1.end()
  else http1.end(body)
  if (close) http1.once('finish', () => setTimeout(() => wireOf(req)?.destroy(), LINGER_MS).unref())
}

/** Ends an answer that cannot go on, so that it looks broken and not finished. */
export function cut(req: Req, res: Res): void {
  if (isHttp2(res)) res.stream.close(8)
  else res.destroy()
  void req
}

/** Closes the client's whole connection, unanswered. */
export const drop = (req: Req): void => void wireOf(req)?.destroy()

/** An answer on a bare socket, before there is a request to speak of. */
export function writeBare(socket: Duplex, status: number, accept: string, entropy: Entropy): void {
  const answer = answerFor(status, newCode('R', entropy), accept)
  const lines = Object.entries({ ...answer.headers, Connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  socket.on('error', () => undefined)
  endSocket(
    socket,
    `HTTP/1.1 ${status} ${status === 501 ? 'Not Implemented' : 'Refused'}\r\n${lines.join('')}\r\n${answer.body}`,
  )
}

/** Says the last words and ends, whether or not the other side ends too. */
export function endSocket(socket: Duplex, words = ''): void {
  socket.end(words)
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}
