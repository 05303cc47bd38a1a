import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sameBytes } from '../engine/bytes/join.ts'
import { type ReadTile, TILE_WIDTH, tilePath } from '../engine/tlog/index.ts'
import { StartError } from '../kit/errors.ts'

/** The log's files contradict themselves, the store or an earlier state: nothing more may be written. */
export const altered = (detail: string): StartError => new StartError('audit/log-altered', detail)

export type LogFiles = {
  /** The bytes of a file, undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Writes a file that never changes. One that is there already with other bytes is `audit/log-altered`. */
  keep(path: string, bytes: Uint8Array): Promise<void>
  /** Puts new bytes in the place of old ones at once. */
  replace(path: string, bytes: Uint8Array): Promise<void>
  /** Returns when every file and directory touched so far would outlive a power cut. */
  settle(): Promise<void>
  remove(path: string): Promise<void>
}

/** Files under one folder, written as temporary + fsync + rename, so that no file is ever seen half-written. */
export async function logFiles(folder: string): Promise<LogFiles> {
  const temporary = join(folder, 'tmp')
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { recursive: true })
  const touched = new Set<string>([dirname(folder), folder])
  // Directories whose own entry is safe already; the others' ancestors are settled along with them.
  const safe = new Set<string>()
  let count = 0
  const touch = async (directory: string): Promise<void> => {
    touched.add(directory)
    if (safe.has(directory)) return
    await mkdir(directory, { recursive: true })
    for (let at = directory; at.startsWith(folder); at = dirname(at)) touched.add(at)
    safe.add(directory)
  }
  const put = async (path: string, bytes: Uint8Array): Promise<void> => {
    const name = join(temporary, String(++count))
    const file = await open(name, 'wx', 0o644)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await touch(dirname(path))
    await rename(name, path)
  }
  return {
    read: (path) => readIfThere(join(folder, path)),
    async keep(path, bytes) {
      const target = join(folder, path)
      const there = await readIfThere(target)
      if (there === undefined) return put(target, bytes)
      if (!sameBytes(there, bytes)) throw altered(`The log file ${path} does not hold what was recorded.`)
      // Perhaps renamed just before a crash: its directory is not known to be settled.
      await touch(dirname(target))
    },
    replace: (path, bytes) => put(join(folder, path), bytes),
    async settle() {
      const directories = [...touched]
      touched.clear()
      await Promise.all(directories.map(syncDirectory))
    },
    remove: (path) => {
      safe.delete(join(folder, path))
      return rm(join(folder, path), { recursive: true, force: true })
    },
  }
}

/** Reads tiles; a full tile stands in for a partial one that was cleared away. */
export function tileReader(read: LogFiles['read']): ReadTile {
  return async (tile) => {
    const bytes = (await read(tilePath(tile))) ?? (await read(tilePath({ ...tile, width: TILE_WIDTH })))
    if (bytes === undefined) throw altered(`The log file ${tilePath(tile)} is missing.`)
    return bytes
  }
}

export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
