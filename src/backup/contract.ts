import { z } from 'zod'
import { route } from '../kit/contract.ts'
import { At } from '../kit/listing.ts'

const Count = z.int().min(0)
const BackupView = z.strictObject({
  id: z.string(),
  state: z.enum(['making', 'made', 'failed']),
  name: z.string(),
  startedAt: At,
  /** The moment it shows. */
  at: At.nullable(),
  madeAt: At.nullable(),
  bytes: Count,
  rows: Count,
  leaves: Count,
  events: Count.nullable(),
  keys: z.strictObject({
    id: z.string(),
    /** When its key backup can be read no more. */
    expiresAt: At,
    destroyedAt: At.nullable(),
    /** Past its end and not destroyed: its folder is away. */
    overdue: z.boolean(),
  }),
  failure: z.string().nullable(),
})
export type BackupView = z.output<typeof BackupView>
const DrillView = z.strictObject({
  id: z.string(),
  at: At,
  backup: z.string(),
  good: z.boolean(),
  /** Milliseconds from the first byte to the last value opened. */
  tookMs: Count,
  rows: Count,
  leaves: Count,
  events: Count.nullable(),
  /** Values opened, of every collection; none is shown. */
  opened: Count,
  failure: z.string().nullable(),
})
export type DrillView = z.output<typeof DrillView>

export const backupRoutes = {
  list: route({
    listener: 'internal',
    id: 'backup.list',
    method: 'GET',
    path: '/api/backups',
    access: { roles: ['administrator', 'dpo', 'auditor'] },
    summary: 'Backups with the ends of their keys, and the drills that put them back, newest first',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) }),
    response: z.strictObject({
      items: z.array(BackupView),
      lastDrill: DrillView.nullable(),
      drills: z.array(DrillView),
      /** Until when a key that is deleted now can still be read in some backup; null: in none. */
      keysUntil: At.nullable(),
      fault: z.string().nullable(),
    }),
  }),
} as const
