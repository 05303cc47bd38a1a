import type { Plan, RuleMatch, Verdict } from '../../engine/waf/index.ts'
import { safeHost, safePath } from '../../kit/request-mask.ts'
import { EXCLUSION_IDS } from '../tuning/sec-lang.ts'
import type { Asked, Req, Res } from './asked.ts'
import type { Callback } from './callback.ts'
import { drop, endWith } from './end.ts'
import { refusalEvent } from './events.ts'
import type { Refusal } from './refusal.ts'
import type { Shared } from './shared.ts'

export type Reason = {
  readonly verdict: Verdict
  readonly callback: Callback | undefined
  /** Size of the body. */
  readonly bytes: number
  /** Only rules that watch here found it. */
  readonly watchedOnly?: boolean
}

const IDS_KEPT = 200
const places = new WeakMap<Plan, Map<number, { readonly file: string; readonly line: number }>>()

/** Where each rule that matched stands. */
function placed(plan: Plan | undefined, matches: readonly RuleMatch[]): Refusal['matches'] {
  if (plan === undefined) return matches
  let known = places.get(plan)
  if (known === undefined)
    places.set(plan, (known = new Map(plan.rules.map(({ id, file, line }) => [id, { file, line }]))))
  return matches.map((match) => ({ ...match, ...known.get(match.ruleId) }))
}

/** Keeps what rules found; resolves when it is durable or given up. */
export function record(shared: Shared, asked: Asked, reason: Reason): Promise<void> {
  const { deps } = shared
  const { verdict, callback, bytes } = reason
  const { site, route, account } = asked
  const observed = route?.mode === 'detect' || site?.site.placement === 'mirror' || reason.watchedOnly === true
  const refusal: Refusal = {
    id: asked.id,
    at: deps.clock(),
    worker: process.pid,
    clientAddress: asked.client.address,
    clientPort: asked.client.port,
    method: asked.method,
    host: safeHost(asked.host),
    path: safePath(asked.target),
    status: verdict.status,
    score: verdict.score,
    threshold: verdict.threshold,
    mode: observed ? 'detect' : 'block',
    matches: placed(route?.plan, verdict.matches),
    ruleIds: verdict.ruleIds.filter((id) => id < EXCLUSION_IDS).slice(0, IDS_KEPT),
    ...(site === undefined ? {} : { site: site.site.name }),
    ...(route?.path === undefined ? {} : { route: route.path }),
    ...(account === undefined ? {} : { account }),
    bytes,
    ...callback,
  }
  deps.events.send(refusalEvent(refusal))
  return deps.recorder.record(refusal).catch(() => undefined)
}

/** Refuses as the rules say, once the refusal is durable or has had its time. */
export async function refuse(shared: Shared, req: Req, res: Res, asked: Asked, reason: Reason): Promise<void> {
  shared.counts.refused++
  const recorded = record(shared, asked, reason)
  let timer: NodeJS.Timeout | undefined
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, shared.limits.recordMs)
  })
  await Promise.race([recorded, waited])
  clearTimeout(timer)
  const { action, status, redirect } = reason.verdict
  if (action === 'drop') return drop(req)
  const location = action === 'redirect' && redirect !== undefined ? asLocation(redirect) : undefined
  endWith(req, res, asked, status, {
    close: shared.closing,
    ...(location === undefined ? {} : { headers: { Location: location } }),
  })
}

/** Where a rule sends people, as it may stand in a header; a rule's macro may have put anything there. */
const asLocation = (redirect: string): string | undefined =>
  /^[\x21-\x7e]{1,2000}$/.test(redirect) ? redirect : undefined
