import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'

export const IV_SIZE = 12
export const TAG_SIZE = 16
const SUITE = 'aes-256-gcm'
const OPTIONS = { authTagLength: TAG_SIZE }

/**
 * AES-256-GCM (NIST SP 800-38D): writes ciphertext || 16-byte tag to the end of `out`, which is `plaintext.length + 16`
 * bytes longer than what stands before it. `iv` has 96 bits and is never used twice under one key.
 * Throws RangeError for another IV length; Node throws for another key length.
 */
export function gcmEncryptInto(
  out: Uint8Array,
  key: KeyObject,
  iv: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array,
): void {
  const cipher = createCipheriv(SUITE, key, ivOf(iv), OPTIONS)
  cipher.setAAD(aad)
  const at = out.length - TAG_SIZE - plaintext.length
  out.set(cipher.update(plaintext), at)
  // GCM is a stream: update has given everything, final only closes the tag.
  cipher.final()
  out.set(cipher.getAuthTag(), out.length - TAG_SIZE)
}

export function gcmEncrypt(key: KeyObject, iv: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Buffer {
  const out = Buffer.alloc(plaintext.length + TAG_SIZE)
  gcmEncryptInto(out, key, iv, plaintext, aad)
  return out
}

/**
 * The plaintext of ciphertext || tag, or undefined when the tag does not fit. Node hands out text before it has checked
 * the tag and, unless told the length, takes tags of 4 bytes: both end here.
 */
export function gcmDecrypt(key: KeyObject, iv: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Buffer | undefined {
  if (sealed.length < TAG_SIZE) return undefined
  const decipher = createDecipheriv(SUITE, key, ivOf(iv), OPTIONS)
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

function ivOf(iv: Uint8Array): Uint8Array {
  if (iv.length !== IV_SIZE) throw new RangeError(`an IV has ${IV_SIZE} bytes`)
  return iv
}
