import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { compileRules, SecLangError, type Plan } from '../engine/waf/index.ts'
import { StartError } from '../kit/errors.ts'
import { fetchBounded, readTarGz, spaced, verifyDetached, type Signed } from '../release/index.ts'
import type { Installed } from './rules-installed.ts'
import { isOwn, readRelease, type CrsRelease } from './rules-release.ts'
import type { Io } from './verb.ts'

/** The Core Rule Set project's key, as https://coreruleset.org publishes it. */
export const CRS_KEY = '36006F0E0BA167832158821138EEACA1AB8A6E72'

export type InstallOptions = {
  readonly from: string
  readonly signature?: string
  readonly key?: string
  readonly sha256?: string
  /** Fingerprint of a key to believe instead of the project's. */
  readonly trust?: string
  readonly unsigned: boolean
}

const ARCHIVE = { bytes: 33_554_432, milliseconds: 120_000 }
const SMALL = { bytes: 1_048_576, milliseconds: 20_000 }

/** Fetches, checks, compiles, and only then installs a release. Throws `KhienError` saying what is wrong; then nothing has changed. */
export async function installCrs(options: InstallOptions, installed: Installed, io: Io): Promise<void> {
  const archive = await read(options.from, ARCHIVE)
  if (archive === undefined) throw unreadable(options.from)
  const digest = await checkSum(archive, options)
  const signed = await checkSignature(archive, options, installed, io)
  const release = readRelease(readTarGz(archive))
  const before = installed.current()
  const known = installed.release(release.version)
  if (known !== undefined) {
    if (known.archive !== digest)
      throw new StartError(
        'rules/installed',
        `CRS ${release.version} is installed already, from another archive: khien rules remove crs ${release.version} first.`,
      )
    if (before !== release.version) compile(installed.files(release.version), installed.folderOf(release.version), io)
    installed.use(release.version)
    io.err(`CRS ${release.version} was installed already; it is the current release.\n`)
    return
  }
  const carried = carryOver(installed, before, release)
  const files = new Map([...baseOf(io.root), ...release.files, ...carried.files])
  const plan = compile(files, release.version, io)
  const hashes = [...baseOf(io.root), ...release.files].map(([name, bytes]) => [name, sha256(bytes)] as const)
  installed.add(
    {
      version: release.version,
      installedAt: new Date().toISOString(),
      archive: digest,
      signedBy: signed === undefined ? null : spaced(signed.fingerprint),
      signedAt: signed === undefined ? null : new Date(signed.signedAt).toISOString(),
      files: Object.fromEntries(hashes),
    },
    files,
  )
  if (signed !== undefined && options.key !== undefined) installed.keepKey((await read(options.key, SMALL))!)
  tell(release.version, before, plan, carried, installed.folderOf(release.version), io)
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const isUrl = (from: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(from)

async function read(from: string, bounds: typeof ARCHIVE): Promise<Buffer | undefined> {
  if (isUrl(from)) return await fetchBounded(from, bounds)
  const size = statSync(from, { throwIfNoEntry: false })
  if (size === undefined) return undefined
  if (!size.isFile()) throw unreadable(from)
  if (size.size > bounds.bytes)
    throw new StartError('release/too-large', `${from} is longer than ${bounds.bytes >> 20} MiB.`)
  try {
    return readFileSync(from)
  } catch (error) {
    throw new StartError('rules/unreadable', `${from} cannot be read.`, { cause: error })
  }
}

const unreadable = (from: string): StartError =>
  new StartError('rules/unreadable', isUrl(from) ? `There is nothing at ${from}.` : `The file ${from} cannot be read.`)

/** Against --sha256, and against a published checksum beside the archive. Gives the archive's own. */
async function checkSum(archive: Buffer, { from, sha256: given }: InstallOptions): Promise<string> {
  if (given !== undefined && !/^[0-9a-f]{64}$/i.test(given))
    throw new StartError('rules/checksum', '--sha256: expected 64 hexadecimal digits.')
  const digest = sha256(archive)
  const beside = (await read(`${from}.sha256`, SMALL))?.toString('latin1')
  const published = beside === undefined ? undefined : /^\s*([0-9a-fA-F]{64})(?:\s|$)/.exec(beside)
  if (published === null) throw new StartError('rules/checksum', `${from}.sha256 holds no SHA-256 checksum.`)
  for (const [wanted, who] of [
    [given, '--sha256'],
    [published?.[1], `${from}.sha256`],
  ])
    if (wanted !== undefined && wanted.toLowerCase() !== digest)
      throw new StartError('rules/checksum', `The archive is not the one ${who} speaks of: its SHA-256 is ${digest}.`)
  return digest
}

async function checkSignature(
  archive: Buffer,
  { from, signature, key, sha256: given, trust, unsigned }: InstallOptions,
  installed: Installed,
  io: Io,
): Promise<Signed | undefined> {
  const file = signature === undefined && unsigned ? undefined : await read(signature ?? `${from}.asc`, SMALL)
  if (file === undefined) {
    if (signature !== undefined) throw unreadable(signature)
    if (unsigned && given !== undefined) {
      io.err('WARNING: taken without a signature; only the checksum you gave says that this is the release.\n')
      return undefined
    }
    throw new StartError(
      'rules/unsigned',
      unsigned
        ? 'Without a signature the checksum must be given: --sha256 HEX.'
        : `There is no signature at ${from}.asc: name it with --signature, or say --unsigned with --sha256 HEX.`,
    )
  }
  const wanted = (trust ?? CRS_KEY).replace(/\s/g, '')
  if (!/^[0-9a-f]{40}$/i.test(wanted)) throw new StartError('rules/key', '--trust: expected 40 hexadecimal digits.')
  if (trust !== undefined && wanted.toUpperCase() !== CRS_KEY)
    io.err(
      `WARNING: the key ${spaced(wanted)} is believed because you said so; it is not the Core Rule Set project's.\n`,
    )
  const keyFile = key === undefined ? installed.key() : await read(key, SMALL)
  if (keyFile === undefined)
    throw new StartError(
      'rules/key',
      key === undefined
        ? `Name the key ${spaced(wanted)} with --key FILE; the project publishes it at https://coreruleset.org/security.asc.`
        : `The key ${key} cannot be read.`,
    )
  return verifyDetached(archive, file, keyFile, wanted, Date.now())
}

/** Chooses the body processors, as ModSecurity's own set-up does before CRS. */
const baseOf = (root: string): [string, Buffer][] => [['00-base.conf', readFileSync(join(root, 'rules/crs/base.conf'))]]

type Carried = { readonly files: ReadonlyMap<string, Buffer>; readonly lost: readonly string[] }

/** What a person wrote into the version before: changed set-up and exclusions, and files that no release brought. */
function carryOver(installed: Installed, before: string | undefined, release: CrsRelease): Carried {
  const files = new Map<string, Buffer>()
  const lost: string[] = []
  const record = before === undefined ? undefined : installed.release(before)
  if (before === undefined || record === undefined) return { files, lost }
  for (const [name, bytes] of installed.files(before)) {
    if (record.files[name] === sha256(bytes)) continue
    const isNew = record.files[name] === undefined && !release.files.has(name)
    if (isOwn(name) || (isNew && /\.(?:conf|data)$/.test(name))) files.set(name, bytes)
    else if (!name.startsWith('.')) lost.push(name)
  }
  return { files, lost }
}

/** Throws `StartError` naming file and line of the rule that is wrong. */
function compile(files: ReadonlyMap<string, Buffer>, folder: string, io: Io): Plan {
  const text = (bytes: Buffer): string => bytes.toString('latin1')
  const named = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  const data = new Map(named.filter(([name]) => name.endsWith('.data')).map(([name, bytes]) => [name, text(bytes)]))
  const rules = named.filter(([name]) => name.endsWith('.conf')).map(([name, bytes]) => ({ name, text: text(bytes) }))
  try {
    const plan = compileRules(rules, { data, lookups: 'absent' })
    for (const note of plan.notes.slice(0, 20)) io.err(`${note}\n`)
    return plan
  } catch (error) {
    if (!(error instanceof SecLangError)) throw error
    throw new StartError('rules/unsupported', `${folder}: ${error.message}. Nothing was changed.`, { cause: error })
  }
}

function tell(version: string, before: string | undefined, plan: Plan, carried: Carried, folder: string, io: Io): void {
  const ids = new Set(plan.rules.map(({ id }) => id))
  io.err(
    `CRS ${version} is installed: ${ids.size} rules${before === undefined ? '' : `; the current release was ${before}. The gateway stays with the folder its rule set names`}.\n`,
  )
  for (const name of carried.files.keys()) io.err(`  carried over from ${before}: ${name}\n`)
  for (const name of carried.lost) io.err(`  changed by hand in ${before} and not carried over: ${name}\n`)
  io.err(
    [
      'What next:',
      `  its settings       ${join(folder, '00-crs-setup.conf')}`,
      `  try it             ./bin/khien.js waf check --rules ${folder}`,
      `  the gateway        a rule set in the console (Protect, Rules), or in the file of sites:`,
      `                     {"name":"crs","rules":[${JSON.stringify(folder)}]}`,
      '',
    ].join('\n'),
  )
  io.out(`${folder}\n`)
}
