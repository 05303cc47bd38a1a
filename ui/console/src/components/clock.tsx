import { useEffect, useRef, useState } from 'react'
import { useSpeech, useWords } from '../language.tsx'
import { partWords } from '../words/parts.ts'

/** A deadline as the server tells it: computed from stored instants. */
export type Deadline = {
  readonly kind: string
  readonly start: string
  readonly due: string
  readonly metAt: string | null
  readonly article: { readonly vi: string; readonly en: string } | null
}

/** Now, again every half minute. */
export function useNow(every = 30_000): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every)
    return () => clearInterval(timer)
  }, [every])
  return now
}

const SIX_HOURS = 6 * 3_600_000
type State = 'calm' | 'soon' | 'late' | 'met'
/** `soon`: a quarter or less is left, or six hours. */
export function stateOf({ start, due, metAt }: Deadline, now: number): State {
  if (metAt !== null) return 'met'
  const [from, to] = [Date.parse(start), Date.parse(due)]
  if (now > to) return 'late'
  return to - now <= Math.max(SIX_HOURS, (to - from) / 4) ? 'soon' : 'calm'
}

/** Time left, then the article: never a bare date. Without a deadline it says that there is none. */
export function Clock({ deadline }: { readonly deadline: Deadline | null }) {
  const m = useWords(partWords)
  const { f, language } = useSpeech()
  const now = useNow()
  const ring = useRef<HTMLSpanElement>(null)
  const [from, to] = deadline ? [Date.parse(deadline.start), Date.parse(deadline.due)] : [0, 1]
  const elapsed = Math.min(1, Math.max(0, (now - from) / Math.max(1, to - from)))
  // A style attribute would be refused by the page's policy; this is not one.
  useEffect(() => ring.current?.style.setProperty('--e', elapsed.toFixed(3)), [elapsed])
  if (!deadline)
    return (
      <span className="clock off">
        <b>{m.noDeadline}</b>
      </span>
    )
  const state = stateOf(deadline, now)
  const gap = state === 'met' ? to - Date.parse(deadline.metAt!) : to - now
  const span = f.span(Math.abs(gap))
  const said =
    state === 'met' ? (gap >= 0 ? m.metEarly(span) : m.metLate(span)) : state === 'late' ? m.late(span) : m.left(span)
  return (
    <span className={`clock ${state}`} ref={ring} title={f.full(deadline.due)}>
      <b>{said}</b>
      {deadline.article ? <span className="art">{deadline.article[language]}</span> : null}
    </span>
  )
}

/** The nearest deadline that is still running, if any. */
export const nearest = (clocks: readonly Deadline[]): Deadline | null =>
  clocks.filter(({ metAt }) => metAt === null).toSorted((a, b) => a.due.localeCompare(b.due))[0] ?? null
