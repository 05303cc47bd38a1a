import type { SigningKey } from '../engine/seal/index.ts'
import type { Bound } from '../http/index.ts'
import type { RecordActs } from '../kit/act.ts'
import type { Clock } from '../kit/clock.ts'
import type { Entropy } from '../kit/ids.ts'
import type { Log } from '../kit/log.ts'
import type { Database } from '../storage/sql/index.ts'
import { refusalsApi } from './api.ts'
import { figuresApi } from './figures/api.ts'
import { figureService } from './figures/service.ts'
import type { RefusalStore } from './refusals.ts'
import { rollupOf } from './rollup.ts'
import { settingsApi } from './settings/api.ts'
import { banService } from './settings/bans.ts'
import { checkSettings } from './settings/check.ts'
import { settingsService } from './settings/service.ts'
import { trafficApi } from './traffic/api.ts'
import { dryRunService } from './traffic/dry-runs.ts'
import { keptTraffic, type TrafficContext } from './traffic/kept.ts'
import { tuningApi } from './tuning/api.ts'
import type { SuddenView } from './tuning/contract.ts'
import { exclusionService } from './tuning/exclusions.ts'
import { suddenService } from './tuning/sudden.ts'

export type GatewayContext = Pick<TrafficContext, 'keysDb' | 'folder' | 'seal' | 'open'> & {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly record: RecordActs
  readonly refusals: RefusalStore
  readonly log: Log
  /** Tells people that a rule turned itself to watching. */
  readonly alert: (found: SuddenView) => Promise<void>
  /** Signs exported settings. */
  readonly voice: SigningKey
  readonly alive: (session: string) => Promise<boolean>
  /** Names by actor (`staff:stf_…`), as colleagues see them. */
  readonly names: (actors: readonly string[]) => Promise<ReadonlyMap<string, string>>
}
export type GatewayControl = {
  readonly rows: readonly Bound[]
  /** What the workers tell and ask, by name. */
  readonly duties: Readonly<Record<string, (body: unknown) => Promise<unknown>>>
  readonly jobs: readonly { readonly name: string; readonly everyMs: number; readonly work: () => Promise<unknown> }[]
  close(): Promise<void>
}
const SWEEP_MS = 60_000
const COUNT_MS = 20_000

/** The node's side of the gateway: refusals, settings, tuning. */
export function openGateway(ctx: GatewayContext): GatewayControl {
  const { refusals } = ctx
  const rollup = rollupOf(refusals, ctx.clock)
  const settings = settingsService({ ...ctx, check: checkSettings })
  const bans = banService(settings, ctx.entropy)
  const figures = figureService(ctx)
  const exclusions = exclusionService({ ...ctx, settings })
  const sudden = suddenService({ ...ctx, settings })
  const kept = keptTraffic({ ...ctx, settings })
  const dryRuns = dryRunService({ ...ctx, settings, exclusions, kept })
  sudden.start().catch(() => ctx.log.warn('gateway.sudden', { code: 'failed' }))
  return {
    rows: [
      ...refusalsApi(refusals, rollup, ctx.alive),
      ...settingsApi({ settings, bans, refusals, rollup, voice: ctx.voice, names: ctx.names }),
      ...tuningApi(exclusions, sudden),
      ...figuresApi(figures),
      ...trafficApi(kept, dryRuns),
    ],
    duties: {
      'gateway-seed': settings.seed,
      'gateway-tallies': figures.receive,
      'gateway-traffic-key': kept.keyFor,
      'gateway-traffic': kept.receive,
    },
    jobs: [
      { name: 'gateway-bans', everyMs: SWEEP_MS, work: bans.sweep },
      { name: 'gateway-exclusions', everyMs: SWEEP_MS, work: exclusions.expire },
      { name: 'gateway-figures', everyMs: SWEEP_MS, work: figures.sweep },
      { name: 'gateway-traffic', everyMs: SWEEP_MS, work: kept.sweep },
      { name: 'gateway-dry-runs', everyMs: SWEEP_MS, work: dryRuns.sweep },
      { name: 'gateway-sudden', everyMs: COUNT_MS, work: sudden.count },
    ],
    async close() {
      sudden.close()
      await dryRuns.close()
    },
  }
}
