import type { ReactNode } from 'react'

export type Step = {
  readonly key: string
  readonly title: ReactNode
  readonly state: 'done' | 'now' | 'later'
  readonly more?: ReactNode
  readonly right?: ReactNode
}
/** What a case still asks for: done, now, later; who and when at the right. */
export const Playbook = ({ steps }: { readonly steps: readonly Step[] }) => (
  <ul className="play">
    {steps.map(({ key, title, state, more, right }) => (
      <li key={key} className={state === 'later' ? undefined : state}>
        <div>
          <b>{title}</b>
          {more ? <p>{more}</p> : null}
        </div>
        <span className="r">{right}</span>
      </li>
    ))}
  </ul>
)
