import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Plan } from '../engine/waf/index.ts'
import { sendRefusal } from './answer.ts'
import { Watch } from './inspection.ts'
import type { GuardOptions } from './options.ts'
import { releaseUnread } from './read-ahead.ts'
import type { Counts } from './refusal.ts'
import { inspectRequest, type Outcome } from './request.ts'

export { loadRules, ownRules, type LoadOptions } from './load-rules.ts'
export type { GuardOptions } from './options.ts'
export type { Counts, Refusal } from './refusal.ts'
export { GuardError } from './error.ts'

/** `next` is called once, when the request may go on; a refused one is answered here. */
export type Guard = {
  (
    req: IncomingMessage | Http2ServerRequest,
    res: ServerResponse | Http2ServerResponse,
    next: (error?: unknown) => void,
  ): void
  /** What happened since the guard was made. */
  counts(): Counts
}

/**
 * A plan before a Node server: `const check = guard(plan)`, then in the request listener `check(req, res, () => app(req, res))`. The app
 * reads the body as if nobody had. Throws `GuardError` in the listener when the body was read before.
 */
export function guard(plan: Plan, options: GuardOptions = {}): Guard {
  const watch = new Watch(plan, options)
  const check = (
    req: IncomingMessage | Http2ServerRequest,
    res: ServerResponse | Http2ServerResponse,
    next: (error?: unknown) => void,
  ): void => {
    const act = (outcome: Outcome): void => {
      if (outcome === 'gone') return
      if (outcome !== 'pass') return sendRefusal(watch, outcome, req, res)
      res.once('finish', () => releaseUnread(req))
      next()
    }
    const outcome = inspectRequest(watch, req)
    if (outcome instanceof Promise) void outcome.then(act)
    else act(outcome)
  }
  return Object.assign(check, { counts: () => structuredClone(watch.counts) })
}
