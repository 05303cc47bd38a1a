import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import { refuse } from './media.ts'

/** User and secret of a Basic header (RFC 7617, UTF-8), or undefined. */
export function readBasic(authorization: string | undefined): { user: string; secret: string } | undefined {
  const match = /^Basic +([A-Za-z0-9+/=_-]{1,2000}) *$/i.exec(authorization ?? '')
  if (match === null) return undefined
  const text = Buffer.from(match[1]!, 'base64').toString('utf8')
  const at = text.indexOf(':')
  return at < 0 ? undefined : { user: text.slice(0, at), secret: text.slice(at + 1) }
}

/** SHA-256 is enough for a secret of 256 random bits: there is nothing to guess (no password is chosen by a person). */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

/** In constant time; an unknown user costs the same. */
export function isSecret(secret: string, hash: string | undefined): boolean {
  const given = createHash('sha256').update(secret).digest()
  const wanted = Buffer.from(hash ?? createHash('sha256').update('').digest('base64url'), 'base64url')
  return wanted.length === given.length && timingSafeEqual(given, wanted) && hash !== undefined
}

/**
 * So many requests a second and so many at once for each name; past that 429 with Retry-After. Names are few (peers) or
 * bounded: the one that has been quiet longest is forgotten.
 */
export function rateLimit(clock: Clock, perSecond: number, burst: number): (name: string) => void {
  const buckets = new Map<string, { left: number; at: number }>()
  return (name) => {
    const now = clock()
    const bucket = buckets.get(name) ?? { left: burst, at: now }
    buckets.delete(name)
    if (buckets.size >= 10_000) buckets.delete(buckets.keys().next().value!)
    buckets.set(name, bucket)
    bucket.left = Math.min(burst, bucket.left + (Math.max(0, now - bucket.at) * perSecond) / 1_000)
    bucket.at = now
    if (bucket.left < 1)
      throw refuse(429, 'too-often', 'Too many requests; wait and go on.', {
        retryAfter: Math.max(1, Math.ceil((1 - bucket.left) / perSecond)),
      })
    bucket.left -= 1
  }
}
