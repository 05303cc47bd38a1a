import { inForce, type Dated } from './dated.ts'

export type ClockKind =
  | 'request.reply'
  | 'request.withdraw'
  | 'request.view'
  | 'request.delete'
  | 'breach.authority'
  | 'incident.first'
  | 'incident.full'

/** How long the law gives. Working days are Monday to Friday; public holidays are not counted out yet. */
type Span = { readonly hours: number } | { readonly days: number } | { readonly workingDays: number }
export type LegalClock = Dated & { readonly kind: ClockKind; readonly span: Span }

const D13 = { validFrom: '2023-07-01', validTo: '2025-12-31' }
const D356 = { validFrom: '2026-01-01' }
const D331 = { validFrom: '2026-08-19' }
const d13 = (kind: ClockKind, article: string): LegalClock => ({
  ...D13,
  kind,
  span: { hours: 72 },
  article: { vi: `Điều ${article} Nghị định 13/2023`, en: `Article ${article}, Decree 13/2023` },
})
const d356 = (kind: ClockKind, span: Span): LegalClock => ({
  ...D356,
  kind,
  span,
  article: { vi: 'Điều 5 Nghị định 356/2025', en: 'Article 5, Decree 356/2025' },
})

const RULES: readonly LegalClock[] = [
  d13('request.view', '14'),
  d13('request.delete', '16'),
  d13('request.withdraw', '12'),
  d13('breach.authority', '23'),
  d356('request.reply', { workingDays: 2 }),
  d356('request.withdraw', { days: 15 }),
  d356('request.view', { days: 10 }),
  d356('request.delete', { days: 20 }),
  {
    ...D356,
    kind: 'breach.authority',
    span: { hours: 72 },
    article: { vi: 'Điều 23 Luật 91/2025', en: 'Article 23, Law 91/2025' },
  },
  {
    ...D331,
    kind: 'incident.first',
    span: { hours: 24 },
    article: { vi: 'Điều 31 Nghị định 331/2026', en: 'Article 31, Decree 331/2026' },
  },
  {
    ...D331,
    kind: 'incident.full',
    span: { hours: 72 },
    article: { vi: 'Điều 31 Nghị định 331/2026', en: 'Article 31, Decree 331/2026' },
  },
]

export const clockAt = (kind: ClockKind, at: number): LegalClock | undefined =>
  inForce(
    RULES.filter((rule) => rule.kind === kind),
    at,
  )

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** The instant a clock that started at `start` runs out. */
export const deadline = (clock: LegalClock, start: number): number => deadlineOf(clock.span, start)

/** The same for a span that is our own promise and nobody's law. */
export function deadlineOf(span: Span, start: number): number {
  if ('hours' in span) return start + span.hours * HOUR
  if ('days' in span) return start + span.days * DAY
  let end = start
  for (let left = span.workingDays; left > 0;) {
    end += DAY
    const weekday = new Date(end + 7 * HOUR).getUTCDay()
    if (weekday !== 0 && weekday !== 6) left--
  }
  return end
}
