import { SigmaError } from '../error.ts'
import { EventView, type SigmaEvent } from '../event.ts'
import type { Level } from '../rule.ts'
import { type Counter, counterFor, type Finding } from './counter.ts'
import { groupOf, scalarOf } from './group.ts'
import type { CorrelationRule } from './rule.ts'

export type CorrelatorOptions = {
  /** How much older than the newest an event may be and still count, in ms. Findings wait as long. Default 0. */
  readonly latenessMs?: number
  /** Groups remembered at once; the one without news for longest is forgotten first. Default 100,000. */
  readonly maxGroups?: number
  /** Largest number in a condition: the memory of one group. Default 10,000. */
  readonly maxEntries?: number
  /** Events held back until older ones can no longer come; past it the oldest are judged early. Default 100,000. */
  readonly maxWaiting?: number
}

/** `event` stands for the finding when a further correlation looks at it: the group's fields, at the time `at`. */
export type CorrelationAlert = Finding & {
  readonly rule: string
  readonly title: string
  readonly level?: Level
  /** When it became true: with its last event, or when the time span was over. */
  readonly at: number
  readonly event: SigmaEvent
}

/** What was not judged as the rule says, by reason; all zero on a quiet day. */
export type CorrelatorCounts = {
  /** Older than the lateness allows: left out. */
  late: number
  /** Without a `group-by` field: in no group. */
  ungrouped: number
  /** With a group's name past the bound: left out. */
  oversized: number
  /** Groups forgotten for want of room. */
  evicted: number
  /** Judged before their time for want of room: older events after them count as late. */
  hurried: number
}

export interface Correlator {
  /** `at` is the event's own time in ms; `matched` the ids or names of the rules that hold for it. */
  push(event: SigmaEvent, at: number, matched: readonly string[]): CorrelationAlert[]
  /** Time has come to `at` though no event has: late windows close. */
  advance(at: number): CorrelationAlert[]
  /** The end of a replay: all that waits is judged, open windows close. */
  end(): CorrelationAlert[]
  readonly counts: Readonly<CorrelatorCounts>
  readonly groups: number
}

type Waiting = { readonly event: SigmaEvent; readonly at: number; readonly places: readonly number[] }
type State = { readonly counter: Counter; readonly event: SigmaEvent }

/**
 * A correlation over a stream, on event time. `refs` are the rules that there are: a rule of the correlation that is
 * not among them is a SigmaError `correlation/reference`. Findings do not depend on the order of arrival as long as it
 * stays within the lateness; events of the same millisecond keep their order of arrival.
 *
 * The caller bounds times in the future: one event with a clock far ahead makes all others late.
 */
export function correlator(
  rule: CorrelationRule,
  refs: readonly { readonly id?: string; readonly name?: string }[],
  options: CorrelatorOptions = {},
): Correlator {
  const most = Math.max(0, ...Object.values(rule.criteria))
  const maxEntries = options.maxEntries ?? 10_000
  if (most > maxEntries) {
    throw new SigmaError('correlation/too-large', 'correlation.condition', `counts to ${maxEntries} at most`)
  }
  const places = new Map<string, number>()
  for (const [place, wanted] of rule.rules.entries()) {
    const ref = refs.find(({ id, name }) => id === wanted || name === wanted)
    if (ref === undefined) {
      throw new SigmaError('correlation/reference', `correlation.rules.${place}`, `there is no rule ${wanted}`)
    }
    for (const each of [wanted, ref.id, ref.name]) if (each !== undefined) places.set(each, place)
  }
  return new Machine(rule, places, options)
}

class Machine implements Correlator {
  readonly counts: CorrelatorCounts = { late: 0, ungrouped: 0, oversized: 0, evicted: 0, hurried: 0 }
  readonly #rule: CorrelationRule
  readonly #places: ReadonlyMap<string, number>
  readonly #newCounter: () => Counter
  readonly #lateness: number
  readonly #maxGroups: number
  readonly #maxWaiting: number
  /** In the order in which they close. */
  readonly #groups = new Map<string, State>()
  /** By time; those before `#head` are judged, and dropped many at once. */
  #waiting: Waiting[] = []
  #head = 0
  #newest = -Infinity
  /** All up to here is judged. */
  #judged = -Infinity

