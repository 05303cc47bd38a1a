import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { Plan } from '../engine/waf/index.ts'
import { answerOf } from './answer.ts'
import { GuardError } from './error.ts'
import { Inspection, Watch } from './inspection.ts'
import type { GuardOptions } from './options.ts'
import { demandBody, hasBody, readAhead, releaseUnread } from './read-ahead.ts'
import type { Counts, Refusal } from './refusal.ts'
import { headOf } from './request.ts'

export { loadRules, ownRules, type LoadOptions } from './load-rules.ts'
export type { GuardOptions } from './options.ts'
export type { Counts, Refusal } from './refusal.ts'
export { GuardError } from './error.ts'

/** What of Fastify (4 and 5) is used: its hooks, and its reply. */
type Request = { readonly raw: IncomingMessage | Http2ServerRequest; readonly method: string }
type Reply = {
  readonly raw: { once(event: 'finish', listener: () => void): unknown }
  code(status: number): Reply
  headers(values: Readonly<Record<string, string>>): Reply
  send(body: string): Reply
  hijack(): Reply
}
type Instance = {
  addHook(name: 'onRequest', hook: (request: Request, reply: Reply) => Promise<unknown>): unknown
  addHook(name: 'preParsing', hook: (request: Request, reply: Reply, payload: unknown) => Promise<unknown>): unknown
}
export type GuardPlugin = ((app: Instance) => Promise<void>) & {
  /** What happened since the guard was made. */
  counts(): Counts
}

/**
 * A plan as a Fastify plugin: `app.register(guard(plan))`, before other plugins that touch bodies. Phase 1 in `onRequest`, phase 2 in
 * `preParsing`; the parser gets the stream with all its bytes. Holds for the whole app, not only for the plugin's own scope.
 */
export function guard(plan: Plan, options: GuardOptions = {}): GuardPlugin {
  const watch = new Watch(plan, options)
  const open = new WeakMap<object, Inspection>()

  async function onRequest(request: Request, reply: Reply): Promise<unknown> {
    const inspection = new Inspection(watch, headOf(request.raw, watch))
    const refusal = inspection.head() ?? (hasBody(request.raw) ? undefined : inspection.nobody())
    if (refusal !== undefined) return refuse(request, reply, refusal)
    if (hasBody(request.raw) && inspection.wantsBody) open.set(request, inspection)
    return undefined
  }

  async function preParsing(request: Request, reply: Reply, payload: unknown): Promise<unknown> {
    const inspection = open.get(request)
    if (inspection === undefined) return payload
    if (payload !== request.raw)
      throw new GuardError(
        'guard/body-gone',
        'Another plugin changed the body before the guard could inspect it: register guard() before it.',
      )
    demandBody(request.raw)
    const held = await readAhead(request.raw, watch)
    if (held === 'gone') {
      watch.counts.gone++
      return reply.hijack()
    }
    const refusal = await inspection.body(held)
    if (refusal !== undefined) return refuse(request, reply, refusal)
    reply.raw.once('finish', () => releaseUnread(request.raw))
    return payload
  }

  function refuse({ raw, method }: Request, reply: Reply, refusal: Refusal): Reply {
    const { status, headers, body } = answerOf(watch, refusal, String(raw.headers.accept ?? ''))
    if (refusal.action === 'drop') {
      raw.socket.destroy()
      return reply.hijack()
    }
    // HTTP/2 has no such header; there the stream alone ends.
    const close = !raw.complete && raw.httpVersionMajor === 1
    if (close)
      (reply.raw as unknown as ServerResponse).once('finish', () => void setTimeout(() => raw.destroy(), 500).unref())
    reply.code(status).headers({ ...headers, ...(close ? { connection: 'close' } : {}) })
    return reply.send(method === 'HEAD' ? '' : body)
  }

  const plugin = async (app: Instance): Promise<void> => {
    app.addHook('onRequest', onRequest)
    app.addHook('preParsing', preParsing)
  }
  return Object.assign(plugin, {
    counts: () => structuredClone(watch.counts),
    // The marks that fastify-plugin would set: hooks reach the whole app; the name for error messages.
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'khien-waf',
  })
}
