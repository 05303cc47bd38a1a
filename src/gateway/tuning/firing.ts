import type { SuddenView } from './contract.ts'

/** A rule that turned itself to watching, as an alert's beginnings: see `Firing` of detection. */
export function suddenFiring({ site, rule, at, clients }: SuddenView) {
  const when = Date.parse(at)
  return {
    rule: 'khien.gateway-rule-watches',
    title: `Rule ${rule} suddenly refused many ordinary clients on ${site} and only watches now`,
    level: 'high' as const,
    group: { site, rule: String(rule) },
    from: when,
    at: when,
    count: clients,
    events: [],
    observables: [],
  }
}
