import { COOKIE_NAMES } from './challenge/brought.ts'
import { inRange, parseAddress, parseRange } from '../../engine/waf/operator/address.ts'
import type { Asked } from './asked.ts'
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

const MAPPED = '0,0,0,0,0,0,0,0,0,0,255,255,'

/** An IPv4 address mapped into IPv6 (RFC 4291 §2.5.5.2) as itself, however it is written: `::ffff:192.0.2.1`, `::FFFF:c000:201`. */
export function plainAddress(address: string): string {
  if (!address.includes(':')) return address
  // As the system writes it, for every client of a listener on both families.
  if (/^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address)) return address.slice(7)
  const bytes = parseAddress(address)
  return bytes !== undefined && String(bytes).startsWith(MAPPED) ? bytes.slice(12).join('.') : address
}

const valuesOf = (headers: RawHeaders, name: string): string[] =>
  headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)

/** The peer, or, when the peer is a trusted proxy, the last address before our own proxies that X-Forwarded-For tells. */
export function clientOf(peer: string, port: number, headers: RawHeaders, trust: Trust): Client {
  if (!trust(peer)) return { address: peer, port, trusted: false }
  const told = valuesOf(headers, 'x-forwarded-for').flatMap((value) => value.split(','))
  for (const part of told.reverse()) {
    const { address, port: source } = nodeOf(part.trim())
    if (parseAddress(address) === undefined) break
    if (!trust(address)) return { address, port: source || portTold(address, headers), trusted: true }
  }
  return { address: peer, port, trusted: true }
}

/** `192.0.2.1`, `192.0.2.1:51398`, `[2001:db8::7]:51446`; port 0 when none is told. */
function nodeOf(text: string): { readonly address: string; readonly port: number } {
  const [, address = text, port = '0'] =
    /^\[?([0-9A-Fa-f:.]+?)\]?(?::(\d{1,5}))?$/.exec(
      text.includes('[') || text.split(':').length === 2 ? text : `[${text}]`,
    ) ?? []
  return { address: plainAddress(address), port: Number(port) <= 65_535 ? Number(port) : 0 }
}

/** The source port of an address: from X-Real-Port, or else from the last element of Forwarded that speaks of the address. */
function portTold(address: string, headers: RawHeaders): number {
  const plain = valuesOf(headers, 'x-real-port').at(-1)
  // Proxies set this one; Forwarded many pass on as their client wrote it.
  if (plain !== undefined) return /^\d{1,5}$/.test(plain) && Number(plain) <= 65_535 ? Number(plain) : 0
  for (const value of valuesOf(headers, 'forwarded')
    .flatMap((one) => one.split(','))
    .reverse()) {
    const node = /(?:^|;)\s*for="?([^";]*)"?/i.exec(value.trim())?.[1]
    if (node === undefined) continue
    const told = nodeOf(node)
    if (told.address === address) return told.port
  }
  return 0
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
/** Written anew here, or ours alone to say. */
const OURS: ReadonlySet<string> = new Set([
  'forwarded',
  'khien-check',
  'x-khien-password-breached',
  'x-request-id',
  'x-real-ip',
])
/**
 * Who the client is, or by which name and path it came, as applications and their frameworks read it. Nobody's is passed on: a proxy of
 * our own sets one or two of these, and lets the others through as its client wrote them.
 */
const TOLD_OF_CLIENTS =
  /^(?:x-forwarded(?:-.*)?|forwarded-for|x-real-port|x-host|(?:x-)?(?:client|originating|remote|cluster-client|proxyuser)-(?:ip|addr)|(?:wl-)?proxy-client-ip|true-client-ip|cf-connecting-ip(?:v6)?|cf-pseudo-ipv4|fastly-client-ip|fly-client-ip|x-azure-(?:client|socket)ip|x-envoy-external-address|x-appengine-user-ip)$/
