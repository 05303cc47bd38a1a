export type Limits = {
  /** Request line and headers together, bytes. */
  readonly headBytes: number
  readonly headers: number
  readonly target: number
  /** A body that is inspected as text: longer would hold the loop for tens of milliseconds. */
  readonly textBytes: number
  /** A body from this size on is inspected by a thread: on the loop others would wait more than 10 ms for it. */
  readonly offLoopBytes: number
  readonly threads: number
  /** Bodies waiting for a thread; one more is answered 503. */
  readonly threadQueue: number
  readonly threadMs: number
  /** Bodies held by one worker at once, all together. */
  readonly heldBytes: number
  readonly headMs: number
  /** How long a client may keep us waiting for its body, of which bytes that come give back. */
  readonly requestMs: number
  /** The longest that a client may keep us waiting for one body, however steadily it comes. */
  readonly wholeMs: number
  readonly idleMs: number
  readonly connections: number
  readonly requestsPerConnection: number
  /** Requests under way from one connection, whether or not its client still waits for them. */
  readonly requestsAtOnce: number
  /** A client that reads nothing of what it is sent for so long is closed. */
  readonly stallMs: number
  /** HTTP/2: streams that may end early, one by one more each 50 ms, and control frames a second, before the connection ends. */
  readonly resets: number
  readonly controlFrames: number
  readonly tunnels: number
  readonly tunnelIdleMs: number
  readonly upstreamConnections: number
  readonly upstreamConnectMs: number
  readonly upstreamHeadMs: number
  readonly upstreamIdleMs: number
  /** How long an answer to a refused request may wait for its record. */
  readonly recordMs: number
  readonly drainMs: number
}

export const LIMITS: Limits = {
  headBytes: 16_384,
  headers: 100,
  target: 8_192,
  textBytes: 262_144,
  offLoopBytes: 16_384,
  threads: 1,
  threadQueue: 64,
  threadMs: 5_000,
  heldBytes: 134_217_728,
  headMs: 10_000,
  requestMs: 30_000,
  wholeMs: 300_000,
  idleMs: 15_000,
  connections: 10_000,
  requestsPerConnection: 10_000,
  requestsAtOnce: 100,
  stallMs: 30_000,
  resets: 100,
  controlFrames: 100,
  tunnels: 5_000,
  tunnelIdleMs: 120_000,
  upstreamConnections: 128,
  upstreamConnectMs: 3_000,
  upstreamHeadMs: 30_000,
  upstreamIdleMs: 60_000,
  recordMs: 250,
  drainMs: 3_000,
}

export type RawHeaders = readonly (readonly [name: string, value: string])[]

/** Node's flat `rawHeaders` as pairs. */
export function pairsOf(flat: readonly string[]): RawHeaders {
  const out: [string, string][] = []
  for (let at = 0; at + 1 < flat.length; at += 2) out.push([flat[at]!, flat[at + 1]!])
  return out
}

/** A byte up to `last`, or DEL; a tab counts only where a space does. */
function hasControl(text: string, last: number): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 127 || (code <= last && (code !== 9 || last >= 32))) return true
  }
  return false
}

// Two of these could be read differently by us and by the application.
const SINGLE: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'content-type',
  'content-encoding',
  'expect',
  'authorization',
])

/**
 * The status a request must be answered with, before any rule, because of its shape: what an application behind could read differently
 * from us (request smuggling, RFC 9112 §6.3, §11.2), or what is too much. 0 when it is in order.
 */
export function shapeStatus(
  method: string,
  target: string,
  httpVersion: string,
  headers: RawHeaders,
  limits: Limits,
): number {
  if (httpVersion !== '1.1' && httpVersion !== '1.0' && httpVersion !== '2') return 505
  // Rules, checks and limits ask for POST; an application that takes `post` for it must not get to see one.
  if (!/^[A-Z][A-Z-]{0,31}$/.test(method)) return 400
  if (target.length > limits.target) return 414
  if (headers.length > limits.headers) return 431
  // Origin form alone: absolute form names a host of its own, and we are nobody's forward proxy.
  if (!target.startsWith('/') || hasControl(target, 0x20) || /[#\\]/.test(target)) return 400
  const seen = new Set<string>()
  for (const [rawName, value] of headers) {
    const name = rawName.toLowerCase()
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || hasControl(value, 0x1f)) return 400
    if (SINGLE.has(name) && seen.has(name)) return 400
    // Applications behind CGI and WSGI read X_Real_IP as X-Real-IP: no name with _ can be told from another's.
    if (name.includes('_')) return 400
    if (name === 'content-length' && !/^\d{1,15}$/.test(value)) return 400
    if (name === 'transfer-encoding' && (value.toLowerCase() !== 'chunked' || httpVersion === '1.0')) return 400
    if (name === 'host' && !/^[A-Za-z0-9._:[\]-]{1,255}$/.test(value)) return 400
    seen.add(name)
  }
  if (!seen.has('host')) return 400
  if (seen.has('content-length') && seen.has('transfer-encoding')) return 400
  if (seen.has('transfer-encoding') && /^(?:GET|HEAD)$/.test(method)) return 400
  return 0
}
