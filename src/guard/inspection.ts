import {
  boundForm,
  isMultipart,
  isFile,
  memoryCollections,
  openTransaction,
  type Plan,
  type RequestHead,
  type Verdict,
} from '../engine/waf/index.ts'
import { newCode, systemEntropy } from '../kit/ids.ts'
import { safeHost, safePath } from '../kit/request-mask.ts'
import { trustOf, type Trust } from './client.ts'
import { plainOf } from './coding.ts'
import { GuardError } from './error.ts'
import { readOptions, type GuardOptions, type Settings } from './options.ts'
import { newCounts, type Cause, type Counts, type Refusal } from './refusal.ts'

/** A body as read: its bytes as far as they are held, and whether that is all; or why there is none to look at. */
export type Held = { readonly bytes: Uint8Array; readonly whole: boolean } | 'too-large' | 'no-room'

const NOTHING = new Uint8Array()
const boundText = (body: Uint8Array, limit: number): { seen: Uint8Array; cut: boolean } => ({
  seen: body.subarray(0, limit),
  cut: body.length > limit,
})
const PASS: Verdict = { refused: false, action: 'pass', status: 200, score: 0, threshold: 0, matches: [], ruleIds: [] }

/** What all requests of one guard share: the plan, the settings, the counts and the room for bodies. */
export class Watch {
  readonly plan: Plan
  readonly settings: Settings
  readonly trusts: Trust
  readonly counts: Counts = newCounts()
  /** IP, GLOBAL and the like, from request to request of this process. */
  readonly collections = memoryCollections()
  private held = 0

  constructor(plan: Plan, options: GuardOptions) {
    if (!Array.isArray((plan as Plan | undefined)?.phases))
      throw new GuardError('guard/no-plan', 'The first argument is the plan that loadRules() gives.')
    this.plan = plan
    this.settings = readOptions(options)
    this.trusts = trustOf(this.settings.trustProxy)
  }

  /** Is there room for so many more bytes? Then they are counted until given back. */
  take(bytes: number): boolean {
    if (this.held + bytes > this.settings.heldLimit) return false
    this.held += bytes
    return true
  }

  give(bytes: number): void {
    this.held -= bytes
  }
}

/** One request in the hands of a guard: head first, then the body. Each gives the refusal to answer with, or nothing: it may go on. */
export class Inspection {
  private readonly watch: Watch
  private readonly request: RequestHead
  private readonly at = Date.now()
  private readonly id = newCode('R', systemEntropy)
  private readonly transaction: ReturnType<typeof openTransaction>
  private settled = false

  constructor(watch: Watch, request: RequestHead) {
    this.watch = watch
    this.request = { ...request, uniqueId: this.id }
    this.transaction = openTransaction(watch.plan, this.request, { at: this.at, collections: watch.collections })
    watch.counts.requests++
  }

  /** Phase 1. */
  head(): Refusal | undefined {
    return this.decide(() => this.transaction.inspectHead(), 0)
  }

  /** False when what was found so far is all that will be told: the body need not be read. */
  get wantsBody(): boolean {
    return !this.settled
  }

  /** Phase 2, of a request without a body. */
  nobody(): Refusal | undefined {
    return this.decide(() => this.transaction.inspectBody(NOTHING), 0)
  }

  /** Phase 2. */
  async body(held: Held): Promise<Refusal | undefined> {
    const { textLimit, bodyLimit, beyond } = this.watch.settings
    if (held === 'too-large') return this.turnAway('size', 413)
    if (held === 'no-room') return this.unable('room', 503)
    const plain = await plainOf(this.header('content-encoding'), held.bytes, held.whole, bodyLimit)
    if (plain === 'unknown') return this.turnAway('coding', 415)
    if (plain === 'too-large') return this.turnAway('size', 413)
    const type = this.header('content-type')
    const { seen, cut } = isMultipart(type)
      ? boundForm(type, plain, held.whole, textLimit)
      : boundText(plain, isFile(type, plain) ? bodyLimit : textLimit)
    if (cut && beyond === 'reject') return this.turnAway('size', 413)
    if (cut || !held.whole) this.watch.counts.uninspected++
    return this.decide(() => this.transaction.inspectBody(seen), seen.length)
  }

  /** What the guard itself could not do: refused, or let go on where `failOpen` says so. */
  private unable(cause: Cause, status: number): Refusal | undefined {
    if (!this.watch.settings.failOpen) return this.turnAway(cause, status)
    this.watch.counts.uninspected++
    return undefined
  }

  private decide(judge: () => Verdict, bytes: number): Refusal | undefined {
    if (this.settled) return undefined
    let verdict: Verdict
    try {
      verdict = judge()
    } catch {
      // The engine promises never to throw; should it, the settings say which way to fail.
      this.settled = true
      return this.unable('failed', 500)
    }
    return verdict.refused ? this.tell('rules', verdict.status, verdict, bytes) : undefined
  }

  private turnAway(cause: Cause, status: number): Refusal | undefined {
    return this.settled ? undefined : this.tell(cause, status, PASS, 0)
  }

  private tell(cause: Cause, status: number, verdict: Verdict, bytes: number): Refusal | undefined {
    this.settled = true
    const { counts, settings } = this.watch
    const { mode } = settings
    const { method, target, clientAddress } = this.request
    const refusal: Refusal = {
      id: this.id,
      at: new Date(this.at).toISOString(),
      mode,
      cause,
      status,
      action: cause === 'rules' ? verdict.action : 'deny',
      ...(verdict.redirect === undefined ? {} : { location: verdict.redirect }),
      score: verdict.score,
      threshold: verdict.threshold,
      matches: verdict.matches,
      ruleIds: [...new Set(verdict.ruleIds)].slice(0, 200),
      method: /^[A-Z]{1,20}$/.test(method) ? method : '•',
      host: safeHost(this.header('host')),
      path: safePath(target),
      clientAddress,
      bytes,
    }
    if (mode === 'detect') {
      counts.observed++
      if (cause !== 'rules') counts.uninspected++
    } else counts.refused[cause]++
    void this.listen(refusal)
    return mode === 'block' ? refusal : undefined
  }

  private async listen(refusal: Refusal): Promise<void> {
    try {
      await this.watch.settings.onRefusal?.(refusal)
    } catch {
      this.watch.counts.listenerErrors++
    }
  }

  header(name: string): string {
    return this.request.headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? ''
  }
}
