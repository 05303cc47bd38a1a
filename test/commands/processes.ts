import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export const root = join(import.meta.dirname, '..', '..')
export const dummy = join(import.meta.dirname, 'fixtures', 'dummy.ts')
export const flags = ['--disable-sigusr1', '--disable-warning=ExperimentalWarning']

/** A folder that goes with the test. */
export function temporary(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'khien-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // A zombie is dead already; only its parent has not looked yet.
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return process.platform !== 'linux'
  }
}

/** Looks every 20 ms until it holds; throws with `what` when it never does. */
export async function until(what: string, holds: () => boolean, limit = 45_000): Promise<void> {
  const end = Date.now() + limit
  while (!holds()) {
    if (Date.now() > end) throw new Error(`never came true: ${what}`)
    await wait(20)
  }
}

export const pidIn = (file: string): number => {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return 0
  }
}
