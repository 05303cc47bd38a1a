import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { bad, Reader, type Packet } from './packets.ts'
import { isSignedBy, readSignature, type Signature } from './signature.ts'

/** One version 4 key (RFC 9580 §5.5.2). */
export type PublicKey = {
  /** Lower case hexadecimal (§5.5.4.2). */
  readonly fingerprint: string
  readonly created: number
  readonly algorithm: number
  readonly bits: number
  readonly handle: KeyObject
  /** The key as signatures over it see it. */
  readonly hashed: Buffer
}

/** A key with what it says of itself. Times are seconds since 1970; `expires` 0: never. */
export type Certificate = {
  readonly key: PublicKey
  readonly expires: number
  readonly revoked: boolean
  /** Keys that may sign data: the key itself unless it says otherwise, and subkeys bound both ways. */
  readonly signers: readonly { readonly key: PublicKey; readonly expires: number; readonly revoked: boolean }[]
}

const [SIGNATURE, PUBLIC_KEY, USER_ID, PUBLIC_SUBKEY] = [2, 6, 13, 14]
const MAY_SIGN = 2

/** The certificate with that fingerprint among the packets; undefined when it is not there. Third parties' signatures are passed over. */
export function findCertificate(packets: readonly Packet[], fingerprint: string): Certificate | undefined {
  for (const [at, { tag, body }] of packets.entries()) {
    if (tag !== PUBLIC_KEY || fingerprintOf(body) !== fingerprint) continue
    const next = packets.findIndex((packet, i) => i > at && packet.tag === PUBLIC_KEY)
    return readCertificate(readKey(body), packets.slice(at + 1, next < 0 ? undefined : next))
  }
  return undefined
}

function readCertificate(key: PublicKey, packets: readonly Packet[]): Certificate {
  let own: Signature | undefined
  let revoked = false
  const subkeys: { key: PublicKey; binding: Signature | undefined; revoked: boolean }[] = []
  // What the signatures that follow speak of: the key at first, then a name, then a subkey.
  let subject: Buffer | undefined
  for (const { tag, body } of packets) {
    if (tag === PUBLIC_SUBKEY) {
      const subkey = attempt(() => readKey(body))
      // A subkey for encryption may be of any kind; only those that sign are of use here.
      subject = undefined
      if (subkey !== undefined) subkeys.push({ key: subkey, binding: undefined, revoked: false })
      else subkeys.push({ key, binding: undefined, revoked: true })
    } else if (tag === SIGNATURE) {
      const signature = attempt(() => readSignature(body))
      if (signature === undefined) continue
      const { type } = signature
      const isOurs = (...data: Buffer[]): boolean =>
        attempt(() => isSignedBy(signature, key, key.hashed, ...data)) === true
      const last = subkeys.at(-1)
      if (last === undefined) {
        if (type === 0x20 && isOurs()) revoked = true
        const certifies =
          type === 0x1f ? isOurs() : type >= 0x10 && type <= 0x13 && subject !== undefined && isOurs(subject)
        if (certifies && signature.created >= (own?.created ?? 0)) own = signature
      } else if (last.key !== key) {
        if (type === 0x28 && isOurs(last.key.hashed)) last.revoked = true
        if (type === 0x18 && isOurs(last.key.hashed) && signature.created >= (last.binding?.created ?? 0))
          last.binding = signature
      }
    } else subject = tag === USER_ID ? Buffer.concat([prefix(0xb4, body.length, 4), body]) : undefined
  }
  if (own === undefined) throw bad('the key has not signed its own name with a hash that holds')
  const expires = own.keyExpires === 0 ? 0 : key.created + own.keyExpires
  const signers = subkeys
    .filter(
      ({ key: subkey, binding }) =>
        binding !== undefined && (binding.keyFlags & MAY_SIGN) !== 0 && owns(subkey, key, binding),
    )
    .map(({ key: subkey, binding, revoked: gone }) => ({
      key: subkey,
      expires: binding!.keyExpires === 0 ? 0 : subkey.created + binding!.keyExpires,
      revoked: gone,
    }))
  return {
    key,
    expires,
    revoked,
    signers: own.keyFlags === 0 || own.keyFlags & MAY_SIGN ? [{ key, expires, revoked }, ...signers] : signers,
  }
}

/** A signing subkey must say itself whose it is, or anybody could claim another's (§5.2.1.9, type 0x19). */
function owns(subkey: PublicKey, key: PublicKey, { embedded }: Signature): boolean {
  const back = embedded && attempt(() => readSignature(embedded))
  return back?.type === 0x19 && attempt(() => isSignedBy(back, subkey, key.hashed, subkey.hashed)) === true
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function prefix(first: number, length: number, size: 2 | 4): Buffer {
  const out = Buffer.alloc(1 + size)
  out[0] = first
  out.writeUIntBE(length, 1, size)
  return out
}

const hashedKey = (body: Buffer): Buffer => Buffer.concat([prefix(0x99, body.length, 2), body])
/** SHA-1 as §5.5.4.2 demands: it names the key; a second key of the same name is not known to be possible. */
const fingerprintOf = (body: Buffer): string =>
  body[0] === 4 && body.length < 65_536 ? createHash('sha1').update(hashedKey(body)).digest('hex') : ''

const ED25519_OID = '2b06010401da470f01'

function readKey(body: Buffer): PublicKey {
  const reader = new Reader(body)
  const version = reader.number(1)
  if (version !== 4) throw bad(`a key of version ${version}`)
  const created = reader.number(4)
  const algorithm = reader.number(1)
  const { handle, bits } = material(reader, algorithm)
  return { fingerprint: fingerprintOf(body), created, algorithm, bits, handle, hashed: hashedKey(body) }
}

function material(reader: Reader, algorithm: number): { handle: KeyObject; bits: number } {
  const jwk = (key: object): KeyObject => createPublicKey({ key: key as never, format: 'jwk' })
  if (algorithm === 1 || algorithm === 3) {
    const [n, e] = [reader.mpi(), reader.mpi()]
    const bits = n.length * 8
    if (bits < 2_048 || bits > 16_384) throw bad(`an RSA key of ${bits} bits`)
    return { handle: jwk({ kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') }), bits }
  }
  const okp = (x: Buffer): { handle: KeyObject; bits: number } => {
    if (x.length !== 32) throw bad('an Ed25519 key of the wrong length')
    return { handle: jwk({ kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') }), bits: 256 }
  }
  if (algorithm === 27) return okp(reader.take(32))
  if (algorithm === 22) {
    if (reader.take(reader.number(1)).toString('hex') !== ED25519_OID) throw bad('a curve other than Ed25519')
    const point = reader.mpi()
    if (point[0] !== 0x40) throw bad('a point in a form we do not know')
    return okp(point.subarray(1))
  }
  throw bad(`a key of algorithm ${algorithm}`)
}
