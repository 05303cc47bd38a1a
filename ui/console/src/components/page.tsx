import { useEffect, type ReactNode } from 'react'
import { Link } from '@tanstack/react-router'

type HeadProps = {
  readonly title: ReactNode
  /** The title as plain text, for the window. */
  readonly name: string
  readonly crumb?: readonly { readonly to: string; readonly text: string }[]
  readonly meta?: ReactNode
  readonly acts?: ReactNode
  /** Why an act that stands here dashed is not lawful yet. */
  readonly barred?: string | undefined
}
/** One per page: what the thing is, and what may be done with it now. */
export function Head({ title, name, crumb, meta, acts, barred }: HeadProps) {
  useEffect(() => {
    document.title = `${name} · Khiên`
  }, [name])
  return (
    <div className="head">
      <div>
        {crumb ? (
          <p className="crumb">
            {crumb.map(({ to, text }, i) => (
              <span key={to}>
                {i > 0 ? ' / ' : ''}
                <Link to={to}>{text}</Link>
              </span>
            ))}
          </p>
        ) : null}
        <h1>{title}</h1>
        {meta ? <div className="meta">{meta}</div> : null}
      </div>
      {acts ? (
        <div className="acts">
          {acts}
          {barred ? <small>{barred}</small> : null}
        </div>
      ) : null}
    </div>
  )
}

type SecProps = {
  readonly title: ReactNode
  readonly lead?: ReactNode
  readonly right?: ReactNode
  readonly children: ReactNode
}
/** A section ruled off like a page of a ledger. */
export const Sec = ({ title, lead, right, children }: SecProps) => (
  <section className="sec">
    <div className="sech">
      <h2>{title}</h2>
      {lead ? <p>{lead}</p> : null}
      {right ? <div className="r">{right}</div> : null}
    </div>
    {children}
  </section>
)

/** Facts of a thing, two columns. */
export const Facts = ({ of }: { readonly of: readonly (readonly [ReactNode, ReactNode] | false)[] }) => (
  <dl className="facts">
    {of.map((pair, i) =>
      pair === false ? null : (
        <FactPair key={i} label={pair[0]}>
          {pair[1]}
        </FactPair>
      ),
    )}
  </dl>
)
const FactPair = ({ label, children }: { label: ReactNode; children: ReactNode }) => (
  <>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </>
)
