import type { RuleExclusion } from '../contract.ts'
import type { Refusal } from '../refusals.ts'
import { compileGlob } from '../worker/glob.ts'

/** What would be taken away, before it has an id. */
export type Taking = Pick<RuleExclusion, 'path' | 'rule' | 'target'>
/** `unknown`: more matched than is kept of a refusal, so that nobody can tell. */
export type Outcome = 'through' | 'refused' | 'unknown'

const SEGMENT = /^[A-Za-z0-9._~!$&'()+,;=:@-]{1,64}$/
/** Numbers, UUIDs, and hexadecimal ids of 16 signs and more: another page of the same kind has another one there. */
const ID = /^(?:\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,})$/i

/** A kept path as a template: `/orders/12/items` → `/orders/12/items` with `*` for 12. What was masked, or an id, stands for one segment. */
export function templateOf(path: string): string {
  const cut = path.endsWith('…')
  const parts = (cut ? path.slice(0, path.lastIndexOf('/')) : path).split('/').slice(1)
  const written = parts.map((part) => (part === '' || (SEGMENT.test(part) && !ID.test(part)) ? part : '*'))
  const out = `/${written.join('/')}`
  const whole = cut ? `${out.replace(/\/$/, '')}/**` : out
  return whole.length <= 256 ? whole : `${whole.slice(0, whole.lastIndexOf('/', 250))}/**`
}

/** A kept place as SecLang names it; one whose name was masked becomes a pattern; null for one that no control can take. */
export function targetOf(place: string): string | null {
  const colon = place.indexOf(':')
  const collection = colon < 0 ? place : place.slice(0, colon)
  if (!/^[A-Z_]{1,40}$/.test(collection) || collection === 'TX' || collection.startsWith('MATCHED_')) return null
  if (colon < 0) return collection
  const name = place.slice(colon + 1)
  if (/^[A-Za-z0-9_.\-[\]]{1,64}$/.test(name)) return `${collection}:${name}`
  const pattern = name
    .replace(/…$/, '•')
    .split('•')
    .map((part) => part.replace(/[.[\]\-$^]/g, (sign) => `\\${sign}`))
    .join('.*')
  return /^[A-Za-z0-9_.[\]/^$*\\-]{1,110}$/.test(pattern) ? `${collection}:/^${pattern}$/` : collection
}

/** Was it the score that refused it, or one rule by itself? */
const byScore = ({ score, threshold }: Refusal): boolean => threshold > 0 && score >= threshold

/**
 * The narrowest that would have let a refusal pass. By score: its heaviest matches, one place of one rule each, until what is left is below the
 * threshold. By one rule's own deny: the place that rule refused. Empty when nothing is known of what matched.
 */
export function takingsFor(refusal: Refusal): Taking[] {
  const path = templateOf(refusal.path)
  if (!byScore(refusal)) {
    const last = refusal.matches.at(-1)
    const rule = last?.ruleId ?? refusal.ruleIds?.at(-1)
    return rule === undefined ? [] : [{ path, rule, target: last === undefined ? null : targetOf(last.place) }]
  }
  const out: Taking[] = []
  let left = refusal.score
  for (const { ruleId, place, score } of refusal.matches.toSorted((a, b) => b.score - a.score)) {
    if (left < refusal.threshold || score <= 0) break
    left -= score
    const taking = { path, rule: ruleId, target: targetOf(place) }
    if (!out.some((one) => one.rule === ruleId && (one.target === null || one.target === taking.target)))
      out.push(taking)
  }
  return out
}

type Live = Taking & { readonly fits: (path: string) => boolean; readonly takes: (place: string) => boolean }

/** Made ready to be held against many refusals. */
export const liveTakings = (takings: readonly Taking[]): readonly Live[] =>
  takings.map((taking) => ({ ...taking, fits: compileGlob(taking.path), takes: placeTest(taking.target) }))

function placeTest(target: string | null): (place: string) => boolean {
  if (target === null) return () => true
  const pattern = /^([A-Z_]+):\/\^(.*)\$\/$/.exec(target)
  if (pattern === null) {
    const wanted = target.toLowerCase()
    return (place) => place.toLowerCase() === wanted || (!target.includes(':') && place.startsWith(`${target}:`))
  }
  // Kept names are masked alike, so the pattern is read as the mask it came from.
  const masked = `${pattern[1]}:${pattern[2]!.replaceAll('.*', '•').replaceAll('\\', '')}`
  return (place) => place.replace(/…$/, '•') === masked
}

/** What would have become of a refusal: its score without what is taken, held against its threshold. */
export function outcomeOf(
  refusal: Refusal,
  takings: readonly Live[],
): { readonly outcome: Outcome; readonly left: number } {
  const here = takings.filter(({ fits }) => fits(refusal.path))
  const isTaken = ({ ruleId, place }: Refusal['matches'][number]): boolean =>
    here.some(({ rule, takes }) => rule === ruleId && takes(place))
  if (here.length === 0) return { outcome: 'refused', left: refusal.score }
  if (!byScore(refusal)) {
    const last = refusal.matches.at(-1)
    const denier = refusal.ruleIds?.at(-1) ?? last?.ruleId
    const taken =
      last !== undefined && last.ruleId === denier
        ? isTaken(last)
        : here.some(({ rule, target }) => rule === denier && target === null)
    return { outcome: taken ? 'through' : 'refused', left: refusal.score }
  }
  const taken = refusal.matches.filter(isTaken)
  const left = taken.reduce((sum, { score }) => sum - score, refusal.score)
  if (taken.length === 0) return { outcome: 'refused', left }
  if (left < refusal.threshold) return { outcome: 'through', left }
  // Of one rule at most three matches are kept: the others may be of the same place, or not.
  const kept = refusal.matches.reduce((sum, { score }) => sum + score, 0)
  const hidden = refusal.score - kept
  const rules = new Set(taken.map(({ ruleId }) => ruleId))
  const more =
    (refusal.ruleIds ?? []).filter((id) => rules.has(id)).length >
    refusal.matches.filter(({ ruleId }) => rules.has(ruleId)).length
  return { outcome: more && left - hidden < refusal.threshold ? 'unknown' : 'refused', left }
}
