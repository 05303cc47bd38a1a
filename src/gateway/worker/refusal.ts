import type { RuleMatch } from '../../engine/waf/index.ts'
import type { Counts } from './counts.ts'

/** One refused request as it is kept: names, lengths and masked matches; never a value of query, body, header or cookie. */
export type Refusal = {
  /** The request id, also shown to the person refused: `R-7Q4K-2MXB`. */
  readonly id: string
  readonly at: number
  /** Process id of the worker. */
  readonly worker: number
  readonly clientAddress: string
  /** 0 when a trusted proxy stands between: it told us the address only. */
  readonly clientPort: number
  readonly method: string
  readonly host: string
  /** Without query, see `safePath`. */
  readonly path: string
  readonly status: number
  readonly score: number
  readonly threshold: number
  /** `detect`: would have been refused, went on. */
  readonly mode: 'block' | 'detect'
  /** With the file and line of each rule. */
  readonly matches: readonly (RuleMatch & { readonly file?: string; readonly line?: number })[]
  /** Every rule that matched and logs, at most 200. */
  readonly ruleIds?: readonly number[]
  /** Name of the site, path of its route, mark of the account; none when there is none. */
  readonly site?: string
  readonly route?: string
  readonly account?: string
  /** Size of the body. */
  readonly bytes: number
  /** Where a refused look-up wanted our side to go: see `callbackOf`. */
  readonly callbackHost?: string
  readonly callbackPort?: number
}

export type WorkerStats = Counts & {
  readonly pid: number
  /** Answered here without a rule having refused it: the sum of `turned`. */
  readonly turnedAway: number
  /** Refusals given up, and those that wait. */
  readonly dropped: number
  readonly queued: number
  /** Inspected by a thread; waiting for one; not judged because it broke; turned away because too many waited. */
  readonly offLoop: { readonly jobs: number; readonly waiting: number; readonly failed: number; readonly full: number }
  readonly limits: {
    readonly keys: number
    readonly evicted: number
    /** Senders who asked on and on though told to wait. */
    readonly storms: number
    readonly untold: number
    readonly peers: number
    readonly unheard: number
  }
  /** Figures by the hour that found no room. */
  readonly untold: number
  /** Requests that a site wanted kept and that found no room. */
  readonly notKept: number
  readonly applications: { readonly applications: number; readonly out: number }
  /** Added by limits and rules, µs, over the last 1,024 requests; null before the first. */
  readonly p50: number | null
  readonly p99: number | null
}

/** Keeps refusals outside the worker. `record` resolves once the refusal is durable, or is given up and counted. */
export interface Recorder {
  record(refusal: Refusal): Promise<void>
  /** Resolves with the version of the settings that the node has; undefined when it has none, or is away. */
  report(stats: WorkerStats): Promise<number | undefined> | undefined
  /** Asks or tells the node a duty; resolves with its answer, null when it refuses, undefined while it is away. Not there: nobody to tell. */
  duty?(name: string, body: unknown): Promise<unknown>
  counts(): { readonly queued: number; readonly dropped: number }
}
