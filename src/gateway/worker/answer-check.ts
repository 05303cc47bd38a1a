import type { Transaction, Verdict } from '../../engine/waf/index.ts'
import { iso } from '../../kit/clock.ts'
import { safePath } from '../../kit/request-mask.ts'
import type { Asked, Req, Res } from './asked.ts'
import { callbackOf } from './callback.ts'
import { endWith } from './end.ts'
import { pairsOf } from './limits.ts'
import type { UpstreamHeaders } from './forwarding.ts'
import { record, refuse, type Reason } from './refuse.ts'
import { plainOf } from './plain-body.ts'
import type { Shared } from './shared.ts'
import type { Case } from './judgement.ts'
import type { LiveRoute } from './sites.ts'

export type AnswerCheck = {
  /** How many bytes of the body it wants to see first; 0: the head is enough. */
  wants(status: number, headers: UpstreamHeaders): number
  /** False: another answer has been given. */
  decide(status: number, headers: UpstreamHeaders, body: Buffer, whole: boolean): boolean | Promise<boolean>
}

/** Media types in which people's data may stand as text; parts of a text too, and what says no type at all, as browsers guess then. */
const TEXT =
  /^(?:$|text\/(?!event-stream)|multipart\/byteranges\b|application\/(?:[a-z0-9.+-]+\+)?(?:json|xml)\b|application\/(?:x-)?(?:ndjson|csv|yaml|javascript|ecmascript|www-form-urlencoded)\b)/

/** Does a route look at answers: by rules of phases 3 and 4, or at personal data that goes out? */
export const looksAtAnswers = ({
  judgesAnswers,
  outgoing,
}: LiveRoute): { readonly rules: boolean; readonly people: boolean } => ({
  rules: judgesAnswers,
  people: outgoing.policy !== 'off',
})

/**
 * The look at one answer. `transaction`: the one that judged the request, when that was on the loop; otherwise, or when the body is large, a
 * thread judges request and answer from the beginning.
 */
