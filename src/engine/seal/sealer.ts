import { createSecretKey, type KeyObject } from 'node:crypto'
import { SealError } from './error.ts'
import { gcmDecrypt, gcmEncryptInto, IV_SIZE, TAG_SIZE } from './gcm.ts'

export type Entropy = (bytes: number) => Uint8Array

/** Where a value lives. A sealed value opens nowhere else; `version` is the collection's schema version, 0 to 2^32−1. */
export type SealContext = {
  readonly node: string
  readonly subject: string
  readonly collection: string
  readonly record: string
  readonly field: string
  readonly version: number
}
/** Whose key is wrapped; `version` counts the subject's keys, 0 to 2^32−1. */
export type WrapContext = { readonly node: string; readonly subject: string; readonly version: number }

export type Sealer = {
  /** A random AES-256 key for one subject; destroying its wrapped form destroys what it sealed. */
  newSubjectKey(): KeyObject
  /** The key sealed under `kek`, 62 bytes. */
  wrap(kek: KeyObject, key: KeyObject, context: WrapContext): Uint8Array
  /** Throws SealError `seal/refused` or `seal/newer-format`. */
  unwrap(kek: KeyObject, wrapped: Uint8Array, context: WrapContext): KeyObject
  /** `plaintext` of any length, sealed: 30 bytes longer. */
  seal(key: KeyObject, plaintext: Uint8Array, context: SealContext): Uint8Array
  /** Throws SealError `seal/refused` or `seal/newer-format`; nothing of the plaintext leaves before the tag is checked. */
  open(key: KeyObject, sealed: Uint8Array, context: SealContext): Uint8Array
}

// Sealed value, format 1:  1 byte format | 1 byte key version, reserved, 0 | 12 bytes IV | ciphertext | 16 bytes tag.
// Associated data: the two leading bytes | label | every text of the context after its uint32 length | uint32 version.
const FORMAT = 1
const HEADER = 2
const POOL = 256 * IV_SIZE

/** AES-256-GCM with random 96-bit IVs; keys are KeyObjects, made once, because Node imports raw keys anew each call. */
export function sealer(options: { readonly entropy: Entropy }): Sealer {
  let pool = new Uint8Array(0)
  let used = 0
  // One call for many IVs: asking the system for 12 bytes at a time costs a third of the speed.
  const nextIv = (): Uint8Array => {
    if (used >= pool.length) {
      pool = Uint8Array.from(options.entropy(POOL))
      used = 0
    }
    used += IV_SIZE
    return pool.subarray(used - IV_SIZE, used)
  }
  const put = (key: KeyObject, plaintext: Uint8Array, context: Uint8Array): Uint8Array => {
    const out = new Uint8Array(HEADER + IV_SIZE + plaintext.length + TAG_SIZE)
    const iv = nextIv()
    out[0] = FORMAT
    out.set(iv, HEADER)
    gcmEncryptInto(out, key, iv, plaintext, context)
    return out
  }
  const take = (key: KeyObject, sealed: Uint8Array, context: Uint8Array): Buffer => {
    if (sealed[0] !== undefined && sealed[0] > FORMAT) {
      throw new SealError('seal/newer-format', 'This value was sealed by a newer Khiên.')
    }
    const whole = sealed.length >= HEADER + IV_SIZE + TAG_SIZE && sealed[0] === FORMAT && sealed[1] === 0
    const iv = sealed.subarray(HEADER, HEADER + IV_SIZE)
    const text = whole ? gcmDecrypt(key, iv, sealed.subarray(HEADER + IV_SIZE), context) : undefined
    if (text === undefined) {
      throw new SealError('seal/refused', 'The sealed value was altered, or belongs to another place or key.')
    }
    return text
  }
  return {
    newSubjectKey: () => keyAndWipe(Uint8Array.from(options.entropy(32))),
    wrap(kek, key, context) {
      const raw = key.export()
      if (raw.length !== 32) throw new RangeError('a key has 32 bytes')
      const wrapped = put(kek, raw, wrapData(context))
      raw.fill(0)
      return wrapped
    },
    unwrap(kek, wrapped, context) {
      const raw = take(kek, wrapped, wrapData(context))
      if (raw.length !== 32) throw new SealError('seal/refused', 'A wrapped key has the wrong length.')
      return keyAndWipe(raw)
    },
    seal: (key, plaintext, context) => put(key, plaintext, sealData(context)),
    open: (key, sealed, context) => take(key, sealed, sealData(context)),
  }
}

/** A KeyObject out of 32 raw bytes, which it copies: the caller's bytes stay as they are. */
export function secretKey(raw: Uint8Array): KeyObject {
  if (raw.length !== 32) throw new RangeError('a key has 32 bytes')
  return createSecretKey(raw)
}

function keyAndWipe(raw: Uint8Array): KeyObject {
  const key = secretKey(raw)
  raw.fill(0)
  return key
}

const sealData = (c: SealContext): Uint8Array =>
  associated(['khien/seal', c.node, c.subject, c.collection, c.record, c.field], c.version)
const wrapData = (c: WrapContext): Uint8Array => associated(['khien/wrap', c.node, c.subject], c.version)

// Filled anew for every call and read at once by the cipher; longer contexts get room of their own.
const ROOM = Buffer.alloc(2048)

function associated(texts: readonly string[], version: number): Uint8Array {
  if (!Number.isInteger(version) || version < 0 || version > 0xffff_ffff) throw new RangeError('a version is a uint32')
  let most = HEADER + 4
  // A UTF-16 unit is at most three bytes of UTF-8.
  for (const text of texts) most += 4 + 3 * text.length
  const room = most <= ROOM.length ? ROOM : Buffer.alloc(most)
  room[0] = FORMAT
  let at = HEADER
  for (const text of texts) {
    const length = room.write(text, at + 4)
    room.writeUInt32BE(length, at)
    at += 4 + length
  }
  return room.subarray(0, room.writeUInt32BE(version, at))
}
