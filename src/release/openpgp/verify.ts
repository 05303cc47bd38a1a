import { KhienError } from '../../kit/errors.ts'
import { findCertificate } from './key.ts'
import { bad, readPackets } from './packets.ts'
import { isSignedBy, readSignature, type Signature } from './signature.ts'

export type Signed = {
  /** Of the key that signed, or of the key whose subkey signed. */
  readonly fingerprint: string
  /** Milliseconds since 1970. */
  readonly signedAt: number
}

/** A clock may be wrong by a day before a signature counts as one from the future. */
const DAY = 86_400

/**
 * A detached OpenPGP signature over a file (RFC 9580 §5.2.1.1, type 0x00), by the key with that fingerprint (40 hexadecimal digits).
 * `now` in milliseconds. Throws `KhienError`: `release/wrong-key`, `release/key-expired`, `release/key-revoked`,
 * `release/bad-signature`, `release/weak-hash`, `release/openpgp`.
 */
export function verifyDetached(
  data: Buffer,
  signatureFile: Buffer,
  keyFile: Buffer,
  fingerprint: string,
  now: number,
): Signed {
  const wanted = fingerprint.replace(/\s/g, '').toLowerCase()
  const seconds = Math.floor(now / 1_000)
  const certificate = findCertificate(readPackets(keyFile, 'PUBLIC KEY BLOCK'), wanted)
  if (certificate === undefined)
    throw new KhienError('release/wrong-key', `The key file does not hold the key ${spaced(wanted)}.`)
  const { key, signers } = certificate
  if (certificate.revoked)
    throw new KhienError('release/key-revoked', `The key ${spaced(wanted)} was revoked by its owner.`)
  if (isPast(certificate.expires, seconds)) throw expired(wanted, certificate.expires)
  const signatures = readPackets(signatureFile, 'SIGNATURE').filter(({ tag }) => tag === 2)
  if (signatures.length === 0) throw bad('there is no signature in it')
  let first: unknown
  for (const { body } of signatures.slice(0, 20)) {
    try {
      const signature = readSignature(body)
      const signer = signers.find(({ key: each }) => each.fingerprint.endsWith(signature.issuer || each.fingerprint))
      if (signer === undefined)
        throw new KhienError(
          'release/wrong-key',
          `The signature was made by ${spaced(signature.issuer)}, not by ${spaced(wanted)}.`,
        )
      if (signer.revoked)
        throw new KhienError('release/key-revoked', `The subkey that signed was revoked by its owner.`)
      if (isPast(signer.expires, seconds)) throw expired(signer.key.fingerprint, signer.expires)
      if (signature.type !== 0x00 || !isSignedBy(signature, signer.key, data))
        throw new KhienError(
          'release/bad-signature',
          'The signature does not belong to this file: the file or the signature was changed.',
        )
      checkTimes(signature, signer.key.created, seconds)
      return { fingerprint: key.fingerprint, signedAt: signature.created * 1_000 }
    } catch (error) {
      first ??= error
    }
  }
  throw first
}

function checkTimes({ created, expires }: Signature, keyCreated: number, now: number): void {
  const wrong =
    created < keyCreated
      ? 'is older than its key'
      : created > now + DAY
        ? 'comes from the future; is the clock of this machine right?'
        : isPast(expires === 0 ? 0 : created + expires, now)
          ? 'has expired'
          : undefined
  if (wrong !== undefined)
    throw new KhienError('release/bad-signature', `The signature ${wrong}`.replace(/([^?])$/, '$1.'))
}

const isPast = (expires: number, now: number): boolean => expires !== 0 && expires <= now

const expired = (fingerprint: string, at: number): KhienError =>
  new KhienError(
    'release/key-expired',
    `The key ${spaced(fingerprint)} expired on ${new Date(at * 1_000).toISOString().slice(0, 10)}: get its renewed form from its owner.`,
  )

/** `36006f0e…` → `3600 6F0E …` */
export const spaced = (fingerprint: string): string =>
  (fingerprint.toUpperCase().match(/.{1,4}/g) ?? ['nobody']).join(' ')
