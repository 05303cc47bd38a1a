import { Link } from '@tanstack/react-router'
import { gatewayRoutes } from '../../../../src/gateway/contract.ts'
import { settingsRoutes } from '../../../../src/gateway/settings/contract.ts'
import { intakeRoutes } from '../../../../src/intake/contract.ts'
import { useCall, type Got } from '../api.ts'
import { HeatTable } from '../components/heat-row.tsx'
import { LedgerBalance } from '../components/ledger.tsx'
import { Status } from '../components/marks.tsx'
import { NeedsNow, type Need } from '../components/needs-now.tsx'
import { Head, Sec } from '../components/page.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { Stat, Stats } from '../components/stat.tsx'
import { TimeChart, type Band } from '../components/time-chart.tsx'
import { useFormats, useWords } from '../language.tsx'
import { useListState } from '../search.ts'
import { mayEvents } from '../shell/duties.ts'
import { useMay, useMe } from '../shell/me.tsx'
import { protectWords } from '../words/protect.ts'
import { useCaseNeeds } from './case-needs.tsx'
import { LiveMark } from './gateway/live-mark.tsx'
import { useGatewayNeeds } from './gateway/needs.tsx'
import { RefusalList, useFamily } from './refusal-list.tsx'
import { seriesOf } from './series.ts'

type Figures = Got<typeof gatewayRoutes.figures>
export function Protect() {
  const m = useWords(protectWords)
  const figures = useCall(gatewayRoutes.figures, {}, { every: 10_000 })
  return (
    <>
      <Head title={m.title} name={m.title} meta={<Meta of={figures.data} />} />
      <Shown of={figures}>{(data) => <Day of={data} />}</Shown>
      <Sec title={m.refusals} lead={m.refusalsLead}>
        <RefusalList name="refusals" first={15} />
      </Sec>
    </>
  )
}

function Meta({ of }: { readonly of: Figures | undefined }) {
  const m = useWords(protectWords)
  const f = useFormats()
  return (
    <>
      {of ? (
        <>
          <Gateway running={of.workers.running} />
          <span>{m.requests(f.n(of.workers.requests))}</span>
        </>
      ) : null}
      <LiveMark />
    </>
  )
}

/** Whether it stops anything: as many sites as block, of those there are. */
function Gateway({ running }: { readonly running: number }) {
  const m = useWords(protectWords)
  const f = useFormats()
  const may = useMay(settingsRoutes.sites)
  const sites = useCall(settingsRoutes.sites, { query: { limit: 200 } }, { every: 15_000, enabled: may }).data?.items
  if (running === 0) return <Status shape="look">{m.none}</Status>
  if (sites === undefined) return <Status shape="run">{m.runs(f.n(running))}</Status>
  const blocking = sites.filter(({ mode, placement }) => mode === 'block' && placement !== 'mirror').length
  if (blocking === 0) return <Status shape="look">{m.watching(f.n(running))}</Status>
  return (
    <Status shape={blocking === sites.length ? 'ok' : 'look'}>
      {blocking === sites.length
        ? m.enforcing(f.n(running))
        : m.enforcingSome(f.n(blocking), f.n(sites.length), f.n(running))}
    </Status>
  )
}

function useNeeds(of: Figures): readonly Need[] {
  const m = useWords(protectWords)
  const f = useFormats()
  const cases = useCaseNeeds()
  const gateway = useGatewayNeeds()
  const { running, dropped, upstreamErrors } = of.workers
  const own = { deadline: null, to: '/protect/refusals', act: m.seeRefusals } as const
  return [
    ...cases,
    ...(running === 0 ? [{ ...own, key: 'down', what: m.gatewayDown, more: m.gatewayDownMore }] : []),
    ...(dropped > 0 ? [{ ...own, key: 'dropped', what: m.dropped(f.n(dropped)), more: m.droppedMore }] : []),
    ...(upstreamErrors > 0
      ? [{ ...own, key: 'upstream', what: m.upstream(f.n(upstreamErrors)), more: m.upstreamMore }]
      : []),
    ...gateway,
  ]
}

const hourly = (tens: readonly number[]): number[] =>
  Array.from({ length: Math.ceil(tens.length / 6) }, (_, i) =>
    tens.slice(6 * i, 6 * i + 6).reduce((sum, n) => sum + n, 0),
  )

