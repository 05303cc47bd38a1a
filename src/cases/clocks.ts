import { iso } from '../kit/clock.ts'
import type { Clock } from '../kit/listing.ts'
import { clockAt, deadline } from '../law/index.ts'
import type { CaseRow } from './store.ts'

const MET = { 'incident.first': 'first_reported_at', 'incident.full': 'full_reported_at' } as const

/** The clocks of a serious incident, by the law in force when it was detected; none as long as nobody declared it serious. */
export function clocksOf(row: CaseRow): Clock[] {
  if (row.detected_at === null) return []
  const start = Number(row.detected_at)
  return (['incident.first', 'incident.full'] as const).flatMap((kind) => {
    const law = clockAt(kind, start)
    const met = row[MET[kind]]
    return law
      ? [
          {
            kind,
            start: iso(start),
            due: iso(deadline(law, start)),
            metAt: met === null ? null : iso(Number(met)),
            article: law.article,
          },
        ]
      : []
  })
}

/** The nearest deadline that is not met; Infinity without one. */
export const nextDue = (row: CaseRow): number =>
  Math.min(
    Infinity,
    ...clocksOf(row)
      .filter((clock) => clock.metAt === null)
      .map((clock) => Date.parse(clock.due)),
  )
