import type { ServerResponse } from 'node:http'
import type { Readable, Writable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { AnswerCheck } from './answer-check.ts'
import { turnAway } from './admit.ts'
import { hasLeft, isHttp2, type Asked, type Req, type Res } from './asked.ts'
import { cut, endWith, sendHead } from './end.ts'
import { responseHeaders, type UpstreamHeaders } from './forwarding.ts'
import { HeldAnswer } from './held-answer.ts'
import { lineOf } from './rate-limits.ts'
import type { Shared } from './shared.ts'
import { stallWatch } from './stall.ts'
import { turnMeter } from './turns.ts'
import type { Application } from './upstreams.ts'

export type Passed = {
  readonly headers: string[]
  readonly body: Buffer | Readable | undefined
  /** Looks at the answer before it goes out. */
  readonly check: AnswerCheck | undefined
}

const SLOW: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
])
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Passes a request on and its answer back. 0 when the answer went out, whole or broken, was given by `check`, or the client left; otherwise the
 * status to answer with, nothing having been sent. A safe method is tried again, once, elsewhere if there is elsewhere.
 */
export async function passOn(shared: Shared, req: Req, res: Res, asked: Asked, passed: Passed): Promise<number> {
  const { applications, deps } = shared
  const { site } = asked.site!
  const tried: Application[] = []
  let status = 502
  for (let again = 0; again < 2; again++) {
    const application = applications.choose(site, tried, deps.clock()) ?? tried[0]
    if (application === undefined) return 503
    tried.push(application)
    application.busy++
    application.served++
    const place = application.places.ask(lineOf(asked.client.address))
    const leave = (): void => place?.leave()
    if (place?.given !== true) res.once('close', leave)
    try {
      if (!(await place?.given)) return noPlace(shared, req, res, asked)
      if (hasLeft(res)) return 0
      res.off('close', leave)
      status = await attempt(shared, application, req, res, asked, passed)
    } finally {
      application.busy--
      leave()
    }
    if (status === 0) applications.succeeded(application)
    else applications.failed(application, deps.clock())
    // A kept connection may have closed as we wrote; nothing was answered, so a safe method may be tried again.
    if (status !== 502 || !REPEATABLE.has(asked.method) || passed.body !== undefined) return status
    if (res.headersSent || hasLeft(res)) return status
    if (again === 0) shared.counts.retries++
  }
  return status
}

/** Nobody's place was free for this client in time, or it has left. */
function noPlace(shared: Shared, req: Req, res: Res, asked: Asked): 0 {
  if (hasLeft(res)) return 0
  asked.answered?.(503)
  turnAway(shared, req, res, asked, 503, 'room')
  return 0
}

/** Resolves when undici has let go of the body. */
function attempt(
  shared: Shared,
  application: Application,
  req: Req,
  res: Res,
  asked: Asked,
  { headers, body, check }: Passed,
): Promise<number> {
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | undefined
    let holding: HeldAnswer | undefined
    const stall = stallWatch(req, res, shared.limits.stallMs, () => shared.counts.stalled++)
    const onClose = (): void => {
      stall.clear()
      // Before it has begun undici cannot be told; it lets go as soon as it has a connection, or none.
      if (controller === undefined) return
      if (!res.writableFinished) controller.abort(new Error('the client left'))
      settle(0)
    }
    let settled = false
    const settle = (status: number): void => {
      settled = true
      holding?.release()
      res.off('close', onClose)
      resolve(status)
    }
    res.on('close', onClose)

    const enough = turnMeter()
    const inTurn = (): void => shared.turns.wait(() => settled || controller!.resume())
    const write = (chunk: Buffer): void => {
      // What still comes for a client that has left is nobody's, and would never drain.
      if (settled) return
      const large = enough(chunk.length)
      if ((res as Writable).write(chunk)) {
        if (!large) return
        controller!.pause()
        return inTurn()
      }
      controller!.pause()
      stall.begin()
      res.once('drain', () => {
        stall.clear()
        inTurn()
      })
    }
    const start = (status: number, message: string, received: UpstreamHeaders): void => {
      const flat = responseHeaders(received, asked.id)
      const more = asked.answered?.(status) ?? []
      // What the client is still sending of this request cannot be told from a next one.
      if (!isHttp2(res) && !req.complete) (res as ServerResponse).shouldKeepAlive = false
      if (!sendHead(res, status, message, [...flat, ...more])) return broken('head')
      // Events are for now, and so is the head of an answer whose body takes its time.
      if (received['content-length'] !== undefined || isHttp2(res)) return
      if (isEvents(received)) res.flushHeaders()
      else setImmediate(() => !res.writableEnded && !res.destroyed && res.flushHeaders())
    }
    /** The application has answered, but what it said cannot be passed on. */
    const broken = (what: 'head' | 'check'): void => {
      if (settled) return
      shared.counts.upstreamErrors++
      shared.deps.log.warn('upstream', { id: asked.id, status: 502, unsendable: what })
      endWith(req, res, asked, 502, { close: shared.closing })
      settle(0)
      controller?.abort(new Error('not sendable'))
    }
    const finish = (): void => {
      if (settled) return
      stall.clear()
      res.end()
      settle(0)
    }
    const options = {
      method: asked.method as Dispatcher.HttpMethod,
      path: asked.target,
      headers,
      body: body ?? null,
      ...(wantsEvents(asked) ? { bodyTimeout: shared.limits.tunnelIdleMs } : {}),
    }
    try {
      application.pool.dispatch(options, {
        onRequestStart(started) {
          controller = started
          if (!hasLeft(res)) return
          started.abort(new Error('the client left'))
          settle(0)
        },
        onResponseStart(started, status, received, message) {
          // 101 cannot come: Upgrade goes another way. Other 1xx are not for us to pass either.
          if (status < 200) return
          const go = (): void => start(status, message ?? '', received)
          if (check === undefined || isEvents(received)) return go()
          holding = new HeldAnswer(shared, check, { status, received }, started, {
            go,
            write,
            finish,
            failed: () => broken('check'),
            given: () => {
              started.abort(new Error('kept back'))
              settle(0)
            },
          })
          holding.begin()
        },
        onResponseData(_, chunk) {
          if (holding?.takes(chunk)) return
          write(chunk)
        },
        onResponseEnd() {
          if (holding?.ends()) return
          finish()
        },
        onResponseError(_, error) {
          const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
          if (settled || holding?.over || hasLeft(res)) return settle(0)
          if (!res.headersSent) return settle(SLOW.has(code) ? 504 : 502)
          // Half an answer must look broken, not finished.
          cut(req, res)
          settle(0)
        },
      })
    } catch {
      settle(502)
    }
  })
}

const isEvents = (received: UpstreamHeaders): boolean =>
  /^\s*text\/event-stream\b/i.test(String(received['content-type'] ?? ''))
const wantsEvents = ({ headers }: Asked): boolean =>
  headers.some(([name, value]) => name.toLowerCase() === 'accept' && value.startsWith('text/event-stream'))
