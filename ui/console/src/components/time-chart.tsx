import { useEffect, useId, useMemo, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useFormats, useWords } from '../language.tsx'
import { partWords } from '../words/parts.ts'
import { Brush, type Span } from './brush.tsx'
import { useInk } from './ink.ts'

export type Band = { readonly label: string; readonly values: readonly number[]; readonly tone: 'flow' | 'ours' }
type Props = {
  readonly caption: string
  /** Start of the first bucket, milliseconds. */
  readonly from: number
  readonly bucketMs: number
  /** One or two, each on its own axis: never two axes over one picture. */
  readonly bands: readonly Band[]
  readonly span: Span | undefined
  readonly onSpan: (span: Span | undefined) => void
  /** What the chosen span says. */
  readonly note?: string
}
/** Room for the figures at the left; the brush stands beside it. */
export const AXIS = 56
/** Beyond two days the axis says days. */
const LONG_MS = 172_800_000
const HEIGHT = { flow: 92, ours: 96 } as const

/** Look for a moment: stacked bands over one time, with a brush; the same as a table. */
export function TimeChart({ caption, from, bucketMs, bands, span, onSpan, note }: Props) {
  const m = useWords(partWords)
  const f = useFormats()
  const id = useId()
  const [asTable, setAsTable] = useState(false)
  const count = bands[0]?.values.length ?? 0
  const scroller = useRef<HTMLDivElement>(null)
  // A narrow screen opens at now; the width is known once the sheet has been laid out.
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      if (scroller.current) scroller.current.scrollLeft = scroller.current.scrollWidth
    })
    return () => cancelAnimationFrame(frame)
  }, [asTable, bands.length, from])
  const switcher = (
    <span className="seg">
      {[false, true].map((table) => (
        <label key={String(table)}>
          <input type="radio" name={id} checked={asTable === table} onChange={() => setAsTable(table)} />
          {table ? m.table : m.chart}
        </label>
      ))}
    </span>
  )
  return (
    <div className="time-chart">
      <div className="chart-head">
        <div className="legend">
          {bands.map(({ label, tone }) => (
            <span key={label}>
              <i className={tone === 'flow' ? 'flow' : undefined} />
              {label}
            </span>
          ))}
        </div>
        {switcher}
      </div>
      {asTable ? (
        <div className="tw tall" tabIndex={0} role="region" aria-label={caption}>
          <table className="t">
            <caption className="vh">{caption}</caption>
            <thead>
              <tr>
                <th scope="col">{m.from}</th>
                {bands.map(({ label }) => (
                  <th key={label} scope="col" className="num">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {Array.from({ length: count }, (_, i) => count - 1 - i).map((i) => (
                <tr key={i}>
                  <th scope="row">{f.short(from + i * bucketMs)}</th>
                  {bands.map(({ label, values }) => (
                    <td key={label} className="num">
                      {f.n(values[i] ?? 0)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <div className="chart-scroll" ref={scroller}>
          <div className="chart-area">
            {bands.map((band, i) => (
              <Plot
                key={band.label}
                band={band}
                from={from}
                bucketMs={bucketMs}
                last={i === bands.length - 1}
                name={`${caption}: ${band.label}`}
              />
            ))}
            <Brush from={from} bucketMs={bucketMs} count={count} span={span} onSpan={onSpan} />
          </div>
        </div>
      )}
      <p className="chart-note" aria-live="polite">
        {note ?? ''}
      </p>
    </div>
  )
}

function Plot({
  band,
  from,
  bucketMs,
  last,
  name,
}: {
  band: Band
  from: number
  bucketMs: number
  last: boolean
  name: string
}) {
  const f = useFormats()
  const place = useRef<HTMLDivElement>(null)
  const ink = useInk()
  // Compared by what they say: a figure that was asked for again and is the same draws nothing anew.
  const told = band.values.join()
  const data = useMemo((): uPlot.AlignedData => {
    const values = told === '' ? [] : told.split(',').map(Number)
    // Bars stand in the middle of their bucket.
    const half = band.tone === 'ours' ? bucketMs / 2 : 0
    return [values.map((_, i) => (from + i * bucketMs + half) / 1000), values]
  }, [told, band.tone, from, bucketMs])
  const total = band.values.reduce((sum, n) => sum + n, 0)
  useEffect(() => {
    const home = place.current
    if (!home) return
    const end = (from + band.values.length * bucketMs) / 1000
    const long = band.values.length * bucketMs > LONG_MS
    const font = '12px "Khien Figures", "Be Vietnam Pro", sans-serif'
    const made = new uPlot(
      {
        width: home.clientWidth,
        height: HEIGHT[band.tone] + (last ? 24 : 0),
        padding: [8, 0, last ? 0 : 4, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: true, range: [from / 1000, end] },
          y: { range: (_, __, most) => [0, Math.max(4, most * 1.08)] },
        },
        axes: [
          {
            show: true,
            size: last ? 24 : 0,
            font,
            stroke: ink.soft,
            ticks: { show: false },
            grid: { stroke: ink.line, width: 1 },
            values: (_, splits) =>
              splits.map((at) => (last && at < end ? (long ? f.dm(at * 1000) : f.hm(at * 1000)) : '')),
            space: 70,
          },
          {
            size: AXIS,
            font,
            stroke: ink.soft,
            ticks: { show: false },
            grid: { show: false },
            splits: (_, __, ___, most) => [0, niceTop(most)],
            values: (_, splits) => splits.map((value) => f.brief(value)),
          },
        ],
        series: [
          {},
          band.tone === 'flow'
            ? { stroke: ink.soft, fill: ink.flow, width: 1, points: { show: false } }
            : {
                stroke: ink.ours,
                fill: ink.ours,
                width: 0,
                points: { show: false },
                paths: uPlot.paths.bars!({ size: [0.7, 20] }),
              },
        ],
      },
      data,
      home,
    )
    const watch = new ResizeObserver(() => made.setSize({ width: home.clientWidth, height: made.height }))
    watch.observe(home)
    return () => {
      watch.disconnect()
      made.destroy()
    }
  }, [data, ink, f, from, bucketMs, last, band.tone, band.values.length])
  return <div className="plot" ref={place} role="img" aria-label={`${name}, ${f.n(total)}`} />
}

/** The largest round number below the top, so that the axis says something one can read. */
function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)))
  return [5, 2, 1].map((step) => step * power).find((value) => value <= most) ?? 1
}
