import { countSubjects } from '../../engine/pii/index.ts'
import type { InspectionPool } from './inspection-pool.ts'
import type { CheckOutgoing } from './shared.ts'

export type SubjectCounts = Readonly<Record<string, number>>
export const countIn = (body: Uint8Array, year: number): SubjectCounts =>
  countSubjects(new TextDecoder().decode(body), { year })

/** Counts people by the kinds of data an answer holds about them; a large answer on a thread. Undefined: it could not be counted. */
export function checkOutgoing(pool: InspectionPool, offLoopBytes: number, clock: () => number): CheckOutgoing {
  return async (body, { policy, subjects }) => {
    const year = new Date(clock()).getUTCFullYear()
    const counts = body.length < offLoopBytes ? countIn(body, year) : await pool.count(Uint8Array.from(body), year)
    if (counts === undefined) return undefined
    const over = Object.values(counts).some((count) => count > subjects)
    return { decision: over && policy !== 'off' ? policy : 'pass', counts }
  }
}
