import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { readerFor } from './shapes.ts'
import type { Tally } from './tally.ts'
import { linesOf } from './windows.ts'

const PROBE = 8_192
const SKIPPED_FOLDERS = new Set(['node_modules', '.git', '.hg', '.svn'])

export type Progress = (bytes: number, place: string) => void
export type Skipped = { readonly place: string; readonly why: 'binary' | 'unreadable' | 'not-a-file' }

/** Looks through files and folders: logs, dumps, CSV, JSON lines, plain or gzipped. What is no text is named, not guessed at. */
export async function scanFiles(paths: readonly string[], tally: Tally, progress: Progress): Promise<Skipped[]> {
  const skipped: Skipped[] = []
  for (const path of paths) await scanPath(path, tally, progress, skipped)
  return skipped
}

async function scanPath(path: string, tally: Tally, progress: Progress, skipped: Skipped[]): Promise<void> {
  try {
    const what = await stat(path)
    if (what.isDirectory()) {
      const entries = await readdir(path, { withFileTypes: true })
      for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
        // A link may lead anywhere, also back here.
        if (!entry.isSymbolicLink() && !(entry.isDirectory() && SKIPPED_FOLDERS.has(entry.name)))
          await scanPath(join(path, entry.name), tally, progress, skipped)
    } else if (!what.isFile()) skipped.push({ place: path, why: 'not-a-file' })
    else await scanFile(path, tally, progress, skipped)
  } catch {
    skipped.push({ place: path, why: 'unreadable' })
  }
}

async function scanFile(path: string, tally: Tally, progress: Progress, skipped: Skipped[]): Promise<void> {
  const zipped = path.endsWith('.gz')
  if (!zipped && (await isBinary(path))) {
    skipped.push({ place: path, why: 'binary' })
    return
  }
  const file = createReadStream(path)
  const stream = zipped ? file.pipe(createGunzip()) : file
  file.on('error', (error) => stream.destroy(error))
  const name = zipped ? path.slice(0, -3) : path
  const reader = readerFor(name)
  const placed = (place: string): string => (place === '' ? path : `${path}: ${place}`)
  const lines = linesOf({
    line: (line) => reader.line(line, (place, text, about) => void tally.look(placed(place), text, about)),
    long: (head) => tally.parts(placed(reader.place(head))),
  })
  stream.setEncoding('utf8')
  for await (const part of stream) {
    lines.push(part as string)
    progress(file.bytesRead, path)
  }
  lines.end()
}

/** A zero byte, or much that no text has, near the beginning. */
async function isBinary(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PROBE), 0, PROBE, 0)
    return buffer.subarray(0, bytesRead).includes(0)
  } finally {
    await file.close()
  }
}
