import { createHash } from 'node:crypto'

/** What the application of a soak answers: agreed on here between it and the clients who check. */
export const heard = (method: string, target: string, length: number, sha256: string): string =>
  `${method} ${target} ${length} ${sha256}`

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

export const EVENT_MS = 100
export const BLOCK = 65_536

/** The block that a download with this seed is made of, again and again. */
export function blockOf(seed: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  for (let at = 0, x = seed + 1; at < BLOCK; at++) {
    x = (x * 1_103_515_245 + 12_345) % 2 ** 31
    block[at] = x >>> 16
  }
  return block
}

/** SHA-256 of a download of so many bytes. */
export function downloadOf(size: number, seed: number): string {
  const hash = createHash('sha256')
  const block = blockOf(seed)
  for (let at = 0; at < size; at += BLOCK) hash.update(block.subarray(0, Math.min(BLOCK, size - at)))
  return hash.digest('hex')
}

/** All the events of a stream of so many, as text. */
export const eventsOf = (count: number): string =>
  Array.from({ length: count }, (_, n) => `id: ${n}\ndata: tin thứ ${n}\n\n`).join('')
