import type { IncomingMessage } from 'node:http'

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
}
const NOTHING: Read = { body: undefined, held: 0 }

/** Reads a body whole, up to `limit` bytes, as far as there is room. */
export function readBody(req: IncomingMessage, limit: number, room: Held): Promise<Read> | Read {
  const { 'content-length': length, 'transfer-encoding': encoding } = req.headers
  if ((length === undefined || length === '0') && encoding === undefined) return NOTHING
  return new Promise((resolve) => {
    let chunks: Buffer[] = []
    let size = 0
    let done = false
    const end = (body: Read['body']): void => {
      if (done) return
      done = true
      chunks = []
      if (Buffer.isBuffer(body)) return resolve({ body, held: size })
      room.give(size)
      resolve({ body, held: 0 })
    }
    req.on('data', (chunk: Buffer) => {
      if (done) return
      if (size + chunk.length > limit) {
        req.pause()
        return end('too-large')
      }
      if (!room.take(chunk.length, size + chunk.length)) {
        req.pause()
        return end('no-room')
      }
      size += chunk.length
      chunks.push(chunk)
    })
    req.on('end', () => end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size)))
    req.on('close', () => end('gone'))
  })
}
