import {
  openTransaction,
  type Plan,
  type RequestHead,
  type ResponseHead,
  type Verdict,
} from '../../engine/waf/index.ts'
import { callbackOf, type Callback } from './callback.ts'
import type { FitsSchema } from './json-schema.ts'

/** One request, and what was answered to it, to be judged from the beginning. */
export type Case = {
  readonly head: RequestHead
  readonly body: Uint8Array
  /** ms since 1970. */
  readonly at: number
  readonly response?: { readonly head: ResponseHead; readonly body: Uint8Array }
}
export type Judgement = {
  readonly verdict: Verdict
  readonly callback: Callback | undefined
  /** False when the body is JSON that does not fit the route's schema, or is none. */
  readonly fits: boolean
}

/** The phases in order, as far as the case goes: pure, so it is the same on the loop and off it. */
export function judge(plan: Plan | undefined, fits: FitsSchema | undefined, told: Case): Judgement {
  const fine = fits === undefined || isFit(fits, told.body)
  if (plan === undefined) return { verdict: PASS, callback: undefined, fits: fine }
  const transaction = openTransaction(plan, told.head, { at: told.at })
  transaction.inspectHead()
  let verdict = transaction.inspectBody(told.body)
  if (told.response !== undefined && !verdict.refused) {
    transaction.inspectResponseHead(told.response.head)
    verdict = transaction.inspectResponseBody(told.response.body)
  }
  return { verdict, callback: verdict.refused ? callbackOf(transaction) : undefined, fits: fine }
}

function isFit(fits: FitsSchema, body: Uint8Array): boolean {
  try {
    return fits(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)))
  } catch {
    return false
  }
}

export const PASS: Verdict = {
  refused: false,
  action: 'pass',
  status: 200,
  score: 0,
  threshold: 0,
  matches: [],
  ruleIds: [],
}
