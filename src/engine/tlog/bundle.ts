/** The largest entry a bundle can carry, in bytes. */
export const ENTRY_LIMIT = 65_535

/** Entries, each after its big-endian uint16 length (C2SP tlog-tiles, "Log entries"). Throws past 65,535 bytes. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const entry of entries) {
    if (entry.length > ENTRY_LIMIT) throw new RangeError(`a log entry has at most ${ENTRY_LIMIT} bytes`)
    length += 2 + entry.length
  }
  const out = new Uint8Array(length)
  let at = 0
  for (const entry of entries) {
    out[at++] = entry.length >>> 8
    out[at++] = entry.length & 255
    out.set(entry, at)
    at += entry.length
  }
  return out
}

/** The entries of a bundle, or undefined when a length runs past the end. */
export function decodeBundle(bytes: Uint8Array): Uint8Array[] | undefined {
  const entries: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    if (at + 2 > bytes.length) return undefined
    const length = (bytes[at]! << 8) | bytes[at + 1]!
    at += 2
    if (at + length > bytes.length) return undefined
    entries.push(bytes.subarray(at, at + length))
    at += length
  }
  return entries
}
