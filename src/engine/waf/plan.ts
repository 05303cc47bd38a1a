import type { Operator, OperatorFactory } from './operator/index.ts'
import type { Variable } from './request.ts'
import type { Template } from './macro.ts'
import type { Needs } from './regex/needs.ts'
import type { Transformation } from './transform/index.ts'

export type Phase = 1 | 2
export type Collection = Variable | 'TX' | 'MATCHED_VAR' | 'MATCHED_VARS' | 'MATCHED_VAR_NAME'

/** Which values of a collection: one by name (lower case), or those whose name a pattern finds; all when undefined. */
export type Selector = { readonly name: string } | { readonly pattern: RegExp }
export type Target = {
  readonly collection: Collection
  readonly selector: Selector | undefined
  readonly count: boolean
  readonly excluded: boolean
}

/** One step of a chain of transformations; chains with a common beginning share it, so its result is computed once. */
export type Chain = { readonly index: number; readonly before: Chain | undefined; readonly run: Transformation }

export type SetVar = {
  readonly key: string
  readonly how: 'set' | 'add' | 'subtract' | 'remove'
  readonly value: Template
}
export type Control =
  | { readonly kind: 'remove-rule'; readonly from: number; readonly to: number }
  | { readonly kind: 'remove-target'; readonly from: number; readonly to: number; readonly target: Target }

export type Disruption = 'pass' | 'deny' | 'allow'

/** One SecRule or SecAction. Links of a chain after the first have the id of the first. */
export type Rule = {
  readonly id: number
  readonly file: string
  readonly line: number
  readonly phase: Phase
  readonly targets: readonly Target[]
  readonly exclusions: readonly Target[]
  /** Rules with the same number look at the same values; undefined when these change as rules run (TX, MATCHED_VAR). */
  readonly selection: number | undefined
  /** What a value must hold for the operator to be worth running; empty: anything. */
  readonly needs: Needs
  readonly test: {
    readonly negated: boolean
    readonly run: Operator | { readonly make: OperatorFactory; readonly param: Template }
  }
  readonly chain: Chain | undefined
  readonly multiMatch: boolean
  readonly capture: boolean
  readonly setVars: readonly SetVar[]
  readonly controls: readonly Control[]
  readonly disruption: Disruption
  readonly status: number
  /** Index of the step to go on with after a match. */
  readonly skipTo: number | undefined
  readonly next: Rule | undefined
  readonly logged: boolean
  readonly message: string
  readonly severity: string
  readonly tags: readonly string[]
  /** Words of the rule's own text; the only words of a value that may be shown. */
  readonly vocabulary: ReadonlySet<string>
}

export type LimitAction = 'reject' | 'process-partial'

/** What the caller has to hold to; sizes in bytes. */
export type BodyLimits = {
  readonly requestBodyAccess: boolean
  readonly requestBodyLimit: number
  readonly requestBodyLimitAction: LimitAction
  /** Of a body without the files in it. */
  readonly requestBodyNoFilesLimit: number
  readonly responseBodyAccess: boolean
  readonly responseBodyLimit: number
  readonly responseBodyLimitAction: LimitAction
  readonly responseBodyMimeTypes: readonly string[]
}

export type Plan = BodyLimits & {
  readonly engine: 'on' | 'off' | 'detection-only'
  /** What was accepted but does nothing here, with file and line. */
  readonly notes: readonly string[]
  readonly rules: readonly Rule[]
}
