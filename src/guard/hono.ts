import type { IncomingMessage } from 'node:http'
import type { Plan, RequestHead } from '../engine/waf/index.ts'
import { answerOf } from './answer.ts'
import { clientAddressOf } from './client.ts'
import { GuardError } from './error.ts'
import { Inspection, Watch, type Held } from './inspection.ts'
import { readOptions, type GuardOptions } from './options.ts'
import type { Counts, Refusal } from './refusal.ts'
import { headOf } from './request.ts'

export { loadRules, ownRules, type LoadOptions } from './load-rules.ts'
export type { GuardOptions } from './options.ts'
export type { Counts, Refusal } from './refusal.ts'
export { GuardError } from './error.ts'

/** What of Hono's context is used. */
type Context = { readonly req: { readonly raw: Request }; readonly env: unknown }
export type HonoOptions = GuardOptions & {
  /** Who sent the request, where the runtime is not @hono/node-server, which tells it. */
  readonly client?: (context: never) => { readonly address: string; readonly port?: number }
}
export type HonoGuard = ((context: Context, next: () => Promise<void>) => Promise<Response | undefined>) & {
  /** What happened since the guard was made. */
  counts(): Counts
}

/**
 * A plan as Hono middleware: `app.use(guard(plan))`, before whatever reads bodies. The app reads the body as if nobody had. Under
 * @hono/node-server the request line and headers are inspected as received; elsewhere as the runtime's `Request` gives them.
 */
export function guard(plan: Plan, { client, ...options }: HonoOptions = {}): HonoGuard {
  readOptions(options)
  const watch = new Watch(plan, options)

  function factsOf(context: Context): RequestHead {
    const { incoming } = (context.env ?? {}) as { incoming?: IncomingMessage }
    if (Array.isArray(incoming?.rawHeaders) && client === undefined) return headOf(incoming, watch)
    if (client === undefined)
      throw new GuardError(
        'guard/no-client',
        'The address of the client is not known here: give guard() the option client: (c) => ({ address }).',
      )
    const { raw } = context.req
    const { address, port = 0 } = client(context as never)
    const headers = [...raw.headers]
    const url = new URL(raw.url)
    if (!raw.headers.has('host')) headers.unshift(['host', url.host])
    return {
      method: raw.method,
      target: `${url.pathname}${url.search}`,
      httpVersion: '1.1',
      headers,
      clientAddress: clientAddressOf(address, headers, watch.trusts),
      clientPort: port,
    }
  }

  function refuse(raw: Request, refusal: Refusal): Response {
    const { status, headers, body } = answerOf(watch, refusal, raw.headers.get('accept') ?? '')
    return new Response(raw.method === 'HEAD' ? null : body, { status, headers })
  }

  const check = async (context: Context, next: () => Promise<void>): Promise<Response | undefined> => {
    const { raw } = context.req
    const inspection = new Inspection(watch, factsOf(context))
    let refusal = inspection.head()
    const noBody = raw.method === 'GET' || raw.method === 'HEAD' || raw.body === null
    if (refusal === undefined && noBody) refusal = inspection.nobody()
    else if (refusal === undefined && inspection.wantsBody) {
      if (raw.bodyUsed)
        throw new GuardError(
          'guard/body-gone',
          'The body was read before the guard could inspect it: put guard() before whatever reads bodies.',
        )
      const held = await peek(raw, watch)
      try {
        if (held.body === 'gone') {
          watch.counts.gone++
          return new Response(null, { status: 400 })
        }
        refusal = await inspection.body(held.body)
        if (refusal === undefined) await next()
        else if (!(typeof held.body === 'object' && held.body.whole)) void raw.body?.cancel().catch(() => undefined)
      } finally {
        watch.give(held.taken)
      }
      return refusal && refuse(raw, refusal)
    }
    if (refusal !== undefined) return refuse(raw, refusal)
    await next()
    return undefined
  }
  return Object.assign(check, { counts: () => structuredClone(watch.counts) })
}

/** The beginning of a body, out of a copy: the request's own stream keeps every byte. */
async function peek(raw: Request, watch: Watch): Promise<{ readonly body: Held | 'gone'; readonly taken: number }> {
  const { bodyLimit, beyond } = watch.settings
  const reader = raw.clone().body!.getReader()
  const chunks: Uint8Array[] = []
  let taken = 0
  // Cancelling one copy alone waits for the other: it is told, not waited for.
  const stop = (body: Held | 'gone'): { body: Held | 'gone'; taken: number } => {
    void reader.cancel().catch(() => undefined)
    return { body, taken }
  }
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      if (taken + value.length > bodyLimit && beyond === 'reject') return stop('too-large')
      if (!watch.take(value.length)) return stop('no-room')
      taken += value.length
      chunks.push(value)
      if (taken > bodyLimit) return stop({ bytes: Buffer.concat(chunks).subarray(0, bodyLimit), whole: false })
    }
  } catch {
    return stop('gone')
  }
  return { body: { bytes: Buffer.concat(chunks), whole: true }, taken }
}