export function answerCheck(
  shared: Shared,
  req: Req,
  res: Res,
  asked: Asked,
  transaction: Transaction | undefined,
  told: Case,
  looks: { readonly rules: boolean; readonly people: boolean },
): AnswerCheck {
  const { planKey, plan, outgoing, mode } = asked.route!
  const bodyRules = looks.rules && plan!.responseBodyAccess

  const mediaOf = (headers: UpstreamHeaders): string =>
    String(headers['content-type'] ?? '')
      .split(';', 1)[0]!
      .trim()
      .toLowerCase()
  const wantsRules = (headers: UpstreamHeaders): boolean =>
    bodyRules && plan!.responseBodyMimeTypes.includes(mediaOf(headers))
  const wantsPeople = (headers: UpstreamHeaders): boolean => looks.people && TEXT.test(mediaOf(headers))

  async function asVerdict(head: Case['response'] & {}): Promise<Reason | 'unknown'> {
    const { body } = head
    if (transaction !== undefined && body.length < shared.limits.offLoopBytes) {
      transaction.inspectResponseHead(head.head)
      const verdict = transaction.inspectResponseBody(body)
      return { verdict, callback: verdict.refused ? callbackOf(transaction) : undefined, bytes: told.body.length }
    }
    const judged = await shared.pool.judge({ plan: planKey, schema: undefined, told: { ...told, response: head } })
    return typeof judged === 'string' ? 'unknown' : { ...judged, bytes: told.body.length }
  }

  /** The rest of what rules and policy say of an answer whose plain body is known. */
  async function judge(status: number, headers: UpstreamHeaders, body: Buffer): Promise<boolean> {
    if (looks.rules) {
      const flat = Object.entries(headers).flatMap(([name, value]) =>
        [value ?? []].flat().flatMap((one) => [name, one]),
      )
      const seen = wantsRules(headers) ? body.subarray(0, plan!.responseBodyLimit) : Buffer.alloc(0)
      const said = await asVerdict({ head: { status, protocol: 'HTTP/1.1', headers: pairsOf(flat) }, body: seen })
      if (said === 'unknown') return unknown()
      if (said.verdict.refused) {
        const others = mode === 'block' ? asked.route!.others : undefined
        const response = { head: { status, protocol: 'HTTP/1.1', headers: pairsOf(flat) }, body: seen }
        const again =
          others && (await shared.pool.judge({ plan: others.planKey, schema: undefined, told: { ...told, response } }))
        const watchedOnly = typeof again === 'object' && !again.verdict.refused
        if (!(await allowed({ ...said, watchedOnly }))) return false
      }
    }
    if (!wantsPeople(headers)) return true
    const people = await shared.checkOutgoing(body, outgoing)
    if (people === undefined) return outgoing.policy === 'flag' || unknown()
    const { decision, counts } = people
    countPeople(shared, asked, decision, counts)
    if (decision === 'pass') return true
    shared.counts.outgoing++
    shared.deps.log.warn('outgoing-personal-data', { id: asked.id, decision, ...counts })
    if (decision === 'flag' || mode === 'detect') return true
    endWith(req, res, asked, 502, { close: shared.closing })
    return false
  }

  async function allowed(reason: Reason): Promise<boolean> {
    if (mode !== 'block' || reason.watchedOnly === true) {
      shared.counts.observed++
      void record(shared, asked, reason)
      return true
    }
    shared.counts.refusedAnswers++
    await refuse(shared, req, res, asked, reason)
    return false
  }

  function unknown(): boolean {
    if (asked.site!.site.failOpen || mode === 'detect') {
      shared.counts.uninspected++
      return true
    }
    shared.counts.turned.failed++
    shared.tallies.add('turned', asked.site!.site.name, undefined, 'failed')
    endWith(req, res, asked, 503, { close: shared.closing })
    return false
  }

  return {
    wants(status, headers) {
      if (asked.method === 'HEAD' || status === 204 || status === 304) return 0
      if (!wantsRules(headers) && !wantsPeople(headers)) return 0
      return plan?.responseBodyLimit ?? PEOPLE_LIMIT
    },
    decide(status, headers, body, whole) {
      const coding = String(headers['content-encoding'] ?? 'identity').toLowerCase()
      if (!whole && wantsRules(headers) && plan!.responseBodyLimitAction === 'reject') {
        shared.counts.turned.size++
        shared.tallies.add('turned', asked.site!.site.name, undefined, 'size')
        endWith(req, res, asked, 502, { close: shared.closing })
        return false
      }
      // Phase 3 alone needs no waiting.
      if (body.length === 0 && transaction !== undefined && looks.rules && !looks.people) {
        const flat = Object.entries(headers).flatMap(([name, value]) =>
          [value ?? []].flat().flatMap((one) => [name, one]),
        )
        transaction.inspectResponseHead({ status, protocol: 'HTTP/1.1', headers: pairsOf(flat) })
        const verdict = transaction.inspectResponseBody(body)
        return verdict.refused ? allowed(reasonOf(verdict, transaction, told.body.length)) : true
      }
      if (body.length === 0 || coding === 'identity') return judge(status, headers, body)
      return plainOf(coding, body, whole).then((plain) => {
        if (plain !== undefined) return judge(status, headers, plain)
        if (wantsRules(headers) || outgoing.policy === 'stop') return unknown()
        shared.counts.uninspected++
        return true
      })
    },
  }
}

/** How many people, by kind of data, for the figures; an answer that tells of too many also by itself. */
function countPeople(
  { tallies, deps }: Shared,
  asked: Asked,
  decision: 'pass' | 'flag' | 'stop',
  subjects: Readonly<Record<string, number>>,
): void {
  const [site, route] = [asked.site!.site.name, asked.route!.path]
  tallies.add('answers', site, route, '')
  for (const [kind, n] of Object.entries(subjects)) if (n > 0) tallies.add('subjects', site, route, kind, n)
  if (decision === 'pass') return
  tallies.add(decision === 'flag' ? 'flagged' : 'stopped', site, route, '')
  tallies.answer({
    id: asked.id,
    at: iso(deps.clock()),
    site,
    route: route ?? null,
    path: safePath(asked.target),
    decision,
    mode: asked.route!.mode === 'detect' ? 'detect' : 'block',
    subjects: { ...subjects },
  })
}

const PEOPLE_LIMIT = 524_288
const reasonOf = (verdict: Verdict, transaction: Transaction, bytes: number): Reason => ({
  verdict,
  callback: callbackOf(transaction),
  bytes,
})
