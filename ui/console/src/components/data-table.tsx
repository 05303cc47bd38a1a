import { Popover } from '@base-ui/react/popover'
import {
  columnVisibilityFeature,
  createSortedRowModel,
  rowSelectionFeature,
  rowSortingFeature,
  tableFeatures,
  useTable,
  type RowSelectionState,
  type SortingState,
} from '@tanstack/react-table'
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { useFormats, useWords } from '../language.tsx'
import { useKeys } from '../shell/keys.tsx'
import { partWords } from '../words/parts.ts'
import { Icon } from './icon.tsx'
import { TooMuch } from './states.tsx'
import { keep, kept } from './kept.ts'

export type Column<T> = {
  readonly id: string
  readonly head: string
  readonly cell: (row: T) => ReactNode
  /** Numbers stand right. */
  readonly num?: boolean
  /** What stands at the end, below, or alone on its line when a narrow screen folds the row; `lo` goes. */
  readonly fold?: 'end' | 'm' | 'full' | 'lo'
  readonly wrap?: boolean
  /** Says its head where the row is folded, as numbers do. */
  readonly named?: boolean
  /** Shown only when the person chooses it. */
  readonly off?: boolean
  /** How a whole list is sorted in the browser; without it the list comes in order from the server. */
  readonly by?: (row: T) => string | number
  /** The order the server gave. */
  readonly sorted?: 'descending' | 'ascending'
}
type Props<T> = {
  /** Under this name the person's choice of columns is kept. */
  readonly name: string
  readonly caption: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly idOf: (row: T) => string
  readonly onOpen?: (row: T) => void
  /** `e`: the main act on the row in hand. */
  readonly onAct?: (row: T) => void
  readonly bulk?: (rows: readonly T[], clear: () => void) => ReactNode
  readonly more?: { readonly has: boolean; readonly busy: boolean; fetch(): unknown } | undefined
  readonly total?: number | null
  readonly tall?: boolean
  readonly tools?: ReactNode
}

const features = tableFeatures({
  columnVisibilityFeature,
  rowSelectionFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
})
const MOST = 500
type Loose = { readonly value: unknown }

