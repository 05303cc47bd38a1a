import { z } from 'zod'
import { answer, type Bound } from '../http/index.ts'
import { iso } from '../kit/clock.ts'
import { badRequest } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import type { BackupContext } from './context.ts'
import { backupRoutes as rows, type BackupView, type DrillView } from './contract.ts'
import { keyBackups } from './key-backups.ts'
import { backupService } from './service.ts'
import type { BackupTables } from './store.ts'

export { backupRoutes } from './contract.ts'
export { backupMigrations, type BackupTables } from './store.ts'
export type { BackupContext } from './context.ts'
export type { BackupAsked, BackupStatus } from './service.ts'
export {
  findBackups,
  findKeys,
  type DataManifest,
  type FoundBackup,
  type FoundKeys,
  type KeyManifest,
} from './manifest.ts'
export { countsOf } from './manifest.ts'
export { SETTINGS_FILE } from './folder-copy.ts'
export { readRing, type Ring, type RingKey } from './ring.ts'
export { readShredList, type Erased } from './shred-list.ts'
export { unpackData, unpackKeys, type Places } from './unpack.ts'
export { emptyPostgres, isEmptyPostgres } from './load-store.ts'
export type Backups = ReturnType<typeof openBackups>

const SWEEP_MS = 30_000
const SETTLE_MS = 5_000

const Asked = z.strictObject({
  to: z.string().min(1).max(4_000),
  keysTo: z.string().min(1).max(4_000),
  keepKeys: z.int().min(1).max(3_650),
  rate: z.number().min(0.01).max(100_000),
})
const Drilled = z.strictObject({
  backup: z.string().regex(/^bak_[0-9A-Z]{26}$/),
  good: z.boolean(),
  tookMs: z.int().min(0),
  rows: z.int().min(0),
  leaves: z.int().min(0),
  events: z.int().min(0).nullable(),
  opened: z.int().min(0),
  failure: z
    .string()
    .regex(/^[a-z0-9/.-]{1,64}$/)
    .nullable(),
})
export type DrillResult = z.output<typeof Drilled>

/** Backups of one node: data and keys apart, keys that die at their time, drills that show they can be put back. */
export function openBackups(ctx: BackupContext) {
  const keys = keyBackups(ctx)
  const service = backupService(ctx, keys)
  const tables = () => ctx.db.tables<BackupTables>()

  /** Records that a backup was put back aside and looked through. */
  async function drilled(told: DrillResult, actor: string): Promise<void> {
    const at = ctx.clock()
    const { backup, good, tookMs, rows, leaves, events, opened, failure } = told
    const row = { id: newId('drl', at, ctx.entropy), at, actor, backup, good: good ? 1 : 0, ms: tookMs }
    await ctx.db.transaction<BackupTables, void>(async (trx) => {
      await trx
        .insertInto('backup_drill')
        .values({ ...row, rows, leaves, events, opened, failure })
        .execute()
      await ctx.record(trx, [
        {
          kind: 'backup.drilled',
          actor,
          result: good ? 'done' : 'failed',
          ...(failure === null ? {} : { reason: failure }),
          facts: { backup, tookMs, rows, leaves, opened, ...(events === null ? {} : { events }) },
        },
      ])
    })
  }

  async function list(limit: number) {
    const backups = await tables().selectFrom('backup').selectAll().orderBy('id', 'desc').limit(limit).execute()
    const drills = await tables().selectFrom('backup_drill').selectAll().orderBy('id', 'desc').limit(limit).execute()
    const { until } = await keys.keyBackupsUntil()
    const shown = drills.map(drillView)
    return {
      items: backups.map((row) => backupView(row, ctx.clock())),
      lastDrill: shown[0] ?? null,
      drills: shown,
      keysUntil: until === null ? null : iso(until),
      fault: (await keys.fault()) ?? null,
    }
  }

  const parsed = <T>(schema: z.ZodType<T>, told: unknown): T => {
    const result = schema.safeParse(told)
    if (result.success) return result.data
    const field = result.error.issues[0]?.path.join('.') ?? ''
    throw badRequest('http/invalid', `body.${field}: is not as expected`, `body.${field}`)
  }
  return {
    start: service.start,
    status: service.status,
    idle: service.idle,
    /** At the start of a node: what a crash left half made, what had its days meanwhile, whom the lists do not name yet. */
    async recover(): Promise<void> {
      await service.recover()
      await keys.settle()
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await service[Symbol.asyncDispose]()
      await keys.settle().catch(() => undefined)
    },
    keyBackupsUntil: keys.keyBackupsUntil,
    /** Brings the lists of shredded people beside the key rings up to date; also a job. */
    settle: keys.settle,
    expire: keys.expire,
    drilled,
    list,
    checks: { backups: keys.fault },
    jobs: [
      { name: 'backup-keys', everyMs: SWEEP_MS, work: keys.expire },
      { name: 'backup-shredded', everyMs: SETTLE_MS, work: keys.settle },
    ],
    /** Asked by `khien backup` and `khien drill` over the socket that only the node's own user can open. */
    duties: {
      backup: async (told: unknown) => service.start(parsed(Asked, told), 'host'),
      'backup-status': async () => service.status() ?? {},
      'backup-drilled': (told: unknown) => drilled(parsed(Drilled, told), 'host'),
    },
  }
}

export const backupApi = (backups: Backups): readonly Bound[] => [
  answer(rows.list, ({ query }) => backups.list(query.limit)),
]

function backupView(row: BackupTables['backup'], now: number): BackupView {
  const at = (ms: number | null): string | null => (ms === null ? null : iso(Number(ms)))
  return {
    id: row.id,
    state: row.state,
    name: row.name,
    startedAt: iso(Number(row.started_at)),
    at: at(row.shown_at),
    madeAt: at(row.made_at),
    bytes: Number(row.bytes),
    rows: Number(row.rows),
    leaves: Number(row.leaves),
    events: row.events === null ? null : Number(row.events),
    keys: {
      id: row.ring_key,
      expiresAt: iso(Number(row.expires_at)),
      destroyedAt: at(row.destroyed_at),
      overdue: row.destroyed_at === null && row.state !== 'making' && Number(row.expires_at) <= now,
    },
    failure: row.failure,
  }
}

const drillView = (row: BackupTables['backup_drill']): DrillView => ({
  id: row.id,
  at: iso(Number(row.at)),
  backup: row.backup,
  good: row.good === 1,
  tookMs: Number(row.ms),
  rows: Number(row.rows),
  leaves: Number(row.leaves),
  events: row.events === null ? null : Number(row.events),
  opened: Number(row.opened),
  failure: row.failure,
})
