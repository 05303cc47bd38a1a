import { mkdir } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { dirname } from 'node:path'
import { KhienError, StartError } from '../../kit/errors.ts'
import type { GatewaySettings } from '../contract.ts'
import { acmeRenewal, challengeOf, type AcmeRenewal } from './acme.ts'
import { Held } from './held.ts'
import { BreachedLists } from '../../storage/breached/index.ts'
import { challenges, challengeSecret, type Challenges } from './challenge/index.ts'
import { certificates, type Certificates } from './certificates.ts'
import type { GatewayConfig } from './config.ts'
import { newCounts } from './counts.ts'
import { inspectionPool } from './inspection-pool.ts'
import { Latency } from './latency.ts'
import { limitExchange, type LimitExchange } from './limit-exchange.ts'
import { limiter } from './limiter.ts'
import { warnOfKernelBuffers } from './kernel.ts'
import { LIMITS } from './limits.ts'
import type { WorkerStats } from './refusal.ts'
import { checkOutgoing } from './outgoing.ts'
import { FrontServer } from './server.ts'
import {
  fetchSettings,
  keepSettings,
  keptSettings,
  settingsOf,
  withReadableRules,
  type Fetched,
} from './settings-source.ts'
import type { GatewayDeps, Shared } from './shared.ts'
import { compileSettings, type Live } from './sites.ts'
import { tallies } from './tallies.ts'
import { traffic } from './traffic.ts'
import { Turns } from './turns.ts'
import { openApplications } from './upstreams.ts'

export type { GatewayDeps } from './shared.ts'
export type GatewayHandle = AsyncDisposable & {
  readonly address: GatewayConfig['listen']
  readonly tlsPort: number | undefined
  readonly proxyPort: number | undefined
  stats(): WorkerStats
  /** Takes new settings; what is under way keeps the old ones. Throws, and changes nothing, when they are not in order. */
  use(settings: GatewaySettings): Promise<void>
}

const BEAT_MS = 1_000
/** Settings that were not in order are tried again after so long: files may have been put right. */
const AGAIN_MS = 60_000

/**
 * One worker: takes requests, holds them to limits and rules, passes the good ones on unchanged. Several workers may share one port.
 * Disposing stops taking, lets what is under way finish (bounded), closes. Throws `StartError` for rules, upstream or port.
 */
export async function startGateway(config: GatewayConfig, deps: GatewayDeps): Promise<GatewayHandle> {
  const worker = new Worker(config, deps)
  try {
    await worker.start()
  } catch (error) {
    await worker[Symbol.asyncDispose]()
    throw error
  }
  return worker
}

class Worker implements GatewayHandle {
  address: GatewayConfig['listen']
  private readonly config: GatewayConfig
  private readonly shared: Shared & { challenges: Challenges }
  private readonly server: FrontServer
  private readonly certificates: Certificates
  private live: Live | undefined
  private sites: GatewaySettings['sites'] = []
  private exchange: LimitExchange | undefined
  private renewal: AcmeRenewal | undefined
  private beat: NodeJS.Timeout | undefined
  private broken: { readonly version: number; readonly at: number } | undefined
  private seeded = false
  private settings: GatewaySettings | undefined
  private using: Promise<void> = Promise.resolve()

