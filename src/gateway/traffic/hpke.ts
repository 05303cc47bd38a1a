import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto'
import { join } from '../../engine/bytes/join.ts'

// Hybrid public key encryption, base mode, one message a key (RFC 9180 §6.1): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-GCM.

const PKCS8 = Uint8Array.from(Buffer.from('302e020100300506032b656e04220420', 'hex'))
const SPKI = Uint8Array.from(Buffer.from('302a300506032b656e032100', 'hex'))
const ENC = 32
const TAG = 16
/** RFC 9180 §7.3. */
export type Aead = { readonly id: 1 | 2; readonly cipher: 'aes-128-gcm' | 'aes-256-gcm'; readonly keyBytes: 16 | 32 }
export const AES_128_GCM: Aead = { id: 1, cipher: 'aes-128-gcm', keyBytes: 16 }
export const AES_256_GCM: Aead = { id: 2, cipher: 'aes-256-gcm', keyBytes: 32 }

const privateOf = (raw: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.from(join([PKCS8, raw])), format: 'der', type: 'pkcs8' })
const publicOf = (raw: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(join([SPKI, raw])), format: 'der', type: 'spki' })
const rawPublic = (key: KeyObject): Uint8Array =>
  Uint8Array.from(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32))

/** The public key (32 bytes) of a private one (32 random bytes). */
export const publicKeyOf = (secret: Uint8Array): Uint8Array => rawPublic(privateOf(secret))

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array => createHmac('sha256', key).update(data).digest()
const NONE = new Uint8Array()
const VERSION = ascii('HPKE-v1')
const KEM_SUITE = join([ascii('KEM'), Uint8Array.of(0, 0x20)])
const suiteOf = ({ id }: Aead): Uint8Array => join([ascii('HPKE'), Uint8Array.of(0, 0x20, 0, 1, 0, id)])

const extract = (suite: Uint8Array, salt: Uint8Array, label: string, key: Uint8Array): Uint8Array =>
  hmac(salt.length === 0 ? new Uint8Array(32) : salt, join([VERSION, suite, ascii(label), key]))

/** At most 32 bytes: one block of HKDF-Expand (RFC 5869 §2.3). */
const expand = (suite: Uint8Array, key: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array =>
  hmac(key, join([Uint8Array.of(0, length), VERSION, suite, ascii(label), info, Uint8Array.of(1)])).subarray(0, length)

function contextOf(shared: Uint8Array, enc: Uint8Array, receiver: Uint8Array, info: Uint8Array, aead: Aead) {
  const secret = expand(
    KEM_SUITE,
    extract(KEM_SUITE, NONE, 'eae_prk', shared),
    'shared_secret',
    join([enc, receiver]),
    32,
  )
  const suite = suiteOf(aead)
  const context = join([
    Uint8Array.of(0),
    extract(suite, NONE, 'psk_id_hash', NONE),
    extract(suite, NONE, 'info_hash', info),
  ])
  const prk = extract(suite, secret, 'secret', NONE)
  return {
    key: expand(suite, prk, 'key', context, aead.keyBytes),
    nonce: expand(suite, prk, 'base_nonce', context, 12),
  }
}

export type Sealing = { readonly info: Uint8Array; readonly about: Uint8Array; readonly aead?: Aead }

/** Seals one text to a public key: the ephemeral public key, then the ciphertext and its tag. `secret`: 32 fresh random bytes. */
export function sealTo(
  receiver: Uint8Array,
  text: Uint8Array,
  secret: Uint8Array,
  { info, about, aead = AES_256_GCM }: Sealing,
): Uint8Array {
  const own = privateOf(secret)
  const enc = rawPublic(own)
  const shared = diffieHellman({ privateKey: own, publicKey: publicOf(receiver) })
  const { key, nonce } = contextOf(shared, enc, receiver, info, aead)
  const cipher = createCipheriv(aead.cipher, key, nonce)
  cipher.setAAD(about)
  return join([enc, cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

/** What was sealed to the key; undefined when it was altered or is another's. */
export function openSealed(
  secret: Uint8Array,
  sealed: Uint8Array,
  { info, about, aead = AES_256_GCM }: Sealing,
): Uint8Array | undefined {
  if (sealed.length < ENC + TAG) return undefined
  try {
    const own = privateOf(secret)
    const enc = sealed.subarray(0, ENC)
    const shared = diffieHellman({ privateKey: own, publicKey: publicOf(enc) })
    const { key, nonce } = contextOf(shared, enc, rawPublic(own), info, aead)
    const cipher = createDecipheriv(aead.cipher, key, nonce, { authTagLength: TAG })
    cipher.setAAD(about)
    cipher.setAuthTag(sealed.subarray(-TAG))
    return join([cipher.update(sealed.subarray(ENC, -TAG)), cipher.final()])
  } catch {
    return undefined
  }
}
