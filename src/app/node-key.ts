import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkBundle, newKeyBundle, openBundle, sealBundle, SealError, type KeyBundle } from '../engine/seal/index.ts'
import { StartError } from '../kit/errors.ts'
import { systemEntropy } from '../kit/ids.ts'
import type { NodeConfig } from './config.ts'
import { openByToken, openByTransit } from './key-copies.ts'
import { askPassphrase, readPassphrase } from './passphrase.ts'

/** Everybody knows it: a demo key guards nothing, and the file says so. */
const DEMO_PASSPHRASE = 'khien demo key, guards nothing'
const TRIES = 3

/** The node's keys, or undefined when it must start sealed. A wrong passphrase is a StartError, but for a prompt. */
export async function obtainKey(config: NodeConfig): Promise<KeyBundle | undefined> {
  const source = config.key
  if (source.from === 'demo') return demoKey(config.folder)
  if (source.from === 'fd') return openKey(config.folder, readPassphrase(source.fd))
  if (source.from === 'pkcs11') return openByToken(config.folder, readPassphrase(source.path))
  if (source.from === 'transit') return openByTransit(config.folder, readPassphrase(source.path))
  if (source.from === 'credential') return openKey(config.folder, readPassphrase(source.path))
  // A file that no passphrase opens is said now, not when somebody comes to unseal.
  readable(config.folder, checkBundle)
  if (source.from === 'sealed') return undefined
  for (let tries = 1; tries <= TRIES; tries++) {
    const terminal = { input: process.stdin, output: (text: string) => void process.stderr.write(text) }
    const passphrase = await askPassphrase(`Passphrase of the ${config.role} node: `, terminal)
    try {
      return await openKey(config.folder, passphrase)
    } catch (error) {
      if (!(error instanceof StartError) || error.code !== 'seal/wrong-passphrase') throw error
      process.stderr.write(`${error.message}\n`)
    }
  }
  return undefined
}

/** Opens `<folder>/key.json`. Errors: `no-key`, `seal/wrong-passphrase`, `seal/corrupt`, `seal/newer-format`. */
export const openKey = async (folder: string, passphrase: string): Promise<KeyBundle> =>
  readable(folder, (text) => openBundle(text, passphrase))

/** Reads the key file and says what is wrong with it as a sentence for the person at the terminal. */
function readable<T>(folder: string, read: (text: string) => T): T {
  const path = join(folder, 'key.json')
  if (!existsSync(path))
    throw new StartError('no-key', `There is no key in ${path}; ./bin/khien.js key init makes one.`, { status: 409 })
  const said = (cause: unknown): unknown =>
    cause instanceof SealError
      ? new StartError(cause.code, `${cause.message} (${path})`, { status: 403, cause })
      : cause
  try {
    const result = read(readFileSync(path, 'utf8'))
    if (result instanceof Promise)
      return result.catch((cause: unknown) => {
        throw said(cause)
      }) as T
    return result
  } catch (cause) {
    throw said(cause)
  }
}

async function demoKey(folder: string): Promise<KeyBundle> {
  const path = join(folder, 'key.json')
  if (existsSync(path)) return openKey(folder, DEMO_PASSPHRASE)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const bundle = newKeyBundle({ entropy: systemEntropy, now: Date.now() })
  // Cheap on purpose: the passphrase is public, and a demo should start at once.
  const text = await sealBundle(bundle, DEMO_PASSPHRASE, {
    entropy: systemEntropy,
    cost: { memory: 64, passes: 1, parallelism: 1 },
  })
  writeFileSync(path, `${JSON.stringify({ demo: true, ...(JSON.parse(text) as object) }, null, 2)}\n`, {
    mode: 0o600,
    flush: true,
  })
  return bundle
}
