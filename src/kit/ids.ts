import { randomBytes } from 'node:crypto'

/** Where randomness comes from; a test hands in a counter. */
export type Entropy = (bytes: number) => Uint8Array

/** Fetched at once: each request needs five bytes, and asking the system costs a microsecond. */
const POOL = 4_096
let pool = new Uint8Array(0)
let taken = 0

/** Of the system's generator. What is handed out is wiped here. */
export const systemEntropy: Entropy = (bytes) => {
  if (bytes > POOL / 8) return randomBytes(bytes)
  if (taken + bytes > pool.length) {
    // No Buffer: a slice of one would be wiped with it.
    pool = Uint8Array.from(randomBytes(POOL))
    taken = 0
  }
  const out = pool.slice(taken, taken + bytes)
  pool.fill(0, taken, (taken += bytes))
  return out
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Crockford base32, five bits a sign, first bits first. */
export function base32(bytes: Uint8Array): string {
  let out = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      out += CROCKFORD[(held >>> (bits - 5)) & 31]
      bits -= 5
    }
    held &= (1 << bits) - 1
  }
  return bits > 0 ? out + CROCKFORD[(held << (5 - bits)) & 31] : out
}

const groups = (text: string): string => text.match(/.{4}/g)!.join('-')

/** A pseudonymous subject token, 80 random bits: `7Q4K-2MXB-9D0R-HT5W`. Carries nothing about the person. */
export const newSubject = (entropy: Entropy): string => groups(base32(entropy(10)))
export const SUBJECT = /^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}$/

/** Time-ordered id, `prefix_` + 48-bit milliseconds + 80 random bits in Crockford base32. Sorts by time of birth. */
export function newId(prefix: string, now: number, entropy: Entropy): string {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setUint16(0, Math.floor(now / 2 ** 32))
  new DataView(bytes.buffer).setUint32(2, now >>> 0)
  bytes.set(entropy(10), 6)
  return `${prefix}_${base32(bytes)}`
}

/** An unguessable bearer secret, 256 bits, base64url. Stored only as its hash. */
export const newSecret = (entropy: Entropy): string => Buffer.from(entropy(32)).toString('base64url')

/** Short code a person can read aloud: request ids, receipt codes. 40 bits. */
export const newCode = (prefix: string, entropy: Entropy): string => `${prefix}-${groups(base32(entropy(5)))}`
