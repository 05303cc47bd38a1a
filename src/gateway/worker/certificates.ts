import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Log } from '../../kit/log.ts'
import type { Site } from '../contract.ts'

const LOOK_MS = 5_000

export type CertificateFiles = { readonly certificate: string; readonly key: string }
/** Where a site's certificate lies; one fetched through ACME in the gateway's own folder. */
export function filesOfSite(site: Site, folder: string | undefined): CertificateFiles | undefined {
  if (site.tls === undefined) return undefined
  if ('certificate' in site.tls) return site.tls
  if (folder === undefined) return undefined
  return { certificate: join(folder, 'acme', `${site.name}.crt`), key: join(folder, 'acme', `${site.name}.key`) }
}

export type Pair = { readonly cert: Buffer; readonly key: Buffer }

export type Certificates = Disposable & {
  /** Reads those of these sites, and again whenever the files change. One that cannot be used leaves the one before in place. */
  use(sites: readonly Site[]): Promise<void>
  /** For the name a client asks for (SNI); undefined when no site has it. */
  contextFor(name: string): SecureContext | undefined
  /**
   * Tells of the pair for clients that ask for no name (by address, or old ones): that of the site with host `*`. At once and at each change;
   * undefined when there is none.
   */
  whenUnnamed(call: (pair: Pair | undefined) => void): void
  look(): Promise<void>
}

export function certificates(folder: string | undefined, log: Log): Certificates {
  type Held = {
    readonly seen: string
    readonly context: SecureContext | undefined
    readonly pair: Pair | undefined
  }
  const held = new Map<string, Held>()
  /** Said once, not at every look. */
  const missed = new Set<string>()
  let sites: readonly Site[] = []
  let byHost = new Map<string, string>()
  let unnamed: Pair | undefined
  let tell: (pair: Pair | undefined) => void = () => undefined

  async function read(site: Site): Promise<void> {
    const files = filesOfSite(site, folder)
    if (files === undefined) return
    const before = held.get(site.name)
    try {
      const times = await Promise.all([stat(files.certificate), stat(files.key)])
      const seen = [files.certificate, ...times.map(({ mtimeMs, size }) => `${mtimeMs}/${size}`)].join(' ')
      if (before?.seen === seen) return
      const [cert, key] = await Promise.all([readFile(files.certificate), readFile(files.key)])
      try {
        const context = createSecureContext({ cert, key, minVersion: 'TLSv1.2' })
        held.set(site.name, { seen, context, pair: { cert, key } })
        missed.delete(site.name)
        log.info('certificate-loaded', { site: site.name })
      } catch {
        // Perhaps only half written: the next look will see another time.
        held.set(site.name, { seen, context: before?.context, pair: before?.pair })
        log.error('certificate-unusable', { site: site.name })
      }
    } catch {
      if (before === undefined && !missed.has(site.name)) log.warn('certificate-missing', { site: site.name })
      missed.add(site.name)
    }
  }
  async function look(): Promise<void> {
    await Promise.all(sites.map(read))
    const any = byHost.get('*')
    const pair = any === undefined ? undefined : held.get(any)?.pair
    if (pair !== unnamed) tell((unnamed = pair))
  }
  const timer = setInterval(() => void look(), LOOK_MS)
  timer.unref()
  return {
    async use(next) {
      sites = next.filter((site) => site.tls !== undefined)
      byHost = new Map(sites.flatMap((site) => site.hosts.map((host) => [host, site.name] as const)))
      await look()
    },
    contextFor(name) {
      const asked = name.toLowerCase()
      const dot = asked.indexOf('.')
      const site = byHost.get(asked) ?? byHost.get(`*${asked.slice(dot)}`) ?? byHost.get('*')
      return site === undefined ? undefined : held.get(site)?.context
    },
    whenUnnamed(call) {
      tell = call
      call(unnamed)
    },
    look,
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
