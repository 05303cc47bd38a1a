import { useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useRef } from 'react'
import { gatewayRoutes } from '../../../../src/gateway/contract.ts'
import { intakeRoutes } from '../../../../src/intake/contract.ts'
import { useCall, type Got } from '../api.ts'
import { HeatTable } from '../components/heat-row.tsx'
import { LedgerBalance } from '../components/ledger.tsx'
import { Masked, Severity, Status } from '../components/marks.tsx'
import { NeedsNow, type Need } from '../components/needs-now.tsx'
import { Facts, Head, Sec } from '../components/page.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { Stat, Stats } from '../components/stat.tsx'
import { TimeChart, type Band } from '../components/time-chart.tsx'
import { useFormats, useWords } from '../language.tsx'
import { useLive } from '../live.ts'
import { useListState } from '../search.ts'
import { mayEvents } from '../shell/duties.ts'
import { useMe } from '../shell/me.tsx'
import { partWords } from '../words/parts.ts'
import { protectWords } from '../words/protect.ts'
import { useCaseNeeds } from './case-needs.tsx'
import { RefusalList, useFamily } from './refusal-list.tsx'
import { seriesOf } from './series.ts'

type Figures = Got<typeof gatewayRoutes.figures>
/** New refusals come many at once under attack; the page asks at most so often. */
const CALM_MS = 1_000

/** Joins the live stream and has lists and figures asked anew, at most once a second. */
function useLiveRefusals() {
  const client = useQueryClient()
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  return useLive('/api/refusals/live', 'refusal', () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      void client.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith('gateway.') })
    }, CALM_MS)
  })
}
function LiveMark() {
  const parts = useWords(partWords)
  const state = useLiveRefusals()
  return (
    <Status shape={state === 'live' ? 'run' : state === 'lost' ? 'look' : 'new'}>
      {state === 'live' ? parts.live : state === 'lost' ? parts.lost : parts.joining}
    </Status>
  )
}

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
          <Status shape={of.workers.running > 0 ? 'ok' : 'look'}>
            {of.workers.running > 0 ? m.enforcing(f.n(of.workers.running)) : m.none}
          </Status>
          <span>{m.requests(f.n(of.workers.requests))}</span>
        </>
      ) : null}
      <LiveMark />
    </>
  )
}