  constructor(rule: CorrelationRule, places: ReadonlyMap<string, number>, options: CorrelatorOptions) {
    this.#rule = rule
    this.#places = places
    this.#newCounter = counterFor(rule)
    this.#lateness = options.latenessMs ?? 0
    this.#maxGroups = options.maxGroups ?? 100_000
    this.#maxWaiting = options.maxWaiting ?? 100_000
  }

  get groups(): number {
    return this.#groups.size
  }

  push(event: SigmaEvent, at: number, matched: readonly string[]): CorrelationAlert[] {
    const places = new Set<number>()
    for (const each of matched) {
      const place = this.#places.get(each)
      if (place !== undefined) places.add(place)
    }
    if (at < this.#judged || !Number.isFinite(at)) {
      if (places.size > 0) this.counts.late++
      return []
    }
    if (places.size > 0) this.#wait({ event, at, places: [...places] })
    const early = this.#waiting.length - this.#head > this.#maxWaiting ? this.#judge(this.#hurry()) : []
    return [...early, ...this.advance(at)]
  }

  advance(at: number): CorrelationAlert[] {
    if (Number.isFinite(at)) this.#newest = Math.max(this.#newest, at)
    return this.#judge(this.#newest - this.#lateness)
  }

  end(): CorrelationAlert[] {
    const alerts = this.#judge(this.#newest)
    for (const [key, state] of this.#groups) this.#close(key, state, alerts)
    return alerts
  }

  /** Behind all that are not later: mostly the end. */
  #wait(entry: Waiting): void {
    let [low, high] = [this.#head, this.#waiting.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#waiting[middle]!.at <= entry.at) low = middle + 1
      else high = middle
    }
    this.#waiting.splice(low, 0, entry)
  }

  #hurry(): number {
    const upTo = this.#waiting[(this.#head + this.#waiting.length) >>> 1]!.at
    for (let i = this.#head; i < this.#waiting.length && this.#waiting[i]!.at <= upTo; i++) this.counts.hurried++
    return upTo
  }

  #judge(upTo: number): CorrelationAlert[] {
    const alerts: CorrelationAlert[] = []
    while (this.#head < this.#waiting.length && this.#waiting[this.#head]!.at <= upTo) {
      this.#count(this.#waiting[this.#head++]!, alerts)
    }
    if (this.#head > 1000 || this.#head === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
    this.#closeBefore(upTo, alerts)
    this.#judged = Math.max(this.#judged, upTo)
    return alerts
  }

  #count({ event, at, places }: Waiting, alerts: CorrelationAlert[]): void {
    this.#closeBefore(at, alerts)
    const byGroup = new Map<string, { places: number[]; event: SigmaEvent }>()
    for (const place of places) {
      const group = groupOf(this.#rule, this.#rule.rules[place]!, event)
      if (group === 'absent') this.counts.ungrouped++
      else if (group === 'too-long') this.counts.oversized++
      else {
        const known = byGroup.get(group.key)
        if (known === undefined) byGroup.set(group.key, { places: [place], event: group.values })
        else known.places.push(place)
      }
    }
    const { field } = this.#rule
    const value = field === undefined ? undefined : scalarOf(new EventView(event), field)
    for (const [key, group] of byGroup) {
      const counter = this.#groups.get(key)?.counter ?? this.#newCounter()
      const found = counter.add(group.places, at, value)
      this.#keep(key, { counter, event: group.event })
      if (found !== undefined) alerts.push(this.#alert(found, at, group.event))
    }
  }

  /** Sliding groups move to the end with each event, since they close later; closing ones keep their place. */
  #keep(key: string, state: State): void {
    if (state.counter.slides) this.#groups.delete(key)
    this.#groups.set(key, state)
    if (this.#groups.size > this.#maxGroups) {
      const [oldest = ''] = this.#groups.keys()
      this.#groups.delete(oldest)
      this.counts.evicted++
    }
  }

  #closeBefore(at: number, alerts: CorrelationAlert[]): void {
    for (const [key, state] of this.#groups) {
      if (state.counter.closesAt() >= at) break
      this.#close(key, state, alerts)
    }
  }

  #close(key: string, { counter, event }: State, alerts: CorrelationAlert[]): void {
    this.#groups.delete(key)
    const found = counter.close()
    if (found !== undefined) alerts.push(this.#alert(found, counter.closesAt(), event))
  }

  #alert(found: Finding, at: number, event: SigmaEvent): CorrelationAlert {
    const { id, name, title, level } = this.#rule
    return { rule: id ?? name ?? title, title, ...(level === undefined ? {} : { level }), ...found, at, event }
  }
}
