import type { Finding, Kind } from '../kinds.ts'
import type { Labelled } from './corpus.ts'

export type Score = { labels: number; found: number; right: number; wrong: number }
/** Kinds whose ends no form gives: half of what both cover in common is a match. */
const LOOSE: ReadonlySet<Kind> = new Set<Kind>(['name', 'address'])

/** Adds to the scores of each kind what was found in one text: the same kind in the same place, to the sign. */
export function score(scores: Map<Kind, Score>, { labels }: Labelled, findings: readonly Finding[]): boolean {
  const of = (kind: Kind): Score => {
    const known = scores.get(kind) ?? { labels: 0, found: 0, right: 0, wrong: 0 }
    scores.set(kind, known)
    return known
  }
  let clean = true
  for (const label of labels) {
    of(label.kind).labels++
    if (findings.some((finding) => matches(label, finding))) of(label.kind).found++
    else clean = false
  }
  for (const finding of findings)
    if (labels.some((label) => matches(label, finding))) of(finding.kind).right++
    else {
      of(finding.kind).wrong++
      clean = false
    }
  return clean
}

type Span = { readonly kind: Kind; readonly start: number; readonly end: number }
function matches(label: Span, finding: Span): boolean {
  if (label.kind !== finding.kind) return false
  if (!LOOSE.has(label.kind)) return label.start === finding.start && label.end === finding.end
  const common = Math.min(label.end, finding.end) - Math.max(label.start, finding.start)
  return 2 * common >= Math.max(label.end, finding.end) - Math.min(label.start, finding.start)
}
export const recall = ({ found, labels }: Score): number => (labels === 0 ? 1 : found / labels)
export const precision = ({ right, wrong }: Score): number => (right + wrong === 0 ? 1 : right / (right + wrong))
