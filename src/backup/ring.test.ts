import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { addToRing, destroyInRing, readRing, type RingKey } from './ring.ts'

const at = '2026-11-22T00:00:00.000Z'
const key = (n: number): RingKey => ({
  id: `rgk_${String(n).padStart(26, '0')}`,
  backup: `bak_${String(n).padStart(26, '0')}`,
  madeAt: at,
  expiresAt: at,
  sealed: Buffer.alloc(62, n).toString('base64'),
  destroyedAt: null,
})
const filled = async (): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'khien-ring-'))
  for (const n of [1, 2, 3]) await addToRing(folder, 'platform', 'node-a', key(n))
  return folder
}

test('a key goes into the ring and out of it, the others stay', async () => {
  const folder = await filled()
  await destroyInRing(folder, 'platform', 'node-a', key(2).id, at)
  const ring = (await readRing(folder, 'platform', 'node-a'))!
  assert.deepEqual(
    ring.keys.map(({ sealed }) => sealed),
    [key(1).sealed, null, key(3).sealed],
  )
  await destroyInRing(folder, 'platform', 'node-a', key(2).id, at)
  assert.equal((await readRing(folder, 'platform', 'node-a'))!.keys.length, 3)
})

test('a disk that takes no new file does not keep a key alive', async () => {
  const folder = await filled()
  // Where the new ring would be written lies a folder: the swap cannot be done.
  mkdirSync(join(folder, 'ring-platform.json.new'))
  await assert.rejects(destroyInRing(folder, 'platform', 'node-a', key(2).id, at), { code: 'EISDIR' })
  const text = readFileSync(join(folder, 'ring-platform.json'), 'utf8')
  assert.equal(text.includes(key(2).sealed!), false)
  assert.ok(text.includes(key(1).sealed!) && text.includes(key(3).sealed!))
})

test('the ring of another node, and of none', async () => {
  const folder = await filled()
  await assert.rejects(readRing(folder, 'platform', 'node-b'), { code: 'backup/other-node' })
  await assert.rejects(addToRing(folder, 'platform', 'node-b', key(4)), { code: 'backup/other-node' })
  assert.equal(await readRing(folder, 'telecom', 'node-b'), undefined)
  await assert.rejects(destroyInRing(folder, 'telecom', 'node-b', key(1).id, at), { code: 'backup/ring' })
})
