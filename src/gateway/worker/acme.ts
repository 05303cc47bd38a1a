import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../kit/log.ts'
import type { Site } from '../contract.ts'
import type { GatewayConfig } from './config.ts'
import { filesOfSite, type CertificateFiles } from './certificates.ts'

const LOOK_MS = 60_000
/** After a failure the authority is left in peace for an hour: it limits failed orders. */
const REST_MS = 3_600_000
const LOCK_STALE_MS = 600_000
const PRIVATE = { mode: 0o600 } as const

const challengeFile = (folder: string, token: string): string =>
  join(folder, 'acme', 'challenges', createHash('sha256').update(token).digest('hex'))

// Some 60 ms and 10 MB that a gateway without ACME need not spend.
const acmeClient = async () => (await import('acme-client')).default

/** The key authorisation of a challenge that any worker put down (RFC 8555 §8.3); undefined when it is none of ours. */
export async function challengeOf(folder: string | undefined, token: string): Promise<string | undefined> {
  if (folder === undefined) return undefined
  return readFile(challengeFile(folder, token), 'utf8').catch(() => undefined)
}

export type AcmeRenewal = AsyncDisposable & {
  /** Looks now: there are other sites than a moment ago. */
  look(): void
}

/** The names of a site that can be proven over HTTP: no wildcard (RFC 8555 §8.3), no address. */
export const provable = (hosts: readonly string[]): string[] =>
  hosts.filter((host) => !host.includes('*') && !host.startsWith('['))

/**
 * Fetches the certificates of sites that want one and renews them when a third of their time is left. One worker at a time does so, under a
 * lock file; keys and certificates lie in `<folder>/acme`, open to this user alone. The workers see the new file and take it.
 */
export function acmeRenewal(
  config: GatewayConfig['acme'] & {},
  folder: string,
  sites: () => readonly Site[],
  { log, clock }: { readonly log: Log; readonly clock: () => number },
): AcmeRenewal {
  const rest = new Map<string, number>()
  let working: Promise<void> | undefined
  let again = false

  async function look(): Promise<void> {
    for (const site of sites()) {
      const files = site.tls && 'acme' in site.tls ? filesOfSite(site, folder) : undefined
      if (files === undefined || (rest.get(site.name) ?? 0) > clock() || !(await isDue(files, clock()))) continue
      await underLock(folder, clock, async () => {
        if (!(await isDue(files, clock()))) return
        try {
          await renew(config, folder, site, files)
          log.info('certificate-renewed', { site: site.name })
        } catch (error) {
          rest.set(site.name, clock() + REST_MS)
          log.error('certificate-not-renewed', {
            site: site.name,
            // What the authority says of our own host names.
            detail: error instanceof Error ? error.message.slice(0, 300) : 'unknown',
          })
        }
      })
    }
  }
  const turn = (): void => {
    working ??= look()
      .catch((error: unknown) => log.error('acme', { error: error instanceof Error ? error.name : 'unknown' }))
      .finally(() => {
        working = undefined
        if (again) {
          again = false
          turn()
        }
      })
  }
  const timer = setInterval(turn, LOOK_MS)
  timer.unref()
  turn()
  return {
    look() {
      if (working === undefined) turn()
      else again = true
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      again = false
      await Promise.race([working, new Promise((resolve) => setTimeout(resolve, 500).unref())])
    },
  }
}

async function isDue({ certificate }: CertificateFiles, now: number): Promise<boolean> {
  try {
    const acme = await acmeClient()
    const { notBefore, notAfter } = acme.crypto.readCertificateInfo(await readFile(certificate))
    return notAfter.getTime() - now < (notAfter.getTime() - notBefore.getTime()) / 3
  } catch {
    return true
  }
}

async function renew(
  { directory, email }: GatewayConfig['acme'] & {},
  folder: string,
  site: Site,
  files: CertificateFiles,
): Promise<void> {
  const place = join(folder, 'acme')
  await mkdir(join(place, 'challenges'), { recursive: true, mode: 0o700 })
  const acme = await acmeClient()
  const client = new acme.Client({ directoryUrl: directory, accountKey: await accountKey(join(place, 'account.key')) })
  const names = provable(site.hosts)
  const [key, csr] = await acme.crypto.createCsr({ commonName: names[0]!, altNames: names })
  const certificate = await client.auto({
    csr,
    termsOfServiceAgreed: true,
    ...(email === undefined ? {} : { email }),
    challengePriority: ['http-01'],
    // The authority looks from outside; our own look from inside may fail for reasons of routing.
    skipChallengeVerification: true,
    challengeCreateFn: (_, challenge, proof) => writeFile(challengeFile(folder, challenge.token), proof, PRIVATE),
    challengeRemoveFn: (_, challenge) => rm(challengeFile(folder, challenge.token), { force: true }),
  })
  // The key first: a certificate whose key is not there yet is noticed and left; the next look takes both.
  for (const [path, text] of [
    [files.key, key],
    [files.certificate, certificate],
  ] as const) {
    await writeFile(`${path}.new`, text, PRIVATE)
    await rename(`${path}.new`, path)
  }
}

async function accountKey(path: string): Promise<Buffer> {
  const known = await readFile(path).catch(() => undefined)
  if (known !== undefined) return known
  const made = await (await acmeClient()).crypto.createPrivateEcdsaKey()
  await writeFile(path, made, PRIVATE)
  return made
}

async function underLock(folder: string, clock: () => number, work: () => Promise<void>): Promise<void> {
  const path = join(folder, 'acme', 'lock')
  await mkdir(join(folder, 'acme'), { recursive: true, mode: 0o700 })
  const held = await stat(path).catch(() => undefined)
  // A worker that died with the lock must not keep it for ever.
  if (held !== undefined && clock() - held.mtimeMs > LOCK_STALE_MS) await rm(path, { force: true })
  const lock = await open(path, 'wx', 0o600).catch(() => undefined)
  if (lock === undefined) return
  try {
    await work()
  } finally {
    await lock.close()
    await rm(path, { force: true })
  }
}
