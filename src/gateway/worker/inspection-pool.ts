import { Worker } from 'node:worker_threads'
import type { Log } from '../../kit/log.ts'
import type { Case, Judgement } from './judgement.ts'
import type { SubjectCounts } from './outgoing.ts'
import type { Tuning } from './plans.ts'
import type { RuleTexts } from './rule-files.ts'

export type PlanSource = { readonly key: string; readonly texts: RuleTexts; readonly tuning: Tuning }
export type SchemaSource = { readonly key: string; readonly schema: Readonly<Record<string, unknown>> }
export type Sources = { readonly plans: readonly PlanSource[]; readonly schemas: readonly SchemaSource[] }

type Wanted = { readonly plan: string | undefined; readonly schema: string | undefined; readonly told: Case }
export type ToThread =
  | ({ readonly type: 'load' } & Sources)
  | { readonly type: 'keep'; readonly keys: ReadonlySet<string> }
  | ({ readonly type: 'judge' } & Wanted)
  | { readonly type: 'count'; readonly body: Uint8Array; readonly year: number }
export type FromThread =
  | { readonly type: 'loaded' }
  | { readonly type: 'judged'; readonly judgement: Judgement }
  | { readonly type: 'counted'; readonly counts: SubjectCounts }
  | { readonly type: 'refused'; readonly detail: string }

export type PoolLimits = {
  readonly threads: number
  readonly queue: number
  readonly jobMs: number
  readonly loadMs: number
}
/** `full`: the queue is; `failed`: the thread broke or took too long. */
export type Inspected = Judgement | 'full' | 'failed'
type Job = { readonly message: ToThread; readonly ms: number; readonly done: (answer: FromThread | undefined) => void }

/** After the first plans, before threads that nobody has asked for yet begin. */
const WARM_MS = 3_000

const MODULE = new URL('./inspection-thread.ts', import.meta.url)

/** One thread at a time does one job; one that breaks or takes too long is ended and begun anew with the same plans. */
class Thread {
  private worker: Worker | undefined
  private job: Job | undefined
  private timer: NodeJS.Timeout | undefined
  /** It learns plans and cannot begin a job yet. */
  private learning = false
  private readonly loadMs: number
  private readonly next: () => Job | undefined
  private readonly known: () => Sources
  private readonly broke: () => void

  constructor(loadMs: number, next: () => Job | undefined, known: () => Sources, broke: () => void) {
    this.loadMs = loadMs
    this.next = next
    this.known = known
    this.broke = broke
  }

  /** Gives it a job when it is free; a new thread first learns the plans. */
  wake(): void {
    if (this.job !== undefined) return
    const job = this.next()
    if (job === undefined) return
    if (this.worker === undefined) this.begin()
    this.start(job)
  }

  /** Begins before there is a job, so that the first does not wait for the plans. */
  warm(): void {
    if (this.worker === undefined && this.job === undefined) this.begin()
  }

  /** Only for this thread, ahead of the queue: what all threads must hear. */
  tell(message: ToThread): void {
    this.worker?.postMessage(message, [])
  }

  private start(job: Job): void {
    this.job = job
    this.limit(this.learning ? this.loadMs : job.ms)
    this.worker!.postMessage(job.message, [])
  }

  private limit(ms: number): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.fail(), ms)
  }

  private begin(): void {
    const worker = new Worker(MODULE, { execArgv: ['--disable-warning=ExperimentalWarning'] })
    this.worker = worker
    worker.unref()
    this.learning = this.known().plans.length + this.known().schemas.length > 0
    if (this.learning) worker.postMessage({ type: 'load', ...this.known() }, [])
    worker.on('message', (answer: FromThread) => {
      if (this.learning) {
        this.learning = false
        // The plans took their time; the job's own begins now.
        if (this.job !== undefined) this.limit(this.job.ms)
        return
      }
      this.settle(answer)
    })
    worker.on('error', () => worker === this.worker && this.fail())
    worker.on('exit', () => worker === this.worker && this.fail())
  }

  private settle(answer: FromThread | undefined): void {
    clearTimeout(this.timer)
    const { job } = this
    this.job = undefined
    job?.done(answer)
    this.wake()
  }

  private fail(): void {
    const { worker } = this
    this.worker = undefined
    this.broke()
    void worker?.terminate()
    this.settle(undefined)
  }

  async end(): Promise<void> {
    const { worker } = this
    this.worker = undefined
    clearTimeout(this.timer)
    this.job?.done(undefined)
    await worker?.terminate()
  }
}

export type InspectionPool = AsyncDisposable & {
  /** Compiles on a thread; resolves with the sentence of what is wrong, or undefined. */
  load(sources: Sources): Promise<string | undefined>
  /** From now on these plans alone are needed. */
  keep(sources: Sources): void
  judge(wanted: Wanted): Promise<Inspected>
  /** People in a body; undefined when it could not be told. */
  count(body: Uint8Array, year: number): Promise<SubjectCounts | undefined>
  counts(): { readonly jobs: number; readonly waiting: number; readonly failed: number; readonly full: number }
}

/** Threads for what takes more than a few milliseconds. The queue is bounded: beyond it `judge` answers `full`. */
export function inspectionPool(limits: PoolLimits, log: Log): InspectionPool {
  const queue: Job[] = []
  const counts = { jobs: 0, failed: 0, full: 0 }
  let known: Sources = { plans: [], schemas: [] }
  let closed = false
  let warming: NodeJS.Timeout | undefined
  const threads = Array.from(
    { length: limits.threads },
    () =>
      new Thread(
        limits.loadMs,
        () => queue.shift(),
        () => known,
        () => {
          if (closed) return
          counts.failed++
          log.error('inspection-thread-ended', { failed: counts.failed })
        },
      ),
  )
  const run = (message: ToThread, ms: number): Promise<FromThread | undefined> =>
    new Promise((done) => {
      queue.push({ message, ms, done })
      for (const thread of threads) thread.wake()
    })
  const hasRoom = (): boolean => {
    const room = !closed && queue.length < limits.queue
    counts[room ? 'jobs' : 'full']++
    return room
  }
  return {
    async load(sources) {
      const answer = await run({ type: 'load', ...sources }, limits.loadMs)
      if (answer === undefined) return 'the rules could not be compiled in time'
      return answer.type === 'refused' ? answer.detail : undefined
    },
    keep(sources) {
      known = sources
      const keys = new Set([...sources.plans, ...sources.schemas].map(({ key }) => key))
      for (const thread of threads) thread.tell({ type: 'keep', keys })
      // Not while the worker itself starts: both would compile the same rules on the same cores.
      warming ??= setTimeout(() => threads.forEach((thread) => thread.warm()), WARM_MS).unref()
    },
    async judge(wanted) {
      if (!hasRoom()) return 'full'
      const answer = await run({ type: 'judge', ...wanted }, limits.jobMs)
      return answer?.type === 'judged' ? answer.judgement : 'failed'
    },
    async count(body, year) {
      const answer = hasRoom() ? await run({ type: 'count', body, year }, limits.jobMs) : undefined
      return answer?.type === 'counted' ? answer.counts : undefined
    },
    counts: () => ({ ...counts, waiting: queue.length }),
    async [Symbol.asyncDispose]() {
      closed = true
      clearTimeout(warming)
      for (const { done } of queue.splice(0)) done(undefined)
      await Promise.all(threads.map((thread) => thread.end()))
    },
  }
}
