import { inRange, parseAddress, parseRange } from '../../engine/waf/operator/address.ts'
import type { RawHeaders } from './limits.ts'

/** Who sent a request, as far as we may believe it. */
export type Client = { readonly address: string; readonly port: number; readonly trusted: boolean }
export type Trust = (address: string) => boolean

/** Ranges such as `10.0.0.0/8` → is that address one of our own proxies? Throws for a range that is none. */
export function trustOf(ranges: readonly string[]): Trust {
  const parsed = ranges.map(parseRange)
  return (address) => {
    const bytes = parseAddress(address)
    return bytes !== undefined && parsed.some((range) => inRange(bytes, range))
  }
}

/** `::ffff:192.0.2.1` → `192.0.2.1` */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')

const valuesOf = (headers: RawHeaders, name: string): string[] =>
  headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)

/** The peer, or, when the peer is a trusted proxy, the last address before our own proxies that X-Forwarded-For tells. */
export function clientOf(peer: string, port: number, headers: RawHeaders, trust: Trust): Client {
  if (!trust(peer)) return { address: peer, port, trusted: false }
  const told = valuesOf(headers, 'x-forwarded-for')
    .flatMap((value) => value.split(','))
    .map((part) => plainAddress(part.trim()))
  for (const address of told.reverse()) {
    if (parseAddress(address) === undefined) break
    if (!trust(address)) return { address, port: 0, trusted: true }
  }
  return { address: peer, port, trusted: true }
}

const HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/** Written anew here. */
const OURS: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'forwarded',
  'x-request-id',
])
/** Who the client is, as only a proxy of our own may tell. */
const TOLD_BY_PROXIES = /^(?:x-forwarded-.*|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip|x-cluster-client-ip)$/
/** Another target or method than the one inspected; a proxy in front passes these on from its client, so never. */
const OTHER_REQUEST: ReadonlySet<string> = new Set([
  'x-original-url',
  'x-rewrite-url',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
])

/** Sessions of a Khiên node on the same host are no business of the application. */
function withoutOurCookies(value: string): string {
  if (!value.includes('khien-')) return value
  const kept = value.split(';').filter((part) => !/^\s*khien-[a-z]{1,40}-(?:staff|person)\s*(?:=|$)/.test(part))
  return kept.join(';').trim()
}

/** Names that this connection alone is about: the fixed ones and those that Connection lists (RFC 9110 §7.6.1). */
function hopByHop(connection: readonly string[]): (name: string) => boolean {
  const listed = new Set(connection.flatMap((value) => value.toLowerCase().split(',')).map((name) => name.trim()))
  // Never let a client have the gateway take away what the application relies on.
  for (const kept of ['host', 'content-length', 'content-type', 'cookie', 'authorization']) listed.delete(kept)
  return (name) => HOP.has(name) || listed.has(name)
}

const quotedNode = (address: string): string => (address.includes(':') ? `"[${address}]"` : address)

/** Headers for the application, flat. What tells who the client is comes from the socket, or from a proxy we trust. */
export function requestHeaders(headers: RawHeaders, peer: string, fromTrusted: boolean, id: string): string[] {
  const out: string[] = []
  const isHop = hopByHop(valuesOf(headers, 'connection'))
  let host = ''
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    // undici writes Content-Length itself from the body it holds; Expect was answered here.
    if (isHop(key) || OURS.has(key) || key === 'content-length' || key === 'expect') continue
    if (OTHER_REQUEST.has(key) || (!fromTrusted && TOLD_BY_PROXIES.test(key))) continue
    if (key === 'host') host = value
    const passed = key === 'cookie' ? withoutOurCookies(value) : value
    if (passed !== '' || value === '') out.push(name, passed)
  }
  const before = (name: string): string | undefined => {
    const values = fromTrusted ? valuesOf(headers, name) : []
    return values.length === 0 ? undefined : values.join(', ')
  }
  const chain = (name: string, ours: string): string => {
    const told = before(name)
    return told === undefined ? ours : `${told}, ${ours}`
  }
  const proto = before('x-forwarded-proto') ?? 'http'
  out.push('X-Forwarded-For', chain('x-forwarded-for', peer))
  out.push('X-Forwarded-Proto', proto)
  out.push('X-Forwarded-Host', before('x-forwarded-host') ?? host)
  out.push('Forwarded', chain('forwarded', `for=${quotedNode(peer)};host="${host}";proto=http`))
  out.push('X-Request-Id', id)
  return out
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Headers for the client, flat. */
export function responseHeaders(headers: UpstreamHeaders, id: string): string[] {
  const connection = headers['connection']
  const isHop = hopByHop(connection === undefined ? [] : [connection].flat())
  const out: string[] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name === 'x-request-id' || isHop(name)) continue
    for (const one of [value].flat()) out.push(name, one)
  }
  out.push('X-Request-Id', id)
  return out
}
