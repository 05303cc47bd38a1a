import { useNavigate } from '@tanstack/react-router'
import { useMemo, type ReactNode } from 'react'
import type { Route } from '../../../../src/kit/contract.ts'
import { usePages, type Sent } from '../api.ts'
import { DataTable, type Column } from './data-table.tsx'
import { Empty, Shown } from './states.tsx'

type Props<R extends Route, T> = {
  readonly route: R
  readonly sent: Sent<R>
  readonly name: string
  readonly caption: string
  readonly columns: readonly Column<T>[]
  readonly idOf: (row: T) => string
  /** Address of the page of one row. */
  readonly pageOf?: (row: T) => string
  readonly none: { readonly title: string; readonly lead: string }
  readonly every?: number
  readonly onAct?: (row: T) => void
  readonly bulk?: (rows: readonly T[], clear: () => void) => ReactNode
  /** Scrolls within itself: other things of the page stand below. */
  readonly tall?: boolean
}
type Paged<T> = { readonly items: readonly T[]; readonly total?: number | null }

/** A list of the API as a table: pages, the empty state, failure, the way to each thing. */
export function List<R extends Route, T>(props: Props<R, T>) {
  const { route, sent, name, caption, columns, idOf, pageOf, none, every, onAct, bulk, tall } = props
  const navigate = useNavigate()
  const pages = usePages(route, sent, every === undefined ? {} : { every })
  const all = pages.data?.pages as readonly Paged<T>[] | undefined
  const rows = useMemo(() => all?.flatMap(({ items }) => items) ?? [], [all])
  return (
    <Shown of={pages}>
      {() =>
        rows.length === 0 ? (
          <Empty title={none.title}>{none.lead}</Empty>
        ) : (
          <DataTable
            name={name}
            caption={caption}
            columns={columns}
            rows={rows}
            idOf={idOf}
            {...(pageOf ? { onOpen: (row: T) => void navigate({ to: pageOf(row) }) } : {})}
            {...(onAct ? { onAct } : {})}
            {...(bulk ? { bulk } : {})}
            {...(tall ? { tall } : {})}
            total={all?.[0]?.total ?? null}
            more={{ has: pages.hasNextPage, busy: pages.isFetching, fetch: pages.fetchNextPage }}
          />
        )
      }
    </Shown>
  )
}
