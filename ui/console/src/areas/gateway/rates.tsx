import { Link } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { figuresRoutes } from '../../../../../src/gateway/figures/contract.ts'
import { gatewayMessages } from '../../../../../src/gateway/messages.ts'
import { useCall, usePages, type Got } from '../../api.ts'
import { DataTable, type Column } from '../../components/data-table.tsx'
import { HeatCells } from '../../components/heat-row.tsx'
import { Filters } from '../../components/filters.tsx'
import { Head, Sec } from '../../components/page.tsx'
import { Empty, Shown } from '../../components/states.tsx'
import { TimeChart } from '../../components/time-chart.tsx'
import { useFormats, useSpeech, useWords } from '../../language.tsx'
import { useListState } from '../../search.ts'
import { useMay } from '../../shell/me.tsx'
import { protectWords } from '../../words/protect.ts'
import { rateWords } from '../../words/rates.ts'
import { BanDialog, BanList } from './bans.tsx'
import { addedUp, SpanFilter, squeezed, useSpan } from './span.tsx'

type Limits = Got<typeof figuresRoutes.rates>
type Turned = Got<typeof figuresRoutes.turned>

/** What limits turned away and who is kept out. */
export function Rates() {
  const m = useWords(rateWords)
  const p = useWords(protectWords)
  const [{ site }] = useListState()
  const { from, to } = useSpan()
  const [banning, setBanning] = useState(false)
  const mayBan = useMay(settingsRoutes.ban)
  const query = { from, to, limit: 200, ...(site ? { site } : {}) }
  const limits = useCall(figuresRoutes.rates, { query }, { every: 30_000 })
  const turned = usePages(figuresRoutes.turned, { query }, { every: 30_000 })
  // Added up by reason: every site counts, so every page is needed.
  const { hasNextPage, isFetching, fetchNextPage } = turned
  useEffect(() => {
    if (hasNextPage && !isFetching) void fetchNextPage()
  }, [hasNextPage, isFetching, fetchNextPage])
  return (
    <>
      <Head
        title={m.title}
        name={m.title}
        crumb={[{ to: '/protect', text: p.title }]}
        acts={
          mayBan ? (
            <button type="button" className="btn go" onClick={() => setBanning(true)}>
              {m.ban}
            </button>
          ) : undefined
        }
      />
      <SpanFilter />
      <Sec title={m.limits} lead={m.limitsLead}>
        <Shown of={limits}>{(data) => <LimitTable of={data} />}</Shown>
      </Sec>
      <Sec title={m.bans} lead={m.bansLead}>
        <BanList />
      </Sec>
      <Sec title={m.turned} lead={m.turnedLead}>
        <Shown of={turned}>{({ pages }) => <TurnedTable of={pages.flatMap(({ items }) => items)} />}</Shown>
      </Sec>
      <BanDialog open={banning} onClose={() => setBanning(false)} />
    </>
  )
}

function LimitTable({ of }: { readonly of: Limits }) {
  const m = useWords(rateWords)
  const p = useWords(protectWords)
  const f = useFormats()
  const [{ from, to }, change] = useListState()
  const start = Date.parse(of.from)
  const hours = Math.max(1, Math.round((Date.parse(of.to) - start) / of.hourMs))
  const sums = addedUp(
    of.items.map((one) => one.hours),
    hours,
  )
  const span = from && to ? { from: Date.parse(from), to: Date.parse(to) } : undefined
  const inSpan = span
    ? sums.reduce((sum, n, i) => {
        const at = start + i * of.hourMs
        return at >= span.from && at < span.to ? sum + n : sum
      }, 0)
    : 0
  const columns = useMemo(
    (): readonly Column<Limits['items'][number]>[] => [
      { id: 'limit', head: m.limit, cell: ({ limit }) => <span className="tok">{limit}</span> },
      {
        id: 'site',
        head: m.site,
        fold: 'm',
        cell: ({ site }) => (
          <Link to="/protect/sites/$id" params={{ id: site }}>
            {site}
          </Link>
        ),
      },
      {
        id: 'route',
        head: m.route,
        fold: 'm',
        wrap: true,
        cell: ({ route }) => (route === null ? m.wholeSite : <span className="tok">{route}</span>),
      },
      { id: 'rhythm', head: m.rhythm, fold: 'lo', cell: (one) => <HeatCells values={squeezed(one.hours)} /> },
      { id: 'total', head: m.total, num: true, fold: 'end', by: ({ total }) => total, cell: ({ total }) => f.n(total) },
    ],
    [m, f],
  )
  if (of.items.length === 0) return <Empty title={m.noLimits}>{m.noLimitsLead}</Empty>
  return (
    <>
      <TimeChart
        caption={m.chart}
        from={start}
        bucketMs={of.hourMs}
        bands={[{ label: m.chartBand, values: sums, tone: 'ours' }]}
        span={span}
        onSpan={(next) =>
          change({ from: next && new Date(next.from).toISOString(), to: next && new Date(next.to).toISOString() })
        }
        note={span ? m.chosen(f.n(inSpan)) : p.choose}
      />
      <DataTable
        name="rates"
        caption={m.limits}
        columns={columns}
        rows={of.items}
        idOf={({ site, limit, route }) => `${site} ${limit} ${route}`}
        total={of.total}
        tall
      />
    </>
  )
}

