import type { Entropy } from './sealer.ts'

// Shamir's secret sharing over GF(2^8) (Communications of the ACM 22, 1979): each byte of the secret is the value at 0 of
// a random polynomial of degree `need` − 1, each share its values at one other place.

/** The field of AES: x^8 + x^4 + x^3 + x + 1, generator 3. */
const { exp, log } = ((): { exp: Uint8Array; log: Uint8Array } => {
  const exp = new Uint8Array(510)
  const log = new Uint8Array(256)
  for (let i = 0, x = 1; i < 255; i++) {
    exp[i] = exp[i + 255] = x
    log[x] = i
    x ^= (x << 1) ^ (x & 0x80 ? 0x11b : 0)
  }
  return { exp, log }
})()
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : exp[log[a]! + log[b]!]!)
const divided = (a: number, b: number): number => (a === 0 ? 0 : exp[log[a]! + 255 - log[b]!]!)

/** `place` 1 to 255 tells shares apart; `bytes` has the length of the secret. */
export type Share = { readonly place: number; readonly bytes: Uint8Array }

/**
 * `count` shares of a secret, any `need` of which give it back; fewer tell nothing of it. `need` 2 to `count`, `count`
 * at most 255. Throws RangeError.
 */
export function splitSecret(
  secret: Uint8Array,
  { count, need, entropy }: { readonly count: number; readonly need: number; readonly entropy: Entropy },
): Share[] {
  if (!Number.isInteger(count) || !Number.isInteger(need) || need < 2 || need > count || count > 255)
    throw new RangeError('shares: expected 2 ≤ need ≤ count ≤ 255')
  const shares = Array.from({ length: count }, (_, i) => ({ place: i + 1, bytes: new Uint8Array(secret.length) }))
  for (const [at, byte] of secret.entries()) {
    const terms = Uint8Array.from([byte, ...entropy(need - 1)])
    for (const { place, bytes } of shares) bytes[at] = terms.reduceRight((sum, term) => times(sum, place) ^ term, 0)
    terms.fill(0)
  }
  return shares
}

/**
 * The secret out of as many shares as were needed, each of another place. Fewer, or a wrong one, give other bytes and no
 * error: whoever uses the secret finds out. Throws RangeError for shares that do not fit together.
 */
export function joinShares(shares: readonly Share[]): Uint8Array {
  const length = shares[0]?.bytes.length ?? 0
  const places = new Set(shares.map((share) => share.place))
  if (
    shares.length < 2 ||
    places.size < shares.length ||
    shares.some((one) => one.bytes.length !== length || one.place < 1)
  )
    throw new RangeError('shares: expected two or more of one secret, each once')
  // Lagrange at 0; subtraction is addition here.
  const weights = shares.map(({ place }) =>
    shares.reduce((all, { place: other }) => (other === place ? all : times(all, divided(other, other ^ place))), 1),
  )
  return Uint8Array.from({ length }, (_, at) =>
    shares.reduce((sum, { bytes }, i) => sum ^ times(bytes[at]!, weights[i]!), 0),
  )
}
