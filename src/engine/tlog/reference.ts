import { splitPoint, type TreeHash } from './merkle.ts'

// RFC 6962 §2.1 written down as it stands, quadratic and obvious. Tests hold the tile-based code against it.

/** Root over leaf hashes. */
export function referenceRoot(hash: TreeHash, leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return hash.empty()
  if (leaves.length === 1) return leaves[0]!
  const k = splitPoint(leaves.length)
  return hash.node(referenceRoot(hash, leaves.slice(0, k)), referenceRoot(hash, leaves.slice(k)))
}

/** PATH(m, D[n]) of §2.1.1. */
export function referenceInclusion(hash: TreeHash, index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return []
  const k = splitPoint(leaves.length)
  return index < k
    ? [...referenceInclusion(hash, index, leaves.slice(0, k)), referenceRoot(hash, leaves.slice(k))]
    : [...referenceInclusion(hash, index - k, leaves.slice(k)), referenceRoot(hash, leaves.slice(0, k))]
}

/** PROOF(m, D[n]) of §2.1.2, for 0 < m ≤ n. */
export function referenceConsistency(hash: TreeHash, size: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  const subproof = (m: number, part: readonly Uint8Array[], complete: boolean): Uint8Array[] => {
    if (m === part.length) return complete ? [] : [referenceRoot(hash, part)]
    const k = splitPoint(part.length)
    return m <= k
      ? [...subproof(m, part.slice(0, k), complete), referenceRoot(hash, part.slice(k))]
      : [...subproof(m - k, part.slice(k), false), referenceRoot(hash, part.slice(0, k))]
  }
  return subproof(size, leaves, true)
}
