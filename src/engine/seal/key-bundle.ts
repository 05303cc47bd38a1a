import { argon2, createHash, type KeyObject } from 'node:crypto'
import { SealError } from './error.ts'
import { gcmDecrypt, gcmEncrypt, IV_SIZE } from './gcm.ts'
import { type Entropy, secretKey } from './sealer.ts'

/** Everything secret that one node lives by. The four keys have 32 bytes; `created` is in milliseconds. */
export type KeyBundle = {
  /** Names the key-encryption key in wrapped subject keys; not secret. */
  readonly kekId: string
  readonly kek: Uint8Array
  readonly signingSeed: Uint8Array
  readonly pepper: Uint8Array
  readonly indexKey: Uint8Array
  readonly created: number
  /** Keys that took over from `kek` for wrapping subject keys, oldest first; the last one wraps today, all unwrap. */
  readonly rotated?: readonly { readonly id: string; readonly key: Uint8Array; readonly created: number }[]
}

/** Argon2id cost (RFC 9106): `memory` in KiB. */
export type KdfCost = { readonly memory: number; readonly passes: number; readonly parallelism: number }
export const KDF_COST: KdfCost = { memory: 65_536, passes: 3, parallelism: 1 }

type KeyFile = {
  format: number
  kdf: { name: string; memory: number; passes: number; parallelism: number; salt: string }
  sealed: string
  checksum: string
}

const SECRETS = ['kek', 'signingSeed', 'pepper', 'indexKey'] as const

export function newKeyBundle(options: { readonly entropy: Entropy; readonly now: number }): KeyBundle {
  const { entropy, now } = options
  return {
    kekId: newKekId(entropy),
    kek: entropy(32),
    signingSeed: entropy(32),
    pepper: entropy(32),
    indexKey: entropy(32),
    created: now,
  }
}

/** The bundle with a new wrapping key at its end. */
export const rotateBundle = (
  bundle: KeyBundle,
  { entropy, now }: { readonly entropy: Entropy; readonly now: number },
): KeyBundle => ({
  ...bundle,
  rotated: [...(bundle.rotated ?? []), { id: newKekId(entropy), key: entropy(32), created: now }],
})

const newKekId = (entropy: Entropy): string => `kek_${Buffer.from(entropy(9)).toString('base64url')}`

/**
 * The text of `key.json`: `{ format, kdf, sealed, checksum }`. The bundle is sealed with AES-256-GCM under an Argon2id
 * key of the passphrase; `checksum` (SHA-256 of all else) tells a damaged file from a wrong passphrase and guards nothing.
 */
export async function sealBundle(
  bundle: KeyBundle,
  passphrase: string,
  options: { readonly entropy: Entropy; readonly cost?: KdfCost },
): Promise<string> {
  if (passphrase === '') throw new RangeError('the passphrase is empty')
  const kdf = { name: 'argon2id', ...(options.cost ?? KDF_COST), salt: base64(options.entropy(16)) }
  const iv = options.entropy(IV_SIZE)
  const secrets = Object.fromEntries(SECRETS.map((name) => [name, base64(bundle[name])]))
  const rotated = bundle.rotated?.map(({ id, key, created }) => ({ id, key: base64(key), created }))
  const plain = Buffer.from(
    JSON.stringify({ kekId: bundle.kekId, created: bundle.created, ...secrets, ...(rotated ? { rotated } : {}) }),
  )
  // A program that knows no rotated keys would lose them when it writes the file anew: it must not open it.
  const format = rotated ? 2 : 1
  const sealed = gcmEncrypt(await passphraseKey(passphrase, kdf), iv, plain, associated(format, kdf))
  plain.fill(0)
  const file = { format, kdf, sealed: base64(Buffer.concat([iv, sealed])) }
  return `${JSON.stringify({ ...file, checksum: checksum(file) }, null, 2)}\n`
}

/**
 * The bundle in the text of a key file. Errors (SealError): `seal/corrupt`, `seal/newer-format`,
 * `seal/wrong-passphrase`; each message is one sentence for the person at the terminal.
 */
