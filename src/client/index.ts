import type { z } from 'zod'
import type { consentRoutes } from '../consent/contract.ts'
import type { vaultRoutes } from '../vault/contract.ts'
import { KhienRefusal } from './error.ts'
import { handover } from './handover.ts'

export { KhienRefusal } from './error.ts'

export type KhienOptions = {
  /** Internal origin of the platform node, `http://127.0.0.1:8081`. */
  readonly origin: string
  /** Service key, `khk_…`. */
  readonly key: string
  /** Public origin of the node, where people see their own pages. */
  readonly publicOrigin: string
  /** How long one call may take in all, repeats included. 5 s unless said. */
  readonly timeoutMs?: number
  readonly fetch?: typeof fetch
}

type Body<R> = R extends { readonly body: infer S extends z.ZodType } ? z.input<S> : undefined
type Answer<R> = R extends { readonly response: infer S extends z.ZodType } ? z.output<S> : unknown
type C = typeof consentRoutes
type V = typeof vaultRoutes

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A new pseudonymous subject token, 80 random bits. Make it before the first `put`, so that a repeat means the same person. */
export function newSubject(): string {
  const signs = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => CROCKFORD[byte & 31])
  return signs.join('').replace(/(.{4})(?=.)/g, '$1-')
}

/** Speaks to one platform node. Every write carries an idempotency key, so a repeat after a lost answer does no harm. */
export function createKhien(options: KhienOptions) {
  const { origin, key, timeoutMs = 5_000 } = options
  if (!/^khk_[0-9A-Z]{26}_[\w-]{43}$/.test(key ?? ''))
    throw new TypeError('createKhien: key: expected a service key (khk_…) of the page “People and keys”')
  const send = options.fetch ?? fetch

  async function call<T>(method: string, path: string, body?: unknown, once = false): Promise<T> {
    const end = Date.now() + timeoutMs
    const headers: Record<string, string> = { authorization: `Bearer ${key}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (once) headers['idempotency-key'] = crypto.randomUUID()
    for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
      const left = end - Date.now()
      const response = await attempt(method, path, body, headers, Math.max(1, left))
      if (response && response.status !== 503) {
        if (response.ok) return (await response.json()) as T
        throw new KhienRefusal(response.status, (await response.json().catch(() => ({}))) as object)
      }
      if (Date.now() + wait >= end) {
        if (response) throw new KhienRefusal(503, (await response.json().catch(() => ({}))) as object)
        throw new KhienRefusal(0, { code: 'client/unreachable', detail: 'The Khiên node does not answer.' })
      }
      await response?.body?.cancel()
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }

  /** Undefined when no answer came; safe to try again, because reads change nothing and writes carry their key. */
  async function attempt(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
    left: number,
  ): Promise<Response | undefined> {
    try {
      const text = body === undefined ? {} : { body: JSON.stringify(body) }
      return await send(`${origin}${path}`, { method, headers, ...text, signal: AbortSignal.timeout(left) })
    } catch {
      return undefined
    }
  }

  return {
    newSubject,
    /** A single-use link to the person's own pages; see `handover`. */
    handoverLink: handover(key, options.publicOrigin),

    declare: (body: Body<C['declare']>) => call<Answer<C['declare']>>('PUT', '/api/processing', body),
    processing: () => call<Answer<C['processing']>>('GET', '/api/processing'),
    decide: (body: Body<C['decide']>) => call<Answer<C['decide']>>('POST', '/api/consents', body, true),
    withdraw: (body: Body<C['withdraw']>) => call<Answer<C['withdraw']>>('POST', '/api/consents/withdraw', body, true),
    consents: (subject: string) => call<Answer<C['state']>>('GET', `/api/consents/${subject}`),
    openAgreement: (body: Body<C['openAgreement']>) =>
      call<Answer<C['openAgreement']>>('POST', '/api/agreements', body, true),
    closeAgreement: (body: Body<C['closeAgreement']>) =>
      call<Answer<C['closeAgreement']>>('POST', '/api/agreements/close', body, true),

    put: (items: Body<V['put']>['items']) => call<Answer<V['put']>>('POST', '/api/vault/put', { items }, true),
    /** What `put` would answer; nothing is kept. */
    check: (items: Body<V['check']>['items']) => call<Answer<V['check']>>('POST', '/api/vault/check', { items }),
    get: (body: Body<V['get']>) => call<Answer<V['get']>>('POST', '/api/vault/get', body),
    search: (body: Body<V['search']>) => call<Answer<V['search']>>('POST', '/api/vault/search', body),
    checkPassword: (body: Body<V['checkPassword']>) =>
      call<Answer<V['checkPassword']>>('POST', '/api/vault/passwords/check', body),
  }
}
export type Khien = ReturnType<typeof createKhien>
