import { MatchError } from './error.ts'
import { shareOut, type Slot } from './flow.ts'
import type { Observation } from './observation.ts'
import type { PlanNode } from './plan.ts'

/** Observations looked at before giving up. */
const WORK_LIMIT = 50_000_000
/** Choices made inside each other, and slots of one match: more come only from REPEATS of joined expressions. */
const DEPTH_LIMIT = 500
const SLOTS_LIMIT = 2000

/** Which observations may fill the slots below a node: last seen at or after `from`, first seen at or before `to`, before `stop`. */
type Window = { readonly from: number; readonly to: number; readonly stop: number }
/** A node to be bound `times` times over; its choices before number `skip` are other copies' business. */
type Job = { readonly node: PlanNode; readonly window: Window; readonly times: number; readonly skip?: number }
const ALWAYS: Window = { from: -Infinity, to: Infinity, stop: Infinity }

/**
 * The places of the observations of one match, or undefined. `places[n]` are those that pass test n. Same answers as
 * `matchesPlainly`; throws MatchError (`match/too-complex`) at the bounds.
 *
 * WITHIN n holds exactly when some instant t has every `last` ≥ t and every `first` ≤ t + n; FOLLOWEDBY exactly when some
 * t has every left `first` ≤ t and every right `last` ≥ t. So once the instants and the branches of OR are chosen, a
 * pattern is a list of slots with the observations each may use, and one flow tells whether there are enough. Instants
 * to try are the `last`s (WITHIN) and `first`s (FOLLOWEDBY) of the observations that can matter. After each choice the
 * flow over all slots, those still open taken generously, tells whether going on can help.
 */
export function search(
  root: PlanNode,
  places: readonly (readonly number[])[],
  observations: readonly Observation[],
): number[] | undefined {
  const found = new Search(places, observations).solve([{ node: root, window: ALWAYS, times: 1 }], [], 0)
  return found === undefined ? undefined : [...new Set(found.flat())].sort((a, b) => a - b)
}

class Search {
  readonly #places: readonly (readonly number[])[]
  readonly #observations: readonly Observation[]
  readonly #capacity: readonly number[]
  #left = WORK_LIMIT

  constructor(places: readonly (readonly number[])[], observations: readonly Observation[]) {
    this.#places = places
    this.#observations = observations
    this.#capacity = observations.map(({ count }) => count)
  }

