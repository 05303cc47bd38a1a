import { open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { KhienError } from '../kit/errors.ts'
import { syncFolder } from '../storage/segments/index.ts'

/** The key of one key backup, under the node's key; null once it is destroyed. */
const RingKey = z.strictObject({
  id: z.string().regex(/^rgk_[0-9A-Z]{26}$/),
  backup: z.string().regex(/^bak_[0-9A-Z]{26}$/),
  madeAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  sealed: z.base64().nullable(),
  destroyedAt: z.iso.datetime().nullable(),
})
export type RingKey = z.output<typeof RingKey>
const Ring = z.strictObject({ format: z.literal(1), node: z.string(), keys: z.array(RingKey).max(100_000) })
export type Ring = z.output<typeof Ring>

const pathOf = (folder: string, role: string): string => join(folder, `ring-${role}.json`)

/** The ring of a node's key backups; undefined when there is none. Errors: `backup/ring`, `backup/other-node`. */
export async function readRing(folder: string, role: string, node: string): Promise<Ring | undefined> {
  const path = pathOf(folder, role)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new KhienError('backup/ring', `The ring file ${path} cannot be read.`, { cause: error })
  }
  const ring = Ring.safeParse(jsonOrNothing(text))
  if (!ring.success)
    throw new KhienError('backup/ring', `The ring file ${path} is damaged; without it no key backup opens.`)
  if (ring.data.node !== node)
    throw new KhienError(
      'backup/other-node',
      `The folder ${folder} holds the key backups of another node (${ring.data.node}); name another folder.`,
      { status: 409 },
    )
  return ring.data
}

/** Adds a key, durably. */
export async function addToRing(folder: string, role: string, node: string, key: RingKey): Promise<void> {
  const ring = (await readRing(folder, role, node)) ?? { format: 1, node, keys: [] }
  await replaceRing(folder, role, { ...ring, keys: [...ring.keys, key] })
}

/** Destroys a key: its bytes are overwritten where they lie, then the ring is put anew without it. Again: no harm. */
export async function destroyInRing(
  folder: string,
  role: string,
  node: string,
  id: string,
  destroyedAt: string,
): Promise<void> {
  const ring = await readRing(folder, role, node)
  if (ring === undefined)
    throw new KhienError('backup/ring', `The ring file is not in ${folder}; put the folder back in its place.`)
  const sealed = ring.keys.find((key) => key.id === id)?.sealed
  if (sealed) await overwriteIn(pathOf(folder, role), sealed)
  const keys = ring.keys.map((key) => (key.id === id ? { ...key, sealed: null, destroyedAt } : key))
  await replaceRing(folder, role, { ...ring, keys })
}

/** Needs no room: on a full disk the key dies all the same, and what follows is tried again. */
async function overwriteIn(path: string, sealed: string): Promise<void> {
  await using file = await open(path, 'r+')
  const at = (await file.readFile()).indexOf(sealed)
  if (at < 0) return
  await file.write(Buffer.alloc(sealed.length, 'A'), 0, sealed.length, at)
  await file.sync()
}

/** The old file is overwritten as well: a freed block would keep the keys that lay in it. */
async function replaceRing(folder: string, role: string, ring: Ring): Promise<void> {
  const path = pathOf(folder, role)
  const old = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  try {
    await using file = await open(`${path}.new`, 'w', 0o600)
    await file.writeFile(`${JSON.stringify(ring, null, 1)}\n`)
    await file.sync()
    await rename(`${path}.new`, path)
    await syncFolder(dirname(path))
    if (old !== undefined) {
      const { size } = await old.stat()
      await old.write(Buffer.alloc(size), 0, size, 0)
      await old.sync()
    }
  } finally {
    await old?.close()
  }
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
