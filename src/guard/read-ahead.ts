import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { GuardError } from './error.ts'
import type { Held, Watch } from './inspection.ts'

export type Req = IncomingMessage | Http2ServerRequest

export const isHttp2 = (req: Req): req is Http2ServerRequest => req.httpVersionMajor === 2 && 'stream' in req

/** Does the message say that it has a body (RFC 9112 §6.3, RFC 9113 §8.1)? */
export const hasBody = (req: Req): boolean =>
  isHttp2(req)
    ? !req.stream.endAfterHeaders
    : req.headers['transfer-encoding'] !== undefined ||
      (req.headers['content-length'] !== undefined && req.headers['content-length'] !== '0')

/** Has the last byte of the body arrived in the stream's buffer? Known before the stream tells its reader. */
const isOver = (req: Req): boolean => (isHttp2(req) ? req.stream.readableEnded : req.complete)

/** Bodies that another guard of the same app has read. */
const known = new WeakMap<Req, Held>()

/** Throws `GuardError` when somebody else took the body's bytes: what cannot be looked at must not pass as looked at. */
export function demandBody(req: Req): void {
  if (known.has(req) || req.destroyed) return
  if (!req.readableDidRead && !req.readableEnded && req.readableEncoding === null) return
  throw new GuardError(
    'guard/body-gone',
    'The body was read before the guard could inspect it: put guard() before whatever reads bodies (express.json() and the like).',
  )
}

/**
 * Reads the body up to `bodyLimit`, then puts it back, so that the next reader finds the stream as if nobody had been there. Of a longer
 * body, with `beyond: 'pass'`, the beginning is read and the rest stays with the client until the app asks for it. `gone`: the client left.
 */
export function readAhead(req: Req, watch: Watch): Promise<Held | 'gone'> {
  const before = known.get(req)
  if (before !== undefined) return Promise.resolve(before)
  if (req.destroyed) return Promise.resolve('gone')
  const { bodyLimit, beyond } = watch.settings
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    let given = false
    const give = (): void => {
      if (!given) watch.give(size)
      given = true
    }
    const end = (what: 'too-large' | 'no-room' | 'gone' | 'whole' | 'begun'): void => {
      req.off('readable', onReadable).off('close', onGone).off('aborted', onGone).off('error', onGone)
      const bytes = Buffer.concat(chunks, size)
      if (bytes.length > 0 && what !== 'gone') req.unshift(bytes)
      if (what !== 'whole' && what !== 'begun') {
        give()
        return resolve(what)
      }
      // The bytes are the app's until the request is over.
      req.once('close', give)
      if (req.destroyed) give()
      const held = { bytes: bytes.subarray(0, bodyLimit), whole: what === 'whole' && size <= bodyLimit }
      known.set(req, held)
      resolve(held)
    }
    const onGone = (): void => end('gone')
    const onReadable = (): void => {
      while (req.readableLength > 0) {
        const length = req.readableLength
        const over = size + length > bodyLimit
        if (over && beyond === 'reject') return end('too-large')
        if (!watch.take(length)) return end('no-room')
        // Exactly what is there: a read that finds nothing at the end would end the stream, and nothing could be put back.
        chunks.push(req.read(length) as Buffer)
        size += length
        if (over) return end(isOver(req) && req.readableLength === 0 ? 'whole' : 'begun')
      }
      if (isOver(req)) end('whole')
    }
    req.on('readable', onReadable).on('close', onGone).on('aborted', onGone).on('error', onGone)
  })
}

/** After the answer: a body that the app did not want is let go, so that the connection can carry the next request. */
export function releaseUnread(req: Req): void {
  if (!req.readableEnded && !req.destroyed && req.listenerCount('data') + req.listenerCount('readable') === 0)
    req.resume()
}
