/** A rule of law with the days it holds. Days are local to Vietnam, `YYYY-MM-DD`; `validTo` is the last day. */
export type Dated = {
  readonly validFrom: string
  readonly validTo?: string
  /** The place in the law as people search and quote it. */
  readonly article: { readonly vi: string; readonly en: string }
}

/** The day in Vietnam (UTC+7, no summer time) of an instant. */
export const dayInVietnam = (at: number): string => new Date(at + 7 * 3_600_000).toISOString().slice(0, 10)

export const holds = (rule: Dated, at: number): boolean => {
  const day = dayInVietnam(at)
  return rule.validFrom <= day && (rule.validTo === undefined || day <= rule.validTo)
}

/** The rule in force on the day of the act; undefined when there was none. */
export const inForce = <R extends Dated>(rules: readonly R[], at: number): R | undefined =>
  rules.find((rule) => holds(rule, at))
