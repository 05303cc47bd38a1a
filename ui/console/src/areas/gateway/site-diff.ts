import type { Site } from '../../../../../src/gateway/contract.ts'

/** One thing that differs: where it stands, what was, what comes. */
export type Difference = {
  readonly field: keyof Site
  /** Below the field: a route's path, a key of the object. */
  readonly at: string
  readonly was: readonly string[]
  readonly now: readonly string[]
}
type Loose = Readonly<Record<string, unknown>>
const isThing = (value: unknown): value is Loose => typeof value === 'object' && value !== null && !Array.isArray(value)

/** One line for each thing of a list, one for each line of a text; an object becomes `key: value`. */
function linesOf(value: unknown): string[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value.map(lineOf)
  if (isThing(value))
    return Object.entries(value).flatMap(([key, one]) => linesOf(one).map((line) => `${key}: ${line}`))
  return String(value).split('\n')
}
const lineOf = (value: unknown): string =>
  isThing(value)
    ? Object.entries(value)
        .filter(([, one]) => one !== undefined)
        .map(([key, one]) => `${key} ${typeof one === 'object' ? JSON.stringify(one) : String(one)}`)
        .join(', ')
    : String(value)

/** Keeps what is only on one side, in order. */
function parted(was: readonly string[], now: readonly string[]): [string[], string[]] {
  const only = (from: readonly string[], other: readonly string[]): string[] => {
    const left = new Map<string, number>()
    for (const line of other) left.set(line, (left.get(line) ?? 0) + 1)
    return from.filter((line) => {
      const n = left.get(line) ?? 0
      left.set(line, n - 1)
      return n <= 0
    })
  }
  const [gone, come] = [only(was, now), only(now, was)]
  // The same lines in another order: the order counts for routes and upstreams, so all of it is told.
  return gone.length + come.length === 0 && was.join('\n') !== now.join('\n') ? [[...was], [...now]] : [gone, come]
}

function differ(field: keyof Site, at: string, was: unknown, now: unknown): Difference[] {
  const [gone, come] = parted(linesOf(was), linesOf(now))
  return gone.length + come.length === 0 ? [] : [{ field, at, was: gone, now: come }]
}

/** What changes from one site to the other, by field; routes by their path. */
export function siteDifferences(was: Site | undefined, now: Site): Difference[] {
  const fields = new Set([...Object.keys(was ?? {}), ...Object.keys(now)] as (keyof Site)[])
  return [...fields].flatMap((field) =>
    field === 'routes' ? routeDifferences(was, now) : differ(field, '', was?.[field], now[field]),
  )
}

function routeDifferences(was: Site | undefined, now: Site): Difference[] {
  const order = (site: Site | undefined): string[] => (site?.routes ?? []).map(({ path }) => path)
  const paths = new Set([...order(was), ...order(now)])
  const of = (site: Site | undefined, path: string): unknown => site?.routes.find((one) => one.path === path)
  return [
    ...differ('routes', '', order(was), order(now)),
    ...[...paths].flatMap((path) => differ('routes', path, of(was, path), of(now, path))),
  ]
}
