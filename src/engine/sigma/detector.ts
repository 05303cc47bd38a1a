import {
  type CorrelationAlert,
  correlator,
  type Correlator,
  type CorrelatorCounts,
  type CorrelatorOptions,
} from './correlation/correlator.ts'
import type { CorrelationRule } from './correlation/rule.ts'
import { SigmaError } from './error.ts'
import { EventView, type SigmaEvent } from './event.ts'
import { matchRule } from './match.ts'
import type { SigmaRule } from './rule.ts'

export type DetectorRules = { readonly rules: readonly SigmaRule[]; readonly correlations: readonly CorrelationRule[] }

/** A rule that holds for one event, or a correlation that came true (`event` is then its group). */
export type Detected =
  | { readonly kind: 'rule'; readonly rule: SigmaRule; readonly event: SigmaEvent }
  | { readonly kind: 'correlation'; readonly rule: CorrelationRule; readonly alert: CorrelationAlert }
  /** The event is past a bound for this rule: not known whether it holds. */
  | { readonly kind: 'undecided'; readonly rule: SigmaRule; readonly event: SigmaEvent; readonly error: SigmaError }

export interface Detector {
  /** `at` is the event's own time in ms; without it correlations do not see the event. */
  push(event: SigmaEvent, at?: number): Detected[]
  /** Time has come to `at` though no event has: what waited for late events is judged, late windows close. */
  advance(at: number): Detected[]
  /** The end of a replay: open windows close. */
  end(): Detected[]
  /** What all correlations together did not judge as their rules say. */
  counts(): CorrelatorCounts
}

/** Whether a document is meant as a correlation rule, right or wrong. */
export const isCorrelation = (data: unknown): boolean =>
  typeof data === 'object' && data !== null && Object.hasOwn(data, 'correlation')

type Step = { readonly rule: CorrelationRule; readonly machine: Correlator; readonly silent: boolean }

/**
 * All rules together: each event to every rule, what matched to the correlations, their findings to the correlations
 * that refer to them. A rule that a correlation refers to does not alert by itself unless it says `generate: true`
 * (correlation rules specification, Generate). Throws SigmaError `correlation/reference` for an unknown rule or a circle.
 */
export function detector({ rules, correlations }: DetectorRules, options: CorrelatorOptions = {}): Detector {
  const silent = new Set(correlations.filter(({ generate }) => !generate).flatMap((each) => each.rules))
  const isSilent = (rule: SigmaRule | CorrelationRule): boolean => idsOf(rule).some((id) => silent.has(id))
  const refs = [...rules, ...correlations]
  const steps = inOrder(correlations).map((rule): Step => ({
    rule,
    machine: correlator(rule, refs, options),
    silent: isSilent(rule),
  }))
  const each = rules.map((rule) => ({ rule, silent: isSilent(rule), ids: idsOf(rule) }))

  const correlate = (work: (machine: Correlator) => CorrelationAlert[]): Detected[] => {
    const out: Detected[] = []
    const found: { ids: readonly string[]; alert: CorrelationAlert }[] = []
    for (const { rule, machine, silent } of steps) {
      // Findings first: they are not younger than the event that brought them.
      const alerts = found.flatMap(({ ids, alert }) =>
        ids.some((id) => rule.rules.includes(id)) ? machine.push(alert.event, alert.at, ids) : [],
      )
      for (const alert of [...alerts, ...work(machine)]) {
        found.push({ ids: idsOf(rule), alert })
        if (!silent) out.push({ kind: 'correlation', rule, alert })
      }
    }
    return out
  }

  return {
    push(event, at) {
      const out: Detected[] = []
      const matched: string[] = []
      const view = new EventView(event)
      for (const { rule, silent, ids } of each) {
        try {
          if (!matchRule(rule, view).matched) continue
        } catch (error) {
          if (!(error instanceof SigmaError)) throw error
          out.push({ kind: 'undecided', rule, event, error })
          continue
        }
        matched.push(...ids)
        if (!silent) out.push({ kind: 'rule', rule, event })
      }
      return at === undefined ? out : [...out, ...correlate((machine) => machine.push(event, at, matched))]
    },
    advance: (at) => correlate((machine) => machine.advance(at)),
    end: () => correlate((machine) => machine.end()),
    counts: () =>
      steps.reduce(
        (sum, { machine: { counts } }) => ({
          late: sum.late + counts.late,
          ungrouped: sum.ungrouped + counts.ungrouped,
          oversized: sum.oversized + counts.oversized,
          evicted: sum.evicted + counts.evicted,
          hurried: sum.hurried + counts.hurried,
        }),
        { late: 0, ungrouped: 0, oversized: 0, evicted: 0, hurried: 0 },
      ),
  }
}

const idsOf = ({ id, name }: { readonly id?: string; readonly name?: string }): string[] =>
  [id, name].filter((each) => each !== undefined)

/** Those that others refer to come first. */
function inOrder(correlations: readonly CorrelationRule[]): CorrelationRule[] {
  const out: CorrelationRule[] = []
  let rest = [...correlations]
  while (rest.length > 0) {
    const waiting = new Set(rest.flatMap(idsOf))
    const [ready, blocked] = [
      rest.filter(({ rules }) => !rules.some((id) => waiting.has(id))),
      rest.filter(({ rules }) => rules.some((id) => waiting.has(id))),
    ]
    if (ready.length === 0) {
      const title = blocked[0]!.title
      throw new SigmaError(
        'correlation/reference',
        'correlation.rules',
        `${title}: correlations refer to each other in a circle`,
      )
    }
    out.push(...ready)
    rest = blocked
  }
  return out
}
