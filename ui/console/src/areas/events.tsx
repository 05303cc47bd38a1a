import { useMemo, useState } from 'react'
import { intakeRoutes, type StoredEvent } from '../../../../src/intake/contract.ts'
import { useCall, usePages } from '../api.ts'
import { useNow } from '../components/clock.tsx'
import { DataTable, type Column } from '../components/data-table.tsx'
import { LedgerBalance } from '../components/ledger.tsx'
import { Head, Sec } from '../components/page.tsx'
import { QueryBar, termsOf } from '../components/query-bar.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { TimeChart } from '../components/time-chart.tsx'
import { useFormats, useWords } from '../language.tsx'
import { useListState } from '../search.ts'
import { eventWords } from '../words/events.ts'
import { brief } from './act-list.tsx'
import { seriesOf } from './series.ts'

const BUCKETS = 120
const SPANS = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 } as const
const FIELDS = ['kind', 'clientAddress', 'host', 'path', 'status', 'query', 'source', 'account'] as const
/** The end of an open span moves in steps, so that pages of one list ask the same question. */
const STEP_MS = 30_000

/** Search in everything received: what, when, how much, and who most. */
export function Events() {
  const m = useWords(eventWords)
  const f = useFormats()
  const now = Math.ceil(useNow(STEP_MS) / STEP_MS) * STEP_MS
  const [{ q = '', from, to, state = 'day', by }, change] = useListState()
  const span = SPANS[state as keyof typeof SPANS] ?? SPANS.day
  const wide = useMemo(
    () => ({ from: new Date(now - span).toISOString(), to: new Date(now).toISOString() }),
    [now, span],
  )
  const asked = { q, from: from ?? wide.from, to: to ?? wide.to }
  const histogram = useCall(intakeRoutes.histogram, { query: { ...wide, q, buckets: BUCKETS } })
  const ledger = useCall(intakeRoutes.ledger, {}, { every: 10_000 })
  const field = FIELDS.find((one) => one === by) ?? 'kind'
  const top = useCall(intakeRoutes.top, { query: { ...asked, field, limit: 10 } })
  const chosen = from && to ? { from: Date.parse(from), to: Date.parse(to) } : undefined
  const step = histogram.data?.bucketMs ?? span / BUCKETS
  const start = histogram.data ? Date.parse(histogram.data.from) : now - span
  const count = Math.max(1, Math.ceil(span / step))
  const values = useMemo(
    () => seriesOf(histogram.data?.buckets ?? [], start, step, count),
    [histogram.data, start, step, count],
  )
  const inSpan = chosen
    ? values.reduce((sum, n, i) => (start + i * step >= chosen.from && start + i * step < chosen.to ? sum + n : sum), 0)
    : 0
  return (
    <>
      <Head title={m.title} name={m.title} meta={<span>{m.lead}</span>} />
      <QueryBar
        value={q}
        onChange={(next) => change({ q: next })}
        example="clientAddress:198.18.0.0/15 -status:403"
        trouble={histogram.error}
      />
      <div className="filters">
        {(Object.keys(SPANS) as (keyof typeof SPANS)[]).map((name) => (
          <button
            key={name}
            type="button"
            className="btn"
            aria-pressed={!chosen && (state === name || (name === 'day' && !(state in SPANS)))}
            onClick={() => change({ state: name, from: undefined, to: undefined })}
          >
            {m.spans[name]}
          </button>
        ))}
      </div>
      <div className="two">
        <Sec title={m.chart} lead={m.chartLead(f.span(step))}>
          <Shown of={histogram}>
            {() => (
              <TimeChart
                caption={m.chart}
                from={start}
                bucketMs={step}
                bands={[{ label: m.count, values, tone: 'ours' }]}
                span={chosen}
                onSpan={(next) =>
                  change({
                    from: next && new Date(next.from).toISOString(),
                    to: next && new Date(next.to).toISOString(),
                  })
                }
                note={chosen ? m.chosen(f.short(chosen.from), f.short(chosen.to), f.n(inSpan)) : m.choose}
              />
            )}
          </Shown>
        </Sec>
        <Sec
          title={
            <label>
              {m.top}{' '}
              <select className="in" value={field} onChange={(event) => change({ by: event.target.value })}>
                {FIELDS.map((name) => (
                  <option key={name} value={name}>
                    {m.fields[name]}
                  </option>
                ))}
              </select>
            </label>
          }
        >
          <Shown of={top}>
            {({ values: list }) => (
              <ul className="tops">
                {list.map(({ value, count: times }) => (
                  <li key={value}>
                    <button
                      type="button"
                      className="as-link tok"
                      onClick={() => change({ q: [...termsOf(q), termOf(field, value)].join(' ') })}
                    >
                      {value === '' ? '—' : value}
                    </button>
                    <span className="num">{f.n(times)}</span>
                  </li>
                ))}
              </ul>
            )}
          </Shown>
        </Sec>
      </div>
      {ledger.data ? <LedgerBalance ledger={ledger.data} /> : null}
      <EventList asked={asked} />
    </>
  )
}

