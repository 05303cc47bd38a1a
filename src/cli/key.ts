import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { askPassphrase, readPassphrase } from '../app/passphrase.ts'
import { ownKey } from '../app/plan.ts'
import { makeFolder } from '../app/preflight.ts'
import { StartError } from '../kit/errors.ts'
import { systemEntropy } from '../kit/ids.ts'
import { readFd, readFlags, readRole } from './flags.ts'
import { nodeFolder } from './node-folder.ts'
import { askNode } from './node-socket.ts'
import { UsageError, type Io, type Verb } from './verb.ts'

/** NIST SP 800-63B asks for 15 where nothing else guards; a key file can be tried offline. */
const LEAST = 15

export const key: Verb = {
  summary: "make a node's key, put it under a new passphrase, or rotate it",
  usage: `khien key init   --role ROLE [--data DIR] [--key-fd N]
khien key rewrap --role ROLE [--data DIR] [--key-fd N --new-key-fd M]
khien key rotate --role ROLE [--data DIR] [--key-fd N]

  init     make the key of a node: <data>/<role>/key.json, sealed under a passphrase
  rewrap   open key.json with its passphrase and seal it under a new one; the key itself stays
  rotate   add a new key that wraps people's keys; a running node takes it at once and puts every person's key under it
           while it serves (khien_vault_keys_behind in /metrics counts down). Earlier keys stay in the file, because
           backups need them.

The passphrase (${LEAST} characters or more) is asked on the terminal, twice and unseen, or read from an open file
descriptor, never from an argument or the environment: khien key init --role platform --key-fd 3 3< passphrase
Without this passphrase nobody can read the data again. Keep a copy where the data is not.
`,
  async run(args, io) {
    const { flags, words } = readFlags(args, ['data', 'role', 'key-fd', 'new-key-fd'])
    const [verb, ...more] = words
    if ((verb !== 'init' && verb !== 'rewrap' && verb !== 'rotate') || more.length > 0)
      throw new UsageError('Say khien key init, khien key rewrap or khien key rotate.')
    const folder = nodeFolder(flags.data, readRole(flags.role), io)
    const fd = readFd(flags['key-fd'])
    const newFd = readFd(flags['new-key-fd'])
    if (verb === 'rotate') return await rotate(folder, fd, io)
    return verb === 'init' ? await init(folder, fd, io) : await rewrap(folder, fd, newFd, io)
  },
}

async function init(folder: string, fd: number | undefined, io: Io): Promise<number> {
  const path = join(folder, 'key.json')
  if (ownKey(folder) === 'demo')
    throw new StartError(
      'key-exists',
      `${path} is a demo key with demo data under it; choose a new folder with --data.`,
    )
  if (existsSync(path)) throw new StartError('key-exists', `${path} is already there; a key is never overwritten.`)
  const { newKeyBundle, sealBundle } = await import('../engine/seal/index.ts')
  const passphrase = await newPassphrase(fd, io)
  const bundle = newKeyBundle({ entropy: systemEntropy, now: Date.now() })
  writeDurably(path, await sealBundle(bundle, passphrase, { entropy: systemEntropy }))
  io.out(`The key ${bundle.kekId} is in ${path}.\n`)
  io.out('Without its passphrase nobody can read the data again: keep a copy where the data is not.\n')
  return 0
}

async function rewrap(folder: string, fd: number | undefined, newFd: number | undefined, io: Io): Promise<number> {
  const path = join(folder, 'key.json')
  if (!existsSync(path)) throw new StartError('no-key', `There is no key in ${path}; khien key init makes one.`)
  if ((fd === undefined) !== (newFd === undefined))
    throw new UsageError('Give both --key-fd and --new-key-fd, or neither.')
  const { openBundle, sealBundle } = await import('../engine/seal/index.ts')
  const old = fd === undefined ? await ask('Passphrase now: ', io) : readPassphrase(fd)
  const bundle = await openBundle(readFileSync(path, 'utf8'), old)
  const passphrase = await newPassphrase(newFd, io)
  writeDurably(path, await sealBundle(bundle, passphrase, { entropy: systemEntropy }))
  io.out(`The key ${bundle.kekId} is under the new passphrase. Copies of the old file still open with the old one.\n`)
  return 0
}

async function rotate(folder: string, fd: number | undefined, io: Io): Promise<number> {
  const path = join(folder, 'key.json')
  if (!existsSync(path)) throw new StartError('no-key', `There is no key in ${path}; khien key init makes one.`)
  if (ownKey(folder) === 'demo')
    throw new StartError('demo-key', `${path} is a demo key; it guards nothing that a new one could.`)
  const { openBundle, rotateBundle, sealBundle } = await import('../engine/seal/index.ts')
  const passphrase = fd === undefined ? await ask('Passphrase: ', io) : readPassphrase(fd)
  const bundle = rotateBundle(await openBundle(readFileSync(path, 'utf8'), passphrase), {
    entropy: systemEntropy,
    now: Date.now(),
  })
  writeDurably(path, await sealBundle(bundle, passphrase, { entropy: systemEntropy }))
  io.out(`The key ${bundle.rotated!.at(-1)!.id} wraps from now on. Copy ${path} to where you keep its copies.\n`)
  try {
    await askNode(folder, '/key/rotated', { passphrase })
    io.out('The running node has taken it and is putting every key under it.\n')
  } catch (error) {
    if (!(error instanceof StartError) || (error.code !== 'node-absent' && error.code !== 'sealed')) throw error
    io.out('No node is serving on this folder; it takes the new key when it starts.\n')
  }
  return 0
}

const ask = (question: string, io: Io): Promise<string> => askPassphrase(question, { input: io.stdin, output: io.err })

async function newPassphrase(fd: number | undefined, io: Io): Promise<string> {
  const passphrase = fd === undefined ? await ask('New passphrase: ', io) : readPassphrase(fd)
  if ([...passphrase].length < LEAST)
    throw new StartError('passphrase-short', `The passphrase needs ${LEAST} characters or more.`)
  if (fd === undefined && (await ask('Once more: ', io)) !== passphrase)
    throw new StartError('passphrase-differs', 'The two passphrases differ; nothing was written.')
  return passphrase
}

/** Complete and on the disk under its name, or not there at all; readable by its owner alone. */
function writeDurably(path: string, text: string): void {
  makeFolder(dirname(path))
  const beside = `${path}.new`
  const fd = openSync(beside, 'w', 0o600)
  writeSync(fd, text)
  fsyncSync(fd)
  closeSync(fd)
  renameSync(beside, path)
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
