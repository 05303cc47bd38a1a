import type { ReactNode } from 'react'
import { useFormats } from '../language.tsx'
import { Leaf } from './marks.tsx'

export type Happening = {
  readonly key: string
  readonly at: string
  /** Filled dot a person, ring we ourselves, square a refusal, outlined square a platform or citizen, diamond an authority. */
  readonly who: 'me' | 'sys' | 'no' | 'plt' | 'aut'
  readonly what: ReactNode
  readonly more?: ReactNode
  readonly leaf?: number | null
}

/** The right column of a thing, newest on top, parted by days. */
export function Timeline({ of }: { readonly of: readonly Happening[] }) {
  const f = useFormats()
  const sorted = of.toSorted((a, b) => b.at.localeCompare(a.at))
  return (
    <ol className="tl">
      {sorted.map((one, i) => {
        const day = f.date(one.at)
        const fresh = i === 0 || f.date(sorted[i - 1]!.at) !== day
        return [
          fresh ? (
            <li key={`d-${one.key}`} className="d">
              {day}
            </li>
          ) : null,
          <li key={one.key} className={one.who === 'sys' ? undefined : one.who}>
            <time dateTime={one.at}>{f.hm(one.at)}</time>
            <div>
              <span>{one.what}</span>
              {one.more ? <p>{one.more}</p> : null}
              {one.leaf == null ? null : <Leaf index={one.leaf} />}
            </div>
          </li>,
        ]
      })}
    </ol>
  )
}
