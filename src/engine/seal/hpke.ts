import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto'
import { join } from '../bytes/join.ts'
import { SealError } from './error.ts'

// Hybrid public key encryption in base mode, one message a key (RFC 9180 §6.1): DHKEM(X25519, HKDF-SHA256),
// HKDF-SHA256, AES-GCM. A sealed text is enc (32 bytes, the ephemeral public key) ‖ ciphertext ‖ tag (16 bytes).

const PKCS8 = Uint8Array.from(Buffer.from('302e020100300506032b656e04220420', 'hex'))
const SPKI = Uint8Array.from(Buffer.from('302a300506032b656e032100', 'hex'))
const KEY = 32
const TAG = 16

/** RFC 9180 §7.3. */
export type HpkeAead = {
  readonly id: 1 | 2
  readonly cipher: 'aes-128-gcm' | 'aes-256-gcm'
  readonly keyBytes: 16 | 32
}
export const HPKE_AES_128_GCM: HpkeAead = { id: 1, cipher: 'aes-128-gcm', keyBytes: 16 }
export const HPKE_AES_256_GCM: HpkeAead = { id: 2, cipher: 'aes-256-gcm', keyBytes: 32 }

/** What both sides must say alike: `info` names the use of the key, `aad` what this one text is about. */
export type HpkeContext = { readonly info: Uint8Array; readonly aad: Uint8Array; readonly aead?: HpkeAead }

export type HpkeReceiver = {
  /** 32 bytes, to be given to everybody who seals. */
  readonly publicKey: Uint8Array
  /** Throws SealError `seal/refused` for a text that was altered, cut, or sealed to another key or in another context. */
  open(sealed: Uint8Array, context: HpkeContext): Uint8Array
}

/** Seals `text` to a public key of 32 bytes; 48 bytes longer. `secret`: 32 fresh random bytes, used for nothing else. Throws SealError `seal/refused` for a public key that is no point of use (small order). */
export function hpkeSeal(
  publicKey: Uint8Array,
  text: Uint8Array,
  secret: Uint8Array,
  { info, aad, aead = HPKE_AES_256_GCM }: HpkeContext,
): Uint8Array {
  const own = privateOf(secret)
  const enc = rawPublic(own)
  const { key, nonce } = schedule(agree(own, publicKey), enc, publicKey, info, aead)
  const cipher = createCipheriv(aead.cipher, key, nonce, { authTagLength: TAG })
  cipher.setAAD(aad)
  return join([enc, cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

/** The receiving side of a private key of 32 random bytes; keeps a KeyObject, not the bytes. */
export function hpkeReceiver(secret: Uint8Array): HpkeReceiver {
  const own = privateOf(secret)
  const publicKey = rawPublic(own)
  return {
    publicKey,
    open(sealed, { info, aad, aead = HPKE_AES_256_GCM }) {
      if (sealed.length < KEY + TAG) throw refused()
      const enc = sealed.subarray(0, KEY)
      const { key, nonce } = schedule(agree(own, enc), enc, publicKey, info, aead)
      const decipher = createDecipheriv(aead.cipher, key, nonce, { authTagLength: TAG })
      decipher.setAAD(aad)
      decipher.setAuthTag(sealed.subarray(-TAG))
      const text = decipher.update(sealed.subarray(KEY, -TAG))
      try {
        decipher.final()
      } catch {
        text.fill(0)
        throw refused()
      }
      return Uint8Array.from(text)
    },
  }
}

const refused = (): SealError =>
  new SealError('seal/refused', 'The sealed text was altered, or was sealed to another key or for another place.')

function privateOf(raw: Uint8Array): KeyObject {
  if (raw.length !== KEY) throw new RangeError(`a private key has ${KEY} bytes`)
  return createPrivateKey({ key: Buffer.from(join([PKCS8, raw])), format: 'der', type: 'pkcs8' })
}
const rawPublic = (key: KeyObject): Uint8Array =>
  Uint8Array.from(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-KEY))

/** X25519 (RFC 7748 §6.1); a point of small order gives zeros, which RFC 9180 §7.1.4 has refused. */
function agree(own: KeyObject, point: Uint8Array): Uint8Array {
  if (point.length !== KEY) throw refused()
  let shared: Uint8Array
  try {
    const publicKey = createPublicKey({ key: Buffer.from(join([SPKI, point])), format: 'der', type: 'spki' })
    shared = diffieHellman({ privateKey: own, publicKey })
  } catch {
    throw refused()
  }
  if (shared.every((byte) => byte === 0)) throw refused()
  return shared
}

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array => createHmac('sha256', key).update(data).digest()
const NONE = new Uint8Array(0)
const ZEROS = new Uint8Array(32)
const VERSION = ascii('HPKE-v1')
const KEM_SUITE = join([ascii('KEM'), Uint8Array.of(0, 0x20)])

const extract = (suite: Uint8Array, salt: Uint8Array, label: string, key: Uint8Array): Uint8Array =>
  hmac(salt.length === 0 ? ZEROS : salt, join([VERSION, suite, ascii(label), key]))

/** At most 32 bytes: one block of HKDF-Expand (RFC 5869 §2.3). */
const expand = (suite: Uint8Array, key: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array =>
  hmac(key, join([Uint8Array.of(0, length), VERSION, suite, ascii(label), info, Uint8Array.of(1)])).subarray(0, length)

/** ExtractAndExpand of §4.1, then KeySchedule of §5.1 in base mode. */
function schedule(
  dh: Uint8Array,
  enc: Uint8Array,
  receiver: Uint8Array,
  info: Uint8Array,
  aead: HpkeAead,
): { readonly key: KeyObject; readonly nonce: Uint8Array } {
  const shared = expand(KEM_SUITE, extract(KEM_SUITE, NONE, 'eae_prk', dh), 'shared_secret', join([enc, receiver]), 32)
  const suite = join([ascii('HPKE'), Uint8Array.of(0, 0x20, 0, 1, 0, aead.id)])
  const psk = extract(suite, NONE, 'psk_id_hash', NONE)
  const context = join([Uint8Array.of(0), psk, extract(suite, NONE, 'info_hash', info)])
  const prk = extract(suite, shared, 'secret', NONE)
  return {
    key: createSecretKey(expand(suite, prk, 'key', context, aead.keyBytes)),
    nonce: expand(suite, prk, 'base_nonce', context, 12),
  }
}
