import type { SigmaEvent } from '../event.ts'
import { EventView, textOf } from '../event.ts'
import type { CorrelationRule } from './rule.ts'

/** Longer keys are refused: group values are addresses and names. */
const KEY_LIMIT = 2000

export type Group = { readonly key: string; readonly values: Readonly<Record<string, string | null>> }

/**
 * The values of `group-by` in an event that `rule` matched, aliases resolved for it (correlation rules specification,
 * Field Name Aliases). `absent` when a field is not there: an event without the field belongs to no group.
 */
export function groupOf(correlation: CorrelationRule, rule: string, event: SigmaEvent): Group | 'absent' | 'too-long' {
  const view = new EventView(event)
  const values: Record<string, string | null> = {}
  for (const name of correlation.groupBy) {
    const value = scalarOf(view, correlation.aliases[name]?.[rule] ?? name)
    if (value === undefined) return 'absent'
    values[name] = value
  }
  const key = JSON.stringify(correlation.groupBy.map((name) => values[name]))
  return key.length > KEY_LIMIT ? 'too-long' : { key, values }
}

/** A field as one text: lists as JSON; undefined when absent. */
export function scalarOf(view: EventView, field: string): string | null | undefined {
  const values = view.values([field])
  if (values.length === 0) return undefined
  if (values.length > 1) return JSON.stringify(values.map((each) => textOf(each) ?? null))
  return textOf(values[0]) ?? null
}
