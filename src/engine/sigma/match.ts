import { EventView, type SigmaEvent, textOf } from './event.ts'
import type { Condition, FieldComparison, Search, SigmaRule } from './rule.ts'

/** `selections` are those that hold among the ones the condition mentions; empty when the rule does not match. */
export type Verdict = { readonly matched: boolean; readonly selections: readonly string[] }

/**
 * Whether an event, by its fields, is what the rule looks for. Fields are found by flat name, else by dotted path.
 * Throws SigmaError `match/too-complex` for an event past the bounds. With an `EventView` in place of the event, many
 * rules share the work.
 */
export function matchRule(rule: SigmaRule, event: SigmaEvent | EventView): Verdict {
  const view = event instanceof EventView ? event : new EventView(event)
  // Not remembered: conditions seldom name a selection twice, and most rules fail at their first.
  const selected = (name: string): boolean => holds(rule.selections.get(name)!, view)
  if (!decide(rule.condition, selected)) return { matched: false, selections: [] }
  const names = [...rule.selections.keys()].filter((name) => !rule.unused.includes(name))
  return { matched: true, selections: names.filter(selected) }
}

function decide(condition: Condition, selected: (name: string) => boolean): boolean {
  switch (condition.kind) {
    case 'all':
      return condition.parts.every((part) => decide(part, selected))
    case 'any':
      return condition.parts.some((part) => decide(part, selected))
    case 'not':
      return !decide(condition.part, selected)
    default:
      return selected(condition.name)
  }
}

function holds(search: Search, view: EventView): boolean {
  switch (search.kind) {
    case 'all':
      return search.parts.every((part) => holds(part, view))
    case 'any':
      return search.parts.some((part) => holds(part, view))
    case 'not':
      return !holds(search.part, view)
    case 'exists':
      return view.values(search.fields).length > 0 === search.wanted
    case 'null':
      return view.values(search.fields).includes(null)
    case 'field':
      return view.values(search.fields).some((value) => search.test(value, view))
    case 'compare':
      return view
        .values(search.fields)
        .some((value) => view.values(search.other).some((other) => alike(value, other, search.how, view)))
    default:
      return view.texts().some((text) => search.test(text, view))
  }
}

function alike(value: unknown, other: unknown, { cased, as }: FieldComparison, view: EventView): boolean {
  const [left, right] = [textOf(value), textOf(other)]
  if (left === undefined || right === undefined) return false
  const [a, b] = cased ? [left, right] : [view.folded(left), view.folded(right)]
  if (as === 'contains') return a.includes(b)
  if (as === 'startswith') return a.startsWith(b)
  return as === 'endswith' ? a.endsWith(b) : a === b
}
