import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { exchangeRoutes } from '../../../../src/exchange/contract.ts'
import { type Got } from '../api.ts'
import type { Column } from '../components/data-table.tsx'
import { Filters } from '../components/filters.tsx'
import { List } from '../components/list.tsx'
import { Status } from '../components/marks.tsx'
import { Head } from '../components/page.tsx'
import { useFormats, useWords } from '../language.tsx'
import { useListState } from '../search.ts'
import { shareWords } from '../words/share.ts'

type Block = Got<typeof exchangeRoutes.blocks>['items'][number]

export function Blocks() {
  const m = useWords(shareWords)
  const f = useFormats()
  const [{ state }, change] = useListState()
  const columns = useMemo(
    (): readonly Column<Block>[] => [
      {
        id: 'address',
        head: m.address,
        cell: ({ address, port }) => <span className="tok">{port === null ? address : `${address}:${port}`}</span>,
      },
      {
        id: 'state',
        head: m.state,
        fold: 'end',
        cell: (one) => (
          <Status shape={one.state === 'expired' ? 'stop' : one.state === 'queued' ? 'run' : 'ok'}>
            {m.blockStates[one.state]}
          </Status>
        ),
      },
      { id: 'way', head: m.direction, cell: ({ way }) => m.directions[way] },
      { id: 'peer', head: m.peer, cell: ({ name }) => name },
      { id: 'seen', head: m.seenAt, fold: 'lo', sorted: 'descending', cell: ({ seenAt }) => f.when(seenAt) },
      { id: 'expires', head: m.expires, fold: 'm', cell: ({ expiresAt }) => f.full(expiresAt) },
      {
        id: 'case',
        head: m.case,
        fold: 'lo',
        cell: ({ caseId, way }) =>
          caseId === null ? (
            ''
          ) : way === 'out' ? (
            <Link to="/detect/cases/$id" params={{ id: caseId }}>
              <span className="tok">{caseId}</span>
            </Link>
          ) : (
            <span className="tok">{caseId}</span>
          ),
      },
    ],
    [m, f],
  )
  return (
    <>
      <Head
        title={m.blocksTitle}
        name={m.blocksTitle}
        crumb={[{ to: '/share', text: m.title }]}
        meta={<span>{m.blocksLead}</span>}
      />
      <Filters
        label={m.direction}
        chosen={state}
        onChoose={(next) => change({ state: next })}
        of={[
          [undefined, m.all],
          ['in', m.directions.in],
          ['out', m.directions.out],
        ]}
      />
      <List
        route={exchangeRoutes.blocks}
        sent={{ query: { limit: 50, way: state as 'in' } }}
        name="blocks"
        caption={m.blocksTitle}
        columns={columns}
        idOf={({ id }: Block) => id}
        none={{ title: m.blocksTitle, lead: m.blocksNone }}
      />
    </>
  )
}
