import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from '../../../kit/errors.ts'
import type { Entropy } from '../../../kit/ids.ts'

/** The secret that signs checks: one for all workers of a folder, made by the first; without a folder, one for this worker's life. */
export async function challengeSecret(folder: string | undefined, entropy: Entropy): Promise<Uint8Array> {
  if (folder === undefined) return entropy(32)
  const path = join(folder, 'check.key')
  const fresh = `${path}.${process.pid}`
  await writeFile(fresh, entropy(32), { mode: 0o600, flush: true })
  try {
    // Whole or not at all, and the first one counts.
    await link(fresh, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(fresh, { force: true })
  }
  const secret = await readFile(path)
  if (secret.length === 32) return secret
  throw new StartError('gateway/check-key', `${path} is not a key of 32 bytes; remove it and start again.`)
}
