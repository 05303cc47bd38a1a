import { Readable } from 'node:stream'
import { isHttp2, wireOf, type Asked, type Req } from './asked.ts'
import { Gathered, type Held } from './held.ts'
import { lineOf } from './rate-limits.ts'

export type Read = {
  /** undefined: there is none; `gone`: the client left or broke off, so there is no one to answer; `slow`: it keeps us waiting too long. */
  readonly body: Buffer | undefined | 'too-large' | 'no-room' | 'gone' | 'slow'
  /** Counted in `Held`, to be given back when the request is over. */
  readonly held: number
  /** What comes after `body` is still to be read. */
  readonly more: boolean
}
const NOTHING: Read = { body: undefined, held: 0, more: false }

/** Bytes of a body that earn their sender one more second. */
const SLOWEST = 2_048

/** How long a client may keep us waiting for its body: `ms`, of which bytes that come give back, and never longer than `wholeMs` in all. */
export type Patience = { readonly ms: number; readonly wholeMs: number }

function patience({ ms, wholeMs }: Patience, over: () => void) {
  let left = ms
  let whole = wholeMs
  let since = 0
  let timer: NodeJS.Timeout | undefined
  return {
    wait(): void {
      since = performance.now()
      timer = setTimeout(over, Math.min(left, whole))
    },
    got(bytes: number): void {
      clearTimeout(timer)
      const waited = performance.now() - since
      whole = Math.max(0, whole - waited)
      left = Math.min(ms, Math.max(0, left - waited) + (bytes / SLOWEST) * 1_000)
    },
  }
}

/** Reads a body up to `limit` bytes, as far as there is room; of a longer one, with `beyond: pass`, the beginning. */
export function readBody(
  req: Req,
  asked: Asked,
  { limit, beyond }: { readonly limit: number; readonly beyond: 'reject' | 'pass' },
  room: Held,
  waiting: Patience,
): Promise<Read> | Read {
  if (!asked.hasBody) return NOTHING
  return new Promise((resolve) => {
    const gathered = new Gathered()
    const line = lineOf(asked.client.address)
    let done = false
    const pace = patience(waiting, () => end('slow'))
    const end = (body: Read['body'], more = false): void => {
      if (done) return
      done = true
      pace.got(0)
      req.off('data', onData).off('end', onEnd).off('close', onClose)
      if (Buffer.isBuffer(body)) return resolve({ body, held: gathered.size, more })
      room.give(gathered.size, line)
      resolve({ body, held: 0, more: false })
    }
    const onData = (chunk: Buffer): void => {
      const size = gathered.size + chunk.length
      const over = size > limit
      if (over && beyond === 'reject') {
        req.pause()
        return end('too-large')
      }
      if (!room.take(chunk.length, size, line)) {
        req.pause()
        return end('no-room')
      }
      gathered.add(chunk)
      pace.got(chunk.length)
      if (!over) return pace.wait()
      req.pause()
      end(gathered.whole(), true)
    }
    const onEnd = (): void => end(gathered.whole())
    const onClose = (): void => end('gone')
    pace.wait()
    req.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}

/** A body whose beginning was read and whose rest is read as the application takes it. A client that keeps us waiting too long is cut off. */
export function wholeBody(begun: Buffer, req: Req, waiting: Patience): Readable {
  const pace = patience(waiting, () => (isHttp2(req) ? req.stream.close(8) : void wireOf(req)?.destroy()))
  return Readable.from(
    (async function* () {
      yield begun
      pace.wait()
      try {
        for await (const chunk of req as AsyncIterable<Buffer>) {
          // Meanwhile it is the application that keeps the client waiting.
          pace.got(chunk.length)
          yield chunk
          pace.wait()
        }
      } finally {
        pace.got(0)
      }
    })(),
    { objectMode: false },
  )
}
