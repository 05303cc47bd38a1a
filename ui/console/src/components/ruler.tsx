import { useSpeech, useWords } from '../language.tsx'
import { partWords } from '../words/parts.ts'
import { Clock, stateOf, useNow, type Deadline } from './clock.tsx'

const WIDTH = 960
const HOUR = 3_600_000

/** Deadlines that run together, at true scale, with a line for now; the same as a list for narrow screens and readers. */
export function Ruler({
  clocks,
  name,
}: {
  readonly clocks: readonly Deadline[]
  readonly name: (kind: string) => string
}) {
  const m = useWords(partWords)
  const { f } = useSpeech()
  const now = useNow()
  const sorted = clocks.toSorted((a, b) => a.due.localeCompare(b.due))
  const start = Math.min(...sorted.map((clock) => Date.parse(clock.start)))
  const end = Math.max(...sorted.map((clock) => Date.parse(clock.due)))
  const x = (at: number): number => WIDTH * Math.min(1, Math.max(0, (at - start) / (end - start)))
  const here = x(now)
  const hours = Math.round((end - start) / HOUR)
  const every = hours > 48 ? 6 : 3
  return (
    <>
      <div className="ruler-drawn" aria-hidden="true">
        <svg className="ruler" viewBox={`0 0 ${WIDTH} 96`}>
          <text className="h" x={Math.max(70, Math.min(WIDTH - 70, here))} y="14" textAnchor="middle">
            {m.nowMark}, {f.span(Math.max(0, now - start))}
          </text>
          <rect className="left" x="0" y="26" width={WIDTH} height="12" />
          <rect className="done" x="0" y="26" width={here} height="12" />
          {Array.from({ length: Math.floor(hours / every) }, (_, i) => {
            const at = x(start + (i + 1) * every * HOUR)
            return <line key={i} className="tick" x1={at} x2={at} y1="38" y2="44" />
          })}
          <line className="end" x1="1" x2="1" y1="20" y2="46" />
          <line className="now" x1={here} x2={here} y1="18" y2="42" />
          <text x="0" y="62">
            {m.detected}
          </text>
          <text x="0" y="78">
            {f.short(start)}
          </text>
          {sorted.map((clock) => {
            const at = x(Date.parse(clock.due))
            const last = at > WIDTH * 0.75
            const state = stateOf(clock, now)
            const gap = f.span(Math.abs(Date.parse(clock.due) - now))
            const said = state === 'met' ? '✓' : state === 'late' ? m.late(gap) : m.left(gap)
            return (
              <g key={clock.kind}>
                <line className="end" x1={Math.min(at, WIDTH - 1)} x2={Math.min(at, WIDTH - 1)} y1="20" y2="46" />
                <text className={state === 'soon' ? 'w' : 'h'} x={at} y="62" textAnchor={last ? 'end' : 'start'}>
                  {name(clock.kind)}, {said}
                </text>
                <text x={at} y="78" textAnchor={last ? 'end' : 'start'}>
                  {f.short(clock.due)}
                </text>
              </g>
            )
          })}
        </svg>
      </div>
      <ul className="ruler-list">
        {sorted.map((clock) => (
          <li key={clock.kind}>
            <span>{name(clock.kind)}</span> <Clock deadline={clock} />
          </li>
        ))}
      </ul>
    </>
  )
}
