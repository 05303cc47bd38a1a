import type { BodyProcessor, Plan } from '../plan.ts'
import { readBody } from '../variables/body.ts'
import { one } from '../variables/entry.ts'
import { readHead } from '../variables/head.ts'
import { readResponseBody, readResponseHead, responseMedia } from '../variables/response.ts'
import type { RequestHead, ResponseHead, Transaction, Verdict } from '../verdict.ts'
import { runPhase } from './phase.ts'
import { quickSource } from './quick.ts'
import { verdictOf } from './report.ts'
import { plainSource, type Source } from './source.ts'
import type { State, Surroundings } from './state.ts'

/** One request under one plan. Pure: the same plan, request and surroundings give the same verdicts. */
export function openTransaction(plan: Plan, request: RequestHead, around: Surroundings = {}): Transaction {
  return new Evaluation(plan, request, around)
}

class Evaluation implements Transaction {
  private readonly state: State
  private readonly source: Source
  private mediaType = ''

  constructor(plan: Plan, head: RequestHead, around: Surroundings) {
    const collections = readHead(head, plan.reading)
    this.source = plan.mode === 'plain' ? plainSource : quickSource(plan)
    this.state = {
      plan,
      head,
      around,
      collections,
      tx: new Map(),
      records: new Map(),
      environment: new Map(around.environment),
      matched: [],
      removals: [],
      engine: plan.engine,
      processor: collections.REQBODY_PROCESSOR[0]!.value,
      requestBody: plan.requestBodyAccess,
      forceBody: false,
      responseBody: plan.responseBodyAccess,
      highestSeverity: 255,
      marker: undefined,
      skip: 0,
      allowed: undefined,
      outcome: undefined,
      matches: [],
      ruleIds: [],
      gained: 0,
    }
  }

  inspectHead(): Verdict {
    runPhase(this.state, 1, this.source)
    return verdictOf(this.state)
  }

  inspectBody(body: Uint8Array): Verdict {
    const { state } = this
    if (state.outcome === undefined && state.engine !== 'off') {
      this.takeBody(body)
      runPhase(state, 2, this.source)
    }
    return verdictOf(state)
  }

  private takeBody(body: Uint8Array): void {
    const { state } = this
    const { requestBodyLimit: limit, requestBodyLimitAction, requestBodyNoFilesLimit, reading } = state.plan
    if (!state.requestBody) return
    const processor = state.processor === '' ? undefined : (state.processor as BodyProcessor)
    const isLong = body.length > limit || (processor !== 'MULTIPART' && body.length > requestBodyNoFilesLimit)
    if (isLong) {
      state.collections = { ...state.collections, INBOUND_DATA_ERROR: one('1') }
      if (requestBodyLimitAction === 'reject') {
        if (state.engine === 'on') state.outcome = { action: 'deny', status: 413 }
        return
      }
    }
    const most = processor === 'MULTIPART' ? limit : Math.min(limit, requestBodyNoFilesLimit)
    const held = isLong ? body.subarray(0, most) : body
    state.collections = readBody({ head: state.head, reading, processor, force: state.forceBody }, state.collections, held)
  }

  inspectResponseHead(head: ResponseHead): Verdict {
    const { state } = this
    this.mediaType = responseMedia(head).toLowerCase()
    if (state.outcome === undefined) {
      state.collections = readResponseHead(state.collections, head)
      runPhase(state, 3, this.source)
    }
    return verdictOf(state)
  }

  wantsResponseBody(): boolean {
    const { engine, responseBody, outcome, plan } = this.state
    return (
      engine !== 'off' &&
      responseBody &&
      outcome === undefined &&
      plan.phases[4]!.some((step) => 'id' in step) &&
      plan.responseBodyMimeTypes.includes(this.mediaType)
    )
  }

  inspectResponseBody(body: Uint8Array): Verdict {
    const { state } = this
    if (state.outcome === undefined) {
      const { responseBodyLimit: limit, responseBodyLimitAction: action } = state.plan
      if (this.wantsResponseBody()) state.collections = readResponseBody(state.collections, body, limit)
      if (body.length > limit && action === 'reject' && state.engine === 'on' && this.wantsResponseBody())
        state.outcome = { action: 'deny', status: 502 }
      else runPhase(state, 4, this.source)
    }
    return verdictOf(state)
  }

  finish(): Verdict {
    const { outcome } = this.state
    runPhase(this.state, 5, this.source)
    this.state.outcome = outcome
    return verdictOf(this.state)
  }

  variable(name: string): string | undefined {
    return this.state.tx.get(name.toLowerCase())?.value
  }
}
