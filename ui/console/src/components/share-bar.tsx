import { useEffect, useRef, type ReactNode } from 'react'

export type SharePart = { readonly key: string; readonly count: number; readonly label: ReactNode }
const TONES = ['', 'b', 'c', 'd'] as const
const LEGEND = ['', 'mix', 'flow-sq', 'gap'] as const

/** Parts of one whole, always with the list beside it. */
export function ShareBar({ parts }: { readonly parts: readonly SharePart[] }) {
  const bar = useRef<HTMLDivElement>(null)
  useEffect(() => {
    for (const [i, part] of [...(bar.current?.children ?? [])].entries())
      (part as HTMLElement).style.flex = String(parts.filter(({ count }) => count > 0)[i]?.count ?? 0)
  }, [parts])
  return (
    <>
      <div className="share" ref={bar} aria-hidden="true">
        {parts.map(({ key, count }, i) => (count > 0 ? <i key={key} className={TONES[i]} /> : null))}
      </div>
      <div className="legend">
        {parts.map(({ key, label }, i) => (
          <span key={key}>
            <i className={LEGEND[i]} />
            {label}
          </span>
        ))}
      </div>
    </>
  )
}
