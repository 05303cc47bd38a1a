import { Link, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef, type RefObject } from 'react'
import { Icon, Mark } from '../components/icon.tsx'
import { useWords } from '../language.tsx'
import { shellWords } from '../words/shell.ts'
import { dutiesOf, mayKeepLog, partAt } from './duties.ts'
import { useMe } from './me.tsx'

/** A row that scrolls on a narrow screen: where one is must be seen. */
function useSeen<T extends HTMLElement>(path: string): RefObject<T | null> {
  const row = useRef<T>(null)
  useEffect(() => {
    const here = row.current?.querySelector<HTMLElement>('[aria-current]')
    if (!here || !row.current) return
    const [from, at] = [row.current.getBoundingClientRect(), here.getBoundingClientRect()]
    row.current.scrollLeft += at.left - from.left - from.width / 3
  }, [path])
  return row
}

/** The duties this person may do; nothing greyed out. */
export function Rail() {
  const m = useWords(shellWords)
  const me = useMe()
  const path = useRouterState({ select: (state) => state.location.pathname })
  const inArea = (start: string): boolean => path === start || path.startsWith(`${start}/`)
  const duties = dutiesOf(me)
  const row = useSeen<HTMLDivElement>(path)
  return (
    <nav className="rail" aria-label={m.duties}>
      <div ref={row}>
        <Link className="brand" to="/">
          <Mark />
          Khiên
        </Link>
        <ul>
          {duties.map((area) => {
            const open = inArea(`/${area.name}`)
            const part = partAt(area.parts, path)
            return (
              <li key={area.name}>
                <Link
                  to={area.to}
                  activeOptions={{ exact: true, includeSearch: false }}
                  activeProps={{}}
                  aria-current={open ? 'true' : undefined}
                >
                  <Icon name={area.icon} />
                  {m.area[area.name]}
                </Link>
                {open && area.parts.length > 1 ? (
                  <ul>
                    {area.parts.map(({ name, to }) => (
                      <li key={name}>
                        <Link
                          to={to}
                          activeOptions={{ exact: true, includeSearch: false }}
                          activeProps={{}}
                          aria-current={part?.name === name ? 'page' : undefined}
                        >
                          {m.part[name]}
                        </Link>
                      </li>
                    ))}
                  </ul>
                ) : null}
              </li>
            )
          })}
        </ul>
        <ul className="foot">
          {mayKeepLog(me) ? (
            <li>
              <Link to="/evidence" aria-current={inArea('/evidence') ? 'page' : undefined}>
                <Icon name="leaf" />
                {m.area.evidence}
              </Link>
            </li>
          ) : null}
          {me.roles.includes('administrator') ? (
            <li>
              <a href="/settings">
                <Icon name="gear" />
                {m.area.settings}
              </a>
            </li>
          ) : null}
        </ul>
      </div>
    </nav>
  )
}

/** The parts of the area in hand, where the rail has no room for them. */
export function Parts() {
  const m = useWords(shellWords)
  const me = useMe()
  const path = useRouterState({ select: (state) => state.location.pathname })
  const area = dutiesOf(me).find(({ name }) => path === `/${name}` || path.startsWith(`/${name}/`))
  const tabs = useSeen<HTMLElement>(path)
  if (!area || area.parts.length < 2) return null
  const here = partAt(area.parts, path)
  return (
    <nav className="tabs parts" ref={tabs} aria-label={m.area[area.name]}>
      {area.parts.map(({ name, to }) => (
        <Link
          key={name}
          to={to}
          activeOptions={{ exact: true, includeSearch: false }}
          activeProps={{}}
          aria-current={here?.name === name ? 'page' : undefined}
        >
          {m.part[name]}
        </Link>
      ))}
    </nav>
  )
}
