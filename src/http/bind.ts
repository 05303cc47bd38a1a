import { Hono, type Context } from 'hono'
import { z } from 'zod'
import { asKnown, KhienError, toProblem } from '../kit/errors.ts'
import { type Caller, type Input, type Once, type Output, type Route } from '../kit/contract.ts'
import { chooseLanguage, type Language } from '../kit/i18n.ts'
import type { Log } from '../kit/log.ts'
import { readBody } from './body.ts'
import { addressOf, checkAccess, checkHost, checkInput, checkOrigin, cookieOf, onceOf, queryOf } from './checks.ts'
import { errorPage } from './error-page.ts'
import { secureHeaders } from './headers.ts'
import { newRequestId } from './serve.ts'

/** What a handler is told beside its input. */
export type Asked = {
  readonly caller: Caller
  readonly language: Language
  readonly requestId: string
  readonly address: string
  readonly once: Once | undefined
  /** The raw request: cookies, Accept, Last-Event-ID, abort signal. */
  readonly raw: Request
}
export type Handler<R extends Route = Route> = (input: Input<R>, asked: Asked) => Promise<Output<R> | Response>
export type Bound = { readonly route: Route; readonly handler: Handler }

/** Joins a row of a contract with what answers it. */
export const answer = <R extends Route>(route: R, handler: Handler<R>): Bound => ({
  route,
  handler: handler as unknown as Handler,
})

export type Door = {
  /** Who calls, from cookie or Authorization header; throws for a credential that is not valid. */
  authenticate(request: Request, touch: boolean): Promise<Caller>
  /** Undefined while the node is sealed: then only rows marked `whileSealed` are served. */
  fingerprint(): ((text: string) => string) | undefined
  /** Host header values this listener answers to; any other is refused, so that a rebound name reads nothing. */
  readonly hosts: ReadonlySet<string>
  /** Addresses that may call at all; undefined lets everybody. */
  readonly admits?: (address: string) => boolean
  /** Whose X-Forwarded-For counts; undefined: nobody's. */
  readonly trusts?: (address: string) => boolean
  readonly name: string
  /** Page where people of this listener sign in. */
  readonly signIn?: string
  readonly log: Log
  count(route: string, status: number, ms: number): void
}

/** Serves a table of rows. Every row is checked alike: seal, origin, caller, input; unknown paths and fields are refused. */
export function bindRoutes(rows: readonly Bound[], door: Door): Hono {
  const app = new Hono({ strict: true })
  const methods = new Map<string, Set<string>>()
  for (const { route, handler } of rows) {
    methods.set(route.path, (methods.get(route.path) ?? new Set()).add(route.method))
    app.on(route.method, route.path, (c) => handle(c, route, handler, door))
  }
  app.notFound(async (c) => {
    const known = [...methods].find(([path]) => matches(path, c.req.path))
    let error: unknown
    try {
      checkHost(c, door)
      if (!door.fingerprint()) throw sealed()
      throw known
        ? new KhienError('http/method', `${c.req.path} takes ${[...known[1]].join(', ')}.`, { status: 405 })
        : new KhienError('http/not-found', 'There is nothing at this address.', { status: 404 })
    } catch (caught) {
      error = caught
    }
    const response = await failure(c, error, newRequestId(), wantsPage(c.req.raw, undefined), door)
    if (known && response.status === 405) response.headers.set('allow', [...known[1]].join(', '))
    door.count('none', response.status, 0)
    return response
  })
  app.onError((error, c) => failure(c, error, newRequestId(), wantsPage(c.req.raw, undefined), door))
  return app
}

async function handle(c: Context, route: Route, handler: Handler, door: Door): Promise<Response> {
  const requestId = newRequestId()
  const started = performance.now()
  let response: Response
  try {
    response = await serveRow(c, route, handler, door, requestId)
  } catch (error) {
    response = await failure(c, error, requestId, wantsPage(c.req.raw, route), door)
  }
  response.headers.set('x-request-id', requestId)
  secureHeaders(response.headers, route.kind ?? 'api')
  door.count(route.id, response.status, performance.now() - started)
  return response
}

async function serveRow(c: Context, route: Route, handler: Handler, door: Door, requestId: string): Promise<Response> {
  checkHost(c, door)
  if (c.req.method === 'HEAD' && route.spends)
    throw new KhienError('http/method', 'This address is used up by opening it; ask with GET.', { status: 405 })
  const fingerprint = door.fingerprint()
  if (!fingerprint && !route.whileSealed) {
    throw sealed()
  }
  const request = c.req.raw
  const address = addressOf(c, door.trusts)
  const caller = fingerprint ? await door.authenticate(request, route.kind !== 'stream') : ({ kind: 'nobody' } as const)
  if (route.method !== 'GET') checkOrigin(request, caller)
  checkAccess(route.access, caller)
  const params = checkInput(route.params, c.req.param(), 'path')
  const query = checkInput(
    route.query ?? (route.kind === 'page' ? undefined : z.strictObject({})),
    queryOf(c, route),
    'query',
  )
  const raw = route.method === 'GET' ? undefined : await readBody(request, route)
  const body =
    route.method === 'GET'
      ? undefined
      : route.bytes
        ? raw?.value
        : checkInput(route.body, raw?.value, route.kind === 'page' ? 'form' : 'body')
  const once = route.once ? onceOf(request, route, caller, c.req.param(), raw?.text ?? '', fingerprint!) : undefined
  const language = chooseLanguage(
    c.req.query('lang'),
    cookieOf(request, 'lang'),
    request.headers.get('accept-language') ?? undefined,
  )
  const asked: Asked = { caller, language, requestId, address, once, raw: request }
  const result = await handler({ params, query, body } as Input<Route>, asked)
  if (result instanceof Response) return result
  return Response.json(result, { headers: { 'cache-control': 'no-store' } })
}

const sealed = (): KhienError =>
  new KhienError(
    'sealed',
    'This node is sealed: its key has not been given yet. Run ./bin/khien.js unseal --role … --data … on its host.',
    {
      status: 503,
      retryAfter: 5,
    },
  )

async function failure(c: Context, thrown: unknown, requestId: string, page: boolean, door: Door): Promise<Response> {
  const error = asKnown(thrown)
  const problem = toProblem(error, requestId)
  if (problem.status >= 500 && !(error instanceof KhienError)) {
    door.log.error('http.failed', {
      requestId,
      name: error instanceof Error ? error.name : 'unknown',
      path: routePath(c),
    })
  }
  const retry =
    error instanceof KhienError && error.retryAfter !== undefined ? { 'retry-after': String(error.retryAfter) } : {}
  const language = chooseLanguage(c.req.query('lang'), cookieOf(c.req.raw, 'lang'), c.req.header('accept-language'))
  const response = page
    ? await errorPage(problem, language, door.name, door.signIn)
    : new Response(JSON.stringify(problem), {
        status: problem.status,
        headers: { 'content-type': 'application/problem+json', ...retry },
      })
  response.headers.set('cache-control', 'no-store')
  response.headers.set('x-request-id', requestId)
  secureHeaders(response.headers, page ? 'page' : 'api')
  return response
}

/** The pattern, not the path: a path may carry what a person typed. */
const routePath = (c: Context): string => c.req.routePath

const wantsPage = (request: Request, route: Route | undefined): boolean =>
  route ? route.kind === 'page' : (request.headers.get('accept') ?? '').includes('text/html')

const matches = (pattern: string, path: string): boolean => {
  const a = pattern.split('/')
  const b = path.split('/')
  return a.length === b.length && a.every((part, i) => part.startsWith(':') || part === b[i])
}
