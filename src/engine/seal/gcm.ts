import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'

export const IV_SIZE = 12
export const TAG_SIZE = 16

/** AES-GCM (NIST SP 800-38D) under a 128- or 256-bit key; a 96-bit IV, never used twice. Returns text || 16-byte tag. */
export function gcmEncrypt(key: KeyObject, iv: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Buffer {
  const cipher = createCipheriv(suite(key, iv), key, iv, { authTagLength: TAG_SIZE })
  cipher.setAAD(aad)
  const text = cipher.update(plaintext)
  const rest = cipher.final()
  return Buffer.concat([text, rest, cipher.getAuthTag()])
}

/**
 * The plaintext, or undefined when the tag does not fit. Node hands out text before it has checked the tag and, unless
 * told the length, takes tags of 4 bytes: both end here.
 */
export function gcmDecrypt(key: KeyObject, iv: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Buffer | undefined {
  if (sealed.length < TAG_SIZE) return undefined
  const decipher = createDecipheriv(suite(key, iv), key, iv, { authTagLength: TAG_SIZE })
  decipher.setAAD(aad)
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_SIZE))
  const text = decipher.update(sealed.subarray(0, sealed.length - TAG_SIZE))
  try {
    decipher.final()
  } catch {
    text.fill(0)
    return undefined
  }
  return text
}

function suite(key: KeyObject, iv: Uint8Array): 'aes-256-gcm' | 'aes-128-gcm' {
  if (iv.length !== IV_SIZE) throw new RangeError(`an IV has ${IV_SIZE} bytes`)
  if (key.symmetricKeySize === 32) return 'aes-256-gcm'
  if (key.symmetricKeySize === 16) return 'aes-128-gcm'
  throw new RangeError('an AES key has 32 or 16 bytes')
}
