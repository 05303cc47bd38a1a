import { existsSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { claimFolder } from '../preflight.ts'

/**
 * Holds the data folder a node is put back into, as `claimFolder` does. Unless `keep` is called, whatever was made there
 * for it goes again: files and empty folders that were not there before, and nothing else. Errors: those of `claimFolder`.
 */
export function claimPlace(data: string, folder: string): Disposable & { keep(): void } {
  const files = [join(data, 'format'), join(data, 'lock.db')].filter((path) => !existsSync(path))
  const above = [...upwards(data)].filter((path) => !existsSync(path))
  const own = existsSync(folder) ? [] : [folder]
  let held: Disposable
  try {
    held = claimFolder(data)
  } catch (error) {
    above.forEach(goIfEmpty)
    throw error
  }
  let kept = false
  return {
    keep: () => void (kept = true),
    [Symbol.dispose]() {
      if (!kept) {
        own.forEach(goIfEmpty)
        // Still held: whoever comes now makes files of their own.
        for (const path of files) rmSync(path, { force: true })
      }
      held[Symbol.dispose]()
      if (!kept) above.forEach(goIfEmpty)
    },
  }
}

function* upwards(path: string): Generator<string> {
  yield path
  if (dirname(path) !== path) yield* upwards(dirname(path))
}

function goIfEmpty(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // Never made, or no longer ours alone.
  }
}
