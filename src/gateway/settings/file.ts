import { canonicalJson, type Json } from '../../engine/bytes/canonical.ts'
import { signatureCheck, type SigningKey } from '../../engine/seal/index.ts'
import { iso } from '../../kit/clock.ts'
import { badRequest } from '../../kit/errors.ts'
import type { SettingsFile } from './contract.ts'
import type { Body } from './current.ts'

/** Tells a signature over such a file from one over anything else that this key signs. */
const ABOUT = 'khien-gateway-settings/1\n'
const signedText = (file: Omit<SettingsFile, 'signature'>): Uint8Array =>
  new TextEncoder().encode(ABOUT + canonicalJson(JSON.parse(JSON.stringify(file)) as Json))
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/** The settings as a file, signed (Ed25519 over canonical JSON, RFC 8032 and 8785). */
export function writeFile(body: Body, at: number, key: SigningKey): SettingsFile {
  const file = { format: 'khien-gateway-settings/1' as const, exportedAt: iso(at), ...body }
  return { ...file, signature: { key: text(key.publicKey), value: text(key.sign(signedText(file))) } }
}

/** Who signed a file. Throws 400 `gateway/signature` when the signature is not over what the file holds. */
export function signerOf(
  given: SettingsFile,
  ours: SigningKey,
): { signed: 'ours' | 'other' | 'none'; key: string | null } {
  const { signature, ...file } = given
  if (signature === undefined) return { signed: 'none', key: null }
  const check = signatureCheck(Buffer.from(signature.key, 'base64url'))
  if (!check(signedText(file), Buffer.from(signature.value, 'base64url')))
    throw badRequest(
      'gateway/signature',
      'The signature is not over what the file holds: it was changed after it was signed. Take the signature out to import it as a plain file.',
      'body.file.signature',
    )
  return { signed: signature.key === text(ours.publicKey) ? 'ours' : 'other', key: signature.key }
}
