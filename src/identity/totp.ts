import { createHmac } from 'node:crypto'

const STEP_S = 30
const RFC4648 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Six digits for one 30-second step (RFC 6238, HMAC-SHA-1 as every authenticator app speaks it). */
export function totp(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', secret).update(counter).digest()
  const offset = mac[19]! & 15
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** The step a code belongs to, one step of drift allowed; undefined when it is wrong or not newer than `after`. */
export function matchTotp(secret: Uint8Array, code: string, now: number, after: number): number | undefined {
  const current = Math.floor(now / 1000 / STEP_S)
  for (const step of [current, current - 1, current + 1]) {
    if (step > after && totp(secret, step) === code) return step
  }
  return undefined
}

/** Base32 of RFC 4648 without padding, as `otpauth:` links carry it. */
export function base32Secret(secret: Uint8Array): string {
  let bits = ''
  for (const byte of secret) bits += byte.toString(2).padStart(8, '0')
  return (bits.match(/.{1,5}/g) ?? []).map((five) => RFC4648[Number.parseInt(five.padEnd(5, '0'), 2)]).join('')
}

export const otpauth = (secret: Uint8Array, account: string, issuer: string): string =>
  `otpauth://totp/${encodeURIComponent(issuer)}:${encodeURIComponent(account)}?secret=${base32Secret(secret)}&issuer=${encodeURIComponent(issuer)}`