export async function openBundle(text: string, passphrase: string): Promise<KeyBundle> {
  const file = parseFile(text)
  const sealed = Buffer.from(file.sealed, 'base64')
  const iv = sealed.subarray(0, IV_SIZE)
  if (iv.length < IV_SIZE || file.checksum !== checksum(file)) throw corrupt()
  const key = await passphraseKey(passphrase, file.kdf)
  const plain = gcmDecrypt(key, iv, sealed.subarray(IV_SIZE), associated(file.format, file.kdf))
  if (plain === undefined) {
    throw new SealError('seal/wrong-passphrase', 'The passphrase does not open the key file.')
  }
  const bundle = JSON.parse(plain.toString()) as Record<(typeof SECRETS)[number] | 'kekId', string> & {
    created: number
    rotated?: { id: string; key: string; created: number }[]
  }
  plain.fill(0)
  const secret = (name: (typeof SECRETS)[number]): Uint8Array => Uint8Array.from(Buffer.from(bundle[name], 'base64'))
  return {
    kekId: bundle.kekId,
    kek: secret('kek'),
    signingSeed: secret('signingSeed'),
    pepper: secret('pepper'),
    indexKey: secret('indexKey'),
    created: bundle.created,
    ...(bundle.rotated
      ? {
          rotated: bundle.rotated.map(({ id, key, created }) => ({
            id,
            created,
            key: Uint8Array.from(Buffer.from(key, 'base64')),
          })),
        }
      : {}),
  }
}

/** Throws `seal/corrupt` or `seal/newer-format` for a text that no passphrase could open; opens nothing itself. */
export function checkBundle(text: string): void {
  const file = parseFile(text)
  if (Buffer.from(file.sealed, 'base64').length <= IV_SIZE || file.checksum !== checksum(file)) throw corrupt()
}

function parseFile(text: string): KeyFile {
  let file: Partial<KeyFile> | null
  try {
    file = JSON.parse(text) as Partial<KeyFile> | null
  } catch {
    throw corrupt()
  }
  if (typeof file !== 'object' || file === null || !Number.isInteger(file.format)) throw corrupt()
  if (file.format! > 2) throw new SealError('seal/newer-format', 'The key file was written by a newer Khiên.')
  const { kdf, sealed, checksum: sum } = file
  if (typeof kdf !== 'object' || kdf === null || typeof sealed !== 'string' || typeof sum !== 'string') throw corrupt()
  const { name, memory, passes, parallelism, salt } = kdf
  // Bounds, so that a doctored file cannot ask for all the memory or a day of work: at most 1 GiB and 16 passes.
  const bounded = within(memory, 8, 2 ** 20) && within(passes, 1, 16) && within(parallelism, 1, 16)
  if (name !== 'argon2id' || !bounded || typeof salt !== 'string' || salt.length < 12) throw corrupt()
  return { format: file.format!, kdf: { name, memory, passes, parallelism, salt }, sealed, checksum: sum }
}

function passphraseKey(passphrase: string, kdf: KeyFile['kdf']): Promise<KeyObject> {
  const { memory, passes, parallelism } = kdf
  // NFC: the same Vietnamese passphrase comes composed from one keyboard and decomposed from another.
  const message = passphrase.normalize('NFC')
  const parameters = { message, nonce: Buffer.from(kdf.salt, 'base64'), memory, passes, parallelism, tagLength: 32 }
  return new Promise((resolve, reject) => {
    // Off the main thread: 64 MiB and three passes take a fifth of a second.
    argon2('argon2id', parameters, (error, raw) => (error === null ? resolve(secretKey(raw)) : reject(error)))
  })
}

const corrupt = (): SealError => new SealError('seal/corrupt', 'The key file is damaged, or is no key file of Khiên.')
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const within = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most
const associated = (format: number, kdf: KeyFile['kdf']): Uint8Array =>
  Buffer.from(JSON.stringify(['khien/key', format, kdf.name, kdf.memory, kdf.passes, kdf.parallelism, kdf.salt]))
const checksum = (file: Omit<KeyFile, 'checksum'>): string =>
  createHash('sha256').update(associated(file.format, file.kdf)).update(file.sealed).digest('base64')
