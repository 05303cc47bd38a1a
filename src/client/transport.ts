import { KhienRefusal } from './error.ts'

/** `doubtful`: a call found nobody and others still try; `down`: a whole call's time went by, so nobody waits any more. */
export type VaultState = 'up' | 'doubtful' | 'down'

export type TransportOptions = {
  readonly origin: string
  readonly key: string
  readonly timeoutMs: number
  readonly fetch: typeof fetch
}
export type Transport = {
  /** One request, repeated until it is answered or its time is over. Throws KhienRefusal. */
  call<T>(method: string, path: string, body?: unknown, how?: How): Promise<T>
  state(): VaultState
  /** Heard when the vault answers again. */
  onUp(listener: () => void): void
  close(): void
}
type Answer = { readonly status: number; readonly said: unknown }
type How = {
  /** A write: it carries an idempotency key. */
  readonly once?: boolean
  /** In place of the client's own time for a whole call. */
  readonly timeoutMs?: number
  /** Only one attempt, of at most so many milliseconds. */
  readonly onlyOnceMs?: number
}

/** Small, answered to a service key, and 503 while the vault is sealed. Any other answer means that somebody is there. */
const PROBE = '/api/vault/inbox-key'
const PROBE_MS = [100, 200, 300, 500, 700, 1_000]
const PROBE_TIMEOUT_MS = 2_000

/**
 * Speaks to one node. A dead node costs the first callers their timeout; after that every call fails at once, and one
 * small question a second finds out when the node is back.
 */
export function transport({ origin, key, timeoutMs, fetch: send }: TransportOptions): Transport {
  const listeners: (() => void)[] = []
  let state: VaultState = 'up'
  let timer: unknown
  let closed = false

  function answered(): void {
    if (state === 'up') return
    state = 'up'
    for (const listener of listeners) listener()
  }
  function silent(): void {
    if (state !== 'up') return
    state = 'doubtful'
    probe(0)
  }
  function probe(tries: number): void {
    if (closed) return
    const wait = PROBE_MS[Math.min(tries, PROBE_MS.length - 1)]!
    timer = setTimeout(async () => {
      if (state === 'up') return
      const answer = await attempt('GET', PROBE, undefined, { authorization: `Bearer ${key}` }, PROBE_TIMEOUT_MS)
      if (answer && answer.status !== 503) answered()
      else probe(tries + 1)
    }, wait)
    ;(timer as { unref?: () => void }).unref?.()
  }

  async function call<T>(method: string, path: string, body?: unknown, how: How = {}): Promise<T> {
    if (state === 'down') throw unreachable()
    const end = Date.now() + (how.onlyOnceMs ?? how.timeoutMs ?? timeoutMs)
    const headers: Record<string, string> = { authorization: `Bearer ${key}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (how.once) headers['idempotency-key'] = crypto.randomUUID()
    for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
      const answer = await attempt(method, path, body, headers, Math.max(1, end - Date.now()))
      if (answer && answer.status !== 503) {
        answered()
        if (answer.status >= 200 && answer.status < 300) return answer.said as T
        throw new KhienRefusal(answer.status, answer.said as object)
      }
      silent()
      const over = Date.now() + wait >= end
      if (over && how.onlyOnceMs === undefined) state = 'down'
      if (over || how.onlyOnceMs !== undefined || stateNow() === 'down') {
        if (answer) throw new KhienRefusal(503, answer.said as object)
        throw unreachable()
      }
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
  /** Another call may have given up meanwhile. */
  const stateNow = (): VaultState => state

  /** Undefined when no whole answer came; safe to try again, because reads change nothing and writes carry their key. */
  async function attempt(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
    left: number,
  ): Promise<Answer | undefined> {
    try {
      const text = body === undefined ? {} : { body: JSON.stringify(body) }
      const response = await send(`${origin}${path}`, { method, headers, ...text, signal: AbortSignal.timeout(left) })
      const said = await response.text()
      // What is no JSON comes from something before the node; its status still says enough, unless it claims success.
      const whole = parsed(said)
      return whole === undefined && response.ok ? undefined : { status: response.status, said: whole ?? {} }
    } catch {
      return undefined
    }
  }

  return {
    call,
    state: () => state,
    onUp: (listener) => void listeners.push(listener),
    close() {
      closed = true
      clearTimeout(timer as Parameters<typeof clearTimeout>[0])
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const unreachable = (): KhienRefusal =>
  new KhienRefusal(0, { code: 'client/unreachable', detail: 'The Khiên node does not answer.' })

/** Nobody answered, or a node that is sealed or has lost its store: worth trying again. */
export const isAway = (error: unknown): boolean =>
  error instanceof KhienRefusal && (error.status === 0 || error.status === 503)
