import assert from 'node:assert/strict'
import { hash as digest } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { edgeOf, emptyEdge } from './edge.ts'
import { treeHash } from './merkle.ts'
import { proveConsistency, proveInclusion, type ReadTile, rootAt } from './prove.ts'
import { referenceConsistency, referenceInclusion, referenceRoot } from './reference.ts'
import { edgeTiles, tilePath } from './tile.ts'
import { verifyConsistency, verifyInclusion } from './verify.ts'

const tree = treeHash((data) => digest('sha256', data, 'buffer'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const leaves = Array.from({ length: 1500 }, (_, i) => tree.leaf(Buffer.from(`entry ${i}`)))

/** Every tile that growing leaf by leaf to `size` writes, and a reader of them. */
function grown(size: number): { root: Uint8Array; read: ReadTile } {
  const files = new Map<string, Uint8Array>()
  const edge = emptyEdge(tree)
  for (const leaf of leaves.slice(0, size)) {
    for (const file of edge.append(leaf)) files.set(tilePath(file.tile), file.bytes)
  }
  for (const file of edge.partials()) files.set(tilePath(file.tile), file.bytes)
  const read: ReadTile = async (tile) => files.get(tilePath(tile)) ?? assert.fail(`no ${tilePath(tile)}`)
  return { root: edge.root(), read }
}

test('tiles and the recursive reference agree on roots and proofs, and the proofs verify', async () => {
  const sizes = fc.integer({ min: 1, max: leaves.length })
  await fc.assert(
    fc.asyncProperty(sizes, sizes, sizes, async (size, a, b) => {
      const part = leaves.slice(0, size)
      const { root, read } = grown(size)
      assert.deepEqual(Buffer.from(root), Buffer.from(referenceRoot(tree, part)))
      const index = a % size
      const path = await proveInclusion(tree, index, size, read)
      assert.deepEqual(path.map(hex), referenceInclusion(tree, index, part).map(hex))
      assert.ok(verifyInclusion(tree, { index, size, leaf: part[index]!, root }, path))
      assert.ok(
        size === 1 || !verifyInclusion(tree, { index: (index + 1) % size, size, leaf: part[index]!, root }, path),
      )
      const oldSize = (b % size) + 1
      const oldRoot = referenceRoot(tree, leaves.slice(0, oldSize))
      const proof = await proveConsistency(tree, oldSize, size, read)
      assert.deepEqual(proof.map(hex), referenceConsistency(tree, oldSize, part).map(hex))
      assert.ok(verifyConsistency(tree, { oldSize, oldRoot, newSize: size, newRoot: root }, proof))
      assert.deepEqual(Buffer.from(await rootAt(tree, oldSize, size, read)), Buffer.from(oldRoot))
    }),
    { numRuns: 40 },
  )
})

test('an edge taken up from its partial tiles goes on as if it had never stopped', async () => {
  for (const [first, last] of [
    [0, 1],
    [1, 256],
    [255, 257],
    [256, 513],
    [700, 1500],
  ] as const) {
    const { read } = grown(first)
    const resumed = edgeOf(tree, first, await Promise.all(edgeTiles(first).map(read)))
    for (const leaf of leaves.slice(first, last)) resumed.append(leaf)
    assert.equal(resumed.size, last)
    assert.deepEqual(Buffer.from(resumed.root()), Buffer.from(grown(last).root))
  }
})

test('a third level of tiles appears at 65,536 leaves', () => {
  const edge = emptyEdge(tree)
  const filled: string[] = []
  for (let i = 0; i < 65_537; i++) filled.push(...edge.append(leaves[i % 1500]!).map((file) => tilePath(file.tile)))
  assert.equal(filled.length, 257)
  assert.deepEqual(filled.slice(-2), ['tile/0/255', 'tile/1/000'])
  assert.deepEqual(
    edge.partials().map((file) => tilePath(file.tile)),
    ['tile/0/256.p/1', 'tile/2/000.p/1'],
  )
})

test('a copy grows without touching its original', () => {
  const edge = emptyEdge(tree)
  for (const leaf of leaves.slice(0, 300)) edge.append(leaf)
  const before = Buffer.from(edge.root())
  const copy = edge.copy()
  copy.append(leaves[300]!)
  assert.deepEqual(Buffer.from(edge.root()), before)
  assert.notDeepEqual(Buffer.from(copy.root()), before)
})
