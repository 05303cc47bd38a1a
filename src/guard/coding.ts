import { promisify } from 'node:util'
import { brotliDecompress, constants, gunzip, inflate } from 'node:zlib'

const OPEN = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

/**
 * A body as the app will read it: body parsers open gzip, deflate and br, so rules that saw the packed bytes would see nothing.
 * At most `limit` bytes come out. `unknown`: no such coding (RFC 9110 §8.4), or the bytes are not in it.
 */
export async function plainOf(
  coding: string,
  body: Uint8Array,
  whole: boolean,
  limit: number,
): Promise<Uint8Array | 'unknown' | 'too-large'> {
  const name = coding.trim().toLowerCase()
  if (name === '' || name === 'identity') return body
  const open = Object.hasOwn(OPEN, name) ? OPEN[name as keyof typeof OPEN] : undefined
  if (open === undefined) return 'unknown'
  const flush = name === 'br' ? constants.BROTLI_OPERATION_FLUSH : constants.Z_SYNC_FLUSH
  try {
    return await open(body, { maxOutputLength: limit, ...(whole ? {} : { finishFlush: flush }) } as object)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'unknown'
  }
}
