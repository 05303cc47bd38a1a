import { isIP } from 'node:net'
import type { Context } from 'hono'
import type { z } from 'zod'
import { KhienError, badRequest } from '../kit/errors.ts'
import { actorOf, type Access, type Caller, type Once, type Route } from '../kit/contract.ts'
import type { Door } from './bind.ts'

/** With `lang` allowed everywhere on pages: it chooses the language and means nothing else. */
export function queryOf(c: Context, route: Route): Record<string, string> {
  const query = c.req.query()
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (values.length > 1)
      throw badRequest('http/duplicate', `The query field "${name}" is given more than once.`, `query.${name}`)
  }
  if (route.kind === 'page' || route.kind === 'file') delete query['lang']
  return query
}

/** The value as the schema has it, or an error that names the field. */
export function checkInput(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (!schema) return undefined
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const unknownKey = issue.code === 'unrecognized_keys' ? nameOnly(issue.keys[0]!) : undefined
  const field = [
    where,
    ...issue.path.map((part) => (typeof part === 'number' ? String(part) : nameOnly(String(part)))),
    ...(unknownKey === undefined ? [] : [unknownKey]),
  ].join('.')
  // zod's own sentences name what was expected, never the value that came.
  throw badRequest(
    'http/invalid',
    unknownKey === undefined ? `${field}: ${issue.message}` : `${field}: unknown field`,
    field,
  )
}

/** A name a stranger made up may hold anything: it is repeated only when it looks like a name. */
const nameOnly = (key: string): string => (/^[A-Za-z_$][\w$.-]{0,39}$/.test(key) ? key : '•')

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

/** The listener answers under its own names, to those it admits, and to headers that mean one thing. */
export function checkHost(c: Context, door: Pick<Door, 'hosts' | 'admits' | 'trusts'>): void {
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
  if (door.admits && !door.admits(addressOf(c, door.trusts))) {
    throw new KhienError('http/not-admitted', 'This listener does not take requests from your address.', {
      status: 403,
    })
  }
}

/** A browser says where a form came from; a session cookie counts only from our own pages. */
export function checkOrigin(request: Request, caller: Caller): void {
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

const ONCE_KEY = /^[\x21-\x7e]{8,128}$/

/** The idempotency key of a request, bound to caller, route, what its path names, and body. */
export function onceOf(
  request: Request,
  route: Pick<Route, 'id'>,
  caller: Caller,
  params: object,
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
  const named = Object.keys(params).length === 0 ? '' : `${JSON.stringify(params)}\n`
  return { key, caller: actor, fingerprint: fingerprint(`${actor}\n${route.id}\n${named}${text}`) }
}

/**
 * Who calls: the peer, or, behind a proxy of our own, the last address before our proxies that X-Forwarded-For tells.
 */
export function addressOf(c: Context, trusts: (address: string) => boolean = () => false): string {
  const { incoming } = c.env as { incoming?: { socket: { remoteAddress?: string } } }
  const peer = plain(incoming?.socket.remoteAddress ?? '')
  if (!trusts(peer)) return peer
  const told = (c.req.header('x-forwarded-for') ?? '').split(',').map((part) => plain(part.trim()))
  for (const address of told.reverse()) {
    if (isIP(address) === 0) break
    if (!trusts(address)) return address
  }
  return peer
}
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')

/** What counts as one caller where tries are counted: an IPv4 address, or an IPv6 /64, which is one line. */
export function callerOf(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
  return `${groups.slice(0, 4).join(':')}::/64`
}

export function cookieOf(request: Request, name: string): string | undefined {
  for (const part of (request.headers.get('cookie') ?? '').split(';')) {
    const at = part.indexOf('=')
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim()
  }
  return undefined
}
