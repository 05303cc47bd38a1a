import type { Transform } from 'node:stream'
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  constants,
} from 'node:zlib'

const MOST = 4 << 20
/** Codings one on another (RFC 9110 §8.4). */
const LAYERS = 3

const ZLIB = { finishFlush: constants.Z_SYNC_FLUSH }
const gunzip = (): Transform => createGunzip(ZLIB)
const OPENERS: Readonly<Record<string, (body: Buffer) => Transform>> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  // Some servers leave the zlib head away (RFC 9110 §8.4.1.2), and browsers read both.
  deflate: (body) =>
    (body[0]! & 0x0f) === 8 && body.length > 1 && body.readUInt16BE(0) % 31 === 0
      ? createInflate(ZLIB)
      : createInflateRaw(ZLIB),
  br: () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdDecompress({ finishFlush: constants.ZSTD_e_flush }),
}

/**
 * A body made plain, by its Content-Encoding: at most 4 MiB of it. Undefined when it cannot be read: another coding, a broken body, or one
 * that was cut (`whole` false) before its first piece ended.
 */
export async function plainOf(coding: string, body: Buffer, whole: boolean): Promise<Buffer | undefined> {
  const layers = coding
    .toLowerCase()
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'identity')
  if (layers.length > LAYERS) return undefined
  let plain: Buffer | undefined = body
  for (const layer of layers.toReversed()) {
    if (plain.length === 0) break
    const open = Object.hasOwn(OPENERS, layer) ? OPENERS[layer] : undefined
    plain = open && (await inflated(open(plain), plain))
    if (plain === undefined) return undefined
  }
  return plain.length > 0 || whole || body.length === 0 ? plain : undefined
}

function inflated(stream: Transform, body: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const done = (): void => {
      resolve(Buffer.concat(chunks, Math.min(size, MOST)))
      stream.destroy()
    }
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size >= MOST) done()
    })
    stream.on('end', done)
    stream.on('error', () => resolve(undefined))
    stream.end(body)
  })
}
