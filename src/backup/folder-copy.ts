import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Packed } from './archive.ts'

const PIECE = 1 << 20
/** What has a part of its own in a backup, lies in none (key.json; lists anyone can fetch), or lives as long as a process. */
const ELSEWHERE = new Set(['log', 'events', 'run', 'key.json', 'breached-passwords.txt'])
const STORE = /^(?:control|keys)\.db(?:-wal|-shm|-journal)?$/
/** Under which name the settings of the node lie beside what is restored. */
export const SETTINGS_FILE = 'settings-at-backup.json'

/** Every other file of a node's folder: the gateway's settings and certificates, kept traffic, what later duties leave. */
export async function* folderFiles(folder: string, under = ''): AsyncGenerator<Packed> {
  for (const entry of await readdir(join(folder, under), { withFileTypes: true })) {
    if (under === '' && (ELSEWHERE.has(entry.name) || STORE.test(entry.name) || entry.name === SETTINGS_FILE)) continue
    const path = under === '' ? entry.name : `${under}/${entry.name}`
    if (entry.isDirectory()) yield* folderFiles(folder, path)
    else if (entry.isFile()) yield* oneFile(folder, path)
  }
}

/** Of a file that grows, what it held when its turn came; one that has gone meanwhile is not there. */
async function* oneFile(folder: string, path: string): AsyncGenerator<Packed> {
  const file = await open(join(folder, path), 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return
  try {
    const { size } = await file.stat()
    async function* content(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < size;) {
        const piece = Buffer.alloc(Math.min(PIECE, size - at))
        const { bytesRead } = await file!.read(piece, 0, piece.length, at)
        // Cut while it was read: what follows is not known any more.
        yield bytesRead === 0 ? piece : piece.subarray(0, bytesRead)
        at += bytesRead === 0 ? piece.length : bytesRead
      }
    }
    yield { path, size, content: content() }
  } finally {
    await file.close()
  }
}
