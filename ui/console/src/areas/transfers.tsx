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

type Transfer = Got<typeof exchangeRoutes.transfers>['items'][number]
type Refusal = Got<typeof exchangeRoutes.refusals>['items'][number]

export function Transfers() {
  const m = useWords(shareWords)
  const f = useFormats()
  const [{ state }, change] = useListState()
  const held = state === 'withheld'
  const transfers = useMemo(
    (): readonly Column<Transfer>[] => [
      { id: 'started', head: m.at, sorted: 'descending', cell: ({ startedAt }) => f.when(startedAt) },
      { id: 'peer', head: m.peer, fold: 'end', cell: ({ name }) => name },
      { id: 'way', head: m.way, cell: ({ way }) => m.ways[way] },
      { id: 'objects', head: m.objects, num: true, cell: ({ objects }) => f.n(objects) },
      { id: 'accepted', head: m.accepted, num: true, fold: 'lo', cell: ({ accepted }) => f.n(accepted) },
      { id: 'failed', head: m.failed, num: true, fold: 'lo', cell: ({ failed }) => f.n(failed) },
      { id: 'bytes', head: m.size, num: true, fold: 'lo', cell: ({ bytes }) => f.bytes(bytes) },
      {
        id: 'took',
        head: m.took,
        fold: 'lo',
        off: true,
        cell: ({ startedAt, endedAt }) =>
          endedAt === null ? m.running : `${f.n(Date.parse(endedAt) - Date.parse(startedAt))} ms`,
      },
      {
        id: 'error',
        head: m.error,
        fold: 'm',
        wrap: true,
        cell: ({ error, errorSentence }) =>
          error === null ? (
            ''
          ) : (
            <Status shape="look">
              <span className="tok">{error}</span> <span className="soft">{errorSentence}</span>
            </Status>
          ),
      },
    ],
    [m, f],
  )
  const refusals = useMemo(
    (): readonly Column<Refusal>[] => [
      { id: 'last', head: m.at, sorted: 'descending', cell: ({ lastAt }) => f.when(lastAt) },
      { id: 'peer', head: m.peer, fold: 'end', cell: ({ name }) => name },
      { id: 'reason', head: m.reason, wrap: true, cell: ({ reason }) => m.refusalReasons[reason] },
      {
        id: 'tlp',
        head: m.tlp,
        cell: ({ tlp }) => <span className="tag">{tlp === null ? '?' : `TLP:${tlp.toUpperCase()}`}</span>,
      },
      {
        id: 'ceiling',
        head: m.ceiling,
        fold: 'lo',
        cell: ({ ceiling }) => <span className="tag">TLP:{ceiling.toUpperCase()}</span>,
      },
      { id: 'object', head: m.object, fold: 'm', cell: ({ objectId }) => <span className="tok cut">{objectId}</span> },
      { id: 'times', head: m.times, num: true, fold: 'lo', cell: ({ times }) => f.n(times) },
    ],
    [m, f],
  )
  return (
    <>
      <Head title={m.transfers} name={m.transfers} crumb={[{ to: '/share', text: m.title }]} />
      <Filters
        label={m.transfers}
        chosen={held ? 'withheld' : undefined}
        onChoose={(next) => change({ state: next })}
        of={[
          [undefined, m.transfers],
          ['withheld', m.refusals],
        ]}
      />
      {held ? (
        <List
          route={exchangeRoutes.refusals}
          sent={{ query: { limit: 50 } }}
          name="withheld"
          caption={m.refusals}
          columns={refusals}
          idOf={({ id }: Refusal) => id}
          none={{ title: m.refusals, lead: m.refusalsNone }}
        />
      ) : (
        <List
          route={exchangeRoutes.transfers}
          sent={{ query: { limit: 50 } }}
          name="transfers"
          caption={m.transfers}
          columns={transfers}
          idOf={({ id }: Transfer) => id}
          none={{ title: m.transfers, lead: m.transfersNone }}
          every={15_000}
        />
      )}
    </>
  )
}
