import { Readable, type Transform, pipeline } from 'node:stream'
import { createZstdCompress, createZstdDecompress, constants } from 'node:zlib'
import { KhienError } from '../kit/errors.ts'

const NEWLINE = 10
/** No row of ours comes near it; a stream without line ends does not fill the memory. */
const LONGEST_LINE = 64 << 20

export const malformed = (): KhienError =>
  new KhienError('backup/malformed', 'The backup does not hold what its manifest promises.', { status: 422 })

/** Reads a stream of bytes as lines and lengths. Errors: `backup/malformed` where it ends too early. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #held: Buffer = Buffer.alloc(0)
  #ended = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** The next line without its end; undefined after the last. */
  async line(): Promise<string | undefined> {
    for (let from = 0; ;) {
      const end = this.#held.indexOf(NEWLINE, from)
      if (end >= 0) {
        const line = this.#held.toString('utf8', 0, end)
        this.#held = this.#held.subarray(end + 1)
        return line
      }
      from = this.#held.length
      if (from > LONGEST_LINE) throw malformed()
      if (!(await this.#more())) {
        if (from > 0) throw malformed()
        return undefined
      }
    }
  }

  /** Exactly `length` bytes, in pieces. */
  async *take(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0;) {
      if (this.#held.length === 0 && !(await this.#more())) throw malformed()
      const piece = this.#held.subarray(0, left)
      this.#held = this.#held.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false
    const next = await this.#source.next()
    if (next.done) return !(this.#ended = true)
    const piece = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length)
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
    return true
  }
}

export const compressed = (source: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> =>
  through(source, createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } }))
export const decompressed = (source: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> =>
  through(source, createZstdDecompress())

function through(source: AsyncIterable<Uint8Array>, transform: Transform): AsyncIterable<Buffer> {
  // What the source throws destroys the transform with it, and so reaches whoever iterates.
  pipeline(Readable.from(source, { objectMode: false }), transform, () => {})
  return transform
}
