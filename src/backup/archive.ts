import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { ByteReader, malformed } from './byte-reader.ts'

/** One file in an archive; its content has exactly `size` bytes. */
export type Packed = { readonly path: string; readonly size: number; readonly content: AsyncIterable<Uint8Array> }

const Head = z.strictObject({ path: z.string().max(1_000), size: z.int().min(0) })
/** Relative, forward, without ways up: nothing is ever written outside its folder. */
const SAFE = /^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))(?!.*\/\/)[^\0\n\\]{1,1000}$/

/** Files one after the other: a line of JSON with path and size, the bytes, an empty line behind the last. */
export async function* pack(files: AsyncIterable<Packed>): AsyncGenerator<Uint8Array> {
  for await (const { path, size, content } of files) {
    yield Buffer.from(`${JSON.stringify({ path, size })}\n`)
    let left = size
    for await (const piece of content) {
      left -= piece.length
      yield piece
    }
    if (left !== 0) throw new RangeError('a packed file has another size than it said')
  }
  yield Buffer.from('\n')
}

/** Hands every packed file to `see`, which must read its content to the end. Errors: `backup/malformed`. */
export async function unpack(
  source: AsyncIterable<Uint8Array>,
  see: (file: Packed) => Promise<void>,
): Promise<{ files: number }> {
  const reader = new ByteReader(source)
  for (let files = 0; ; files++) {
    const line = await reader.line()
    if (line === undefined) throw malformed()
    if (line === '') {
      // To the end of the stream, where its last tag and its checksum are looked at.
      if ((await reader.line()) !== undefined) throw malformed()
      return { files }
    }
    const head = Head.safeParse(jsonOf(line))
    if (!head.success || !SAFE.test(head.data.path)) throw malformed()
    await see({ ...head.data, content: reader.take(head.data.size) })
  }
}

/** Writes a packed file under `folder`, synced. */
export async function placeFile(folder: string, { path, content }: Packed, mode = 0o600): Promise<void> {
  const target = join(folder, path)
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  await using file = await open(target, 'wx', mode)
  for await (const piece of content) await file.writeFile(piece)
  await file.sync()
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed()
  }
}
