import { boundForm, isFile, isMultipart, openTransaction, type Transaction } from '../../engine/waf/index.ts'
import { EXCLUSION_IDS } from '../tuning/sec-lang.ts'
import { admit, turnAway } from './admit.ts'
import { answerCheck, looksAtAnswers } from './answer-check.ts'
import { readAsked, wireOf, type Asked, type Req, type Res } from './asked.ts'
import { fieldIn } from './form-fields.ts'
import { readBody, wholeBody, type Patience } from './body.ts'
import { callbackOf } from './callback.ts'
import { accountChecked } from './checks.ts'
import type { TurnedBy } from './counts.ts'
import { endWith, sendHead } from './end.ts'
import { accessEvent } from './events.ts'
import { requestHeaders } from './forwarding.ts'
import type { Case, Judgement } from './judgement.ts'
import { passOn } from './pass.ts'
import { lineOf } from './rate-limits.ts'
import { record, refuse, type Reason } from './refuse.ts'
import type { Shared } from './shared.ts'
import type { LiveRoute } from './sites.ts'

/** One request from its head to its end. Never throws. */
export async function serve(shared: Shared, req: Req, res: Res): Promise<void> {
  shared.counts.requests++
  // A broken socket is no event for the process.
  req.on('error', () => undefined)
  res.on('error', () => undefined)
  const asked = readAsked(req, shared.deps.clock(), shared.deps.entropy)
  watch(shared, req, res, asked)
  try {
    await take(shared, req, res, asked)
  } catch (error) {
    shared.deps.log.error('request-failed', { id: asked.id, error: error instanceof Error ? error.name : typeof error })
    endWith(req, res, asked, 500, { close: shared.closing })
  }
}

/** One event when the request is over, however it ended. The function tells another status than the answer's own. */
export function watch(shared: Shared, req: Req, res: Res, asked: Asked): (status: number) => void {
  const wire = wireOf(req)
  const before = { in: wire?.bytesRead ?? 0, out: wire?.bytesWritten ?? 0 }
  let other: number | undefined
  const over = (): void => {
    const length = asked.length ?? (wire?.bytesRead ?? 0) - before.in
    shared.deps.events.send(
      accessEvent(asked, other ?? (res.headersSent ? res.statusCode : 499), {
        bytesIn: Number.isSafeInteger(length) && length >= 0 ? length : 0,
        bytesOut: (wire?.bytesWritten ?? 0) - before.out,
        ms: performance.now() - asked.began,
      }),
    )
  }
  res.once('close', over)
  return (status) => {
    other = status
    res.off('close', over)
    wire?.once('close', over)
  }
}

async function take(shared: Shared, req: Req, res: Res, asked: Asked): Promise<void> {
  const began = process.hrtime.bigint()
  if (shared.closing) closeAfter(res)
  if (!(await admit(shared, req, res, asked))) return
  const route = asked.route!
  const { site } = asked.site!
  const mirror = site.placement === 'mirror'
  let transaction = opened(asked, route)
  let head = transaction?.inspectHead()
  if (head?.refused && route.mode === 'block' && route.others !== undefined) {
    const found = { verdict: head, callback: callbackOf(transaction!), bytes: 0 }
    transaction = opened(asked, route.others)
    head = transaction?.inspectHead()
    if (!head?.refused) {
      watchedOnly(shared, asked, found)
      asked.route = route.others
    }
  }
  const spent = process.hrtime.bigint() - began
  const stopped = head?.refused && asked.route!.mode === 'block' && !mirror
  if (stopped && shared.traffic.wants(site)) shared.traffic.add(site.name, asked.at, headOf(asked), NONE)
  if (head !== undefined && stopped)
    return refuse(shared, req, res, asked, { verdict: head, callback: callbackOf(transaction!), bytes: 0 })
  const { body, held, more } = await readBody(req, asked, route.body, shared.held, patienceOf(shared))
  try {
    if (body === 'gone') return
    if (body === 'slow') return turnAway(shared, req, res, asked, 408, 'slow')
    if (body === 'too-large') return turnAway(shared, req, res, asked, 413, 'size')
    if (body === 'no-room') return turnAway(shared, req, res, asked, 503, 'room')
    if (mirror) {
      shared.counts.mirrored++
      sendHead(res, 204, 'No Content', ['X-Request-Id', asked.id])
      res.end()
    }
    await judgeAndPass(shared, req, res, asked, transaction, body, more, spent)
  } finally {
    shared.held.give(held, lineOf(asked.client.address))
  }
}

export const opened = (asked: Asked, { plan }: LiveRoute): Transaction | undefined =>
  plan && openTransaction(plan, headOf(asked), { at: asked.at })

/** Keeps what only rules that watch here have found; the request goes on. */
export function watchedOnly(shared: Shared, asked: Asked, reason: Reason): void {
  shared.counts.observed++
  void record(shared, asked, { ...reason, watchedOnly: true })
}

export const headOf = (asked: Asked): Case['head'] => ({
  method: asked.method,
  target: asked.target,
  httpVersion: asked.version,
  headers: asked.headers,
  clientAddress: asked.client.address,
  clientPort: asked.client.port,
  uniqueId: asked.id,
})

const patienceOf = ({ limits }: Shared): Patience => ({ ms: limits.requestMs, wholeMs: limits.wholeMs })

export const NONE = new Uint8Array()

