import { Readable } from 'node:stream'
import type { Asked, Req } from './asked.ts'

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
  /** undefined: there is none; `gone`: the client left or broke off, so there is no one to answer. */
  readonly body: Buffer | undefined | 'too-large' | 'no-room' | 'gone'
  /** Counted in `Held`, to be given back when the request is over. */
  readonly held: number
  /** What comes after `body` is still to be read. */
  readonly more: boolean
}
const NOTHING: Read = { body: undefined, held: 0, more: false }

/** Reads a body up to `limit` bytes, as far as there is room; of a longer one, with `beyond: pass`, the beginning. */
export function readBody(
  req: Req,
  asked: Asked,
  { limit, beyond }: { readonly limit: number; readonly beyond: 'reject' | 'pass' },
  room: Held,
): Promise<Read> | Read {
  if (!asked.hasBody) return NOTHING
  return new Promise((resolve) => {
    let chunks: Buffer[] = []
    let size = 0
    let done = false
    const end = (body: Read['body'], more = false): void => {
      if (done) return
      done = true
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
      if (!over) return
      req.pause()
      end(whole(), true)
    }
    const onEnd = (): void => end(whole())
    const onClose = (): void => end('gone')
    req.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}

/** A body whose beginning was read and whose rest is read as the application takes it. */
export function wholeBody(begun: Buffer, req: Req): Readable {
  return Readable.from(
    (async function* () {
      yield begun
      yield* req as AsyncIterable<Buffer>
    })(),
    { objectMode: false },
  )
}
