import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
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

const FLAGS = [
  'data',
  'role',
  'key-fd',
  'new-key-fd',
  'transit',
  'transit-key',
  'token-file',
  'module',
  'token',
  'object',
  'pin-file',
  'out',
  'shares',
  'need',
] as const
type Flags = { readonly [K in (typeof FLAGS)[number]]?: string }
const VERBS = ['init', 'rewrap', 'rotate', 'prune', 'transit', 'pkcs11', 'escrow', 'recover'] as const

export const key: Verb = {
  summary:
    "make a node's key, put it under a new passphrase, rotate it, destroy earlier ones, share it for escrow, or let a Transit engine open it",
  usage: `khien key init   --role ROLE [--data DIR] [--key-fd N]
khien key rewrap --role ROLE [--data DIR] [--key-fd N --new-key-fd M]
khien key rotate --role ROLE [--data DIR] [--key-fd N] [--token-file F | --pin-file F]
khien key prune  --role ROLE [--data DIR] [--key-fd N] [--token-file F | --pin-file F]
khien key transit --role ROLE --transit URL --transit-key NAME --token-file F [--data DIR] [--key-fd N]
khien key pkcs11 --role ROLE --module LIB --token LABEL [--object khien] --pin-file F [--data DIR] [--key-fd N]
khien key escrow --role ROLE --out DIR [--shares 3] [--need 2] [--data DIR] [--key-fd N]
khien key recover SHARE SHARE … --role ROLE [--data DIR] [--new-key-fd M]

  init     make the key of a node: <data>/<role>/key.json, sealed under a passphrase
  rewrap   open key.json with its passphrase and seal it under a new one; the key itself stays
  rotate   add a new key that wraps people's keys; a running node takes it at once and puts every person's key under it
           while it serves (khien_vault_keys_behind in /metrics counts down). Earlier keys stay in the file, because
           backups need them.
  prune    destroy the earlier keys, once a running node has nothing under them. Backups made before the rotation open
           with a copy of the key.json of that time alone; to destroy the keys for good, destroy those copies too
  transit  leave a copy of the key that a Transit engine (Vault, OpenBao) opens, so that the node starts without a person:
           khien start --key-transit TOKENFILE; the token needs nothing but encrypt and decrypt with that one key
  pkcs11   the same through a hardware token: an AES key that cannot be taken out of it (made there when it is not yet)
           opens the copy; khien start --key-pkcs11 PINFILE. Needs pkcs11js, which npm builds: install it where Khiên is
  escrow   write the key as shares into files, each for another keeper; any --need of them recover it, fewer tell nothing
  recover  put the key of such shares under a new passphrase into key.json

The passphrase (${LEAST} characters or more) is asked on the terminal, twice and unseen, or read from an open file
descriptor, never from an argument or the environment: khien key init --role platform --key-fd 3 3< passphrase
Without this passphrase nobody can read the data again. Keep a copy where the data is not.
`,
  async run(args, io) {
    const { flags, words } = readFlags(args, FLAGS)
    const [verb, ...more] = words
    if (!VERBS.some((one) => one === verb) || more.length > 0 !== (verb === 'recover'))
      throw new UsageError(`Say khien key ${VERBS.join('|')}; recover takes the files of shares.`)
    const role = readRole(flags.role)
    const folder = nodeFolder(flags.data, role, io)
    const fd = readFd(flags['key-fd'])
    const newFd = readFd(flags['new-key-fd'])
    if (verb === 'rotate') return await rotate(folder, fd, flags, io)
    if (verb === 'prune') return await prune(folder, fd, flags, io)
    if (verb === 'pkcs11') return await pkcs11(folder, fd, flags, io)
    if (verb === 'transit') return await transit(folder, fd, flags, io)
    if (verb === 'escrow') return await escrow(folder, fd, { ...flags, role }, io)
    if (verb === 'recover') return await recover(folder, more, newFd, io)
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
  const was = readFileSync(path, 'utf8')
  const bundle = await openBundle(was, old)
  const passphrase = await newPassphrase(newFd, io)
  writeDurably(path, await sealBundle(bundle, passphrase, { entropy: systemEntropy }), was)
  io.out(`The key ${bundle.kekId} is under the new passphrase. Copies of the old file still open with the old one.\n`)
  return 0
}

/** The node's own key, opened by its passphrase. Errors: `no-key`, `demo-key`, `seal/…`. */
async function openOwn(folder: string, fd: number | undefined, io: Io) {
  const path = join(folder, 'key.json')
  if (!existsSync(path)) throw new StartError('no-key', `There is no key in ${path}; khien key init makes one.`)
  if (ownKey(folder) === 'demo')
    throw new StartError('demo-key', `${path} is a demo key; it guards nothing that is worth this.`)
  const { openBundle } = await import('../engine/seal/index.ts')
  const passphrase = fd === undefined ? await ask('Passphrase: ', io) : readPassphrase(fd)
  const was = readFileSync(path, 'utf8')
  return { path, was, passphrase, bundle: await openBundle(was, passphrase) }
}

async function rotate(folder: string, fd: number | undefined, flags: Flags, io: Io): Promise<number> {
  const { rotateBundle } = await import('../engine/seal/index.ts')
  const copyOf = await copiesToMake(folder, flags)
  const own = await openOwn(folder, fd, io)
  const bundle = rotateBundle(own.bundle, { entropy: systemEntropy, now: Date.now() })
  await writeBundle(own, bundle, copyOf)
  io.out(`The key ${bundle.rotated!.at(-1)!.id} wraps from now on. Copy ${own.path} to where you keep its copies.\n`)
  io.out('Shares in escrow from before do not hold it: make new ones if there are any.\n')
  try {
    await askNode(folder, '/key/rotated', { passphrase: own.passphrase })
    io.out('The running node has taken it and is putting every key under it.\n')
  } catch (error) {
    if (!(error instanceof StartError) || (error.code !== 'node-absent' && error.code !== 'sealed')) throw error
    io.out('No node is serving on this folder; it takes the new key when it starts.\n')
  }
  return 0
}

async function prune(folder: string, fd: number | undefined, flags: Flags, io: Io): Promise<number> {
  const copyOf = await copiesToMake(folder, flags)
  const own = await openOwn(folder, fd, io)
  const rotated = own.bundle.rotated ?? []
  const newest = rotated.at(-1)
  if (newest === undefined) {
    io.out('The key was never rotated: there is none before it.\n')
    return 0
  }
  const { key: used } = await askNode(folder, '/key/retire', {})
  if (used !== newest.id)
    throw new StartError(
      'key/behind',
      `The node wraps with ${String(used)} and not with ${newest.id}, the newest in ${own.path}; nothing was destroyed.`,
    )
  // The first key's name stays: it is the node's name inside every sealed value. Its bytes are no key of anything now.
  await writeBundle(own, { ...own.bundle, kek: systemEntropy(32), rotated: [newest] }, copyOf)
  io.out(
    `${own.path} holds ${newest.id} alone; ${rotated.length} earlier ${rotated.length === 1 ? 'key is' : 'keys are'} gone from it.\n`,
  )
  io.out(
    'Copies of the file from before still hold them: destroy those, and make new shares if there are any in escrow.\n',
  )
  io.out('The running node forgets them when it ends.\n')
  return 0
}

type CopyMaker = (bundle: Bundle) => Promise<readonly Copy[]>

/** What else holds the key and has to be made anew with it. */
async function copiesToMake(folder: string, flags: Flags): Promise<CopyMaker> {
  const { readToken, readTransit } = await import('../app/key-copies.ts')
  const [byTransit, byToken] = [readTransit(folder), readToken(folder)]
  const { 'token-file': tokenFile, 'pin-file': pinFile } = flags
  if (byTransit !== undefined && tokenFile === undefined)
    throw new UsageError('A Transit engine opens this node: give --token-file too, so that its copy is made anew.')
  if (byToken !== undefined && pinFile === undefined)
    throw new UsageError('A PKCS#11 token opens this node: give --pin-file too, so that its copy is made anew.')
  return async (bundle) => {
    const copies: Copy[] = []
    if (byTransit !== undefined)
      copies.push(await transitCopy(folder, bundle, { ...byTransit, token: readPassphrase(tokenFile!) }))
    if (byToken !== undefined)
      copies.push(await tokenCopy(folder, bundle, { ...byToken, pin: readPassphrase(pinFile!) }))
    return copies
  }
}

async function writeBundle(own: Own, bundle: Bundle, copyOf: CopyMaker): Promise<void> {
  const { sealBundle } = await import('../engine/seal/index.ts')
  const copies = await copyOf(bundle)
  // key.json first: a key that a copy alone knows would wrap people's keys and be lost with the next copy.
  writeDurably(own.path, await sealBundle(bundle, own.passphrase, { entropy: systemEntropy }), own.was)
  for (const { path, text } of copies) writeDurably(path, text)
}

type Own = Awaited<ReturnType<typeof openOwn>>
type Bundle = Own['bundle']
/** A copy of the key as it is to be written. */
type Copy = { readonly path: string; readonly text: string }

async function transitCopy(
  folder: string,
  bundle: Bundle,
  at: { readonly address: string; readonly key: string; readonly token: string },
): Promise<Copy> {
  const { sealCopy, TRANSIT_FILE } = await import('../app/key-copies.ts')
  const { openTransit } = await import('../app/key-transit.ts')
  const engine = openTransit(at)
  const { secret, sealed } = await sealCopy(bundle, systemEntropy)
  const ciphertext = await engine.encrypt(secret)
  // An engine that encrypts and does not decrypt would be found out at the next start.
  if (!Buffer.from(await engine.decrypt(ciphertext)).equals(secret))
    throw new StartError('key/transit', 'The Transit engine gives back something else than it was given.')
  const path = join(folder, TRANSIT_FILE)
  const copy = { khien: 'key/transit', address: at.address, key: at.key, ciphertext, sealed }
  return { path, text: `${JSON.stringify(copy, null, 2)}\n` }
}

async function transit(folder: string, fd: number | undefined, flags: Flags, io: Io): Promise<number> {
  const { transit: address, 'transit-key': name, 'token-file': tokenFile } = flags
  if (!address || !name || !tokenFile)
    throw new UsageError('khien key transit needs --transit, --transit-key and --token-file.')
  if (!URL.canParse(address)) throw new UsageError('--transit: expected an address such as https://bao.example:8200')
  if (!/^[\w.-]{1,128}$/.test(name)) throw new UsageError('--transit-key: expected the name of a Transit key.')
  const { bundle } = await openOwn(folder, fd, io)
  const { path, text } = await transitCopy(folder, bundle, { address, key: name, token: readPassphrase(tokenFile) })
  writeDurably(path, text)
  io.out(`${path} opens with the Transit key ${name}: start the node with --key-transit TOKENFILE.\n`)
  io.out('Whoever may decrypt with that key and read this folder can open the node.\n')
  return 0
}

type TokenPlace = { readonly module: string; readonly token: string; readonly object: string; readonly pin: string }

async function tokenCopy(folder: string, bundle: Bundle, at: TokenPlace): Promise<Copy> {
  const { sealCopy, TOKEN_FILE } = await import('../app/key-copies.ts')
  const { openToken } = await import('../app/key-pkcs11.ts')
  using token = openToken(at)
  if (!token.has()) token.make()
  const { secret, sealed } = await sealCopy(bundle, systemEntropy)
  const ciphertext = token.encrypt(secret)
  if (!Buffer.from(token.decrypt(ciphertext)).equals(secret))
    throw new StartError('key/pkcs11', 'The token gives back something else than it was given.')
  const path = join(folder, TOKEN_FILE)
  const { module, token: label, object } = at
  const copy = { khien: 'key/pkcs11', module, token: label, object, ciphertext, sealed }
  return { path, text: `${JSON.stringify(copy, null, 2)}\n` }
}

async function pkcs11(folder: string, fd: number | undefined, flags: Flags, io: Io): Promise<number> {
  const { module, token, object = 'khien', 'pin-file': pinFile } = flags
  if (!module || !token || !pinFile) throw new UsageError('khien key pkcs11 needs --module, --token and --pin-file.')
  const { bundle } = await openOwn(folder, fd, io)
  const { path, text } = await tokenCopy(folder, bundle, { module, token, object, pin: readPassphrase(pinFile) })
  writeDurably(path, text)
  io.out(`${path} opens with the key ${object} of the token ${token}: start the node with --key-pkcs11 PINFILE.\n`)
  return 0
}

const SHARE = 'khien/key-share/v1'

type EscrowFlags = Flags & { readonly role: string }

async function escrow(folder: string, fd: number | undefined, flags: EscrowFlags, io: Io): Promise<number> {
  const [count, need] = [flags.shares ?? '3', flags.need ?? '2'].map(Number) as [number, number]
  if (!Number.isInteger(count) || !Number.isInteger(need) || need < 2 || need > count || count > 20)
    throw new UsageError('--shares and --need: expected whole numbers, 2 ≤ need ≤ shares ≤ 20.')
  if (flags.out === undefined) throw new UsageError('Say where the shares go with --out DIR.')
  const { bundle } = await openOwn(folder, fd, io)
  const { sealCopy } = await import('../app/key-copies.ts')
  const { splitSecret } = await import('../engine/seal/index.ts')
  const { secret, sealed } = await sealCopy(bundle, systemEntropy)
  const set = Buffer.from(systemEntropy(6)).toString('hex')
  const about = { khien: SHARE, node: flags.role, made: new Date().toISOString(), key: bundle.kekId }
  for (const { place, bytes } of splitSecret(secret, { count, need, entropy: systemEntropy })) {
    // What a person sees in an envelope: whose key, which share; the last six signs say which were made together.
    const path = join(flags.out, `khien-${flags.role}-share-${place}-of-${count}-${set.slice(0, 6)}.json`)
    if (existsSync(path)) throw new StartError('key-exists', `${path} is already there; nothing is overwritten.`)
    const share = Buffer.from(bytes).toString('base64')
    writeDurably(path, `${JSON.stringify({ ...about, set, place, count, need, share, sealed }, null, 2)}\n`)
    io.out(`${path}\n`)
  }
  io.out(
    `Give each file to another keeper and leave none here. Any ${need} of them recover the key; fewer tell nothing.\n`,
  )
  return 0
}

type ShareFile = {
  khien: string
  key: string
  set: string
  place: number
  count: number
  need: number
  share: string
  sealed: string
}

function readShare(path: string): ShareFile {
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as Partial<ShareFile> | null
    const { khien, key: id, set, place, need, share, sealed } = read ?? {}
    const sound = khien === SHARE && [id, set, share, sealed].every((one) => typeof one === 'string')
    const whole = Number.isInteger(place) && place! >= 1 && place! <= 255 && Number.isInteger(need) && need! >= 2
    if (sound && whole) return read as ShareFile
  } catch {
    // Said below in the same words.
  }
  throw new StartError('key/share', `${path} is not a share of a key.`)
}