  constructor(config: GatewayConfig, deps: GatewayDeps) {
    const limits = { ...LIMITS, ...deps.limits }
    const pool = inspectionPool(
      { threads: limits.threads, queue: limits.threadQueue, jobMs: limits.threadMs, loadMs: 60_000 },
      deps.log,
    )
    const counts = newCounts()
    const counted = tallies(deps.clock, deps.entropy)
    const limited = limiter(({ of }) => of && counted.add('limit', of.site, of.route, of.name))
    this.config = config
    this.address = config.listen
    this.certificates = certificates(config.folder, deps.log)
    this.shared = {
      deps,
      limits,
      counts,
      latency: new Latency(),
      held: new Held(limits.heldBytes, limits.textBytes),
      turns: new Turns(),
      applications: openApplications(limits, deps.clock),
      pool,
      limiter: limited,
      // Until the folder's secret is read; nothing is asked before.
      breached: new BreachedLists(deps.clock, (detail) => {
        counts.settingsErrors++
        deps.log.error('settings-refused', { code: 'data/breached-passwords', detail })
      }),
      challenges: challenges(deps.entropy(32), limited, deps.entropy),
      tallies: counted,
      traffic: traffic(deps.clock, deps.entropy),
      checkOutgoing: checkOutgoing(pool, limits.offLoopBytes, deps.clock),
      live: () => this.live!,
      acmeProof: (token) => challengeOf(config.folder, token),
      tlsPort: () => this.server.tlsPort(),
      closing: false,
    }
    this.server = new FrontServer(this.shared, config, this.certificates)
  }

  get tlsPort(): number | undefined {
    return this.server.tlsPort()
  }

  get proxyPort(): number | undefined {
    return this.server.proxyPort()
  }

  async start(): Promise<void> {
    const { config, shared } = this
    if (config.folder !== undefined) await mkdir(config.folder, { recursive: true, mode: 0o700 })
    const secret = await challengeSecret(config.folder, shared.deps.entropy)
    shared.challenges = challenges(secret, shared.limiter, shared.deps.entropy)
    this.server.shareTickets(secret)
    await this.begin(await this.firstSettings())
    if (config.nodeSocket !== '' && config.workers > 1) await this.meetPeers(dirname(config.nodeSocket))
    this.address = await this.server.listen()
    void warnOfKernelBuffers(shared.deps.log)
    if (config.folder !== undefined && config.acme !== undefined)
      this.renewal = acmeRenewal(config.acme, config.folder, () => this.sites, shared.deps)
    this.beat = setInterval(() => void this.report(), BEAT_MS)
    this.beat.unref()
  }

  private async meetPeers(folder: string): Promise<void> {
    const { limiter: limits, deps } = this.shared
    try {
      this.exchange = await limitExchange(folder, limits, deps.clock)
    } catch {
      // Each limits by what it sees itself; the figures say that there are no peers.
      deps.log.warn('limits-not-shared')
    }
  }

  /**
   * A worker that starts has no settings to stay with. When those it is given cannot be used (a folder of rules was taken away, say) it
   * takes the last good ones, or the same with the command line's rules in place of those that cannot be read, says so, and asks again.
   */
  private async begin(settings: GatewaySettings): Promise<void> {
    try {
      return await this.use(settings)
    } catch (error) {
      if (settings.version === 0) throw error
      this.complain(error)
    }
    const kept = await keptSettings(this.config.folder)
    for (const instead of [kept, await withReadableRules(settings, this.config.rules)]) {
      if (instead === undefined) continue
      try {
        return await this.use({ ...instead, version: 0 })
      } catch (error) {
        this.complain(error)
      }
    }
    throw new StartError('gateway/settings', 'None of the settings of this gateway can be used; the log says why.')
  }

  /** The node's, or the last good ones while it is away, or what the start was told. */
  private async firstSettings(): Promise<GatewaySettings> {
    const { folder, nodeSocket } = this.config
    const told = settingsOf(this.config)
    const asked: Fetched = await fetchSettings(nodeSocket).catch((error: unknown) => {
      this.complain(error)
      return 'away'
    })
    if (asked === 'none') return told
    return asked === 'away' ? ((await keptSettings(folder)) ?? told) : asked
  }

  use(settings: GatewaySettings): Promise<void> {
    const next = this.using.then(() => this.swap(settings))
    this.using = next.catch(() => undefined)
    return next
  }

