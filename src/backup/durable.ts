import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '../storage/segments/index.ts'

/** New content in the place of old at once, on the disk when it resolves. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const next = `${path}.new`
  await using file = await open(next, 'w', 0o600)
  await file.writeFile(content)
  await file.sync()
  await rename(next, path)
  await syncFolder(dirname(path))
}
