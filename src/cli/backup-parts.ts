import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Role } from '../app/config.ts'
import { obtainKey, openKey } from '../app/node-key.ts'
import { askPassphrase, readPassphrase } from '../app/passphrase.ts'
import { ownKey } from '../app/plan.ts'
import type { KeyBundle } from '../engine/seal/index.ts'
import { StartError } from '../kit/errors.ts'
import { inLanguage } from '../kit/i18n.ts'
import { backupMessages } from './backup-messages.ts'
import { UsageError, type Io } from './verb.ts'

/** The node's keys out of `<folder>/key.json`: a demo's own, or by passphrase from a descriptor or the terminal. */
export async function nodeKey(folder: string, role: Role, fd: number | undefined, io: Io): Promise<KeyBundle> {
  const own = ownKey(folder)
  if (own === 'demo') {
    const bundle = await obtainKey({ folder, key: { from: 'demo' } } as Parameters<typeof obtainKey>[0])
    return bundle!
  }
  if (own === 'none')
    throw new StartError(
      'no-key',
      `There is no key.json in ${folder}; put the node's own there, or name it with --key FILE. It is in no backup.`,
    )
  if (fd !== undefined) return openKey(folder, readPassphrase(fd))
  const { passphrase } = inLanguage(backupMessages, io.language)
  return openKey(folder, await askPassphrase(passphrase(role), { input: io.stdin, output: io.err }))
}

/** Says on stderr what is being done, and how much of it was: a line a part. */
export function progressTo(io: Io): (part: string, bytes: number) => void {
  const { part: names } = inLanguage(backupMessages, io.language)
  let last: string | undefined
  let sum = 0
  let said = 0
  return (part, bytes) => {
    if (part !== last) {
      io.err(`${names[part as keyof typeof names] ?? part} …\n`)
      ;[last, sum, said] = [part, 0, performance.now()]
    }
    sum += bytes
    if (performance.now() - said < 5_000) return
    said = performance.now()
    io.err(`  ${megabytes(sum)} MB\n`)
  }
}

export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
export const seconds = (ms: number): string => (ms / 1_000).toFixed(1)

export function table(io: Io, lines: readonly (readonly [string, string])[]): void {
  const width = Math.max(...lines.map(([label]) => label.length))
  for (const [label, value] of lines) io.out(`  ${label.padEnd(width)}  ${value}\n`)
}

export function readNumber(name: string, text: string | undefined, least: number, most: number, usual: number): number {
  if (text === undefined) return usual
  const value = Number(text)
  if (text.trim() !== '' && value >= least && value <= most) return value
  throw new UsageError(`--${name}: expected ${least}–${most}, got ${JSON.stringify(text)}`)
}

/** Addresses of a node's databases come from the environment alone, as at start. */
export const databases = (io: Io): { databaseUrl: string | undefined; keysDatabaseUrl: string | undefined } => ({
  databaseUrl: io.env['DATABASE_URL'] || undefined,
  keysDatabaseUrl: io.env['KEYS_DATABASE_URL'] || undefined,
})

export function readSmall(path: string, what: string): string {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.length <= 65_536) return text
  } catch {
    throw new StartError('unreadable', `The ${what} ${path} cannot be read.`)
  }
  throw new StartError('unreadable', `The file ${path} is too long to be a ${what}.`)
}

export const dataOf = (folder: string): string => dirname(folder)