/** Sites by their names; a reason added up over all sites. */
type Reason = { readonly by: string; readonly sites: number; readonly total: number; readonly hours: number[] }
function reasonsOf(items: Turned['items']): Reason[] {
  const reasons = new Map<string, Reason>()
  for (const { by, total, hours } of items) {
    const one = reasons.get(by)
    reasons.set(by, {
      by,
      sites: (one?.sites ?? 0) + 1,
      total: (one?.total ?? 0) + total,
      hours: one === undefined ? [...hours] : one.hours.map((n, i) => n + (hours[i] ?? 0)),
    })
  }
  return [...reasons.values()].toSorted((a, b) => b.total - a.total)
}

/** One line a reason; a reason that is chosen (`by` in the address) is parted into its sites. */
function TurnedTable({ of }: { readonly of: Turned['items'] }) {
  const m = useWords(rateWords)
  const { language } = useSpeech()
  const [{ by }, change] = useListState()
  const names: Readonly<Record<string, string>> = gatewayMessages[language].turned
  const reasons = useMemo(() => reasonsOf(of), [of])
  if (of.length === 0) return <Empty title={m.noTurned}>{m.noTurnedLead}</Empty>
  return (
    <>
      <Filters
        label={m.reason}
        of={[[undefined, m.everyReason], ...reasons.map((one) => [one.by, names[one.by] ?? one.by] as const)]}
        chosen={by}
        onChoose={(next) => change({ by: next })}
      />
      {by === undefined ? (
        <ReasonTable of={reasons} names={names} />
      ) : (
        <SiteTable of={of.filter((one) => one.by === by)} />
      )}
    </>
  )
}

function ReasonTable({
  of,
  names,
}: {
  readonly of: readonly Reason[]
  readonly names: Readonly<Record<string, string>>
}) {
  const m = useWords(rateWords)
  const f = useFormats()
  const [, change] = useListState()
  const columns = useMemo(
    (): readonly Column<Reason>[] => [
      {
        id: 'by',
        head: m.reason,
        wrap: true,
        cell: ({ by }) => (
          <button type="button" className="as-link" onClick={() => change({ by })}>
            {names[by] ?? by}
          </button>
        ),
      },
      { id: 'sites', head: m.site, fold: 'm', by: ({ sites }) => sites, cell: ({ sites }) => m.siteCount(f.n(sites)) },
      { id: 'rhythm', head: m.rhythm, fold: 'lo', cell: (one) => <HeatCells values={squeezed(one.hours)} /> },
      { id: 'total', head: m.total, num: true, fold: 'end', by: ({ total }) => total, cell: ({ total }) => f.n(total) },
    ],
    [m, f, names, change],
  )
  return <DataTable name="turned-reasons" caption={m.turned} columns={columns} rows={of} idOf={({ by }) => by} />
}

function SiteTable({ of }: { readonly of: Turned['items'] }) {
  const m = useWords(rateWords)
  const f = useFormats()
  const columns = useMemo(
    (): readonly Column<Turned['items'][number]>[] => [
      {
        id: 'site',
        head: m.site,
        cell: ({ site }) =>
          site === null ? (
            m.anySite
          ) : (
            <Link to="/protect/sites/$id" params={{ id: site }}>
              {site}
            </Link>
          ),
      },
      { id: 'rhythm', head: m.rhythm, fold: 'lo', cell: (one) => <HeatCells values={squeezed(one.hours)} /> },
      { id: 'total', head: m.total, num: true, fold: 'end', by: ({ total }) => total, cell: ({ total }) => f.n(total) },
    ],
    [m, f],
  )
  return (
    <DataTable
      name="turned"
      caption={m.turned}
      columns={columns}
      rows={of}
      idOf={({ site }) => site ?? ''}
      total={of.length}
      tall
    />
  )
}
