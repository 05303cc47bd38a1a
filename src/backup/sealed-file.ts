import { createHash, createSecretKey, hkdfSync } from 'node:crypto'
import { open } from 'node:fs/promises'
import { gcmDecrypt, gcmEncrypt, IV_SIZE, TAG_SIZE } from '../engine/seal/gcm.ts'
import { KhienError } from '../kit/errors.ts'
import type { Entropy } from '../kit/ids.ts'

/** Plain bytes of a chunk; only the last may be shorter. */
export const CHUNK = 1 << 20
const MAGIC = Buffer.from('KBK1')
const SYNC_EVERY = 8 << 20
const SALT = 32
const LABEL = Buffer.from('khien/backup/1')

/** What a sealed file is, as the manifest says it. */
export type SealedFile = { readonly bytes: number; readonly sha256: string; readonly plain: number }
/** Told after each chunk; resolves when the next may be written. */
export type Pace = (bytes: number) => Promise<void>

/** A file of a backup was altered, cut, put in another order or taken from another backup. */
export const altered = (name: string): KhienError =>
  new KhienError(
    'backup/altered',
    `The file ${name} of the backup is damaged, incomplete or of another backup; take another copy of it, or another backup.`,
    { status: 422 },
  )

/**
 * Writes `source` to a new file, sealed under a key derived from `key` for this one `place` (backup and part): AES-256-GCM
 * in chunks, each bound to its number and to whether it is the last (the STREAM construction of Hoang, Reyhanitabar,
 * Rogaway and Vizár, 2015). On the disk when it resolves; its folder is the caller's to sync.
 */
export async function writeSealed(
  path: string,
  source: AsyncIterable<Uint8Array>,
  about: { readonly key: Uint8Array; readonly place: string; readonly entropy: Entropy; readonly pace?: Pace },
): Promise<SealedFile> {
  const salt = about.entropy(SALT)
  const key = fileKey(about.key, salt, about.place)
  const sum = createHash('sha256')
  let [bytes, plain, unsynced, counter] = [0, 0, 0, 0n]
  await using file = await open(path, 'wx', 0o600)
  const put = async (piece: Uint8Array): Promise<void> => {
    sum.update(piece)
    bytes += piece.length
    unsynced += piece.length
    for (let at = 0; at < piece.length;) at += (await file.write(piece, at, piece.length - at)).bytesWritten
    // In small portions: one large one at the end would hold up every commit of the node beside it.
    if (unsynced >= SYNC_EVERY) {
      await file.datasync()
      unsynced = 0
    }
    await about.pace?.(piece.length)
  }
  const seal = (chunk: Uint8Array, last: boolean): Promise<void> => {
    plain += chunk.length
    return put(gcmEncrypt(key, nonce(counter), chunk, associated(counter++, last)))
  }
  await put(Buffer.concat([MAGIC, salt]))
  let held: Buffer[] = []
  let size = 0
  for await (const piece of source) {
    held.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
    size += piece.length
    // A chunk goes only when more follows it: the last one has to say so.
    if (size <= CHUNK) continue
    const all = Buffer.concat(held)
    let at = 0
    for (; all.length - at > CHUNK; at += CHUNK) await seal(all.subarray(at, at + CHUNK), false)
    held = [Buffer.from(all.subarray(at))]
    size = all.length - at
  }
  await seal(Buffer.concat(held), true)
  await file.sync()
  return { bytes, sha256: sum.digest('hex'), plain }
}

/** The plain bytes of a sealed file, chunk by chunk, none before its tag is checked. Errors: `backup/altered`. */
export async function* readSealed(
  path: string,
  about: { readonly key: Uint8Array; readonly place: string; readonly expected: SealedFile; readonly name: string },
): AsyncGenerator<Buffer> {
  const wrong = altered(about.name)
  await using file = await open(path, 'r').catch(() => {
    throw wrong
  })
  const { size } = await file.stat()
  if (size !== about.expected.bytes) throw wrong
  const sum = createHash('sha256')
  const take = async (length: number): Promise<Buffer> => {
    const piece = Buffer.alloc(length)
    for (let at = 0; at < length;) {
      const { bytesRead } = await file.read(piece, at, length - at)
      if (bytesRead === 0) throw wrong
      at += bytesRead
    }
    sum.update(piece)
    return piece
  }
  if (size < MAGIC.length + SALT + TAG_SIZE) throw wrong
  const head = await take(MAGIC.length + SALT)
  if (!head.subarray(0, MAGIC.length).equals(MAGIC)) throw wrong
  const key = fileKey(about.key, head.subarray(MAGIC.length), about.place)
  let left = size - head.length
  for (let counter = 0n; left > 0; counter++) {
    const piece = await take(Math.min(left, CHUNK + TAG_SIZE))
    left -= piece.length
    const chunk = gcmDecrypt(key, nonce(counter), piece, associated(counter, left === 0))
    if (chunk === undefined) throw wrong
    yield chunk
  }
  if (sum.digest('hex') !== about.expected.sha256) throw wrong
}

const fileKey = (key: Uint8Array, salt: Uint8Array, place: string) =>
  createSecretKey(Buffer.from(hkdfSync('sha256', key, salt, `khien/backup ${place}`, 32)))

/** The file's key is its own, so a counter never comes twice under one key. */
function nonce(counter: bigint): Buffer {
  const iv = Buffer.alloc(IV_SIZE)
  iv.writeBigUInt64BE(counter, IV_SIZE - 8)
  return iv
}

function associated(counter: bigint, last: boolean): Buffer {
  const tail = Buffer.alloc(9)
  tail.writeBigUInt64BE(counter)
  tail[8] = last ? 1 : 0
  return Buffer.concat([LABEL, tail])
}
