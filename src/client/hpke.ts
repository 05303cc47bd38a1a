// Hybrid public key encryption in base mode, one message a key (RFC 9180 §6.1), over WebCrypto: DHKEM(X25519,
// HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Runs in Node ≥ 20 and in browsers that know X25519. The vault opens what is
// sealed here with src/engine/seal/hpke.ts; a sealed text is enc (32 bytes) ‖ ciphertext ‖ tag (16 bytes).

/** Without DOM types the names exist only as values. */
type Key = Awaited<ReturnType<typeof crypto.subtle.deriveKey>>
type Bytes = Uint8Array<ArrayBuffer>
type Algorithm = { readonly id: 1 | 2; readonly keyBytes: 16 | 32 }

/** RFC 9180 §7.3. */
export const AES_128_GCM: Algorithm = { id: 1, keyBytes: 16 }
export const AES_256_GCM: Algorithm = { id: 2, keyBytes: 32 }
export type HpkeContext = { readonly info: Uint8Array; readonly aad: Uint8Array; readonly aead?: Algorithm }

const PKCS8 = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20]
const SIZE = 32
const TAG = 16
const subtle = crypto.subtle
const NONE = new Uint8Array(0)
const ascii = (text: string): Bytes => Uint8Array.from(text, (sign) => sign.charCodeAt(0))
const VERSION = ascii('HPKE-v1')
const KEM_SUITE = concat(ascii('KEM'), Uint8Array.of(0, 0x20))

export type KeyPair = { readonly own: Key; readonly publicKey: Bytes }

/** A key pair of 32 random bytes; without them a new one that cannot leave WebCrypto. */
export async function keyPair(secret?: Uint8Array): Promise<KeyPair> {
  if (secret === undefined) {
    const made = (await subtle.generateKey('X25519', false, ['deriveBits'])) as { privateKey: Key; publicKey: Key }
    return { own: made.privateKey, publicKey: new Uint8Array(await subtle.exportKey('raw', made.publicKey)) }
  }
  if (secret.length !== SIZE) throw new RangeError(`a private key has ${SIZE} bytes`)
  const der = concat(Uint8Array.from(PKCS8), secret)
  const own = await subtle.importKey('pkcs8', der, 'X25519', true, ['deriveBits'])
  const { x } = (await subtle.exportKey('jwk', own)) as { x: string }
  return { own, publicKey: fromBase64url(x) }
}

/** `text` sealed to a public key of 32 bytes. Rejects for a key that is no point of use (small order). */
export async function hpkeSeal(
  publicKey: Uint8Array,
  text: Uint8Array,
  { info, aad, aead = AES_256_GCM }: HpkeContext,
  ephemeral?: KeyPair,
): Promise<Bytes> {
  const { own, publicKey: enc } = ephemeral ?? (await keyPair())
  const { key, nonce } = await schedule(await agree(own, publicKey), enc, publicKey, info, aead)
  const aes = { name: 'AES-GCM', iv: nonce, additionalData: plain(aad), tagLength: 8 * TAG }
  return concat(enc, new Uint8Array(await subtle.encrypt(aes, key, plain(text))))
}

/** What was sealed to the pair's public key. Rejects when the text was altered, cut, or is another's. */
export async function hpkeOpen(
  { own, publicKey }: KeyPair,
  sealed: Uint8Array,
  { info, aad, aead = AES_256_GCM }: HpkeContext,
): Promise<Bytes> {
  if (sealed.length < SIZE + TAG) throw new RangeError('a sealed text has at least 48 bytes')
  const enc = sealed.subarray(0, SIZE)
  const { key, nonce } = await schedule(await agree(own, enc), enc, publicKey, info, aead)
  const aes = { name: 'AES-GCM', iv: nonce, additionalData: plain(aad), tagLength: 8 * TAG }
  return new Uint8Array(await subtle.decrypt(aes, key, plain(sealed.subarray(SIZE))))
}

/** X25519; zeros, which come of a point of small order, are refused (RFC 9180 §7.1.4). */
async function agree(own: Key, point: Uint8Array): Promise<Bytes> {
  if (point.length !== SIZE) throw new RangeError(`a public key has ${SIZE} bytes`)
  const other = await subtle.importKey('raw', plain(point), 'X25519', true, [])
  const shared = new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: other }, own, 8 * SIZE))
  if (shared.every((byte) => byte === 0)) throw new RangeError('the public key is a point of small order')
  return shared
}

async function hmac(secret: Uint8Array, data: Uint8Array): Promise<Bytes> {
  const key = await subtle.importKey('raw', plain(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await subtle.sign('HMAC', key, plain(data)))
}
const extract = (suite: Uint8Array, salt: Uint8Array, label: string, key: Uint8Array): Promise<Bytes> =>
  hmac(salt.length === 0 ? new Uint8Array(32) : salt, concat(VERSION, suite, ascii(label), key))

/** At most 32 bytes: one block of HKDF-Expand (RFC 5869 §2.3). */
async function expand(
  suite: Uint8Array,
  key: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Promise<Bytes> {
  const data = concat(Uint8Array.of(0, length), VERSION, suite, ascii(label), info, Uint8Array.of(1))
  return (await hmac(key, data)).slice(0, length)
}

async function schedule(
  dh: Uint8Array,
  enc: Uint8Array,
  receiver: Uint8Array,
  info: Uint8Array,
  aead: Algorithm,
): Promise<{ key: Key; nonce: Bytes }> {
  const eae = await extract(KEM_SUITE, NONE, 'eae_prk', dh)
  const shared = await expand(KEM_SUITE, eae, 'shared_secret', concat(enc, receiver), 32)
  const suite = concat(ascii('HPKE'), Uint8Array.of(0, 0x20, 0, 1, 0, aead.id))
  const [psk, about] = await Promise.all([
    extract(suite, NONE, 'psk_id_hash', NONE),
    extract(suite, NONE, 'info_hash', info),
  ])
  const context = concat(Uint8Array.of(0), psk, about)
  const prk = await extract(suite, shared, 'secret', NONE)
  const [raw, nonce] = await Promise.all([
    expand(suite, prk, 'key', context, aead.keyBytes),
    expand(suite, prk, 'base_nonce', context, 12),
  ])
  return { key: await subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']), nonce }
}

function concat(...parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
const plain = (bytes: Uint8Array): Bytes => Uint8Array.from(bytes)

export const toBase64url = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
/** Throws for signs that are not base64url. */
export const fromBase64url = (text: string): Bytes =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (sign) => sign.charCodeAt(0))
