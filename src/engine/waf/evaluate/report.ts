import { maskMatch, placeOf } from '../mask.ts'
import { toNumber } from '../operator/number.ts'
import type { Rule } from '../plan.ts'
import type { Verdict } from '../verdict.ts'
import { expand } from './values.ts'
import type { Found } from './rule.ts'
import type { State } from './state.ts'

/** Matches kept of one request, and of one rule in it; the score goes on counting. */
const KEPT = 32
const KEPT_OF_A_RULE = 3

/** Keeps what may be shown of a match. */
export function tell(state: State, rule: Rule, { target, entry, hit }: Found, score: number): void {
  if (!rule.logged || rule.message === '' || state.matches.length >= KEPT) return
  if (state.matches.filter(({ ruleId }) => ruleId === rule.id).length >= KEPT_OF_A_RULE) return
  state.matches.push({
    ruleId: rule.id,
    message: messageOf(state, rule),
    severity: rule.severity,
    tags: [...rule.tags],
    place: target.count ? `&${target.collection}` : placeOf(target.collection, entry.key),
    masked: maskMatch(hit?.text ?? hit?.groups[0] ?? '', rule.vocabulary, entry.value.length),
    score,
  })
}

/** Messages go into records and pages: a macro in one shows a number, and nothing else of what a person sent. */
const messageOf = (state: State, rule: Rule): string =>
  rule.messageTemplate
    .map((part) => {
      if (typeof part === 'string') return part
      const value = expand(state, [part], rule)
      return /^\d{1,4}$/.test(value) ? value : '•'
    })
    .join('')

/** Names of the score and its threshold: CRS 4, which also has the first names of the others; our own pack; CRS 3. */
const SCORES = [
  ['blocking_inbound_anomaly_score', 'inbound_anomaly_score_threshold'],
  ['anomaly_score', 'anomaly_threshold'],
  ['anomaly_score', 'inbound_anomaly_score_threshold'],
] as const

export function verdictOf(state: State): Verdict {
  const { outcome } = state
  const number = (name: string): number => toNumber(state.tx.get(name)?.value ?? '0')
  const [score, threshold] = SCORES.find((names) => names.every((name) => state.tx.has(name))) ?? SCORES[1]
  const out: Verdict = {
    refused: outcome !== undefined,
    action: outcome?.action ?? 'pass',
    status: outcome?.status ?? 200,
    score: Math.max(number(score), number('blocking_outbound_anomaly_score')),
    threshold: number(threshold),
    matches: [...state.matches],
    ruleIds: [...state.ruleIds],
  }
  return outcome?.redirect === undefined ? out : { ...out, redirect: outcome.redirect }
}
