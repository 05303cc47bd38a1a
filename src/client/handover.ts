const PKCS8_ED25519 = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
])
const LIVES_MS = 60_000
/** Without DOM types the name exists only as a value. */
type Key = Awaited<ReturnType<typeof crypto.subtle.deriveKey>>

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

/** The signing half of the service key: HKDF-SHA256 of the key into an Ed25519 seed. The node keeps the public half. */
async function signingKey(serviceKey: string): Promise<Key> {
  const secret = await crypto.subtle.importKey('raw', new TextEncoder().encode(serviceKey), 'HKDF', false, [
    'deriveBits',
  ])
  const info = new TextEncoder().encode('khien handover v1')
  const seed = await crypto.subtle.deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info },
    secret,
    256,
  )
  const pkcs8 = new Uint8Array(PKCS8_ED25519.length + 32)
  pkcs8.set(PKCS8_ED25519)
  pkcs8.set(new Uint8Array(seed), PKCS8_ED25519.length)
  return crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign'])
}

/**
 * A link that opens the person's own pages once, within a minute, without another account. Only for a person whom the
 * app itself has just signed in: whoever holds the link is that person.
 */
export function handover(serviceKey: string, publicOrigin: string): (subject: string) => Promise<string> {
  let key: Promise<Key> | undefined
  // khk_ + 26 signs of id, then the secret.
  const id = serviceKey.slice(0, 30)
  return async (subject) => {
    key ??= signingKey(serviceKey)
    const jti = base64url(crypto.getRandomValues(new Uint8Array(16)))
    const claim = { v: 1, key: id, sub: subject, exp: Date.now() + LIVES_MS, jti, aud: publicOrigin }
    const body = base64url(new TextEncoder().encode(JSON.stringify(claim)))
    const signature = await crypto.subtle.sign('Ed25519', await key, new TextEncoder().encode(body))
    return `${publicOrigin}/me/enter?t=${body}.${base64url(new Uint8Array(signature))}`
  }
}
