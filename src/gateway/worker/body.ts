import { Readable } from 'node:stream'
import { isHttp2, wireOf, type Asked, type Req } from './asked.ts'
import { LIMITS } from './limits.ts'

/** Bytes of bodies one worker holds at a time. Large bodies may fill three quarters: the rest stays for forms and JSON. */
export class Held {
  bytes = 0
  private readonly most: number
  private readonly small: number

  constructor(most: number, small: number) {
    this.most = most
    this.small = small
  }

  /** Is there room for so many more bytes of a body that has `size` with them? Then they are counted. */
  take(bytes: number, size: number): boolean {
    if (this.bytes + bytes > (size > this.small ? this.most * 0.75 : this.most)) return false
    this.bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.bytes -= bytes
  }
}

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
const SLOWEST = 512

/** How long a client may keep us waiting for its body: `ms` in all, of which bytes that come give back. */
function patience(ms: number, over: () => void) {
  let left = ms
  let since = 0
  let timer: NodeJS.Timeout | undefined
  return {
    wait(): void {
      since = performance.now()
      timer = setTimeout(over, left)
    },
    got(bytes: number): void {
      clearTimeout(timer)
      left = Math.min(ms, Math.max(0, left - (performance.now() - since)) + (bytes / SLOWEST) * 1_000)
    },
  }
}

/**
 * Reads a body up to `limit` bytes, as far as there is room; of a longer one, with `beyond: pass`, the beginning. `ms`: how long a client may
 * keep us waiting.
 */
export function readBody(
  req: Req,
  asked: Asked,
  { limit, beyond }: { readonly limit: number; readonly beyond: 'reject' | 'pass' },
  room: Held,
  ms = LIMITS.requestMs,
): Promise<Read> | Read {
  if (!asked.hasBody) return NOTHING
  return new Promise((resolve) => {
    let chunks: Buffer[] = []
    let size = 0
    let done = false
    const pace = patience(ms, () => end('slow'))
    const end = (body: Read['body'], more = false): void => {
      if (done) return
      done = true
      pace.got(0)
      req.off('data', onData).off('end', onEnd).off('close', onClose)
      chunks = []
      if (Buffer.isBuffer(body)) return resolve({ body, held: size, more })
      room.give(size)
      resolve({ body, held: 0, more: false })
    }
    const whole = (): Buffer => (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size))
    const onData = (chunk: Buffer): void => {
      const over = size + chunk.length > limit
      if (over && beyond === 'reject') {
        req.pause()
        return end('too-large')
      }
      if (!room.take(chunk.length, size + chunk.length)) {
        req.pause()
        return end('no-room')
      }
      size += chunk.length
      chunks.push(chunk)
      pace.got(chunk.length)
      if (!over) return pace.wait()
      req.pause()
      end(whole(), true)
    }
    const onEnd = (): void => end(whole())
    const onClose = (): void => end('gone')
    pace.wait()
    req.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}

/** A body whose beginning was read and whose rest is read as the application takes it. A client that keeps us waiting longer than `ms` is cut off. */
export function wholeBody(begun: Buffer, req: Req, ms: number): Readable {
  const pace = patience(ms, () => (isHttp2(req) ? req.stream.close(8) : void wireOf(req)?.destroy()))
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
