import type { ReactNode } from 'react'

export type Heat = {
  readonly key: string
  readonly label: ReactNode
  readonly values: readonly number[]
  readonly total: ReactNode
}

/** Rhythm of at most twelve things, one hue; the number stands at the end. */
export function HeatTable({
  rows,
  caption,
  head,
}: {
  rows: readonly Heat[]
  caption: string
  head: readonly [string, string, string]
}) {
  return (
    <table className="heat">
      <caption className="vh">{caption}</caption>
      <thead className="vh">
        <tr>
          {head.map((text) => (
            <th key={text} scope="col">
              {text}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, label, values, total }) => (
          <tr key={key}>
            <th scope="row">{label}</th>
            <td>
              <HeatCells values={values} />
            </td>
            <td>{total}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** One row of cells, for a column of a table. */
export function HeatCells({ values }: { readonly values: readonly number[] }) {
  const top = Math.max(1, ...values)
  return (
    <svg className="heat-cells" viewBox={`0 0 ${values.length * 10} 14`} preserveAspectRatio="none" aria-hidden="true">
      {values.map((value, i) =>
        // A root keeps the small ones visible beside a burst.
        value === 0 ? null : (
          <rect
            key={i}
            x={i * 10}
            y="1"
            width="9"
            height="12"
            opacity={(0.18 + 0.82 * Math.sqrt(value / top)).toFixed(2)}
          />
        ),
      )}
    </svg>
  )
}
