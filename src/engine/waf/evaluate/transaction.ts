import { FastRun } from '../fast/run.ts'
import type { BodyProcessor, Phase, Plan } from '../plan.ts'
import { readBody } from '../variables/body.ts'
import { one } from '../variables/entry.ts'
import { readResponseBody, readResponseHead, responseMedia } from '../variables/response.ts'
import type { RequestHead, ResponseHead, Transaction, Verdict } from '../verdict.ts'
import { runPhase } from './phase.ts'
import { verdictOf } from './report.ts'
import { plainSource } from './source.ts'
import { newState, type State, type Surroundings } from './state.ts'

/** One request under one plan. Pure: the same plan, request and surroundings give the same verdicts. */
export function openTransaction(plan: Plan, request: RequestHead, around: Surroundings = {}): Transaction {
  return new Evaluation(plan, request, around)
}

class Evaluation implements Transaction {
  private readonly state: State
  private readonly fast: FastRun | undefined
  private mediaType = ''

  constructor(plan: Plan, head: RequestHead, around: Surroundings) {
    this.state = newState(plan, head, around)
    this.fast = plan.mode === 'fast' ? new FastRun(plan) : undefined
  }

  // A method, not a closure made in the constructor: V8 carries objects that hold such a one through young collections, dead or not, and all
  // that a request made with them (a third of the engine's time, collected.test.ts).
  private run(state: State, phase: Phase): void {
    if (this.fast === undefined) runPhase(state, phase, plainSource)
    else this.fast.run(state, phase)
  }

  inspectHead(): Verdict {
    this.run(this.state, 1)
    return verdictOf(this.state)
  }

  inspectBody(body: Uint8Array): Verdict {
    const { state } = this
    if (state.outcome === undefined && state.engine !== 'off') {
      this.takeBody(body)
      this.run(state, 2)
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
    state.collections = readBody(
      { head: state.head, reading, processor, force: state.forceBody },
      state.collections,
      held,
    )
  }

  inspectResponseHead(head: ResponseHead): Verdict {
    const { state } = this
    this.mediaType = responseMedia(head).toLowerCase()
    if (state.outcome === undefined) {
      state.collections = readResponseHead(state.collections, head)
      this.run(state, 3)
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
      else this.run(state, 4)
    }
    return verdictOf(state)
  }

  finish(): Verdict {
    const { outcome } = this.state
    this.run(this.state, 5)
    this.state.outcome = outcome
    return verdictOf(this.state)
  }

  variable(name: string): string | undefined {
    return this.state.tx.get(name.toLowerCase())?.value
  }
}
