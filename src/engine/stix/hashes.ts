const HEX_LENGTHS: Readonly<Record<string, number>> = {
  MD5: 32,
  'SHA-1': 40,
  'SHA-224': 56,
  'SHA-256': 64,
  'SHA-384': 96,
  'SHA-512': 128,
  'SHA3-224': 56,
  'SHA3-256': 64,
  'SHA3-384': 96,
  'SHA3-512': 128,
}
const HEX = /^[0-9A-Fa-f]+$/
const SSDEEP = /^[0-9]{1,16}:[A-Za-z0-9+/]{0,128}:[A-Za-z0-9+/]{0,128}$/
const TLSH = /^(?:T1)?[0-9A-Fa-f]{70}$/

/** hash-algorithm-ov (STIX 2.1 §10.7). */
export const HASH_ALGORITHMS: readonly string[] = [
  'MD5',
  'SHA-1',
  'SHA-256',
  'SHA-512',
  'SHA3-256',
  'SHA3-512',
  'SSDEEP',
  'TLSH',
]

/** True when the value cannot be a hash by that algorithm; unknown algorithms have no wrong values (§2.7). */
export function hashFault(algorithm: string, value: string): boolean {
  if (algorithm === 'SSDEEP') return !SSDEEP.test(value)
  if (algorithm === 'TLSH') return !TLSH.test(value)
  const length = Object.hasOwn(HEX_LENGTHS, algorithm) ? HEX_LENGTHS[algorithm] : undefined
  return length !== undefined && (value.length !== length || !HEX.test(value))
}