  private async swap(settings: GatewaySettings): Promise<void> {
    const { shared } = this
    if (this.live !== undefined && sameButVersion(this.settings, settings)) {
      this.settings = settings
      shared.counts.settingsVersion = settings.version
      if (settings.version > 0) await keepSettings(this.config.folder, settings).catch(() => undefined)
      return
    }
    const live = await compileSettings(settings, this.live, shared.pool)
    await shared.breached.keep(
      settings.sites.flatMap(({ routes }) => routes.flatMap(({ breachedPasswords: one }) => one?.file ?? [])),
    )
    await this.certificates.use(settings.sites)
    const first = this.live === undefined
    this.live = live
    this.settings = settings
    this.sites = settings.sites
    this.renewal?.look()
    shared.counts.settingsVersion = settings.version
    shared.pool.keep(live.sources)
    shared.applications.keep(settings.sites)
    if (!first) shared.deps.log.info('settings-taken', { version: settings.version, sites: settings.sites.length })
    if (settings.version > 0) await keepSettings(this.config.folder, settings).catch(() => undefined)
  }

  private async report(): Promise<void> {
    const { shared } = this
    let version = await shared.deps.recorder.report(this.stats())
    if (version !== undefined && !this.seeded) version = (await this.seed()) ?? version
    const { duty } = shared.deps.recorder
    if (version !== undefined && duty !== undefined) {
      await shared.tallies.tell((batch) => duty('gateway-tallies', batch))
      await shared.traffic.tell(duty)
    }
    if (version === undefined || version === shared.counts.settingsVersion || shared.closing) return
    const { broken } = this
    if (broken?.version === version && shared.deps.clock() - broken.at < AGAIN_MS) return
    try {
      const asked = await fetchSettings(this.config.nodeSocket)
      if (typeof asked === 'object') await this.use(asked)
    } catch (error) {
      this.broken = { version, at: shared.deps.clock() }
      this.complain(error)
    }
  }

  /** Tells the node what the command line says, so that what the console shows is what runs; a person's settings go before it. */
  private async seed(): Promise<number | undefined> {
    const { duty } = this.shared.deps.recorder
    const answer = (await duty?.('gateway-seed', settingsOf(this.config))) as { version?: number } | null | undefined
    this.seeded = duty === undefined || answer !== undefined
    return answer?.version
  }

  /** The good ones stay; what is wrong with the new ones is said once. */
  private complain(error: unknown): void {
    const { counts, deps } = this.shared
    counts.settingsErrors++
    const known = error instanceof KhienError ? { code: error.code, detail: error.message } : { code: 'internal' }
    deps.log.error('settings-refused', known)
  }

  stats(): WorkerStats {
    const { latency, counts, deps, pool, limiter: limits, applications } = this.shared
    const [p50 = null, p99 = null] = latency.quantiles(0.5, 0.99)
    return {
      pid: process.pid,
      ...counts,
      turned: { ...counts.turned },
      turnedAway: Object.values(counts.turned).reduce((sum, n) => sum + n, 0),
      offLoop: pool.counts(),
      limits: { ...limits.counts(), ...(this.exchange?.counts() ?? { peers: 0, unheard: 0 }) },
      applications: applications.counts(),
      untold: this.shared.tallies.untold(),
      notKept: this.shared.traffic.dropped(),
      ...deps.recorder.counts(),
      p50,
      p99,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { shared } = this
    shared.closing = true
    clearInterval(this.beat)
    await this.server.close()
    await this.renewal?.[Symbol.asyncDispose]()
    await this.exchange?.[Symbol.asyncDispose]()
    this.certificates[Symbol.dispose]()
    await shared.pool[Symbol.asyncDispose]()
    await shared.breached[Symbol.asyncDispose]()
    await shared.applications[Symbol.asyncDispose]()
    await wait(0)
  }
}

const sameButVersion = (a: GatewaySettings | undefined, b: GatewaySettings): boolean =>
  JSON.stringify({ ...a, version: 0 }) === JSON.stringify({ ...b, version: 0 })
