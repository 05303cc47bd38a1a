import type { Control, EngineMode, Plan } from '../plan.ts'
import type { KeptRecord, PersistentCollections } from '../persistent.ts'
import type { Collections, Entry } from '../variables/entry.ts'
import { readHead } from '../variables/head.ts'
import type { Persistent } from '../variables/names.ts'
import type { Action, RequestHead, RuleMatch } from '../verdict.ts'

/** What the caller knows and the engine, being pure, cannot: all of it optional. */
export type Surroundings = {
  /** Milliseconds since 1970; without it TIME… have no value and nothing expires. */
  readonly at?: number
  /** Minutes east of UTC, for TIME…; 0 unless told. */
  readonly utcOffset?: number
  /** Microseconds since the request began, for DURATION. */
  readonly elapsed?: () => number
  /** Without it IP, GLOBAL and the like live as long as the request. */
  readonly collections?: PersistentCollections
  readonly environment?: ReadonlyMap<string, string>
}

/** A value that matched, as the operator saw it. `name` is `ARGS:q`. */
export type Matched = { readonly name: string; readonly value: string }

export type Outcome = { readonly action: Exclude<Action, 'pass'>; readonly status: number; readonly redirect?: string }

/** All that changes while one request goes through the rules. */
export type State = {
  readonly plan: Plan
  readonly head: RequestHead
  readonly around: Surroundings
  collections: Collections
  /** By name in lower case; the entry keeps the case it was first written in. */
  readonly tx: Map<string, Entry>
  readonly records: Map<Persistent, { readonly key: string; readonly kept: KeptRecord }>
  readonly environment: Map<string, string>
  /** MATCHED_VARS: goes on over rules until one does not match, as ModSecurity v3 keeps it. */
  matched: Matched[]
  /** Removals of rules and targets. */
  readonly removals: Extract<Control, { kind: 'remove-rule' | 'remove-target' }>[]
  engine: EngineMode
  processor: string
  requestBody: boolean
  forceBody: boolean
  responseBody: boolean
  highestSeverity: number
  marker: string | undefined
  skip: number
  allowed: 'end' | 'phase' | 'request' | undefined
  outcome: Outcome | undefined
  readonly matches: RuleMatch[]
  readonly ruleIds: number[]
  /** Sum of what anomaly scores have gained. */
  gained: number
}

/** A request before its first phase. */
export function newState(plan: Plan, head: RequestHead, around: Surroundings): State {
  const collections = readHead(head, plan.reading)
  return {
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
