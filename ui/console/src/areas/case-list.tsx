import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { caseRoutes, type CaseHead } from '../../../../src/cases/contract.ts'
import { Clock, nearest } from '../components/clock.tsx'
import type { Column } from '../components/data-table.tsx'
import { List } from '../components/list.tsx'
import { Severity, Status } from '../components/marks.tsx'
import { useFormats, useWords } from '../language.tsx'
import { caseWords } from '../words/cases.ts'
import { useTitle } from './case-title.ts'

/** Cases by nearest deadline. */
export function CaseList({
  state,
  owner,
}: {
  readonly state?: string | undefined
  readonly owner?: string | undefined
}) {
  const m = useWords(caseWords)
  const f = useFormats()
  const titleOf = useTitle()
  const columns = useMemo(
    (): readonly Column<CaseHead>[] => [
      {
        id: 'id',
        head: m.number,
        cell: ({ id }) => (
          <Link to="/detect/cases/$id" params={{ id }}>
            <span className="tok">{id}</span>
          </Link>
        ),
      },
      { id: 'title', head: m.name, wrap: true, fold: 'full', cell: ({ title }) => titleOf(title) },
      {
        id: 'severity',
        head: m.severity,
        fold: 'end',
        cell: (one) => <Severity level={one.severity} live={one.state === 'open' && one.serious} />,
      },
      { id: 'deadline', head: m.deadline, fold: 'm', cell: ({ clocks }) => <Clock deadline={nearest(clocks)} /> },
      { id: 'owner', head: m.owner, cell: ({ ownerName }) => ownerName ?? <Status shape="look">{m.nobody}</Status> },
      {
        id: 'state',
        head: m.state,
        fold: 'lo',
        cell: (one) => <Status shape={one.state === 'open' ? 'run' : 'ok'}>{m.states[one.state]}</Status>,
      },
      { id: 'alerts', head: m.alerts, num: true, fold: 'lo', cell: ({ alerts }) => f.n(alerts) },
      { id: 'tasks', head: m.tasksLeft, num: true, fold: 'lo', cell: ({ openTasks }) => f.n(openTasks) },
      { id: 'opened', head: m.opened, fold: 'lo', cell: ({ openedAt }) => f.when(openedAt) },
      { id: 'from', head: m.from, fold: 'lo', off: true, cell: ({ from }) => from ?? m.own },
    ],
    [m, f, titleOf],
  )
  return (
    <List
      route={caseRoutes.list}
      sent={{ query: { state, owner } as never }}
      name="cases"
      caption={m.title}
      columns={columns}
      idOf={({ id }: CaseHead) => id}
      pageOf={({ id }) => `/detect/cases/${id}`}
      none={{ title: m.noneTitle, lead: m.none }}
      every={30_000}
    />
  )
}