/** More than five things of one shape: dense, keyboard first, columns as the person wants them. */
export function DataTable<T>(props: Props<T>) {
  const { name, caption, columns, rows, idOf, onOpen, onAct, bulk, more, total, tall, tools } = props
  const m = useWords(partWords)
  const f = useFormats()
  const [visible, setVisible] = useState(() => ({
    ...Object.fromEntries(columns.filter(({ off }) => off).map(({ id }) => [id, false])),
    ...kept<Record<string, boolean>>(`columns.${name}`),
  }))
  const [rowSelection, setRowSelection] = useState<RowSelectionState>({})
  const [sorting, setSorting] = useState<SortingState>([])
  const [inHand, setInHand] = useState(-1)
  const body = useRef<HTMLTableSectionElement>(null)
  const data = useMemo(() => rows.map((value): Loose => ({ value })), [rows])
  const defs = useMemo(
    () =>
      columns.map((column) => ({
        id: column.id,
        accessorFn: (row: Loose) => column.by?.(row.value as T) ?? '',
        enableSorting: column.by !== undefined,
        sortFn: (a: { original: Loose }, b: { original: Loose }) =>
          compare(column.by!(a.original.value as T), column.by!(b.original.value as T)),
      })),
    [columns],
  )
  const table = useTable({
    features,
    columns: defs,
    data,
    getRowId: (row) => idOf(row.value as T),
    state: { columnVisibility: visible, rowSelection, sorting },
    onColumnVisibilityChange: (change) =>
      setVisible((was) => {
        const next = typeof change === 'function' ? change(was) : change
        keep(`columns.${name}`, next)
        return next
      }),
    onRowSelectionChange: setRowSelection,
    onSortingChange: setSorting,
  })
  const byId = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns])
  const shown = table.getVisibleLeafColumns().map(({ id }) => byId.get(id)!)
  const tableRows = table.getRowModel().rows
  const selected = tableRows.filter((row) => row.getIsSelected()).map((row) => row.original.value as T)

  const focusRow = (to: number): void => {
    const next = Math.max(0, Math.min(tableRows.length - 1, to))
    setInHand(next)
    body.current?.querySelectorAll<HTMLElement>('tr')[next]?.focus()
  }
  const current = tableRows[inHand]
  useKeys({
    j: () => focusRow(inHand + 1),
    k: () => focusRow(inHand - 1),
    ...(bulk && current ? { x: () => current.toggleSelected() } : {}),
    ...(onAct && current ? { e: () => onAct(current.original.value as T) } : {}),
  })
  useEffect(() => setInHand(-1), [name])
  const onKey = (event: KeyboardEvent, row: T): void => {
    if (event.key === 'Enter' && event.target === event.currentTarget) onOpen?.(row)
  }
  return (
    <>
      <div className="table-tools">
        {tools}
        <Popover.Root>
          <Popover.Trigger className="btn bare">
            <Icon name="columns" />
            {m.columns}
          </Popover.Trigger>
          <Popover.Portal>
            <Popover.Positioner align="end" sideOffset={4}>
              <Popover.Popup className="pop" aria-label={m.columns}>
                {columns.map((column) => (
                  <label key={column.id} className="tick">
                    <input
                      type="checkbox"
                      checked={visible[column.id] !== false}
                      disabled={visible[column.id] !== false && shown.length === 1}
                      onChange={(event) => table.getColumn(column.id)?.toggleVisibility(event.target.checked)}
                    />
                    {column.head}
                  </label>
                ))}
              </Popover.Popup>
            </Popover.Positioner>
          </Popover.Portal>
        </Popover.Root>
      </div>
      {bulk && selected.length > 0 ? (
        <div className="bulk" role="status">
          <b>{m.selected(f.n(selected.length))}</b>
          {bulk(selected, () => setRowSelection({}))}
          <button type="button" className="btn bare" onClick={() => setRowSelection({})}>
            {m.clear}
          </button>
        </div>
      ) : null}
      <div className={`tw${tall ? ' tall' : ''}`} tabIndex={0} role="region" aria-label={caption}>
        <table className={`t fold${bulk ? '' : ' plain'}`} role="table">
          <caption className="vh">{caption}</caption>
          <thead>
            <tr>
              {bulk ? (
                <th scope="col" className="w1">
                  <input
                    type="checkbox"
                    aria-label={m.selectAll}
                    checked={table.getIsAllRowsSelected()}
                    onChange={(event) => table.toggleAllRowsSelected(event.target.checked)}
                  />
                </th>
              ) : null}
              {shown.map((column) => {
                const state = table.getColumn(column.id)?.getIsSorted()
                const sort = state ? (state === 'asc' ? 'ascending' : 'descending') : column.sorted
                const dominated = sorting.length > 0 && !state
                return (
                  <th
                    key={column.id}
                    scope="col"
                    className={column.num ? 'num' : undefined}
                    {...(sort && !dominated ? { 'aria-sort': sort } : {})}
                  >
                    {column.by ? (
                      <button
                        type="button"
                        className="sorter"
                        onClick={() => table.getColumn(column.id)?.toggleSorting()}
                      >
                        {column.head}
                      </button>
                    ) : (
                      column.head
                    )}
                  </th>
                )
              })}
            </tr>
          </thead>
          <tbody ref={body}>
            {tableRows.map((row, i) => {
              const value = row.original.value as T
              return (
                <tr
                  key={row.id}
                  data-id={row.id}
                  tabIndex={i === Math.max(0, inHand) ? 0 : -1}
                  {...(bulk ? { 'aria-selected': row.getIsSelected() } : {})}
                  onFocus={() => setInHand(i)}
                  onKeyDown={(event) => onKey(event, value)}
                >
                  {bulk ? (
                    <td className="w1">
                      <input
                        type="checkbox"
                        aria-label={m.selectRow}
                        checked={row.getIsSelected()}
                        onChange={() => row.toggleSelected()}
                      />
                    </td>
                  ) : null}
                  {shown.map((column, n) => {
                    const look = [column.num ? 'num' : '', column.fold ?? '', column.wrap ? '' : 'nw'].join(' ').trim()
                    return n === 0 ? (
                      <th key={column.id} scope="row" className={look}>
                        {column.cell(value)}
                      </th>
                    ) : (
                      <td
                        key={column.id}
                        className={look}
                        {...(column.num || column.named ? { 'data-label': column.head } : {})}
                      >
                        {column.cell(value)}
                      </td>
                    )
                  })}
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      {rows.length >= MOST && more?.has ? <TooMuch shown={f.n(rows.length)} /> : null}
      <div className="tf">
        <span>{total == null ? m.shown(f.n(rows.length)) : m.shownOf(f.n(rows.length), f.n(total))}</span>
        {more?.has && rows.length < MOST ? (
          <button type="button" className="btn bare" disabled={more.busy} onClick={() => void more.fetch()}>
            {m.more}
          </button>
        ) : null}
        <span className="r keys">
          <kbd>j</kbd> <kbd>k</kbd> {m.keyRow}
          {bulk ? (
            <>
              {' '}
              <kbd>x</kbd> {m.keySelect}
            </>
          ) : null}{' '}
          <kbd>?</kbd> {m.keyAll}
        </span>
      </div>
    </>
  )
}

const compare = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b))
