import type { RuleMatch, Verdict } from '../engine/waf/index.ts'

/**
 * Why a request went no further: `rules` refused it; a body was longer than allowed (`size`), in a coding that cannot be opened
 * (`coding`), found no `room`, or its inspection `failed`.
 */
export type Cause = 'rules' | 'size' | 'coding' | 'room' | 'failed'

/** One refused request: names, lengths and masked matches; never a value of query, body, header or cookie. */
export type Refusal = {
  /** Also shown to the person refused: `R-7Q4K-2MXB`. */
  readonly id: string
  /** ISO 8601, UTC. */
  readonly at: string
  /** `detect`: would have been refused, went on. */
  readonly mode: 'block' | 'detect'
  readonly cause: Cause
  readonly status: number
  readonly action: Verdict['action']
  /** Where to, when the rule redirects. */
  readonly location?: string
  readonly score: number
  readonly threshold: number
  readonly matches: readonly RuleMatch[]
  /** Every rule that matched and logs, at most 200. */
  readonly ruleIds: readonly number[]
  readonly method: string
  readonly host: string
  /** Without query; what may name a person is masked. */
  readonly path: string
  readonly clientAddress: string
  /** Bytes of the body that were inspected. */
  readonly bytes: number
}

/** What is counted, since the guard was made. */
export type Counts = {
  requests: number
  /** Answered by the guard, by cause. */
  refused: Record<Cause, number>
  /** Would have been refused; the mode is `detect`. */
  observed: number
  /** Went on without having been inspected as a whole. */
  uninspected: number
  /** Clients that left before their body was there. */
  gone: number
  /** `onRefusal` or `answer` threw. */
  listenerErrors: number
}

export const newCounts = (): Counts => ({
  requests: 0,
  refused: { rules: 0, size: 0, coding: 0, room: 0, failed: 0 },
  observed: 0,
  uninspected: 0,
  gone: 0,
  listenerErrors: 0,
})

const TEXTS: Readonly<Record<string, string>> = {
  400: 'The request could not be read.',
  413: 'The request is too large.',
  415: 'The encoding of the request is not supported.',
  500: 'The request could not be checked.',
  503: 'Too busy at the moment; please try again.',
}

/** What a refused client is told: problem+json (RFC 9457), or a line for people. Holds nothing of the request. */
export function answerFor({ status, id }: Refusal, accept: string): { readonly type: string; readonly body: string } {
  const detail = TEXTS[status] ?? 'The request was refused because it looks like an attack.'
  if (/text\/html/i.test(accept))
    return {
      type: 'text/html; charset=utf-8',
      body: `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="robots" content="noindex"><title>${status}</title><p>${detail} If that is wrong, tell the owner of this site this code:</p><p><code>${id}</code></p></html>\n`,
    }
  const code = status === 403 ? 'refused' : `status-${status}`
  return {
    type: 'application/problem+json; charset=utf-8',
    body: `${JSON.stringify({ type: `urn:khien-waf:${code}`, title: code, status, detail, requestId: id })}\n`,
  }
}
