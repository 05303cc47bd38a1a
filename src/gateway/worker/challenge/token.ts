import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * What a client brings back to us: `check`, a puzzle to be solved; `wait`, a place in the waiting page; `seen`, one who has behaved on the site;
 * `met`, one who was there before on a route that cannot tell good from bad; `own`, one who was in an account, which its scope names. Nothing in it
 * tells of a person: a random id, a time, a number of bits.
 */
export type Token = {
  readonly kind: 'check' | 'wait' | 'seen' | 'met' | 'own'
  readonly id: string
  /** ms since 1970, whole seconds. */
  readonly at: number
  readonly bits: number
}

const FORM = /^(check|wait|seen|met|own)\.([A-Za-z0-9_-]{16})\.([0-9a-z]{6,8})\.(\d{1,2})\.([A-Za-z0-9_-]{22})$/

const macOf = (secret: Uint8Array, scope: string, said: string): string =>
  createHmac('sha256', secret).update(`${scope}\n${said}`).digest('base64url').slice(0, 22)

/** `kind.id.seconds.bits.mac`; holds for one scope: a site, a route of it, a line there. The mac is 132 bits of HMAC-SHA-256 (RFC 2104 §5). */
export function writeToken(secret: Uint8Array, scope: string, { kind, id, at, bits }: Token): string {
  const said = `${kind}.${id}.${Math.floor(at / 1_000).toString(36)}.${bits}`
  return `${said}.${macOf(secret, scope, said)}`
}

/** Undefined when it is none of ours, of another scope or kind, from the future, or older than `longestMs`. */
export function readToken(
  secret: Uint8Array,
  scope: string,
  kind: Token['kind'],
  text: string | undefined,
  now: number,
  longestMs: number,
): Token | undefined {
  const parts = text === undefined ? null : FORM.exec(text)
  if (parts === null || parts[1] !== kind) return undefined
  const [said, mac] = [text!.slice(0, -23), parts[5]!]
  if (!timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(secret, scope, said)))) return undefined
  const at = Number.parseInt(parts[3]!, 36) * 1_000
  if (at > now + 1_000 || now - at > longestMs) return undefined
  return { kind, id: parts[2]!, at, bits: Number(parts[4]) }
}
