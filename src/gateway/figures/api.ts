import { answer, type Bound } from '../../http/index.ts'
import { badRequest } from '../../kit/errors.ts'
import { figuresRoutes as rows } from './contract.ts'
import { HOUR_MS, told, type FigureService, type Span } from './service.ts'

type Counted = { readonly hour: number; readonly n: number }

/** What limits turned away, and how many people answers told of, for the console. */
export const figuresApi = (figures: FigureService): readonly Bound[] => [
  answer(rows.outgoing, async ({ query }) => {
    const span = figures.spanOf(query)
    const found = await figures.rowsOf(['answers', 'flagged', 'stopped', 'subjects'], span, query.site)
    const places = Map.groupBy(found, ({ site, route }) => `${site} ${route}`)
    const items = [...places.values()]
      .map((rows) => {
        const of = (kind: string): number => sum(rows.filter((row) => row.kind === kind))
        const classes = Map.groupBy(
          rows.filter(({ kind }) => kind === 'subjects'),
          ({ label }) => label,
        )
        return {
          site: rows[0]!.site,
          route: rows[0]!.route || null,
          answers: of('answers'),
          flagged: of('flagged'),
          stopped: of('stopped'),
          subjects: Object.fromEntries([...classes].map(([label, some]) => [label, sum(some)])),
        }
      })
      .toSorted((a, b) => sum2(b.subjects) - sum2(a.subjects) || b.answers - a.answers || order(a, b))
    return { ...pageOf(items, query), ...told(span) }
  }),
  answer(rows.outgoingSeries, async ({ query }) => {
    const span = figures.spanOf(query)
    const found = await figures.rowsOf(['answers', 'flagged', 'stopped', 'subjects'], span, query.site, query.route)
    const of = (kind: string): number[] =>
      hoursOf(
        found.filter((row) => row.kind === kind),
        span,
      )
    const classes = Map.groupBy(
      found.filter(({ kind }) => kind === 'subjects'),
      ({ label }) => label,
    )
    return {
      ...told(span),
      hourMs: HOUR_MS,
      answers: of('answers'),
      flagged: of('flagged'),
      stopped: of('stopped'),
      subjects: Object.fromEntries([...classes].map(([label, some]) => [label, hoursOf(some, span)])),
    }
  }),
  answer(rows.outgoingAnswers, ({ query }) => figures.answersPage(query)),
  answer(rows.rates, async ({ query }) => {
    const span = figures.spanOf(query)
    const found = await figures.rowsOf(['limit'], span, query.site)
    const items = [...Map.groupBy(found, ({ site, route, label }) => `${site} ${label} ${route}`).values()]
      .map((some) => ({
        site: some[0]!.site,
        limit: some[0]!.label,
        route: some[0]!.route || null,
        total: sum(some),
        hours: hoursOf(some, span),
      }))
      .toSorted((a, b) => b.total - a.total || order(a, b))
    return { ...pageOf(items, query), ...told(span), hourMs: HOUR_MS }
  }),
  answer(rows.turned, async ({ query }) => {
    const span = figures.spanOf(query)
    const found = await figures.rowsOf(['turned'], span, query.site)
    const items = [...Map.groupBy(found, ({ site, label }) => `${site} ${label}`).values()]
      .map((some) => ({
        site: some[0]!.site || null,
        by: some[0]!.label,
        total: sum(some),
        hours: hoursOf(some, span),
      }))
      .toSorted((a, b) => b.total - a.total || order(a, b))
    return { ...pageOf(items, query), ...told(span), hourMs: HOUR_MS }
  }),
]

const sum = (some: readonly Counted[]): number => some.reduce((all, { n }) => all + n, 0)
const sum2 = (some: Readonly<Record<string, number>>): number => Object.values(some).reduce((all, n) => all + n, 0)
const order = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

function hoursOf(some: readonly Counted[], { from, to }: Span): number[] {
  const out = Array<number>(to - from).fill(0)
  for (const { hour, n } of some) out[hour - from]! += n
  return out
}

/** A list that is made anew for each question: the cursor is a place in it. */
function pageOf<T>(items: readonly T[], { cursor, limit }: { cursor?: string | undefined; limit: number }) {
  if (cursor !== undefined && !/^\d{1,6}$/.test(cursor))
    throw badRequest('http/cursor', 'This cursor is not one of ours.', 'query.cursor')
  const from = Number(cursor ?? 0)
  const next = from + limit < items.length ? String(from + limit) : null
  return { items: items.slice(from, from + limit), next, total: items.length }
}
