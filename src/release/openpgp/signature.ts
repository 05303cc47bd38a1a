import { createHash, verify } from 'node:crypto'
import { KhienError } from '../../kit/errors.ts'
import type { PublicKey } from './key.ts'
import { bad, Reader } from './packets.ts'

/** A version 4 signature packet (RFC 9580 §5.2.3), not yet believed. Times are seconds since 1970. */
export type Signature = {
  readonly type: number
  readonly algorithm: number
  readonly hash: number
  readonly created: number
  /** Seconds after `created`; 0: never. */
  readonly expires: number
  /** Of a certification: seconds the key lives after its own creation; 0: for ever. */
  readonly keyExpires: number
  readonly keyFlags: number
  /** Fingerprint, or key id where that is all that is told; lower case hexadecimal. */
  readonly issuer: string
  /** A signature inside: a subkey's word that it belongs to the key (§5.2.3.34). */
  readonly embedded: Buffer | undefined
  /** The part of the packet that is signed with the data. */
  readonly signed: Buffer
  readonly left16: number
  readonly value: Buffer
}

/** §9.5. MD5, SHA-1 and RIPEMD-160 no longer tell one text from another. */
const HASHES: Readonly<Record<number, string>> = {
  8: 'sha256',
  9: 'sha384',
  10: 'sha512',
  11: 'sha224',
  12: 'sha3-256',
  14: 'sha3-512',
}
/** Subpackets whose meaning is respected, or that ask nothing of a reader like this one (§5.2.3.7). */
const UNDERSTOOD = new Set([
  2, 3, 4, 5, 6, 7, 9, 11, 16, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 39,
])

export function readSignature(body: Buffer): Signature {
  const reader = new Reader(body)
  const version = reader.number(1)
  if (version !== 4) throw bad(`a signature of version ${version}`)
  const [type, algorithm, hash] = [reader.number(1), reader.number(1), reader.number(1)]
  const hashed = subpackets(reader.take(reader.number(2)))
  const signed = body.subarray(0, reader.at)
  const unhashed = subpackets(reader.take(reader.number(2)))
  const unknown = [...hashed].find(([number, { critical }]) => critical && !UNDERSTOOD.has(number))
  if (unknown !== undefined) throw bad(`a critical part ${unknown[0]} that we do not know`)
  const time = (number: number): number => (hashed.has(number) ? new Reader(hashed.get(number)!.body).number(4) : 0)
  if (!hashed.has(2)) throw bad('a signature without its time')
  // Whatever is not signed is a hint only: the right key is known by the signature being right.
  const fingerprint = (hashed.get(33) ?? unhashed.get(33))?.body
  const issuer = fingerprint?.[0] === 4 ? fingerprint.subarray(1) : (hashed.get(16) ?? unhashed.get(16))?.body
  const left16 = reader.number(2)
  return {
    type,
    algorithm,
    hash,
    created: time(2),
    expires: time(3),
    keyExpires: time(9),
    keyFlags: hashed.get(27)?.body[0] ?? 0,
    issuer: issuer?.toString('hex') ?? '',
    embedded: (hashed.get(32) ?? unhashed.get(32))?.body,
    signed,
    left16,
    value: reader.take(reader.left),
  }
}

type Subpackets = ReadonlyMap<number, { readonly critical: boolean; readonly body: Buffer }>

function subpackets(bytes: Buffer): Subpackets {
  const reader = new Reader(bytes)
  const out = new Map<number, { critical: boolean; body: Buffer }>()
  while (reader.left > 0) {
    const first = reader.number(1)
    const length = first < 192 ? first : first < 255 ? ((first - 192) << 8) + reader.number(1) + 192 : reader.number(4)
    if (length === 0) throw bad('an empty part of a signature')
    const kind = reader.number(1)
    const body = reader.take(length - 1)
    if (!out.has(kind & 0x7f)) out.set(kind & 0x7f, { critical: (kind & 0x80) !== 0, body })
  }
  return out
}

/**
 * Is this the key's signature over that data (its pieces one after another)? Says nothing about times and trust. Throws `KhienError`
 * `release/weak-hash` for one whose hash can be forged.
 */
export function isSignedBy(signature: Signature, key: PublicKey, ...data: readonly Buffer[]): boolean {
  const name = HASHES[signature.hash]
  if (name === undefined)
    throw new KhienError(
      'release/weak-hash',
      'The signature uses MD5, SHA-1 or an unknown hash, which prove nothing today.',
    )
  if (signature.algorithm !== key.algorithm && !(isRsa(signature.algorithm) && isRsa(key.algorithm))) return false
  // §5.2.4: the data, the signed part of the packet, then version, 0xFF and the length of that part.
  const trailer = Buffer.from([4, 0xff, 0, 0, 0, 0])
  trailer.writeUInt32BE(signature.signed.length, 2)
  const whole = [...data, signature.signed, trailer]
  const hash = createHash(name)
  for (const piece of whole) hash.update(piece)
  const digest = hash.digest()
  if (digest.readUInt16BE(0) !== signature.left16) return false
  const reader = new Reader(signature.value)
  if (isRsa(key.algorithm)) {
    const value = reader.mpi()
    const size = key.bits >> 3
    if (value.length > size) return false
    return verify(name, Buffer.concat(whole), key.handle, Buffer.concat([Buffer.alloc(size - value.length), value]))
  }
  // EdDSA signs the digest: two integers (algorithm 22, §5.2.3.2 of RFC 9580), or 64 bytes as they are (27).
  const value = key.algorithm === 27 ? reader.take(64) : Buffer.concat([padded(reader.mpi()), padded(reader.mpi())])
  return value.length === 64 && verify(null, digest, key.handle, value)
}

const isRsa = (algorithm: number): boolean => algorithm === 1 || algorithm === 3
const padded = (value: Buffer): Buffer => Buffer.concat([Buffer.alloc(Math.max(0, 32 - value.length)), value])
