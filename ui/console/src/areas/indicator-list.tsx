import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { exchangeRoutes, type IndicatorView } from '../../../../src/exchange/contract.ts'
import type { Column } from '../components/data-table.tsx'
import { List } from '../components/list.tsx'
import { Status, type Shape } from '../components/marks.tsx'
import { useFormats, useWords } from '../language.tsx'
import { shareWords } from '../words/share.ts'

export const INDICATOR_SHAPE: Readonly<Record<IndicatorView['state'], Shape>> = {
  draft: 'new',
  pending: 'look',
  shared: 'ok',
  received: 'ok',
  refused: 'stop',
  revoked: 'stop',
  expired: 'stop',
}
type Wish = {
  readonly state?: string | undefined
  readonly source?: string | undefined
  readonly role?: string | undefined
  readonly q?: string | undefined
  readonly limit?: number
}

/** Own and received indicators. */
export function IndicatorList(wish: Wish) {
  const m = useWords(shareWords)
  const f = useFormats()
  const columns = useMemo(
    (): readonly Column<IndicatorView>[] => [
      {
        id: 'value',
        head: m.value,
        fold: 'full',
        cell: ({ id, value }) => (
          <Link to="/share/indicators/$id" params={{ id }}>
            <span className="tok cut">{value}</span>
          </Link>
        ),
      },
      { id: 'kind', head: m.kind, cell: ({ kind }) => m.kinds[kind] },
      { id: 'role', head: m.role, cell: ({ role }) => m.roles[role] },
      { id: 'tlp', head: m.tlp, fold: 'lo', cell: ({ tlp }) => <span className="tag">TLP:{tlp.toUpperCase()}</span> },
      { id: 'confidence', head: m.confidence, num: true, fold: 'lo', cell: ({ confidence }) => f.n(confidence) },
      { id: 'until', head: m.until, fold: 'lo', cell: ({ validUntil }) => f.date(validUntil) },
      {
        id: 'state',
        head: m.state,
        fold: 'm',
        cell: ({ state }) => <Status shape={INDICATOR_SHAPE[state]}>{m.states[state]}</Status>,
      },
      { id: 'source', head: m.source, fold: 'lo', cell: ({ source }) => (source.kind === 'own' ? m.own : source.name) },
      { id: 'sightings', head: m.sightings, num: true, fold: 'lo', cell: ({ sightings }) => f.n(sightings) },
      { id: 'updated', head: m.updated, fold: 'lo', off: true, cell: ({ updatedAt }) => f.when(updatedAt) },
    ],
    [m, f],
  )
  return (
    <List
      route={exchangeRoutes.indicators}
      sent={{ query: { limit: 50, ...wish } as never }}
      name="indicators"
      caption={m.indicators}
      columns={columns}
      idOf={({ id }: IndicatorView) => id}
      pageOf={({ id }) => `/share/indicators/${id}`}
      none={{ title: m.noneTitle, lead: m.none }}
      every={30_000}
    />
  )
}
