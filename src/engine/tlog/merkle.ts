/** SHA-256 of the bytes, 32 bytes out. Handed in, so that this engine imports nothing. */
export type Sha256 = (data: Uint8Array) => Uint8Array

export const HASH_SIZE = 32

/** The two hashes of an RFC 6962 tree (§2.1), closed over one SHA-256. Not re-entrant across an await; never awaits. */
export type TreeHash = {
  /** `SHA-256(0x00 || entry)`. */
  leaf(entry: Uint8Array): Uint8Array
  /** `SHA-256(0x01 || left || right)`; both sides are 32 bytes. */
  node(left: Uint8Array, right: Uint8Array): Uint8Array
  /** The root of the tree without entries: `SHA-256("")`. */
  empty(): Uint8Array
}

export function treeHash(sha256: Sha256): TreeHash {
  const pair = new Uint8Array(1 + 2 * HASH_SIZE)
  pair[0] = 1
  return {
    leaf(entry) {
      const data = new Uint8Array(1 + entry.length)
      data.set(entry, 1)
      return sha256(data)
    },
    node(left, right) {
      if (left.length !== HASH_SIZE || right.length !== HASH_SIZE) throw new RangeError('a tree hash has 32 bytes')
      pair.set(left, 1)
      pair.set(right, 1 + HASH_SIZE)
      return sha256(pair)
    },
    empty: () => sha256(new Uint8Array(0)),
  }
}

/** The root above perfect subtrees that stand side by side, largest first (the frontier); empty list, empty tree. */
export function foldFrontier(hash: TreeHash, frontier: readonly Uint8Array[]): Uint8Array {
  let root = frontier.at(-1)
  if (root === undefined) return hash.empty()
  for (let i = frontier.length - 2; i >= 0; i--) root = hash.node(frontier[i]!, root)
  return root
}

/** The largest power of two smaller than `n`; `n` ≥ 2, below 2^53 (RFC 6962 §2.1 calls it k). */
export function splitPoint(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}
