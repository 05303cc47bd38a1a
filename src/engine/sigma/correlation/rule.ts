import type { Level } from '../rule.ts'

export type CorrelationType = 'event_count' | 'value_count' | 'temporal' | 'temporal_ordered'
export type Criteria = { readonly [K in 'gt' | 'gte' | 'lt' | 'lte' | 'eq']?: number }

/** A correlation rule ready for `correlator` (correlation rules specification). */
export type CorrelationRule = {
  readonly title: string
  readonly id?: string
  readonly name?: string
  readonly level?: Level
  readonly status?: string
  readonly author?: string
  readonly description?: string
  readonly references: readonly string[]
  readonly tags: readonly string[]
  readonly type: CorrelationType
  /** Ids or names of the rules it looks at; for `temporal_ordered` their order counts. */
  readonly rules: readonly string[]
  readonly groupBy: readonly string[]
  readonly timespanMs: number
  /** For the temporal types the number of different rules; all of them when the rule does not say. */
  readonly criteria: Criteria
  /** `value_count`: the field whose different values are counted. */
  readonly field?: string
  /** Alias to (rule to field). */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Whether the rules looked at also alert by themselves. */
  readonly generate: boolean
}

/**
 * The number at which a condition with lower bounds only is met for good, or undefined when more events can undo it
 * (`lt`, `lte`, `eq`): then nothing can be said before the time span is over.
 */
export function threshold({ gt, gte, lt, lte, eq }: Criteria): number | undefined {
  if (lt !== undefined || lte !== undefined || eq !== undefined) return undefined
  return Math.max(gte ?? 0, gt === undefined ? 0 : Math.floor(gt) + 1, 1)
}

/** Whether a count meets every criterion. */
export function meets(count: number, { gt, gte, lt, lte, eq }: Criteria): boolean {
  return (
    (gt === undefined || count > gt) &&
    (gte === undefined || count >= gte) &&
    (lt === undefined || count < lt) &&
    (lte === undefined || count <= lte) &&
    (eq === undefined || count === eq)
  )
}