function useNeeds(of: Figures): readonly Need[] {
  const m = useWords(protectWords)
  const f = useFormats()
  const cases = useCaseNeeds()
  const { running, dropped, upstreamErrors } = of.workers
  const own = { deadline: null, to: '/protect/refusals', act: m.seeRefusals } as const
  return [
    ...cases,
    ...(running === 0 ? [{ ...own, key: 'down', what: m.gatewayDown, more: m.gatewayDownMore }] : []),
    ...(dropped > 0 ? [{ ...own, key: 'dropped', what: m.dropped(f.n(dropped)), more: m.droppedMore }] : []),
    ...(upstreamErrors > 0
      ? [{ ...own, key: 'upstream', what: m.upstream(f.n(upstreamErrors)), more: m.upstreamMore }]
      : []),
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
    { label: m.chartRefused, values: of.refused, tone: 'ours' },
  ]
  const span = from && to ? { from: Date.parse(from), to: Date.parse(to) } : undefined
  const inSpan = span
    ? of.refused.reduce((sum, n, i) => {
        const at = start + i * of.bucketMs
        return at >= span.from && at < span.to ? sum + n : sum
      }, 0)
    : 0
  const accessTotal = access.data?.total
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
      value={f.n(of.total)}
      {...(accessTotal ? { than: m.refusedThan(f.percent(of.total, accessTotal)) } : {})}
      spark={hourly(of.refused)}
      to="/protect/refusals"
      search={{ from: of.from }}
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
      search={{ q: 'mode:detect' }}
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

export function Refusals() {
  const m = useWords(protectWords)
  const f = useFormats()
  const [{ from, to }, change] = useListState()
  return (
    <>
      <Head title={m.refusals} name={m.refusals} crumb={[{ to: '/protect', text: m.title }]} meta={<LiveMark />} />
      <Sec title={m.refusals} lead={m.refusalsLead}>
        {from || to ? (
          <div className="filters">
            <button type="button" className="btn" onClick={() => change({ from: undefined, to: undefined })}>
              {`${from ? f.short(from) : '…'} – ${to ? f.short(to) : '…'}: ${m.clearSpan}`}
            </button>
          </div>
        ) : null}
        <RefusalList name="refusals" />
      </Sec>
    </>
  )
}

export function OneRefusal() {
  const m = useWords(protectWords)
  const f = useFormats()
  const { id } = useParams({ strict: false }) as { id: string }
  const one = useCall(gatewayRoutes.refusal, { params: { id } })
  const crumb = [
    { to: '/protect', text: m.title },
    { to: '/protect/refusals', text: m.refusals },
  ]
  return (
    <>
      <Head
        title={
          <>
            {m.refusal} <span className="tok">{id}</span>
          </>
        }
        name={`${m.refusal} ${id}`}
        crumb={crumb}
        meta={
          one.data ? (
            <>
              <span>{f.full(one.data.refusal.at)}</span>
              <Severity level={one.data.refusal.matches[0]?.severity ?? 'medium'} />
            </>
          ) : null
        }
      />
      <Shown of={one}>{(data) => <RefusalPage of={data} />}</Shown>
    </>
  )
}

function RefusalPage({ of: { refusal, alike, hours } }: { readonly of: Got<typeof gatewayRoutes.refusal> }) {
  const m = useWords(protectWords)
  const f = useFormats()
  const family = useFamily()
  const first = refusal.matches[0]
  const say = refusal.mode === 'detect' ? m.sentenceDetect : m.sentence
  return (
    <div className="two">
      <div>
        <Sec title={m.why}>
          <p className="say">{say(f.n(refusal.matches.length), f.n(refusal.score), f.n(refusal.threshold))}</p>
          {first ? (
            <p className="match" tabIndex={0} role="region" aria-label={m.match}>
              {refusal.method} {refusal.path} {'\u00a0'} {first.place} = <Masked text={first.masked} />
            </p>
          ) : null}
          <Facts
            of={[
              [
                m.host,
                <span key="h" className="tok">
                  {refusal.host}
                </span>,
              ],
              [
                m.source,
                <Link key="s" to="/protect/refusals" search={{ q: `source:${refusal.clientAddress}` }}>
                  <span className="tok">{`${refusal.clientAddress}:${refusal.clientPort}`}</span>
                </Link>,
              ],
              [m.answer, m.answerCode(String(refusal.status), refusal.id)],
              [m.notKept, m.notKeptWhat],
            ]}
          />
        </Sec>
        <Sec title={m.matched} lead={f.n(refusal.matches.length)}>
          <div className="tw" tabIndex={0} role="region" aria-label={m.matched}>
            <table className="t fold">
              <caption className="vh">{m.matched}</caption>
              <thead>
                <tr>
                  <th scope="col">{m.rule}</th>
                  <th scope="col">{m.place}</th>
                  <th scope="col">{m.match}</th>
                  <th scope="col" className="num">
                    {m.score}
                  </th>
                </tr>
              </thead>
              <tbody>
                {refusal.matches.map((match, i) => (
                  <tr key={i}>
                    <th scope="row" className="full">
                      <span className="tok">{match.ruleId}</span> {family(match)}
                      <span className="sub" lang="en">
                        {match.message}
                      </span>
                    </th>
                    <td className="tok">{match.place}</td>
                    <td className="m">
                      <Masked text={match.masked} />
                    </td>
                    <td className="num end">{f.n(match.score)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Sec>
      </div>
      <div>
        {first && hours.length > 0 ? (
          <Sec
            title={m.hours(String(first.ruleId))}
            right={
              <Link to="/protect/refusals" search={{ q: `rule:${first.ruleId}` }}>
                {m.seeAll}
              </Link>
            }
          >
            <HeatTable
              caption={m.hours(String(first.ruleId))}
              head={m.heatHead as unknown as [string, string, string]}
              rows={[
                {
                  key: 'h',
                  label: <span className="tok">{first.ruleId}</span>,
                  values: hours,
                  total: f.n(hours.reduce((sum, n) => sum + n, 0)),
                },
              ]}
            />
          </Sec>
        ) : null}
        <Sec title={m.alike}>
          {alike.length === 0 ? (
            <p className="soft">{m.noAlike}</p>
          ) : (
            <ul className="leads">
              {alike.map((other) => (
                <li key={other.id}>
                  <Link to="/protect/refusals/$id" params={{ id: other.id }}>
                    {f.when(other.at)}
                  </Link>{' '}
                  <span className="tok">{other.clientAddress}</span> <Masked text={other.matches[0]?.masked ?? ''} />
                </li>
              ))}
            </ul>
          )}
        </Sec>
      </div>
    </div>
  )
}
