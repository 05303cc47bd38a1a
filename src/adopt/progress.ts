const WINDOW_MS = 30_000
/** A speed of less time than this is chance. */
const SOON_MS = 200

export type Progress = {
  readonly table: string
  readonly rows: number
  readonly of: number
  readonly perSecond: number
  /** Seconds left at the speed of the last half minute; undefined until there is one. */
  readonly seconds: number | undefined
}

/** Tells how far a step is, given the rows done of those there are. */
export function gauge(of: number, tell: (progress: Progress) => void): (table: string, rows: number) => void {
  const speed = speedometer()
  return (table, rows) => {
    const perSecond = speed(rows)
    // Rows may have come since they were counted.
    const all = Math.max(of, rows)
    tell({ table, rows, of: all, perSecond, seconds: perSecond > 0 ? (all - rows) / perSecond : undefined })
  }
}

/** Rows a second over the last half minute. */
function speedometer(): (rows: number) => number {
  const marks: { at: number; rows: number }[] = []
  return (rows) => {
    const at = performance.now()
    // A mark in a quarter of a second is enough.
    if (marks.length < 2 || at - marks.at(-1)!.at > SOON_MS) marks.push({ at, rows })
    while (marks.length > 2 && at - marks[0]!.at > WINDOW_MS) marks.shift()
    const first = marks[0]!
    return at - first.at < SOON_MS ? 0 : ((rows - first.rows) * 1_000) / (at - first.at)
  }
}
