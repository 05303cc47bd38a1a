import type { IncomingMessage } from 'node:http'

/** Reads a body whole, up to `limit` bytes. undefined: there is none; `gone`: the client left or broke off, so there is no one to answer. */
export function readBody(
  req: IncomingMessage,
  limit: number,
): Promise<Buffer | undefined | 'too-large' | 'gone'> | undefined {
  const { 'content-length': length, 'transfer-encoding': encoding } = req.headers
  if ((length === undefined || length === '0') && encoding === undefined) return undefined
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    req.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        req.pause()
        resolve('too-large')
      } else chunks.push(chunk)
    })
    req.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size)))
    req.on('close', () => resolve('gone'))
  })
}
