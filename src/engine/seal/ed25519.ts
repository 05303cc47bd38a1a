import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { join } from '../bytes/join.ts'

// DER heads of RFC 8410: the 32 bytes that follow are the seed (PKCS#8) or the public key (SPKI).
const PKCS8 = Uint8Array.from(Buffer.from('302e020100300506032b657004220420', 'hex'))
const SPKI = Uint8Array.from(Buffer.from('302a300506032b6570032100', 'hex'))

export type SigningKey = {
  /** 32 bytes (RFC 8032). */
  readonly publicKey: Uint8Array
  /** A 64-byte signature. */
  sign(message: Uint8Array): Uint8Array
}

/** The Ed25519 key pair of a 32-byte seed (RFC 8032 §5.1.5); the seed itself is not kept outside the key object. */
export function signingKey(seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new RangeError('a signing seed has 32 bytes')
  const key = createPrivateKey({ key: Buffer.from(join([PKCS8, seed])), format: 'der', type: 'pkcs8' })
  const publicKey = Uint8Array.from(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32))
  return { publicKey, sign: (message) => sign(null, message, key) }
}

/** A check of signatures under one 32-byte public key; false for anything malformed, never a throw. */
export function signatureCheck(publicKey: Uint8Array): (message: Uint8Array, signature: Uint8Array) => boolean {
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(join([SPKI, publicKey])), format: 'der', type: 'spki' })
  } catch {
    return () => false
  }
  return (message, signature) => signature.length === 64 && verify(null, message, key, signature)
}
