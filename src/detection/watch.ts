import { type Detected, type SigmaEvent } from '../engine/sigma/index.ts'
import { firingOf, type Firing } from './firing.ts'
import { keyOf, loadDetector } from './rule-files.ts'

/** Clocks of machines differ and batches overtake each other: so much older than the newest an event still counts. */
const LATENESS_MS = 2_000
/** Quiet streams must not keep a finding waiting: time is taken to go on after so long without an event. */
const IDLE_MS = 1_000
const RECENT = 2_000
/** A source whose clock runs ahead must not make all the others late. */
const AHEAD_MS = 60_000

export type RuleLine = {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly kind: 'event' | 'correlation'
  readonly level: string
  readonly file: string
  readonly counted: boolean
}
export type WatchStatus = {
  readonly seen: number
  readonly until: number | null
  readonly undecided: number
  readonly groupsDropped: number
  readonly ahead: number
  readonly rules: readonly RuleLine[]
}

/**
 * Watches the stream of events with the rules of one folder: every event to every rule, correlations on event time.
 * `tell` takes what came true; after a restart the retained events come again and the same firings with them.
 * Throws StartError `sigma/refused` for a rule that is not accepted.
 */
export function openWatch(options: {
  readonly folder: string
  readonly tell: (firings: readonly Firing[]) => void
  readonly clock: () => number
}) {
  const { detector, rules, files } = loadDetector(options.folder, { latenessMs: LATENESS_MS })
  const counts = { seen: 0, until: null as number | null, undecided: 0, ahead: 0 }
  /** The last events, oldest first: a correlation's finding is shown with the last one of its group. */
  let recent: SigmaEvent[] = []
  let lastEventAt = 0

  const firings = (found: readonly Detected[], at: number): Firing[] =>
    found.flatMap((each) => {
      if (each.kind === 'undecided') {
        counts.undecided++
        return []
      }
      return [firingOf(each, each.kind === 'rule' ? each.event : lastOf(recent, each.alert.event), at)]
    })

  function push(events: readonly SigmaEvent[]): void {
    const out: Firing[] = []
    const now = options.clock()
    for (const event of events) {
      counts.seen++
      const time = typeof event['time'] === 'number' ? event['time'] : now
      const at = time > now + AHEAD_MS ? undefined : time
      if (at === undefined) counts.ahead++
      else counts.until = Math.max(counts.until ?? 0, at)
      recent.push(event)
      lastEventAt = now
      out.push(...firings(detector.push(event, at), at ?? now))
    }
    if (recent.length > 2 * RECENT) recent = recent.slice(-RECENT)
    if (out.length > 0) options.tell(out)
  }

  /** Lets time go on while no event comes, so that what waits for late ones is judged. */
  function tick(): void {
    const now = options.clock()
    if (counts.until === null || now - lastEventAt < IDLE_MS) return
    const out = firings(detector.advance(now - LATENESS_MS), now)
    if (out.length > 0) options.tell(out)
  }

  const silent = new Set(rules.correlations.filter(({ generate }) => !generate).flatMap((each) => each.rules))
  const lines: readonly RuleLine[] = [...rules.rules, ...rules.correlations].map((rule) => ({
    id: keyOf(rule),
    title: rule.title,
    description: rule.description ?? '',
    kind: 'rules' in rule ? 'correlation' : 'event',
    level: rule.level ?? 'medium',
    file: files.get(keyOf(rule)) ?? '',
    counted: [rule.id, rule.name].some((name) => name !== undefined && silent.has(name)),
  }))
  const status = (): WatchStatus => ({ ...counts, groupsDropped: detector.counts().evicted, rules: lines })
  return { push, tick, status }
}
export type Watch = ReturnType<typeof openWatch>

/** The last event with the group's values; the group alone when it is further back than we remember. */
function lastOf(recent: readonly SigmaEvent[], group: SigmaEvent): SigmaEvent {
  const values = Object.entries(group)
  return recent.findLast((event) => values.every(([name, value]) => String(event[name]) === String(value))) ?? group
}
