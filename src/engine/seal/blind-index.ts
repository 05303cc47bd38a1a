import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

/**
 * A searchable stand-in for a value: HMAC-SHA256 of its normalised text cut to `bits` (8–256), as base64url. Fewer bits
 * mean more values share one stand-in, which hides how often a value occurs; the caller then opens and compares.
 */
export function blindIndex(key: KeyObject, normalised: string, bits: number): string {
  if (!Number.isInteger(bits) || bits < 8 || bits > 256) throw new RangeError('a blind index has 8 to 256 bits')
  const mac = createHmac('sha256', key)
    .update(normalised, 'utf8')
    .digest()
    .subarray(0, Math.ceil(bits / 8))
  const spare = mac.length * 8 - bits
  mac[mac.length - 1]! &= 0xff << spare
  return mac.toString('base64url')
}

/**
 * The index key of one field, out of the node's index key (HKDF-SHA256, RFC 5869): equal values in two fields must not
 * show as equal. `names` is any number of texts, each bound with its length.
 */
export function fieldIndexKey(indexKey: KeyObject, ...names: readonly string[]): KeyObject {
  const info = names.map((name) => `${Buffer.byteLength(name)}:${name}`).join('')
  return createSecretKey(Buffer.from(hkdfSync('sha256', indexKey, new Uint8Array(0), `khien/index/${info}`, 32)))
}
