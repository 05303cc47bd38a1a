import { createHash } from 'node:crypto'
import { signatureCheck, type SigningKey } from '../../engine/seal/index.ts'

/** What is signed of a request (RFC 9421 §2): method, where it goes, and the digest of the body (RFC 9530). */
const COMPONENTS = '("@method" "@authority" "@path" "content-digest")'
const AHEAD_S = 60
const OLD_S = 300
const INPUT =
  /^soc=\("@method" "@authority" "@path" "content-digest"\);created=(\d{1,12});keyid="([A-Za-z0-9_-]{22})";nonce="([A-Za-z0-9_-]{16,64})";alg="ed25519"$/
const SIGNATURE = /^soc=:([A-Za-z0-9+/]{86}==):$/

export type Signed = {
  readonly method: string
  /** Host header, with the port when it has one. */
  readonly authority: string
  readonly path: string
  readonly body: Uint8Array
}

/** A key's name on the wire: 128 bits of the SHA-256 of its 32 bytes. */
export const keyIdOf = (publicKey: Uint8Array): string =>
  createHash('sha256').update(publicKey).digest().subarray(0, 16).toString('base64url')

const digestOf = (body: Uint8Array): string => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`

const baseOf = (request: Signed, digest: string, params: string): Buffer =>
  Buffer.from(
    [
      `"@method": ${request.method}`,
      `"@authority": ${request.authority.toLowerCase()}`,
      `"@path": ${request.path}`,
      `"content-digest": ${digest}`,
      `"@signature-params": ${params}`,
    ].join('\n'),
  )

/** Headers that prove who sends a request and that nothing of it was changed (RFC 9421, Ed25519). `now` in ms. */
export function signRequest(request: Signed, key: SigningKey, now: number, nonce: string): Record<string, string> {
  const digest = digestOf(request.body)
  const created = Math.floor(now / 1000)
  const params = `${COMPONENTS};created=${created};keyid="${keyIdOf(key.publicKey)}";nonce="${nonce}";alg="ed25519"`
  const signature = Buffer.from(key.sign(baseOf(request, digest, params))).toString('base64')
  return { 'content-digest': digest, 'signature-input': `soc=${params}`, signature: `soc=:${signature}:` }
}

export type Verdict =
  | { readonly ok: true; readonly keyId: string; readonly nonce: string; readonly created: number }
  | { readonly ok: false; readonly why: 'malformed' | 'digest' | 'time' | 'key' | 'signature' }

/** Checks a signed request; `keyOf` answers the 32-byte public key of a key id, undefined when it is nobody's. */
export async function verifyRequest(
  request: Signed,
  headers: (name: string) => string | null,
  now: number,
  keyOf: (keyId: string) => Promise<Uint8Array | undefined>,
): Promise<Verdict> {
  const input = INPUT.exec(headers('signature-input') ?? '')
  const signature = SIGNATURE.exec(headers('signature') ?? '')
  const digest = headers('content-digest') ?? ''
  if (!input || !signature) return { ok: false, why: 'malformed' }
  if (digest !== digestOf(request.body)) return { ok: false, why: 'digest' }
  const [, created = '', keyId = '', nonce = ''] = input
  const age = now / 1000 - Number(created)
  if (age > OLD_S || age < -AHEAD_S) return { ok: false, why: 'time' }
  const key = await keyOf(keyId)
  if (!key) return { ok: false, why: 'key' }
  const params = `${COMPONENTS};created=${created};keyid="${keyId}";nonce="${nonce}";alg="ed25519"`
  const good = signatureCheck(key)(baseOf(request, digest, params), Buffer.from(signature[1]!, 'base64'))
  return good ? { ok: true, keyId, nonce, created: Number(created) * 1000 } : { ok: false, why: 'signature' }
}
