import { Link, useParams } from '@tanstack/react-router'
import { gatewayRoutes } from '../../../../../src/gateway/contract.ts'
import { tuningRoutes } from '../../../../../src/gateway/tuning/contract.ts'
import { useCall, type Got } from '../../api.ts'
import { HeatTable } from '../../components/heat-row.tsx'
import { Masked, Severity } from '../../components/marks.tsx'
import { Head, Sec } from '../../components/page.tsx'
import { Shown } from '../../components/states.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useListState } from '../../search.ts'
import { useMay } from '../../shell/me.tsx'
import { protectWords } from '../../words/protect.ts'
import { tuningWords } from '../../words/tuning.ts'
import { Outcome, RefusalList } from '../refusal-list.tsx'
import { LiveMark } from './live-mark.tsx'
import { ProposalSection } from './proposal.tsx'
import { MatchTable, WhySection } from './refusal-why.tsx'

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

/** `state=legit` in the address: the proposal is open. */
const LEGIT = 'legit'

export function OneRefusal() {
  const m = useWords(protectWords)
  const t = useWords(tuningWords)
  const f = useFormats()
  const { id } = useParams({ strict: false }) as { id: string }
  const [{ state }, change] = useListState()
  const may = useMay(tuningRoutes.proposal)
  const one = useCall(gatewayRoutes.refusal, { params: { id } })
  const what = one.data?.refusal.mode === 'detect' ? m.watchedOne : m.refusal
  return (
    <>
      <Head
        title={
          <>
            {what} <span className="tok">{id}</span>
          </>
        }
        name={`${what} ${id}`}
        crumb={[
          { to: '/protect', text: m.title },
          { to: '/protect/refusals', text: m.refusals },
        ]}
        meta={
          one.data ? (
            <>
              <Outcome mode={one.data.refusal.mode} whole />
              <span>{f.full(one.data.refusal.at)}</span>
              <Severity level={one.data.refusal.matches[0]?.severity ?? 'medium'} />
            </>
          ) : null
        }
        acts={
          may && one.data && state !== LEGIT ? (
            <button type="button" className="btn" onClick={() => change({ state: LEGIT })}>
              {t.legit}
            </button>
          ) : undefined
        }
      />
      <Shown of={one}>
        {(data) => (
          <div className="two">
            <div>
              <WhySection refusal={data.refusal} />
              {may && state === LEGIT ? (
                <ProposalSection refusal={data.refusal} onClose={() => change({ state: undefined })} />
              ) : null}
              <MatchTable refusal={data.refusal} />
            </div>
            <Beside of={data} />
          </div>
        )}
      </Shown>
    </>
  )
}

function Beside({ of: { refusal, alike, hours } }: { readonly of: Got<typeof gatewayRoutes.refusal> }) {
  const m = useWords(protectWords)
  const f = useFormats()
  const first = refusal.matches[0]
  return (
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
                <Outcome mode={other.mode} /> <span className="tok">{other.clientAddress}</span>{' '}
                <Masked text={other.matches[0]?.masked ?? ''} />
              </li>
            ))}
          </ul>
        )}
      </Sec>
    </div>
  )
}
