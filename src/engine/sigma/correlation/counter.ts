import type { CorrelationRule } from './rule.ts'
import { meets, threshold } from './rule.ts'

/** Where a condition stands: `from` and `to` are event times. */
export type Finding = { readonly count: number; readonly from: number; readonly to: number }

/** What one group remembers. Every `add` has a time not before the last one's. */
export interface Counter {
  /** Whether every event moves the time at which the group closes. */
  readonly slides: boolean
  /** `rules` are the places of the matched rules; a finding when the condition is met now. */
  add(rules: readonly number[], at: number, value: string | null | undefined): Finding | undefined
  /** The time after which the group can no longer come to anything by itself. */
  closesAt(): number
  /** The time span is over: a finding when the condition could only now be judged. */
  close(): Finding | undefined
}

/** The counter for a rule. Its memory is bounded by the number in the condition, or by the number of rules. */
export function counterFor(rule: CorrelationRule): () => Counter {
  const least = threshold(rule.criteria)
  if (rule.type === 'temporal_ordered') return () => new Order(rule.rules.length, rule.timespanMs)
  if (rule.type === 'temporal') {
    const wanted = least ?? rule.rules.length
    return () => new Sliding(wanted, rule.timespanMs, 'rule')
  }
  const by = rule.type === 'value_count' ? 'value' : 'event'
  return least === undefined ? () => new Closing(rule, by) : () => new Sliding(least, rule.timespanMs, by)
}

/**
 * Lower bounds only: the window ends with the newest event and reaches back the time span, both ends in it. Met once,
 * the group starts afresh, so a burst of 1,000 with `gte: 100` tells ten times.
 */
class Sliding implements Counter {
  readonly slides = true
  readonly #wanted: number
  readonly #span: number
  readonly #by: 'event' | 'value' | 'rule'
  /** Key to its newest time, oldest first; events are keyed by their number. */
  readonly #seen = new Map<string | number | null, number>()
  #number = 0
  #last = 0

  constructor(wanted: number, span: number, by: 'event' | 'value' | 'rule') {
    this.#wanted = wanted
    this.#span = span
    this.#by = by
  }

  add(rules: readonly number[], at: number, value: string | null | undefined): Finding | undefined {
    this.#last = at
    for (const [key, time] of this.#seen) {
      if (at - time <= this.#span) break
      this.#seen.delete(key)
    }
    const keys =
      this.#by === 'rule' ? rules : this.#by === 'event' ? [this.#number++] : value === undefined ? [] : [value]
    for (const key of keys) {
      this.#seen.delete(key)
      this.#seen.set(key, at)
    }
    if (this.#seen.size < this.#wanted) return undefined
    const found = { count: this.#seen.size, from: this.#seen.values().next().value ?? at, to: at }
    this.#seen.clear()
    return found
  }

  closesAt(): number {
    return this.#last + this.#span
  }

  close(): Finding | undefined {
    return undefined
  }
}

/** Upper bounds: the window opens with the first event, and is judged when the time span is over. */
class Closing implements Counter {
  readonly slides = false
  readonly #rule: CorrelationRule
  readonly #values: Set<string | null> | undefined
  /** Past this count the answer cannot change. */
  readonly #enough: number
  #count = 0
  #from: number | undefined
  #to = 0

  constructor(rule: CorrelationRule, by: 'event' | 'value') {
    this.#rule = rule
    this.#values = by === 'value' ? new Set() : undefined
    this.#enough = 1 + Math.max(...Object.values(rule.criteria))
  }

  add(_rules: readonly number[], at: number, value: string | null | undefined): undefined {
    this.#from ??= at
    this.#to = at
    if (this.#values === undefined) this.#count++
    else if (value !== undefined && this.#values.size < this.#enough) this.#count = this.#values.add(value).size
  }

  closesAt(): number {
    return (this.#from ?? 0) + this.#rule.timespanMs
  }

  close(): Finding | undefined {
    if (this.#from === undefined || this.#count === 0 || !meets(this.#count, this.#rule.criteria)) return undefined
    return { count: this.#count, from: this.#from, to: this.#to }
  }
}

/** The rules in their order: for each length of the order, the latest time at which one so far began. */
class Order implements Counter {
  readonly slides = true
  readonly #began: (number | undefined)[]
  readonly #span: number
  #last = 0

  constructor(rules: number, span: number) {
    this.#began = Array<undefined>(rules).fill(undefined)
    this.#span = span
  }

  add(rules: readonly number[], at: number): Finding | undefined {
    this.#last = at
    // From behind, so that one event is never two steps of the order.
    for (const place of rules.toSorted((a, b) => b - a)) {
      const began = place === 0 ? at : this.#began[place - 1]
      if (began !== undefined && at - began <= this.#span) this.#began[place] = began
    }
    const from = this.#began.at(-1)
    if (from === undefined) return undefined
    const count = this.#began.length
    this.#began.fill(undefined)
    return { count, from, to: at }
  }

  closesAt(): number {
    return this.#last + this.#span
  }

  close(): Finding | undefined {
    return undefined
  }
}