  /** What each slot uses, or undefined. */
  solve(open: readonly Job[], slots: readonly Slot[], depth: number): number[][] | undefined {
    if (depth > DEPTH_LIMIT) throw tooComplex()
    const jobs = [...open]
    const fixed = [...slots]
    let choice: Job | undefined
    while (choice === undefined && jobs.length > 0) {
      const job = jobs.pop()!
      if (isChoice(job.node)) choice = job
      else this.#settle(job, jobs, fixed)
    }
    const all = [...fixed]
    for (const job of choice === undefined ? jobs : [...jobs, choice]) this.#estimate(job, all)
    if (all.length > SLOTS_LIMIT) throw tooComplex()
    const shared = shareOut(all, this.#capacity)
    if (shared === undefined || choice === undefined) return shared
    return this.#branch(choice, jobs, fixed, depth)
  }

  /** Takes apart what needs no choice. */
  #settle({ node, window, times }: Job, jobs: Job[], slots: Slot[]): void {
    if (node.kind === 'observation' || node.kind === 'or')
      slots.push({ demand: times, places: this.#below(node, window) })
    else if (node.kind === 'repeats') jobs.push({ node: node.of, window, times: times * node.times })
    else if ('of' in node) jobs.push({ node: node.of, window: narrowed(node, window), times })
    else for (const part of node.parts.toReversed()) jobs.push({ node: part, window, times })
  }

  /** Slots of a node whose inner choices are open: never more demand or fewer observations than any choice leaves. */
  #estimate({ node, window, times }: Job, out: Slot[]): void {
    switch (node.kind) {
      case 'observation':
      case 'or':
        out.push({ demand: times * least(node), places: this.#below(node, window) })
        return
      case 'and':
      case 'followedby':
        for (const part of node.parts) this.#estimate({ node: part, window, times }, out)
        return
      case 'repeats':
        this.#estimate({ node: node.of, window, times: times * node.times }, out)
        return
      default:
        this.#estimate({ node: node.of, window: narrowed(node, window), times }, out)
    }
  }

  /** Copies are alike, so each next one may choose the same or a later option only. */
  #branch(job: Job, jobs: readonly Job[], slots: readonly Slot[], depth: number): number[][] | undefined {
    const { node, window, times, skip = 0 } = job
    const options = this.#options(node, window)
    for (let i = skip; i < options.length; i++) {
      const rest = times > 1 ? [{ node, window, times: times - 1, skip: i }] : []
      const found = this.solve([...jobs, ...rest, ...options[i]!], slots, depth + 1)
      if (found !== undefined) return found
    }
    return undefined
  }

  #options(node: PlanNode, window: Window): Job[][] {
    if (node.kind === 'or') return node.parts.map((part) => [{ node: part, window, times: 1 }])
    if (node.kind === 'within') return this.#stretches(node, window)
    return node.kind === 'followedby' ? this.#cuts(node.parts, window) : []
  }

  #stretches(node: PlanNode & { kind: 'within' }, window: Window): Job[][] {
    const places = this.#below(node.of, window)
    const [starts, ends] = [this.#counter(places, 'first'), this.#counter(places, 'last')]
    const wanted = least(node.of)
    const out: Job[][] = []
    for (const t of this.#instants(places, 'last')) {
      // Last seen before t implies first seen before t + n: what is left overlaps [t, t + n].
      if (starts(t + node.micros) - ends(t - 1) < wanted) continue
      const stretch = { ...window, from: Math.max(window.from, t), to: Math.min(window.to, t + node.micros) }
      out.push([{ node: node.of, window: stretch, times: 1 }])
    }
    return out
  }

  #cuts(parts: readonly PlanNode[], window: Window): Job[][] {
    const [before, right] = [parts.slice(0, -1), parts.at(-1)!]
    const left: PlanNode = before.length > 1 ? { kind: 'followedby', parts: before } : before[0]!
    const [leftPlaces, rightPlaces] = [this.#below(left, window), this.#below(right, window)]
    const [starts, ends] = [this.#counter(leftPlaces, 'first'), this.#counter(rightPlaces, 'last')]
    const out: Job[][] = []
    for (const t of this.#instants(leftPlaces, 'first')) {
      if (starts(t) < least(left) || ends(Infinity) - ends(t - 1) < least(right)) continue
      out.push([
        { node: left, window: { ...window, to: Math.min(window.to, t) }, times: 1 },
        { node: right, window: { ...window, from: Math.max(window.from, t) }, times: 1 },
      ])
    }
    return out
  }

  /** The observations that some `[…]` below the node can use. */
  #below(node: PlanNode, window: Window): number[] {
    if (node.kind === 'observation') {
      const all = this.#places[node.test]!
      this.#left -= all.length + 1
      if (this.#left < 0) throw tooComplex()
      return all.filter((place) => {
        const { first, last } = this.#observations[place]!
        return last >= window.from && first <= window.to && first < window.stop
      })
    }
    if ('of' in node) return this.#below(node.of, narrowed(node, window))
    return [...new Set(node.parts.flatMap((part) => this.#below(part, window)))]
  }

  #instants(places: readonly number[], edge: 'first' | 'last'): number[] {
    return [...new Set(places.map((place) => this.#observations[place]![edge]))].sort((a, b) => a - b)
  }

  /** How many uses lie at or before an instant. */
  #counter(places: readonly number[], edge: 'first' | 'last'): (instant: number) => number {
    const sorted = places.map((place) => this.#observations[place]!).sort((a, b) => a[edge] - b[edge])
    const sums = [0]
    for (const { count } of sorted) sums.push(sums.at(-1)! + count)
    return (instant) => {
      let [low, high] = [0, sorted.length]
      while (low < high) {
        const middle = (low + high) >> 1
        if (sorted[middle]![edge] <= instant) low = middle + 1
        else high = middle
      }
      return sums[low]!
    }
  }
}

const tooComplex = (): MatchError => new MatchError('match/too-complex', 'there are too many ways to match')

/** OR of single observations is one slot with all of theirs; other ORs, WITHIN over several and FOLLOWEDBY need choosing. */
function isChoice(node: PlanNode): boolean {
  if (node.kind === 'or') return !isSingle(node)
  return node.kind === 'followedby' || (node.kind === 'within' && !isSingle(node.of))
}

/** Always binds exactly one observation, by a filter alone: one observation is within any span of itself. */
function isSingle(node: PlanNode): boolean {
  if (node.kind === 'observation') return true
  if (node.kind === 'or') return node.parts.every((part) => isSingle(part))
  return (node.kind === 'startstop' || node.kind === 'within') && isSingle(node.of)
}

/** How many observations a node binds at least. */
function least(node: PlanNode): number {
  switch (node.kind) {
    case 'observation':
      return 1
    case 'or':
      return Math.min(...node.parts.map((part) => least(part)))
    case 'and':
    case 'followedby':
      return node.parts.reduce((sum, part) => sum + least(part), 0)
    case 'repeats':
      return node.times * least(node.of)
    default:
      return least(node.of)
  }
}

function narrowed(node: PlanNode, window: Window): Window {
  if (node.kind !== 'startstop') return window
  // An empty stretch of time holds no instant.
  const from = node.start < node.stop ? node.start : Infinity
  return { from: Math.max(window.from, from), to: window.to, stop: Math.min(window.stop, node.stop) }
}
