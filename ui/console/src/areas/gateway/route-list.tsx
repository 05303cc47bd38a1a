import { useState } from 'react'
import type { Route } from '../../../../../src/gateway/contract.ts'
import { useWords } from '../../language.tsx'
import { siteWords } from '../../words/sites.ts'
import { useTroubledIn, Within } from './inputs.tsx'
import { RouteFields } from './route-fields.tsx'
import { newRoute } from './site-draft.ts'

/** Paths in the order they are tried, folded until one is opened. */
export function RouteList({
  value,
  onChange,
  still,
}: {
  readonly value: readonly Route[]
  readonly onChange: (value: Route[]) => void
  readonly still: boolean
}) {
  const m = useWords(siteWords)
  const troubled = useTroubledIn()
  const [added, setAdded] = useState<number>()
  const move = (from: number, to: number): void => {
    const next = [...value]
    next.splice(to, 0, ...next.splice(from, 1))
    onChange(next)
  }
  return (
    <>
      {value.map((route, i) => (
        <details key={i} className="route-fields" open={i === added || troubled(`routes.${i}`) || undefined}>
          <summary>
            <span className="tok">{route.path}</span>{' '}
            <span className="soft">{route.mode === undefined ? m.asSite : m.modes[route.mode]}</span>
          </summary>
          <Within at={`routes.${i}`}>
            <RouteFields
              value={route}
              still={still}
              onChange={(next) => onChange(value.map((one, n) => (n === i ? next : one)))}
            />
          </Within>
          {still ? null : (
            <div className="acts-row">
              <button type="button" className="btn" disabled={i === 0} onClick={() => move(i, i - 1)}>
                {m.up}
              </button>
              <button type="button" className="btn" disabled={i === value.length - 1} onClick={() => move(i, i + 1)}>
                {m.down}
              </button>
              <button type="button" className="btn" onClick={() => onChange(value.filter((_, n) => n !== i))}>
                {m.remove}
              </button>
            </div>
          )}
        </details>
      ))}
      {still ? null : (
        <p className="acts-row">
          <button
            type="button"
            className="btn"
            onClick={() => {
              setAdded(value.length)
              onChange([...value, newRoute('/api/**')])
            }}
          >
            {m.routeAdd}
          </button>
        </p>
      )}
    </>
  )
}