/** Another target or method than the one inspected; a proxy in front passes these on from its client, so never. */
const OTHER_REQUEST: ReadonlySet<string> = new Set([
  'x-original-url',
  'x-rewrite-url',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
])

/** Sessions of a Khiên node on the same host, and what tells who was checked, are no business of the application. */
function withoutOurCookies(value: string): string {
  if (!value.includes('khien')) return value
  const session = /^khien-[a-z]{1,40}-(?:staff|person)$/
  const kept = value.split(';').filter((part) => {
    const name = part.split('=', 1)[0]!.trim()
    return !session.test(name) && !COOKIE_NAMES.includes(name)
  })
  return kept.join(';').trim()
}

/** Names that this connection alone is about: the fixed ones and those that Connection lists (RFC 9110 §7.6.1). */
function hopByHop(connection: readonly string[]): (name: string) => boolean {
  const listed = new Set(connection.flatMap((value) => value.toLowerCase().split(',')).map((name) => name.trim()))
  // Never let a client have the gateway take away what the application relies on.
  for (const kept of ['host', 'content-length', 'content-type', 'cookie', 'authorization']) listed.delete(kept)
  return (name) => HOP.has(name) || listed.has(name)
}

/** RFC 7239 §6: the node with its port, by which people behind one address are told apart. */
const quotedNode = (address: string, port: number): string => {
  const node = address.includes(':') ? `[${address}]` : address
  return port === 0 && node === address ? node : `"${node}${port === 0 ? '' : `:${port}`}"`
}

/** From the client on, the addresses of all who passed the request on; what stands before the client anybody may have invented. */
function chainOf({ client, headers, peer }: Pick<Asked, 'client' | 'headers' | 'peer'>): readonly string[] {
  const chain = [peer]
  if (!client.trusted) return chain
  const told = valuesOf(headers, 'x-forwarded-for').flatMap((value) => value.split(','))
  for (const part of told.reverse()) {
    const { address } = nodeOf(part.trim())
    if (parseAddress(address) === undefined) break
    chain.unshift(address)
    if (address === client.address) break
  }
  return chain
}

/**
 * Headers for the application, flat. What tells who the client is comes from the socket, or from a proxy we trust. `plain`: the answer will be
 * looked at, so it had better not come compressed, nor, where people's data are counted in it, in ranges.
 */
export function requestHeaders(asked: Asked, plain: boolean): string[] {
  const { headers, client, id, secure } = asked
  // Who may ask for pieces alone would have people's data counted in pieces.
  const whole = plain && (asked.route?.outgoing.policy ?? 'off') !== 'off'
  const out: string[] = []
  const isHop = hopByHop(valuesOf(headers, 'connection'))
  let host = ''
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    // undici writes Content-Length itself from the body it holds; Expect was answered here.
    if (isHop(key) || OURS.has(key) || key === 'content-length' || key === 'expect') continue
    if (plain && key === 'accept-encoding') continue
    if (whole && (key === 'range' || key === 'if-range')) continue
    if (OTHER_REQUEST.has(key) || TOLD_OF_CLIENTS.test(key)) continue
    if (key === 'host') host = value
    const passed = key === 'cookie' ? withoutOurCookies(value) : value
    if (passed !== '' || value === '') out.push(name, passed)
  }
  const told = client.trusted ? valuesOf(headers, 'x-forwarded-proto').at(-1)?.toLowerCase() : undefined
  const proto = told === 'https' || told === 'http' ? told : secure ? 'https' : 'http'
  const chain = chainOf(asked)
  const [, ...proxies] = chain.map((address) => `for=${quotedNode(address, 0)}`)
  const first = `for=${quotedNode(chain[0]!, chain[0] === client.address ? client.port : 0)};host="${host}";proto=${proto}`
  out.push('X-Forwarded-For', chain.join(', '))
  out.push('X-Forwarded-Proto', proto)
  out.push('X-Forwarded-Host', host)
  out.push('X-Real-IP', client.address)
  out.push('Forwarded', [first, ...proxies].join(', '))
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
