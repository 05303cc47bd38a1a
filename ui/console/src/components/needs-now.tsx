import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useWords } from '../language.tsx'
import { partWords } from '../words/parts.ts'
import { Clock, type Deadline } from './clock.tsx'
import { Sec } from './page.tsx'

export type Need = {
  readonly key: string
  readonly deadline: Deadline | null
  readonly what: ReactNode
  readonly more?: ReactNode
  readonly to: string
  readonly search?: Record<string, string>
  /** Verb first. */
  readonly act: string
  /** What can be decided here at once; they stand before the way to the page. */
  readonly acts?: ReactNode
}

const dueOf = ({ deadline }: Need): number => (deadline === null ? Infinity : Date.parse(deadline.due))

/** First on every area: the nearest legal deadline on top, then what has none. */
export function NeedsNow({ needs, nothing }: { readonly needs: readonly Need[]; readonly nothing: ReactNode }) {
  const m = useWords(partWords)
  const sorted = needs.toSorted((a, b) => (dueOf(a) < dueOf(b) ? -1 : dueOf(a) > dueOf(b) ? 1 : 0))
  return (
    <Sec title={m.now} lead={sorted.length === 0 ? undefined : m.nowLead}>
      {sorted.length === 0 ? (
        <p className="soft">{nothing}</p>
      ) : (
        <ul className="due">
          {sorted.map((need, i) => (
            <li key={need.key}>
              <Clock deadline={need.deadline} />
              <div className="what">
                <b>{need.what}</b>
                {need.more ? <p>{need.more}</p> : null}
              </div>
              <div className="acts-row">
                {need.acts}
                <Link className={`btn${i === 0 ? ' go' : ''}`} to={need.to} search={need.search ?? {}}>
                  {need.act}
                </Link>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Sec>
  )
}
