import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { newCode, type Entropy } from '../../kit/ids.ts'
import { answerFor } from './answer.ts'
import { isHttp2, wireOf, type Asked, type Req, type Res } from './asked.ts'

const LINGER_MS = 200

/** Sends a head made of flat pairs; a name may come several times. */
export function sendHead(res: Res, status: number, message: string, flat: readonly string[]): void {
  if (!isHttp2(res)) return void (res as ServerResponse).writeHead(status, message, flat as string[])
  const headers: Record<string, string | string[]> = {}
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = flat[at]!.toLowerCase()
    const before = headers[name]
    headers[name] = before === undefined ? flat[at + 1]! : [before, flat[at + 1]!].flat()
  }
  res.writeHead(status, headers)
}

export type EndOptions = {
  readonly close?: boolean
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of the usual page or problem. */
  readonly body?: string
}

/** Answers and, when part of the request is still unread, closes: what follows cannot be told from a next request. */
export function endWith(req: Req, res: Res, asked: Asked, status: number, options: EndOptions = {}): void {
  if (res.headersSent || res.destroyed) return cut(req, res)
  const value = (name: string): string => asked.headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? ''
  const answer = answerFor(status, asked.id, value('accept'), value('accept-language'))
  const text = options.body ?? answer.body
  const headers = { ...answer.headers, 'Content-Length': String(Buffer.byteLength(text)), ...options.headers }
  const body = asked.method === 'HEAD' ? undefined : text
  if (isHttp2(res)) {
    res.writeHead(answer.status, headers)
    const { stream } = res
    if (body === undefined) res.end()
    else res.end(body)
    // The client may still be sending: it is told that nobody listens (RFC 9113 §8.1).
    if (!req.complete) res.once('finish', () => stream.close())
    return
  }
  const close = !req.complete || status === 400 || options.close === true
  const http1 = res as ServerResponse
  http1.writeHead(answer.status, close ? { ...headers, Connection: 'close' } : headers)
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
  socket.end(
    `HTTP/1.1 ${status} ${status === 501 ? 'Not Implemented' : 'Refused'}\r\n${lines.join('')}\r\n${answer.body}`,
  )
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}