function Day({ of }: { readonly of: Figures }) {
  const m = useWords(protectWords)
  const f = useFormats()
  const me = useMe()
  const family = useFamily()
  const needs = useNeeds(of)
  const [{ from, to }, change] = useListState()
  const events = mayEvents(me)
  const start = Date.parse(of.from)
  const end = start + of.refused.length * of.bucketMs
  const access = useCall(
    intakeRoutes.histogram,
    { query: { from: of.from, to: new Date(end).toISOString(), buckets: of.refused.length, q: 'kind:gateway.access' } },
    { enabled: events, every: 30_000 },
  )
  const ledger = useCall(intakeRoutes.ledger, {}, { enabled: events, every: 10_000 })
  const passed = access.data ? seriesOf(access.data.buckets, start, of.bucketMs, of.refused.length) : undefined
  const bands: Band[] = [
    ...(passed ? [{ label: m.chartPassed, values: passed, tone: 'flow' as const }] : []),
    { label: of.observed > 0 ? m.chartBoth : m.chartRefused, values: of.refused, tone: 'ours' },
  ]
  const span = from && to ? { from: Date.parse(from), to: Date.parse(to) } : undefined
  const inSpan = span
    ? of.refused.reduce((sum, n, i) => {
        const at = start + i * of.bucketMs
        return at >= span.from && at < span.to ? sum + n : sum
      }, 0)
    : 0
  const accessTotal = access.data?.total
  const stopped = of.total - of.observed
  const stats = [
    ...(accessTotal === undefined
      ? []
      : [
          <Stat
            key="access"
            label={m.access}
            value={f.n(accessTotal)}
            spark={hourly(passed ?? [])}
            background
            to="/protect/events"
            search={{ q: 'kind:gateway.access' }}
          />,
        ]),
    <Stat
      key="refused"
      label={m.refused}
      value={f.n(stopped)}
      {...(accessTotal && stopped <= accessTotal ? { than: m.refusedThan(f.percent(stopped, accessTotal)) } : {})}
      spark={hourly(of.refused)}
      to="/protect/refusals"
      search={{ from: of.from, q: 'mode:block' }}
    />,
    <Stat
      key="rules"
      label={m.rules}
      value={f.n(of.rulesInAll)}
      than={m.rulesThan}
      to="/protect/refusals"
      search={{ from: of.from }}
    />,
    <Stat
      key="observed"
      label={m.observed}
      value={f.n(of.observed)}
      than={m.observedThan}
      to="/protect/refusals"
      search={{ from: of.from, q: 'mode:detect' }}
    />,
    <Stat key="kept" label={m.kept} value={f.n(of.kept)} than={m.keptThan} to="/protect/refusals" />,
  ]
  return (
    <>
      <NeedsNow needs={needs} nothing={m.nothing} />
      <Stats count={stats.length}>{stats}</Stats>
      <div className="two">
        <Sec title={m.chart} lead={m.chartLead}>
          <TimeChart
            caption={m.chart}
            from={start}
            bucketMs={of.bucketMs}
            bands={bands}
            span={span}
            onSpan={(next) =>
              change({
                from: next && new Date(next.from).toISOString(),
                to: next && new Date(next.to).toISOString(),
              })
            }
            note={span ? m.chosen(f.hm(span.from), f.hm(span.to), f.n(inSpan)) : m.choose}
          />
          {span ? (
            <button type="button" className="btn" onClick={() => change({ from: undefined, to: undefined })}>
              {m.clearSpan}
            </button>
          ) : null}
        </Sec>
        <Sec title={m.heat}>
          {of.rules.length === 0 ? (
            <Empty title={m.nothingFound} />
          ) : (
            <HeatTable
              caption={m.heat}
              head={m.heatHead as unknown as [string, string, string]}
              rows={of.rules.map(({ rule, hours, total, ...words }) => ({
                key: String(rule),
                values: hours,
                total: f.n(total),
                label: (
                  <Link to="/protect/refusals" search={{ q: `rule:${rule}` }}>
                    <span className="tok">{rule}</span> {family(words)}
                  </Link>
                ),
              }))}
            />
          )}
        </Sec>
      </div>
      {ledger.data ? <LedgerBalance ledger={ledger.data} /> : null}
    </>
  )
}
