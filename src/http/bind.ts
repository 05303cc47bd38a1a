import { Hono, type Context } from 'hono'
import { z } from 'zod'
import { KhienError, badRequest, toProblem } from '../kit/errors.ts'
import { actorOf, type Access, type Caller, type Input, type Once, type Output, type Route } from '../kit/contract.ts'
import { chooseLanguage, type Language } from '../kit/i18n.ts'
import type { Log } from '../kit/log.ts'
import { readBody } from './body.ts'
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
  readonly name: string
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
  const address = addressOf(c)
  const caller = fingerprint ? await door.authenticate(request, route.kind !== 'stream') : ({ kind: 'nobody' } as const)
  if (route.method !== 'GET') checkOrigin(request, caller)
  checkAccess(route.access, caller)
  const params = check(route.params, c.req.param(), 'path')
  const query = check(
    route.query ?? (route.kind === 'page' ? undefined : z.strictObject({})),
    queryOf(c, route),
    'query',
  )
  const raw = route.method === 'GET' ? undefined : await readBody(request, route)
  const body =
    route.method === 'GET' ? undefined : check(route.body, raw?.value, route.kind === 'page' ? 'form' : 'body')
  const once = route.once ? onceOf(request, route, caller, raw?.text ?? '', fingerprint!) : undefined
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

/** With `lang` allowed everywhere on pages: it chooses the language and means nothing else. */
function queryOf(c: Context, route: Route): Record<string, string> {
  const query = c.req.query()
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (values.length > 1)
      throw badRequest('http/duplicate', `The query field "${name}" is given more than once.`, `query.${name}`)
  }
  if (route.kind === 'page' || route.kind === 'file') delete query['lang']
  return query
}

function check(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (!schema) return undefined
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const unknownKey = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const field = [where, ...issue.path.map(String), ...(unknownKey === undefined ? [] : [unknownKey])].join('.')
  // zod's own sentences name what was expected, never the value that came.
  throw badRequest(
    'http/invalid',
    unknownKey === undefined ? `${field}: ${issue.message}` : `${field}: unknown field`,
    field,
  )
}

/** Headers that decide who calls, from where or with what: given twice, two readers could disagree. */
const SINGLE = new Set([
  'host',
  'origin',
  'authorization',
  'content-type',
  'content-length',
  'idempotency-key',
  'cookie',
])

function checkHost(c: Context, door: Door): void {
  const { incoming } = c.env as { incoming?: { rawHeaders: readonly string[] } }
  const seen = new Set<string>()
  for (const [i, raw] of (incoming?.rawHeaders ?? []).entries()) {
    const name = raw.toLowerCase()
    if (i % 2 === 1 || !SINGLE.has(name)) continue
    if (seen.has(name))
      throw badRequest('http/duplicate', `The header ${name} is given more than once.`, `header.${name}`)
    seen.add(name)
  }
  if (!door.hosts.has((c.req.header('host') ?? '').toLowerCase())) {
    throw new KhienError('http/unknown-host', 'This listener does not answer under that host name.', {
      status: 421,
      field: 'header.host',
    })
  }
  if (door.admits && !door.admits(addressOf(c))) {
    throw new KhienError('http/not-admitted', 'This listener does not take requests from your address.', {
      status: 403,
    })
  }
}

/** A browser says where a form came from; a session cookie counts only from our own pages. */
function checkOrigin(request: Request, caller: Caller): void {
  const from = request.headers.get('origin')
  const site = request.headers.get('sec-fetch-site')
  const own =
    from !== null && /^https?:\/\//.test(from) && from.replace(/^https?:\/\//, '') === request.headers.get('host')
  const ours = own || (from === null && site === 'same-origin')
  const needsOurs = caller.kind === 'staff' || caller.kind === 'person'
  if (needsOurs ? !ours : from !== null && !own) {
    throw new KhienError('http/foreign-origin', 'This request did not come from our own page.', { status: 403 })
  }
}

export function checkAccess(access: Access, caller: Caller): void {
  if (access.open) return
  if (caller.kind === 'nobody')
    throw new KhienError('identity/sign-in', 'Sign in, or send a service key.', { status: 401 })
  if (caller.kind === 'staff' && access.roles?.some((role) => caller.roles.includes(role))) return
  if (caller.kind === 'service' && access.scope && caller.scopes.includes(access.scope)) return
  if (caller.kind === 'person' && access.person) return
  throw new KhienError('identity/not-allowed', 'Your role or key does not allow this.', { status: 403 })
}

const sealed = (): KhienError =>
  new KhienError('sealed', 'This node is sealed: its key has not been given yet. Run ./bin/khien.js unseal.', {
    status: 503,
    retryAfter: 5,
  })

const ONCE_KEY = /^[\x21-\x7e]{8,128}$/

function onceOf(
  request: Request,
  route: Route,
  caller: Caller,
  text: string,
  fingerprint: (text: string) => string,
): Once | undefined {
  const key = request.headers.get('idempotency-key')
  if (key === null) return undefined
  if (!ONCE_KEY.test(key)) {
    throw badRequest(
      'http/invalid',
      'Idempotency-Key: expected 8 to 128 visible ASCII signs.',
      'header.idempotency-key',
    )
  }
  const actor = actorOf(caller)
  return { key, caller: actor, fingerprint: fingerprint(`${actor}\n${route.id}\n${text}`) }
}

async function failure(c: Context, error: unknown, requestId: string, page: boolean, door: Door): Promise<Response> {
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
    ? await errorPage(problem, language, door.name)
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

function addressOf(c: Context): string {
  const { incoming } = c.env as { incoming?: { socket: { remoteAddress?: string } } }
  return incoming?.socket.remoteAddress ?? ''
}

export function cookieOf(request: Request, name: string): string | undefined {
  for (const part of (request.headers.get('cookie') ?? '').split(';')) {
    const at = part.indexOf('=')
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim()
  }
  return undefined
}