async function recover(folder: string, files: readonly string[], newFd: number | undefined, io: Io): Promise<number> {
  const path = join(folder, 'key.json')
  if (existsSync(path))
    throw new StartError('key-exists', `${path} is already there; a key is never overwritten. Move it aside first.`)
  const given = files.map(readShare)
  const shares = [...new Map(given.map((one) => [one.place, one])).values()]
  const [first] = given
  if (given.some((one) => one.set !== first!.set || one.sealed !== first!.sealed || one.need !== first!.need))
    throw new StartError('key/share', 'These shares were not made together.')
  if (shares.length < first!.need)
    throw new StartError('key/share', `${first!.need} different shares are needed, ${shares.length} were given.`)
  const { openCopy } = await import('../app/key-copies.ts')
  const { joinShares, sealBundle } = await import('../engine/seal/index.ts')
  const secret = joinShares(
    shares
      .slice(0, first!.need)
      .map(({ place, share }) => ({ place, bytes: Uint8Array.from(Buffer.from(share, 'base64')) })),
  )
  const bundle = await openCopy(first!.sealed, secret)
  const passphrase = await newPassphrase(newFd, io)
  writeDurably(path, await sealBundle(bundle, passphrase, { entropy: systemEntropy }))
  io.out(`The key ${bundle.kekId} is in ${path} under the new passphrase. Make new shares: these have been together.\n`)
  return 0
}

