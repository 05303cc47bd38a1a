import { useInfiniteQuery, useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import type { z } from 'zod'
import type { Route } from '../../../src/kit/contract.ts'

type Part<R, K extends string, Else = unknown> = R extends { readonly [key in K]: infer S extends z.ZodType }
  ? { readonly [key in K]: z.input<S> }
  : Else
type Query<R> = R extends { readonly query: infer S extends z.ZodType } ? { readonly query?: z.input<S> } : unknown
/** What a row of a contract takes. */
export type Sent<R extends Route> = Part<R, 'params'> & Query<R> & Part<R, 'body'>
/** What it answers. */
export type Got<R extends Route> = R extends { readonly response: infer S extends z.ZodType } ? z.output<S> : unknown
type Loose = { params?: Record<string, string>; query?: Record<string, unknown>; body?: unknown }

/** A refusal of the server, in its own words (RFC 9457). */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly field: string | undefined
  readonly requestId: string | undefined
  constructor(status: number, problem: { code?: string; detail?: string; field?: string; requestId?: string }) {
    super(problem.detail ?? `HTTP ${status}`)
    this.status = status
    this.code = problem.code ?? `http/${status}`
    this.field = problem.field
    this.requestId = problem.requestId
  }
}

const BACK = 'khien.back'
/** Where the person was before the session ended; asked for once. */
export function takeBack(): string | undefined {
  const path = sessionStorage.getItem(BACK)
  sessionStorage.removeItem(BACK)
  return path !== null && /^\/[a-z]/.test(path) ? path : undefined
}
function toSignIn(): void {
  sessionStorage.setItem(BACK, location.pathname + location.search)
  location.assign('/sign-in')
}

export function addressOf(route: Route, sent: Loose = {}): string {
  const path = route.path.replace(/:([a-z]+)/gi, (_, name: string) => encodeURIComponent(sent.params?.[name] ?? ''))
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(sent.query ?? {}))
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value))
  return query.size === 0 ? path : `${path}?${query.toString()}`
}

/** Calls one row of a contract. Throws ApiError; a session that has ended leads to the sign-in page and back. */
export async function call<R extends Route>(route: R, sent: Sent<R>, signal?: AbortSignal): Promise<Got<R>> {
  const loose = sent as Loose
  const body = route.method === 'GET' || route.body === undefined ? undefined : JSON.stringify(loose.body)
  const response = await fetch(addressOf(route, loose), {
    method: route.method,
    ...(signal ? { signal } : {}),
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(route.once ? { 'idempotency-key': crypto.randomUUID() } : {}),
    },
    ...(body === undefined ? {} : { body }),
  })
  if (response.ok) return (await response.json()) as Got<R>
  if (response.status === 401) toSignIn()
  throw new ApiError(response.status, (await response.json().catch(() => ({}))) as object)
}

type Options = { readonly every?: number; readonly enabled?: boolean }
/** One answer, kept and refreshed. */
export const useCall = <R extends Route>(
  route: R,
  sent: Sent<R>,
  { every, enabled = true }: Options = {},
): UseQueryResult<Got<R>, Error> =>
  useQuery<Got<R>, Error>({
    queryKey: [route.id, sent],
    queryFn: ({ signal }) => call(route, sent, signal),
    enabled,
    ...(every === undefined ? {} : { refetchInterval: every }),
  })

type Paged = { readonly next: string | null }
/** A list page by page: `pages` flat, `more()` for the next. */
export function usePages<R extends Route>(route: R, sent: Sent<R>, { every, enabled = true }: Options = {}) {
  return useInfiniteQuery({
    queryKey: [route.id, 'pages', sent],
    queryFn: ({ pageParam, signal }) => {
      const loose = sent as Loose
      const query = { ...loose.query, ...(pageParam === '' ? {} : { cursor: pageParam }) }
      return call(route, { ...loose, query } as Sent<R>, signal)
    },
    initialPageParam: '',
    getNextPageParam: (last) => (last as Paged).next ?? undefined,
    enabled,
    ...(every === undefined ? {} : { refetchInterval: every }),
  })
}

/** An act of the person. What may have changed by it (routes whose id begins alike) is asked anew. */
export function useAct<R extends Route>(route: R, changes: readonly string[]) {
  const client = useQueryClient()
  return useMutation<Got<R>, Error, Sent<R>>({
    mutationFn: (sent) => call(route, sent),
    // An answer may hold a secret shown once; nothing remembers it beyond the page.
    gcTime: 0,
    onSuccess: () =>
      client.invalidateQueries({
        predicate: ({ queryKey }) => changes.some((start) => String(queryKey[0]).startsWith(start)),
      }),
  })
}
