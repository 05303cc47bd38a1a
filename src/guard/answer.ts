import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Watch } from './inspection.ts'
import type { Req } from './read-ahead.ts'
import { answerFor, type Refusal } from './refusal.ts'

export type Sent = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Status, headers and body for a refused client. */
export function answerOf(watch: Watch, refusal: Refusal, accept: string): Sent {
  let answer = answerFor(refusal, accept)
  try {
    answer = watch.settings.answer?.(refusal) ?? answer
  } catch {
    watch.counts.listenerErrors++
  }
  const { location, status } = refusal
  return {
    status,
    headers: {
      'content-type': answer.type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': refusal.id,
      ...(status === 503 ? { 'retry-after': '5' } : {}),
      // A header may hold no control character, whatever a rule's macro brought in.
      ...(location === undefined ? {} : { location: location.replace(/[^\x21-\x7e]/g, encodeURIComponent) }),
    },
    body: answer.body,
  }
}

/** Milliseconds a client that still sends gets to read the answer before its connection is closed. */
const LINGER = 500

/** Answers on a Node response, and closes where part of the request is unread: it could not be told from a next one. */
export function sendRefusal(watch: Watch, refusal: Refusal, req: Req, res: ServerResponse | Http2ServerResponse): void {
  if (refusal.action === 'drop' && !('stream' in res && res.stream)) return void res.socket?.destroy()
  const { status, headers, body } = answerOf(watch, refusal, String(req.headers.accept ?? ''))
  if (res.headersSent || res.destroyed) return
  const length = { 'content-length': String(Buffer.byteLength(body)) }
  const text = req.method === 'HEAD' ? undefined : body
  if (isHttp2Answer(res)) {
    if (refusal.action === 'drop') return res.stream.close(8)
    res.writeHead(status, { ...headers, ...length })
    res.end(text ?? '')
    if (req.complete) return
    // Of the sender nothing more is wanted (RFC 9113 §8.1); what has arrived is let go, or the stream would never be over.
    res.stream.close()
    req.resume()
    res.stream.resume()
    return
  }
  const close = !req.complete
  res.writeHead(status, { ...headers, ...length, ...(close ? { connection: 'close' } : {}) })
  res.end(text)
  if (!close) return
  const { socket } = res
  res.once('finish', () => setTimeout(() => socket?.destroy(), LINGER).unref())
}

const isHttp2Answer = (res: ServerResponse | Http2ServerResponse): res is Http2ServerResponse =>
  'stream' in res && typeof res.stream === 'object' && res.stream !== null
