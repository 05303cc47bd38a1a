import type { EventView } from './event.ts'

export type Level = 'informational' | 'low' | 'medium' | 'high' | 'critical'
export const LEVELS: readonly Level[] = ['informational', 'low', 'medium', 'high', 'critical']

export type LogSource = { readonly category?: string; readonly product?: string; readonly service?: string }

/** One value of one field (or of any, in keywords). The view folds case once an event. */
export type ValueTest = (value: unknown, view: EventView) => boolean

/** What a search identifier demands. */
export type Search =
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Search[] }
  | { readonly kind: 'not'; readonly part: Search }
  /** `fields` are the names to look for in the event, in order. */
  | { readonly kind: 'field'; readonly fields: readonly string[]; readonly test: ValueTest }
  | { readonly kind: 'exists'; readonly fields: readonly string[]; readonly wanted: boolean }
  | { readonly kind: 'null'; readonly fields: readonly string[] }
  | {
      readonly kind: 'compare'
      readonly fields: readonly string[]
      readonly other: readonly string[]
      readonly how: FieldComparison
    }
  | { readonly kind: 'keyword'; readonly test: ValueTest }

export type FieldComparison = { readonly cased: boolean; readonly as: 'equal' | 'contains' | 'startswith' | 'endswith' }

/** `1 of x*` and `all of them` are resolved to `any` and `all` of their selections. */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | { readonly kind: 'selection'; readonly name: string }

/** A detection rule ready to match. `author` and `references` stay with it: rule sets ask for attribution. */
export type SigmaRule = {
  readonly title: string
  readonly id?: string
  readonly name?: string
  readonly level?: Level
  readonly status?: string
  readonly author?: string
  readonly description?: string
  readonly references: readonly string[]
  readonly tags: readonly string[]
  /** Not looked at by `matchRule`: which events a rule sees is the caller's routing. */
  readonly logsource: LogSource
  readonly selections: ReadonlyMap<string, Search>
  readonly condition: Condition
  /** Search identifiers that the condition does not mention. */
  readonly unused: readonly string[]
}
