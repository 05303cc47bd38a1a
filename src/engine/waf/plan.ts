import type { Template } from './macro.ts'
import type { Operator, OperatorFactory } from './operator/index.ts'
import type { Pattern } from './operator/rx.ts'
import type { Transformation } from './transform/index.ts'
import type { Persistent, Variable } from './variables/names.ts'

export type Phase = 1 | 2 | 3 | 4 | 5

/** Which values of a collection: one by name (lower case), or those whose name a pattern finds; all when undefined. */
export type Selector = { readonly name: string } | { readonly pattern: Pattern; readonly source: string }
export type Target = {
  readonly collection: Variable
  readonly selector: Selector | undefined
  readonly count: boolean
  readonly excluded: boolean
}

/** One step of a chain of transformations; chains with a common beginning share it. `index` is dense over the plan. */
export type Chain = {
  readonly index: number
  readonly name: string
  readonly before: Chain | undefined
  readonly run: Transformation
}

/** What a rule asks of each value. `name` in lower case, `param` as written: what a prefilter reads. */
export type Test = {
  readonly name: string
  readonly param: string
  readonly negated: boolean
  /** Ready, or made for each request from a parameter with macros. */
  readonly run: Operator | { readonly make: OperatorFactory; readonly param: Template }
}

export type SetVar = {
  readonly collection: 'TX' | Persistent
  readonly key: Template
  readonly how: 'set' | 'add' | 'subtract' | 'remove'
  readonly value: Template
}

/** Which rules a control or an update means. Tags and messages are compared whole, as ModSecurity v3 does. */
export type RuleChoice =
  | { readonly by: 'id'; readonly from: number; readonly to: number }
  | { readonly by: 'tag' | 'msg'; readonly text: string }

/** Changes of the rest of one request. */
export type Control =
  | { readonly kind: 'remove-rule'; readonly rules: RuleChoice }
  | { readonly kind: 'remove-target'; readonly rules: RuleChoice; readonly target: Target }
  | { readonly kind: 'engine'; readonly mode: EngineMode }
  | { readonly kind: 'processor'; readonly name: BodyProcessor }
  | { readonly kind: 'request-body' | 'response-body' | 'force-request-body'; readonly on: boolean }

export type BodyProcessor = 'URLENCODED' | 'MULTIPART' | 'JSON' | 'XML'
export type EngineMode = 'on' | 'off' | 'detection-only'

/** Changes of collections other than setvar's, and of the environment. */
export type Effect =
  | { readonly kind: 'init'; readonly collection: Persistent; readonly key: Template }
  | { readonly kind: 'expire'; readonly collection: Persistent; readonly key: Template; readonly seconds: Template }
  | {
      readonly kind: 'deprecate'
      readonly collection: Persistent
      readonly key: string
      readonly amount: number
      readonly seconds: number
    }
  | { readonly kind: 'env'; readonly name: Template; readonly value: Template }

export type Disruption =
  | { readonly kind: 'pass' }
  | { readonly kind: 'deny' | 'drop'; readonly status: number }
  | { readonly kind: 'redirect'; readonly status: number; readonly to: Template }
  | { readonly kind: 'allow'; readonly until: 'end' | 'phase' | 'request' }

/** One SecRule or SecAction. Links of a chain after the first have the id, tags and message of the first. */
export type Rule = {
  /** Position among the plan's rules and links, dense: the place of what a fast evaluator keeps of it. */
  readonly index: number
  readonly id: number
  readonly file: string
  readonly line: number
  readonly phase: Phase
  readonly targets: readonly Target[]
  readonly exclusions: readonly Target[]
  readonly test: Test
  readonly chain: Chain | undefined
  readonly multiMatch: boolean
  readonly capture: boolean
  readonly setVars: readonly SetVar[]
  readonly controls: readonly Control[]
  readonly effects: readonly Effect[]
  readonly disruption: Disruption
  /** Name of the marker to go on after, once the rule matched. */
  readonly skipAfter: string | undefined
  /** Rules to leave out after a match. */
  readonly skip: number
  readonly next: Rule | undefined
  readonly logged: boolean
  readonly message: string
  readonly messageTemplate: Template
  readonly logData: Template
  /** 0 emergency to 7 debug; 255 when not told. */
  readonly severityLevel: number
  readonly severity: string
  readonly tags: readonly string[]
  readonly version: string
  readonly revision: string
  readonly maturity: string
  readonly accuracy: string
  /** Words of the rule's own text; the only words of a value that may be shown. */
  readonly vocabulary: ReadonlySet<string>
}
/** What a phase goes through, in order. */
export type Step = Rule | { readonly marker: string }

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

/** How bodies become values. */
export type Reading = {
  /**
   * `modsecurity`: as ModSecurity v3 reads them. `strict`: what two parsers could read differently is an error, a body that is JSON under
   * another name is read as JSON too, and REQUEST_BODY holds only what no processor took and is no file.
   */
  readonly bodies: 'modsecurity' | 'strict'
  readonly argumentsLimit: number
  readonly argumentSeparator: string
  readonly jsonDepthLimit: number
  readonly uploadFileLimit: number
}

export type Plan = BodyLimits & {
  readonly engine: EngineMode
  readonly mode: 'plain' | 'fast'
  readonly reading: Reading
  /** By phase; index 0 is unused. */
  readonly phases: readonly (readonly Step[])[]
  /** Every rule, links too, by `index`. */
  readonly rules: readonly Rule[]
  /** Steps of transformation over all rules. */
  readonly chainCount: number
  readonly webAppId: string
  /** Seconds a persistent collection lives after its last change. */
  readonly collectionTimeout: number
  /** What was accepted but does nothing here, with file and line. */
  readonly notes: readonly string[]
}
