import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { StartError } from '../kit/errors.ts'

/** What is kept of an installation, beside its files. */
const releaseSchema = z.object({
  version: z.string(),
  installedAt: z.string(),
  /** SHA-256 of the archive. */
  archive: z.string(),
  /** Fingerprint of the key that signed it; null when it was taken unsigned. */
  signedBy: z.string().nullable(),
  signedAt: z.string().nullable(),
  /** SHA-256 of each file as it was installed. */
  files: z.record(z.string(), z.string()),
})
export type Release = z.infer<typeof releaseSchema>

export const VERSION = /^\d{1,4}\.\d{1,4}\.\d{1,4}(?:-[a-z0-9.]{1,20})?$/
const RECORD = 'release.json'
const HOUR = 3_600_000

/** The folder of installed releases: one folder a version, and `current`, which names the live one. */
export class Installed {
  readonly home: string

  constructor(home: string) {
    this.home = home
  }

  folderOf(version: string): string {
    return join(this.home, version)
  }

  current(): string | undefined {
    const version = readIfThere(join(this.home, 'current'))?.toString().trim()
    return version !== undefined && VERSION.test(version) ? version : undefined
  }

  /** Newest first. */
  releases(): Release[] {
    return namesIn(this.home)
      .filter((name) => VERSION.test(name))
      .flatMap((name) => this.release(name) ?? [])
      .sort((a, b) => b.version.localeCompare(a.version, 'en', { numeric: true }))
  }

  release(version: string): Release | undefined {
    try {
      return releaseSchema.parse(JSON.parse(readFileSync(join(this.folderOf(version), RECORD), 'utf8')))
    } catch {
      return undefined
    }
  }

  /** The files of a version as they are now, by name. */
  files(version: string): Map<string, Buffer> {
    const folder = this.folderOf(version)
    const names = namesIn(folder).filter((name) => name !== RECORD && statSync(join(folder, name)).isFile())
    return new Map(names.map((name) => [name, readFileSync(join(folder, name))]))
  }

  /** The key that the last signed release was checked with. */
  key(): Buffer | undefined {
    return readIfThere(join(this.home, 'key.asc'))
  }

  keepKey(key: Buffer): void {
    this.replace('key.asc', key)
  }

  /** Puts the files there as a whole, durable, and only then names the version as the live one: there is no half of it. */
  add(release: Release, files: ReadonlyMap<string, Buffer>): void {
    mkdirSync(this.home, { recursive: true })
    this.tidy()
    const begun = join(this.home, `.new-${randomBytes(8).toString('hex')}`)
    mkdirSync(begun)
    try {
      for (const [name, bytes] of files) writeDurably(join(begun, name), bytes)
      writeDurably(join(begun, RECORD), Buffer.from(`${JSON.stringify(release, null, 2)}\n`))
      syncFolder(begun)
      renameSync(begun, this.folderOf(release.version))
    } catch (error) {
      rmSync(begun, { recursive: true, force: true })
      throw new StartError('rules/not-written', `The release could not be written to ${this.home}.`, { cause: error })
    }
    syncFolder(this.home)
    this.use(release.version)
  }

  use(version: string): void {
    this.replace('current', Buffer.from(`${version}\n`))
  }

  remove(version: string): void {
    if (!VERSION.test(version) || this.release(version) === undefined)
      throw new StartError(
        'rules/not-installed',
        `CRS ${version.slice(0, 40)} is not installed; khien rules list shows what is.`,
      )
    if (version === this.current())
      throw new StartError('rules/current', `CRS ${version} is the current release: install another one first.`)
    if (this.isUsed(version))
      throw new StartError(
        'rules/in-use',
        `The gateway runs on CRS ${version}: name another folder in its rule set (console: Protect, Rules) first.`,
      )
    // Out of the way by one step, so that what is left after a break is no release.
    const gone = join(this.home, `.old-${randomBytes(8).toString('hex')}`)
    renameSync(this.folderOf(version), gone)
    rmSync(gone, { recursive: true, force: true })
  }

  /** Whether the gateway of this data folder names that folder, or something in it, by what its workers last took. */
  private isUsed(version: string): boolean {
    const taken = readIfThere(join(this.home, '..', '..', 'platform', 'gateway', 'gateway-settings.json'))
    const folder = JSON.stringify(this.folderOf(version)).slice(1, -1)
    return taken !== undefined && [`${folder}"`, `${folder}/`].some((named) => taken.toString().includes(named))
  }

  /** What an installation that was killed left behind; a young one may still be at work. */
  private tidy(): void {
    for (const name of namesIn(this.home).filter((each) => /^\.(?:new|old)-[0-9a-f]{16}$/.test(each))) {
      const path = join(this.home, name)
      if (Date.now() - statSync(path).mtimeMs > HOUR) rmSync(path, { recursive: true, force: true })
    }
  }

  private replace(name: string, bytes: Buffer): void {
    const begun = join(this.home, `.new-${randomBytes(8).toString('hex')}`)
    writeDurably(begun, bytes)
    renameSync(begun, join(this.home, name))
    syncFolder(this.home)
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

function writeDurably(path: string, bytes: Buffer): void {
  const file = openSync(path, 'wx', 0o644)
  try {
    writeFileSync(file, bytes)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