const termOf = (field: string, value: string): string =>
  `${field}:${/[\s"]/.test(value) ? `"${value.replaceAll('"', '')}"` : value}`

function EventList({ asked }: { readonly asked: { readonly q: string; readonly from: string; readonly to: string } }) {
  const m = useWords(eventWords)
  const f = useFormats()
  const pages = usePages(intakeRoutes.search, { query: { ...asked, limit: 40 } })
  const rows = useMemo(() => pages.data?.pages.flatMap(({ events }) => events) ?? [], [pages.data])
  const [open, setOpen] = useState<string>()
  const columns = useMemo(
    (): readonly Column<StoredEvent>[] => [
      {
        id: 'time',
        head: m.time,
        sorted: 'descending',
        cell: ({ time, id }) => (
          <button
            type="button"
            className="as-link"
            aria-expanded={open === id}
            onClick={() => setOpen(open === id ? undefined : id)}
          >
            {f.when(time)}
          </button>
        ),
      },
      { id: 'kind', head: m.kind, fold: 'end', cell: ({ kind }) => m.kinds[kind as keyof typeof m.kinds] ?? kind },
      {
        id: 'client',
        head: m.client,
        cell: (event) => <span className="tok">{text(event, 'clientAddress', 'clientPort')}</span>,
      },
      {
        id: 'about',
        head: m.about,
        fold: 'm',
        wrap: true,
        cell: (event) =>
          open === event.id ? (
            <dl className="facts" aria-label={m.all}>
              {Object.entries(event).map(([name, value]) => [
                <dt key={name} className="tok">
                  {name}
                </dt>,
                <dd key={`${name}=`} className="tok">
                  {typeof value === 'object' ? JSON.stringify(value) : String(value)}
                </dd>,
              ])}
            </dl>
          ) : (
            <span className="tok cut wide-cut">{aboutOf(event, m.results)}</span>
          ),
      },
      { id: 'source', head: m.source, fold: 'lo', cell: ({ source }) => <span className="tok">{brief(source)}</span> },
      { id: 'received', head: m.received, fold: 'lo', off: true, cell: ({ received }) => f.when(received) },
      { id: 'id', head: m.id, fold: 'lo', off: true, cell: ({ id }) => <span className="tok">{id}</span> },
    ],
    [m, f, open],
  )
  return (
    <Sec title={m.title}>
      <Shown of={pages}>
        {() =>
          rows.length === 0 ? (
            <Empty title={m.none}>{m.noneLead}</Empty>
          ) : (
            <DataTable
              name="events"
              caption={m.title}
              columns={columns}
              rows={rows}
              idOf={({ id }) => id}
              onOpen={({ id }) => setOpen(open === id ? undefined : id)}
              more={{ has: pages.hasNextPage, busy: pages.isFetching, fetch: pages.fetchNextPage }}
            />
          )
        }
      </Shown>
    </Sec>
  )
}

const text = (event: StoredEvent, name: string, port: string): string => {
  const [value, at] = [event[name], event[port]]
  return value === undefined || value === null
    ? ''
    : at === undefined || at === null
      ? String(value)
      : `${String(value)}:${String(at)}`
}

/** One line that says what happened, in the fields of its kind. */
function aboutOf(event: StoredEvent, results: Readonly<Record<string, string>>): string {
  const parts = [
    'method',
    'host',
    'path',
    'status',
    'query',
    'serverAddress',
    'serverPort',
    'account',
    'actor',
    'collection',
    'result',
  ]
  return parts
    .flatMap((name) => {
      const value = event[name]
      if (value === undefined || value === null) return []
      return [name === 'result' ? (results[String(value)] ?? String(value)) : String(value)]
    })
    .join(' ')
}
