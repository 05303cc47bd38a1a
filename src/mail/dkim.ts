import { createPublicKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'

/** A key that signs our mail (RFC 6376), RSA-2048: what every receiver checks. */
export type DkimKey = { readonly domain: string; readonly selector: string; readonly privateKey: string }

/** A new private key, PKCS#8 PEM. Takes up to a second; off the loop. */
export async function newDkimKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  return privateKey
}

/** The DNS record that lets receivers check our signatures: name and TXT value (RFC 6376 §3.6.1). */
export function dkimRecord({ domain, selector, privateKey }: DkimKey): {
  readonly name: string
  readonly value: string
} {
  const key = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64')
  return { name: `${selector}._domainkey.${domain}`, value: `v=DKIM1; k=rsa; p=${key}` }
}
