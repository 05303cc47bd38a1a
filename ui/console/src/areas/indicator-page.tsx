import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { exchangeRoutes } from '../../../../src/exchange/contract.ts'
import { exchangeMessages } from '../../../../src/exchange/messages.ts'
import { useAct, useCall, type Got } from '../api.ts'
import { AskDialog, Choices } from '../components/dialog.tsx'
import { Status } from '../components/marks.tsx'
import { Facts, Head, Sec } from '../components/page.tsx'
import { Shown } from '../components/states.tsx'
import { Timeline } from '../components/timeline.tsx'
import { useToast } from '../components/toast.tsx'
import { useFormats, useSpeech, useWords } from '../language.tsx'
import { useMay } from '../shell/me.tsx'
import { partnerWords } from '../words/partners.ts'
import { shareWords } from '../words/share.ts'
import { INDICATOR_SHAPE } from './indicator-list.tsx'

export function OneIndicator() {
  const m = useWords(shareWords)
  const p = useWords(partnerWords)
  const { language } = useSpeech()
  const say = useToast()
  const { id } = useParams({ strict: false }) as { id: string }
  const one = useCall(exchangeRoutes.indicator, { params: { id } })
  const mayWork = useMay(exchangeRoutes.share)
  const approve = useAct(exchangeRoutes.approve, ['exchange.'])
  const share = useAct(exchangeRoutes.share, ['exchange.'])
  const revoke = useAct(exchangeRoutes.revoke, ['exchange.'])
  const peers = useCall(exchangeRoutes.peers, {}, { enabled: mayWork })
  const [asking, setAsking] = useState<'approve' | 'share' | 'revoke'>()
  const of = one.data?.indicator
  const close = (): void => setAsking(undefined)
  const own = of?.source.kind === 'own'
  return (
    <>
      <Head
        title={<span className="tok">{of?.value ?? id}</span>}
        name={of?.value ?? id}
        crumb={[
          { to: '/share', text: m.title },
          { to: '/share/indicators', text: m.indicators },
        ]}
        meta={
          of ? (
            <>
              <Status shape={INDICATOR_SHAPE[of.state]}>{m.states[of.state]}</Status>
              <span className="tag">TLP:{of.tlp.toUpperCase()}</span>
              <span>{m.roles[of.role]}</span>
              <span>{of.usable ? m.usableMark : m.notUsable}</span>
            </>
          ) : null
        }
        acts={
          of && mayWork && own ? (
            <>
              {of.state === 'pending' ? (
                <button type="button" className="btn go" onClick={() => setAsking('approve')}>
                  {m.approve}
                </button>
              ) : null}
              {of.state === 'draft' || of.state === 'shared' ? (
                <button
                  type="button"
                  className={`btn${of.state === 'draft' ? ' go' : ''}`}
                  onClick={() => setAsking('share')}
                >
                  {m.share}
                </button>
              ) : null}
              {['draft', 'pending', 'shared'].includes(of.state) ? (
                <button type="button" className="btn" onClick={() => setAsking('revoke')}>
                  {m.revoke}
                </button>
              ) : null}
            </>
          ) : undefined
        }
      />
      <Shown of={one}>{(data) => <IndicatorPage of={data} />}</Shown>
      <AskDialog
        open={asking === 'approve'}
        onClose={close}
        title={p.approveTitle}
        note={
          <>
            {p.approveNote}{' '}
            {of?.guard ? (exchangeMessages[language].guard[of.guard as 'popular'] ?? of.guardSentence) : ''}
          </>
        }
        act={m.approve}
        onAct={async () => {
          await approve.mutateAsync({ params: { id }, body: {} })
          say(m.done)
        }}
      />
      <AskDialog
        open={asking === 'share'}
        onClose={close}
        title={m.share.replace('…', '')}
        note={m.shareNote}
        act={m.shareAct}
        onAct={async (form) => {
          const peer = String(form.get('peer'))
          await share.mutateAsync({ params: { id }, body: peer === '' ? {} : { peers: [peer] } })
          say(m.shared)
        }}
      >
        <Choices
          name="peer"
          label={m.shareWith}
          of={[
            ['', m.shareAll],
            ...(peers.data?.items ?? [])
              .filter(({ enabled }) => enabled)
              .map((peer): [string, string] => [peer.id, `${peer.name} (≤ TLP:${peer.maxTlp.toUpperCase()})`]),
          ]}
        />
      </AskDialog>
      <AskDialog
        open={asking === 'revoke'}
        onClose={close}
        title={m.revoke.replace('…', '')}
        note={m.revokeNote}
        act={m.revokeAct}
        onAct={async (form) => {
          await revoke.mutateAsync({ params: { id }, body: { reason: String(form.get('reason')) as 'mistake' } })
          say(m.done)
        }}
      >
        <Choices name="reason" label={m.reason} of={Object.entries(m.revokeReasons) as [string, string][]} />
      </AskDialog>
    </>
  )
}

