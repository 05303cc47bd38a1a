import { useEffect, useRef, type KeyboardEvent, type PointerEvent } from 'react'
import { useFormats, useWords } from '../language.tsx'
import { partWords } from '../words/parts.ts'

/** Milliseconds, end excluded; both on the edge of a bucket. */
export type Span = { readonly from: number; readonly to: number }
type Props = {
  readonly from: number
  readonly bucketMs: number
  readonly count: number
  readonly span: Span | undefined
  readonly onSpan: (span: Span | undefined) => void
}
type Part = 'new' | 'body' | 'start' | 'end'
/** Keyboard steps are six buckets, an hour where a bucket is ten minutes. */
const STEP = 6

/**
 * A span of time over a chart. Mouse and touch drag out, move and stretch it; with the focus on it the arrow keys move it,
 * Shift with an arrow stretches its end (on a grip: that end), Escape takes it away.
 */
export function Brush({ from, bucketMs, count, span, onSpan }: Props) {
  const m = useWords(partWords)
  const f = useFormats()
  const field = useRef<HTMLDivElement>(null)
  const band = useRef<HTMLDivElement>(null)
  const drag = useRef<{ part: Part; origin: number; was: [number, number] } | null>(null)
  const index = (at: number): number => Math.round((at - from) / bucketMs)
  const [a, b] = span ? [index(span.from), index(span.to)] : [-1, -1]

  const choose = (start: number, end: number): void => {
    const low = Math.max(0, Math.min(start, end, count - 1))
    const high = Math.min(count, Math.max(start, end, low + 1))
    onSpan({ from: from + low * bucketMs, to: from + high * bucketMs })
  }
  const shift = (by: number): void => {
    const moved = Math.max(0, Math.min(count - (b - a), a + by))
    choose(moved, moved + b - a)
  }
  useEffect(() => {
    const style = band.current?.style
    style?.setProperty('left', `${(100 * Math.max(0, a)) / count}%`)
    style?.setProperty('width', `${(100 * (Math.min(count, b) - Math.max(0, a))) / count}%`)
  }, [a, b, count])

  const where = (event: PointerEvent): number => {
    const { left, width } = field.current!.getBoundingClientRect()
    return Math.max(0, Math.min(count, ((event.clientX - left) / width) * count))
  }
  const down = (part: Part) => (event: PointerEvent) => {
    event.stopPropagation()
    event.preventDefault()
    field.current!.setPointerCapture(event.pointerId)
    drag.current = { part, origin: where(event), was: [a, b] }
    if (part !== 'new') band.current?.focus()
  }
  const move = (event: PointerEvent): void => {
    const held = drag.current
    if (!held) return
    const at = where(event)
    const by = Math.round(at - held.origin)
    const [start, end] = held.was
    if (held.part === 'body') {
      const moved = Math.max(0, Math.min(count - (end - start), start + by))
      choose(moved, moved + end - start)
    } else if (held.part === 'start') choose(Math.min(start + by, end - 1), end)
    else if (held.part === 'end') choose(start, Math.max(end + by, start + 1))
    else if (Math.abs(at - held.origin) >= 0.5)
      choose(Math.floor(Math.min(held.origin, at)), Math.ceil(Math.max(held.origin, at)))
  }
  const up = (event: PointerEvent): void => {
    const held = drag.current
    drag.current = null
    // A touch without a drag takes the hour around it: on a narrow screen a drag scrolls.
    const at = where(event)
    if (held?.part === 'new' && Math.abs(at - held.origin) < 0.5)
      choose(Math.floor(at) - STEP / 2, Math.floor(at) + STEP / 2)
  }
  const cancel = (): void => {
    drag.current = null
  }

  const key = (part: Exclude<Part, 'new'>) => (event: KeyboardEvent) => {
    const by = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0
    if (event.key === 'Escape' && span) onSpan(undefined)
    else if (by === 0) return
    // Without a span the first key takes the last hour.
    else if (!span) choose(count - STEP, count)
    else if (part === 'start') choose(Math.min(a + by, b - 1), b)
    else if (part === 'end' || event.shiftKey) choose(a, Math.max(b + by, a + 1))
    else shift(by)
    event.preventDefault()
    event.stopPropagation()
  }
  const said = span ? `${f.short(span.from)} ${m.to} ${f.short(span.to)}` : m.none
  const slider = (value: number) => ({
    role: 'slider',
    tabIndex: 0,
    'aria-valuemin': 0,
    'aria-valuemax': count,
    'aria-valuenow': Math.max(0, Math.min(count, value)),
  })
  return (
    <div
      className="brush-field"
      ref={field}
      onPointerDown={down('new')}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={cancel}
    >
      <div
        ref={band}
        className={`brush-band${span ? '' : ' none'}`}
        {...slider(a)}
        aria-label={m.brush}
        aria-valuetext={said}
        onPointerDown={span ? down('body') : undefined}
        onKeyDown={key('body')}
      />
      {span ? (
        <>
          <Grip
            at={a / count}
            label={m.brushStart}
            slider={slider(a)}
            said={f.short(span.from)}
            onDown={down('start')}
            onKey={key('start')}
          />
          <Grip
            at={b / count}
            label={m.brushEnd}
            slider={slider(b)}
            said={f.short(span.to)}
            onDown={down('end')}
            onKey={key('end')}
          />
        </>
      ) : null}
    </div>
  )
}

type GripProps = {
  readonly at: number
  readonly label: string
  readonly said: string
  readonly slider: object
  readonly onDown: (event: PointerEvent) => void
  readonly onKey: (event: KeyboardEvent) => void
}
function Grip({ at, label, said, slider, onDown, onKey }: GripProps) {
  const grip = useRef<HTMLDivElement>(null)
  useEffect(() => grip.current?.style.setProperty('left', `${100 * at}%`), [at])
  return (
    <div
      ref={grip}
      className="brush-grip"
      {...slider}
      aria-label={label}
      aria-valuetext={said}
      onPointerDown={onDown}
      onKeyDown={onKey}
    />
  )
}
