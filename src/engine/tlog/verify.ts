import { sameBytes } from '../bytes/join.ts'
import { HASH_SIZE, type TreeHash } from './merkle.ts'

/** A tree size or index, 0 to 2^64−1; a bigint where it may pass 2^53. */
export type Size = number | bigint

/**
 * Does `proof` show that the leaf stands at `index` in the tree of `size` with `root`? (RFC 9162 §2.1.3.2)
 * Never throws: anything malformed, and any claim about an empty tree, is false.
 */
export function verifyInclusion(
  hash: TreeHash,
  claim: { index: Size; size: Size; leaf: Uint8Array; root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  let fn = whole(claim.index)
  const size = whole(claim.size)
  if (fn === undefined || size === undefined || fn >= size) return false
  if (!hashes(proof) || !hashes([claim.leaf, claim.root])) return false
  let sn = size - 1n
  let at = claim.leaf
  for (const side of proof) {
    if (sn === 0n) return false
    if ((fn & 1n) === 1n || fn === sn) {
      at = hash.node(side, at)
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n]
    } else at = hash.node(at, side)
    fn >>= 1n
    sn >>= 1n
  }
  return sn === 0n && sameBytes(at, claim.root)
}

/**
 * Does `proof` show that the tree of `newSize` only added to the tree of `oldSize`? (RFC 9162 §2.1.4.2)
 * Never throws. An empty old tree proves nothing and is refused: whoever starts from nothing has nothing to compare.
 */
export function verifyConsistency(
  hash: TreeHash,
  claim: { oldSize: Size; oldRoot: Uint8Array; newSize: Size; newRoot: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  const [first, second] = [whole(claim.oldSize), whole(claim.newSize)]
  if (first === undefined || second === undefined || first === 0n || first > second) return false
  // Equal sizes are plain equality of roots, whatever their length: the public vectors hold us to that.
  if (first === second) return proof.length === 0 && sameBytes(claim.oldRoot, claim.newRoot)
  if (proof.length === 0 || !hashes(proof) || !hashes([claim.oldRoot, claim.newRoot])) return false
  // An old tree that is a perfect subtree of the new one is its own first step.
  const path = (first & (first - 1n)) === 0n ? [claim.oldRoot, ...proof] : proof
  let [fn, sn] = [first - 1n, second - 1n]
  while ((fn & 1n) === 1n) [fn, sn] = [fn >> 1n, sn >> 1n]
  let [old, now] = [path[0]!, path[0]!]
  for (const side of path.slice(1)) {
    if (sn === 0n) return false
    if ((fn & 1n) === 1n || fn === sn) {
      old = hash.node(side, old)
      now = hash.node(side, now)
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n]
    } else now = hash.node(now, side)
    fn >>= 1n
    sn >>= 1n
  }
  return sn === 0n && sameBytes(old, claim.oldRoot) && sameBytes(now, claim.newRoot)
}

const hashes = (values: readonly Uint8Array[]): boolean => values.every((value) => value.length === HASH_SIZE)

function whole(size: Size): bigint | undefined {
  if (typeof size === 'number' && !Number.isSafeInteger(size)) return undefined
  const value = BigInt(size)
  return value >= 0n && value < 2n ** 64n ? value : undefined
}
