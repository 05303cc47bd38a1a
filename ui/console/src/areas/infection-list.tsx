import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { subscriberRoutes, type Infection } from '../../../../src/subscribers/contract.ts'
import type { Column } from '../components/data-table.tsx'
import { List } from '../components/list.tsx'
import { Status, type Shape } from '../components/marks.tsx'
import { useFormats, useWords } from '../language.tsx'
import { warnWords } from '../words/warn.ts'

export const INFECTION_SHAPE: Readonly<Record<Infection['state'], Shape>> = {
  found: 'new',
  warned: 'run',
  'not-theirs': 'look',
  clean: 'ok',
  unattributed: 'stop',
  held: 'look',
}

/** Infected devices; subscribers as tokens. */
export function InfectionList({
  state,
  result,
  limit = 50,
}: {
  readonly state?: string | undefined
  readonly result?: string | undefined
  readonly limit?: number
}) {
  const m = useWords(warnWords)
  const f = useFormats()
  const columns = useMemo(
    (): readonly Column<Infection>[] => [
      {
        id: 'last',
        head: m.last,
        cell: ({ id, last }) => (
          <Link to="/warn/infections/$id" params={{ id }}>
            {f.when(last)}
          </Link>
        ),
      },
      {
        id: 'state',
        head: m.state,
        fold: 'end',
        cell: (one) => <Status shape={INFECTION_SHAPE[one.state]}>{m.states[one.state]}</Status>,
      },
      {
        id: 'contacted',
        head: m.contacted,
        fold: 'full',
        cell: ({ contacted }) => <span className="tok cut">{contacted}</span>,
      },
      {
        id: 'subscriber',
        head: m.subscriber,
        cell: ({ subscriber }) => (subscriber === null ? '' : <span className="tok">{subscriber}</span>),
      },
      {
        id: 'attribution',
        head: m.attribution,
        fold: 'm',
        wrap: true,
        cell: ({ attribution: { result: found, why } }) =>
          `${m.results[found]}${why === null ? '' : `: ${m.why[why] ?? why}`}`,
      },
      { id: 'sightings', head: m.sightings, num: true, fold: 'lo', cell: ({ sightings }) => f.n(sightings) },
      { id: 'first', head: m.first, fold: 'lo', off: true, cell: ({ first }) => f.when(first) },
    ],
    [m, f],
  )
  return (
    <List
      route={subscriberRoutes.infections}
      sent={{ query: { state, result, limit } as never }}
      name="infections"
      caption={m.infections}
      columns={columns}
      idOf={({ id }: Infection) => id}
      pageOf={({ id }) => `/warn/infections/${id}`}
      none={{ title: m.noneTitle, lead: m.none }}
      every={10_000}
    />
  )
}