async function judgeAndPass(
  shared: Shared,
  req: Req,
  res: Res,
  asked: Asked,
  transaction: Transaction | undefined,
  body: Buffer | undefined,
  more: boolean,
  spent: bigint,
): Promise<void> {
  const route = asked.route!
  const { site } = asked.site!
  const mirror = site.placement === 'mirror'
  const away = (status: number, by: TurnedBy): void =>
    mirror ? undefined : turnAway(shared, req, res, asked, status, by)
  let seen: Uint8Array = body === undefined ? NONE : body.subarray(0, route.body.limit)
  const type = req.headers['content-type'] ?? ''
  const text = seen.length > 0 && !isFile(type, seen)
  const whole = !more && seen.length === (body?.length ?? 0)
  // Of text so much is looked at, and the rest only goes by where the route says so.
  const { seen: looked, cut } = isMultipart(type)
    ? boundForm(type, seen, whole, shared.limits.textBytes)
    : boundText(seen, text ? shared.limits.textBytes : seen.length)
  if (cut && route.body.beyond === 'reject') return away(413, 'size')
  if (cut || !whole) shared.counts.uninspected++
  seen = looked
  const off = (text && seen.length >= shared.limits.offLoopBytes) || (route.schemaKey !== undefined && seen.length > 0)
  const told: Case = { head: headOf(asked), body: seen, at: asked.at }
  const onThread = (plan: string | undefined) =>
    shared.pool.judge({
      plan,
      schema: /\bjson\b/i.test(type) ? route.schemaKey : undefined,
      told: { ...told, body: Uint8Array.from(seen) },
    })
  if (shared.traffic.wants(site)) shared.traffic.add(site.name, asked.at, told.head, seen)
  let judged: Judgement | 'full' | 'failed' | undefined
  if (off) judged = await onThread(route.planKey)
  else if (transaction !== undefined) {
    const again = process.hrtime.bigint()
    judged = judgedBy(transaction, seen)
    shared.latency.add(Number((spent + process.hrtime.bigint() - again) / 1000n))
  }
  if (typeof judged === 'object' && judged.verdict.refused && route.mode === 'block' && route.others !== undefined) {
    const found = { ...judged, bytes: body?.length ?? 0 }
    const again = opened(asked, route.others)
    again?.inspectHead()
    const others = off || again === undefined ? await onThread(route.others.planKey) : judgedBy(again, seen)
    if (typeof others !== 'object' || !others.verdict.refused) {
      if (typeof others === 'object') watchedOnly(shared, asked, found)
      asked.route = route.others
      judged = others
      transaction = again
    }
  }
  if (typeof judged === 'object') countExclusions(shared, asked, judged.verdict.ruleIds)
  if (judged === 'full' || judged === 'failed') {
    if (!site.failOpen) return away(503, judged === 'full' ? 'queue' : 'failed')
    shared.counts.uninspected++
  } else if (judged?.verdict.refused) {
    const reason = { ...judged, bytes: body?.length ?? 0 }
    if (route.mode === 'block' && !mirror) return refuse(shared, req, res, asked, reason)
    shared.counts.observed++
    void record(shared, asked, reason)
  }
  if (typeof judged === 'object' && !judged.fits && route.mode !== 'detect') return away(422, 'model')
  if (mirror || res.destroyed) return
  if (!(await accountChecked(shared, req, res, asked, cut || !whole ? undefined : seen, type))) return
  const looks = looksAtAnswers(asked.route!)
  const observed = typeof judged === 'object' && judged.verdict.refused
  const looking = (looks.rules && !observed) || looks.people
  const headers = requestHeaders(asked, looking && (looks.people || asked.route!.plan!.responseBodyAccess))
  if (asked.route!.breachedPasswords !== undefined && seen.length > 0)
    headers.push(...(await breachedHeader(shared, asked.route!.breachedPasswords, seen, type)))
  const status = await passOn(shared, req, res, asked, {
    headers,
    body: more && body !== undefined ? wholeBody(body, req, patienceOf(shared)) : body,
    check: looking
      ? answerCheck(shared, req, res, asked, off ? undefined : transaction, told, {
          ...looks,
          rules: looks.rules && !observed,
        })
      : undefined,
  })
  if (status === 0) return
  asked.answered?.(status)
  shared.counts.upstreamErrors++
  shared.deps.log.warn('upstream', { id: asked.id, status })
  endWith(req, res, asked, status, { close: shared.closing })
}

/** A signal for the application; what cannot be told in time or at all says nothing, and never stops a log-in. */
async function breachedHeader(
  { breached }: Shared,
  { field, file }: NonNullable<LiveRoute['breachedPasswords']>,
  body: Uint8Array,
  contentType: string,
): Promise<readonly string[]> {
  const password = fieldIn(body, contentType, field)
  if (password === undefined || !(await breached.says(file, password))) return []
  return ['X-Khien-Password-Breached', '1']
}

const boundText = (body: Uint8Array, most: number): ReturnType<typeof boundForm> => ({
  seen: body.subarray(0, most),
  cut: body.length > most,
})

/** Which exclusions applied: their rules say so by their ids. */
export function countExclusions({ tallies }: Shared, asked: Asked, ruleIds: readonly number[]): void {
  const { ruleExclusions, name } = asked.site!.site
  if (ruleExclusions.length === 0) return
  for (const id of ruleIds) {
    if (id <= EXCLUSION_IDS) continue
    const one = ruleExclusions.find(({ number }) => number === id - EXCLUSION_IDS)
    if (one !== undefined) tallies.add('exclusion', name, undefined, one.id)
  }
}

function judgedBy(transaction: Transaction, body: Uint8Array): Judgement {
  const verdict = transaction.inspectBody(body)
  return { verdict, callback: verdict.refused ? callbackOf(transaction) : undefined, fits: true }
}

function closeAfter(res: Res): void {
  if ('shouldKeepAlive' in res) res.shouldKeepAlive = false
}
