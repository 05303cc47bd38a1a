import type { Case } from '../../../../src/cases/contract.ts'
import { useQueries } from '@tanstack/react-query'
import { exchangeRoutes, type IndicatorView } from '../../../../src/exchange/contract.ts'
import { call, type Got } from '../api.ts'
import { useFormats, useWords } from '../language.tsx'
import { useMe } from '../shell/me.tsx'
import { caseWords } from '../words/cases.ts'
import { partWords } from '../words/parts.ts'

type Edge = { readonly from: string; readonly to: string; readonly what: string }

/** What crossed which node, where identities stop, and the same as a table for narrow screens and readers. */
/** Indicators whose deliveries are asked for by name. */
const ASKED = 10
type Delivery = Got<typeof exchangeRoutes.indicator>['deliveries'][number]

/** Who has what of the case: one peer by name, or how many. */
function usePeers(sent: readonly IndicatorView[]): {
  readonly name: string | undefined
  readonly names: readonly string[]
} {
  const f = useFormats()
  const answers = useQueries({
    queries: sent.slice(0, ASKED).map(({ id }) => ({
      queryKey: [exchangeRoutes.indicator.id, { params: { id } }],
      queryFn: () => call(exchangeRoutes.indicator, { params: { id } }),
    })),
  })
  const gone = answers.flatMap(({ data }) =>
    (data?.deliveries ?? []).filter(({ state }: Delivery) => state !== 'refused'),
  )
  const names = [...new Set(gone.map(({ name }) => name))]
  return { names, name: names.length > 1 ? `${names[0]} +${f.n(names.length - 1)}` : names[0] }
}

export function IncidentGraph({ one, shared }: { readonly one: Case; readonly shared: readonly IndicatorView[] }) {
  const m = useWords(caseWords)
  const parts = useWords(partWords)
  const f = useFormats()
  const { node } = useMe()
  const sources = one.observables.filter(({ role }) => role === 'attacker')
  const hosts = one.observables.filter(({ role }) => role === 'callback')
  const sent = shared.filter(({ sharedWith }) => sharedWith > 0)
  const seen = shared.reduce((sum, { sightings }) => sum + sightings, 0)
  const { name, names } = usePeers(sent)
  const others = name ?? m.peers
  const self = node.controller ?? m.thisNode
  const nameOf = (list: typeof sources): string =>
    list.length === 1 ? list[0]!.value : list.length > 1 ? `${list[0]!.value} +${f.n(list.length - 1)}` : ''
  const edges: Edge[] = [
    ...(one.from === null ? [] : [{ from: one.from, to: self, what: m.alertsOf }]),
    ...(sources.length > 0 ? [{ from: nameOf(sources), to: self, what: m.attacked }] : []),
    ...(hosts.length > 0 ? [{ from: self, to: nameOf(hosts), what: m.wanted }] : []),
    ...(sent.length > 0
      ? [{ from: self, to: names.length > 0 ? names.join(', ') : m.peers, what: m.sentIndicators(f.n(sent.length)) }]
      : []),
    ...(seen > 0 ? [{ from: others, to: self, what: m.sawIt(f.n(seen)) }] : []),
  ]
  const said = edges.map(({ from, to, what }) => `${from} → ${to}: ${what}`).join('; ')
  return (
    <>
      <div className="graph-drawn">
        <svg className="graph" viewBox="0 0 760 262" role="img" aria-label={said}>
          <defs>
            <marker
              id="tip"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              orient="auto-start-reverse"
            >
              <path d="M0 0 8 4 0 8Z" />
            </marker>
          </defs>
          <line className="gate" x1="505" x2="505" y1="14" y2="214" />
          <text className="gt" x="505" y="236" textAnchor="middle">
            {m.gate}
          </text>
          {sources.length > 0 ? (
            <>
              <path className="ed" d="M168 78H318" markerEnd="url(#tip)" />
              <text x="243" y="68" textAnchor="middle">
                {m.attacked}
              </text>
              <path className="bad" d="m130 50 28 14v30l-28 14-28-14V64Z" />
              <text className="n" x="130" y="130" textAnchor="middle">
                {nameOf(sources)}
              </text>
              <text x="130" y="147" textAnchor="middle">
                {m.attacker}
              </text>
            </>
          ) : null}
          {hosts.length > 0 ? (
            <>
              <path className="ed cut" d="M336 108C310 165 270 192 170 192" markerEnd="url(#tip)" />
              <text x="318" y="186" textAnchor="start">
                {m.wanted}
              </text>
              <circle className="nd x" cx="130" cy="192" r="20" />
              <text className="n" x="130" y="232" textAnchor="middle">
                {nameOf(hosts)}
              </text>
              <text x="130" y="249" textAnchor="middle">
                {m.callback}
              </text>
            </>
          ) : null}
          <Shape role={node.role} x={350} y={78} />
          <text className="n" x="350" y="32" textAnchor="middle">
            {self}
          </text>
          {sent.length > 0 ? (
            <>
              <path className="ed" d="M382 72H608" markerEnd="url(#tip)" />
              <text x="560" y="62" textAnchor="middle">
                {m.sentIndicators(f.n(sent.length))}
              </text>
              <path className="nd" d="M640 50 668 78 640 106 612 78Z" />
              <text className="n" x="640" y="130" textAnchor="middle">
                {others}
              </text>
            </>
          ) : null}
          {seen > 0 ? (
            <>
              <path className="ed" d="M622 96C560 150 440 150 378 98" markerEnd="url(#tip)" />
              <text x="560" y="150" textAnchor="middle">
                {m.sawIt(f.n(seen))}
              </text>
            </>
          ) : null}
        </svg>
      </div>
      <details className="graph-table" open={matchMedia('(max-width: 560px)').matches}>
        <summary>{parts.seeAsTable}</summary>
        <div className="tw" tabIndex={0} role="region" aria-label={m.graph}>
          <table className="t">
            <caption className="vh">{m.graph}</caption>
            <thead>
              <tr>
                <th scope="col">{parts.from}</th>
                <th scope="col">{parts.to}</th>
                <th scope="col">{parts.crossed}</th>
              </tr>
            </thead>
            <tbody>
              {edges.map(({ from, to, what }) => (
                <tr key={`${from} ${to} ${what}`}>
                  <th scope="row">{from}</th>
                  <td>{to}</td>
                  <td>{what}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  )
}

function Shape({
  role,
  x,
  y,
}: {
  readonly role: 'platform' | 'telecom' | 'authority'
  readonly x: number
  readonly y: number
}) {
  if (role === 'telecom') return <circle className="nd me" cx={x} cy={y} r="28" />
  if (role === 'authority')
    return <path className="nd me" d={`M${x} ${y - 30} ${x + 30} ${y} ${x} ${y + 30} ${x - 30} ${y}Z`} />
  return <rect className="nd me" x={x - 26} y={y - 26} width="52" height="52" rx="3" />
}
