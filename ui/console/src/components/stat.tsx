import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

type StatProps = {
  readonly label: string
  readonly value: string
  /** One comparison, in words. */
  readonly than?: string
  readonly spark?: readonly number[]
  /** Grey: the background; else what we did. */
  readonly background?: boolean
  /** The list it counts. */
  readonly to: string
  readonly search?: Record<string, string>
}

/** A count that leads to the list it counts. */
export const Stat = ({ label, value, than, spark, background = false, to, search }: StatProps) => (
  <Link className="stat" to={to} search={search ?? {}}>
    <span className="k">{label}</span>
    <span className="v">{value}</span>
    <span className="d">{than ?? ''}</span>
    {spark && spark.length > 1 ? <Spark values={spark} background={background} /> : null}
  </Link>
)

function Spark({ values, background }: { readonly values: readonly number[]; readonly background: boolean }) {
  const top = Math.max(1, ...values)
  const points = values.map(
    (value, i) => `${((100 * i) / (values.length - 1)).toFixed(2)},${(28 - (26 * value) / top).toFixed(2)}`,
  )
  const tone = background ? ' g' : ''
  return (
    <svg viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">
      <polygon className={`sp-a${tone}`} points={`0,30 ${points.join(' ')} 100,30`} />
      <polyline className={`sp-l${tone}`} points={points.join(' ')} />
    </svg>
  )
}

export const Stats = ({ children, count }: { readonly children: ReactNode; readonly count: number }) => (
  <div className={`stats k${count}`}>{children}</div>
)