const changed = (path: string): StartError =>
  new StartError('key/changed', `${path} is being changed by somebody else; nothing was written, begin again.`)

function openAlone(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? changed(path.slice(0, -'.new'.length)) : error
  }
}

/** What a crash left: writing takes milliseconds. */
function leaveStale(path: string): void {
  const left = statSync(path, { throwIfNoEntry: false })
  if (left && Date.now() - left.mtimeMs > 60_000) unlinkSync(path)
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

/**
 * Complete and on the disk under its name, or not there at all; readable by its owner alone. With `was`, only over that
 * very text: a key added by somebody else since it was read would be lost, and all that lies under it (`key/changed`).
 */
function writeDurably(path: string, text: string, was?: string): void {
  makeFolder(dirname(path))
  const beside = `${path}.new`
  if (was !== undefined) leaveStale(beside)
  const fd = was === undefined ? openSync(beside, 'w', 0o600) : openAlone(beside)
  try {
    writeFileSync(fd, text)
    fsyncSync(fd)
    // Whoever writes it too needs the same name beside it, so nothing changes between this look and the renaming.
    if (was !== undefined && readFileSync(path, 'utf8') !== was) throw changed(path)
  } catch (error) {
    unlinkSync(beside)
    throw error
  } finally {
    closeSync(fd)
  }
  renameSync(beside, path)
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