function IndicatorPage({
  of: { indicator: of, deliveries, sightings, stix, acts },
}: {
  readonly of: Got<typeof exchangeRoutes.indicator>
}) {
  const m = useWords(shareWords)
  const f = useFormats()
  const { language } = useSpeech()
  return (
    <div className="two">
      <div>
        <Sec title={m.known}>
          <Facts
            of={[
              [
                m.value,
                <span key="v" className="tok">
                  {of.value}
                </span>,
              ],
              [m.kind, m.kinds[of.kind]],
              [m.confidence, f.n(of.confidence)],
              [m.valid, m.validText(f.full(of.validFrom), f.full(of.validUntil))],
              [m.source, of.source.kind === 'own' ? m.own : of.source.name],
              of.caseId !== null && [
                m.case,
                of.source.kind === 'own' ? (
                  <Link key="c" to="/detect/cases/$id" params={{ id: of.caseId }}>
                    <span className="tok">{of.caseId}</span>
                  </Link>
                ) : (
                  <span key="c" className="tok">
                    {of.caseId}
                  </span>
                ),
              ],
              of.guard !== null && [
                m.guard,
                <>
                  {exchangeMessages[language].guard[of.guard as 'private'] ?? of.guardSentence}{' '}
                  <span className="tok">{of.guard}</span>
                </>,
              ],
              [
                m.pattern,
                <span key="p" className="tok">
                  {of.pattern}
                </span>,
              ],
            ]}
          />
        </Sec>
        <Sec title={m.went} lead={f.n(deliveries.length)}>
          {deliveries.length === 0 ? (
            <p className="soft">{m.wentNowhere}</p>
          ) : (
            <div className="tw" tabIndex={0} role="region" aria-label={m.went}>
              <table className="t fold">
                <caption className="vh">{m.went}</caption>
                <thead>
                  <tr>
                    <th scope="col">{m.peer}</th>
                    <th scope="col">{m.state}</th>
                    <th scope="col">{m.reason}</th>
                    <th scope="col">{m.at}</th>
                  </tr>
                </thead>
                <tbody>
                  {deliveries.map((one) => (
                    <tr key={one.peer}>
                      <th scope="row">{one.name}</th>
                      <td>
                        <Status
                          shape={
                            one.state === 'sent'
                              ? 'ok'
                              : one.state === 'queued'
                                ? 'run'
                                : one.state === 'failed'
                                  ? 'look'
                                  : 'stop'
                          }
                        >
                          {m.delivery[one.state]}
                        </Status>
                      </td>
                      <td className="m">
                        {one.reason === null ? '' : (m.refusalReasons[one.reason as 'tlp-red'] ?? one.reason)}
                      </td>
                      <td className="nw end">{f.when(one.at)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Sec>
        <Sec title={m.stix} lead={m.stixLead}>
          <pre className="text" tabIndex={0}>
            {JSON.stringify(stix, null, 2)}
          </pre>
        </Sec>
      </div>
      <div>
        <Sec title={m.seen} lead={f.n(of.sightings)}>
          {sightings.length === 0 ? (
            <p className="soft">{m.seenNone}</p>
          ) : (
            <ul className="leads">
              {sightings.map((one) => (
                <li key={one.id}>
                  <b>{one.from.name}</b> {m.seenText(f.n(one.count), f.short(one.firstSeen), f.short(one.lastSeen))}
                </li>
              ))}
            </ul>
          )}
        </Sec>
        <Sec title={m.acts}>
          <Timeline
            of={acts.map((act, i) => ({
              key: `${act.at} ${i}`,
              at: act.at,
              who: act.actor.startsWith('staff:') ? 'me' : act.actor.startsWith('peer') ? 'aut' : 'sys',
              what: <b>{m.actNames[act.act] ?? act.act}</b>,
              more: (
                <span className="tok">
                  {act.actor.length > 24
                    ? `${act.actor.slice(0, act.actor.indexOf('_') + 1)}…${act.actor.slice(-6)}`
                    : act.actor}
                </span>
              ),
            }))}
          />
        </Sec>
      </div>
    </div>
  )
}
