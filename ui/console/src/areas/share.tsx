import { Link, useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { exchangeRoutes, type IndicatorView } from '../../../../src/exchange/contract.ts'
import { exchangeMessages } from '../../../../src/exchange/messages.ts'
import { useAct, useCall, type Got } from '../api.ts'
import type { Column } from '../components/data-table.tsx'
import { AskDialog, Choices } from '../components/dialog.tsx'
import { Filters } from '../components/filters.tsx'
import { List } from '../components/list.tsx'
import { Status } from '../components/marks.tsx'
import { NeedsNow, type Need } from '../components/needs-now.tsx'
import { Facts, Head, Sec } from '../components/page.tsx'
import { QueryBar, valuesOf, type QueryField } from '../components/query-bar.tsx'
import { Shown } from '../components/states.tsx'
import { Stat, Stats } from '../components/stat.tsx'
import { Timeline } from '../components/timeline.tsx'
import { useToast } from '../components/toast.tsx'
import { useFormats, useSpeech, useWords } from '../language.tsx'
import { useListState } from '../search.ts'
import { useMay } from '../shell/me.tsx'
import { partnerWords } from '../words/partners.ts'
import { shareWords } from '../words/share.ts'
import { IndicatorList, INDICATOR_SHAPE } from './indicator-list.tsx'
import { ExportDialog } from './export-file.tsx'
import { FailureTable, ImportFileDialog, type Failures } from './import-file.tsx'

type Transfer = Got<typeof exchangeRoutes.transfers>['items'][number]
type Refusal = Got<typeof exchangeRoutes.refusals>['items'][number]
type Block = Got<typeof exchangeRoutes.blocks>['items'][number]

export function Share() {
  const m = useWords(shareWords)
  const f = useFormats()
  const summary = useCall(exchangeRoutes.summary, {}, { every: 15_000 })
  const pending = useCall(exchangeRoutes.indicators, { query: { state: 'pending', limit: 5 } }, { every: 30_000 })
  const drafts = useCall(exchangeRoutes.indicators, { query: { state: 'draft', limit: 5 } }, { every: 30_000 })
  const need = (one: IndicatorView, what: string, more: string): Need => ({
    key: one.id,
    deadline: null,
    what,
    more,
    to: `/share/indicators/${one.id}`,
    act: m.see,
  })
  const needs: Need[] = [
    ...(pending.data?.items ?? []).map((one) => need(one, m.pendingNeed(one.value), m.pendingMore)),
    ...(drafts.data?.items ?? []).map((one) =>
      need(
        one,
        m.draftNeed(one.value),
        m.draftMore(m.roles[one.role], f.span(Date.parse(one.validUntil) - Date.now())),
      ),
    ),
    ...(summary.data && summary.data.failingPeers > 0
      ? [
          {
            key: 'failing',
            deadline: null,
            what: m.failingNeed(f.n(summary.data.failingPeers)),
            more: m.failingMore,
            to: '/share/transfers',
            act: m.seeTransfers,
          },
        ]
      : []),
  ]
  return (
    <>
      <Head title={m.title} name={m.title} />
      <Shown of={summary}>
        {(of) => (
          <>
            <NeedsNow needs={needs} nothing={m.nothing} />
            <Stats count={5}>
              <Stat
                label={m.usable}
                value={f.n(of.usable)}
                than={m.usableThan(f.n(of.version))}
                to="/share/indicators"
              />
              <Stat
                label={m.fit}
                value={f.n(of.indicators.received ?? 0)}
                than={m.received}
                to="/share/indicators"
                search={{ state: 'received' }}
              />
              <Stat label={m.queued} value={f.n(of.queued)} than={m.queuedThan(f.n(of.peers))} to="/share/transfers" />
              <Stat
                label={m.withheld}
                value={f.n(of.withheld)}
                than={m.withheldThan}
                to="/share/transfers"
                search={{ state: 'withheld' }}
              />
              <Stat label={m.blocks} value={f.n(of.blocksOpen)} to="/share/blocks" />
            </Stats>
          </>
        )}
      </Shown>
      <Sec title={m.indicators} lead={m.newest}>
        <IndicatorList limit={20} />
      </Sec>
    </>
  )
}

const FIELDS: readonly QueryField[] = [
  { name: 'value', vi: 'giatri' },
  { name: 'role', vi: 'vaitro', values: { c2: 'may-dieu-khien', download: 'noi-tai', attacker: 'chi-tan-cong' } },
  { name: 'source', vi: 'nguon', values: { own: 'nut-nay', peer: 'ben-khac' } },
]
export function Indicators() {
  const m = useWords(shareWords)
  const { language } = useSpeech()
  const mayExport = useMay(exchangeRoutes.export)
  const p = useWords(partnerWords)
  const [exporting, setExporting] = useState(false)
  const [importing, setImporting] = useState(false)
  const [failures, setFailures] = useState<Failures>([])
  const [{ q = '', state }, change] = useListState()
  const asked = valuesOf(q)
  return (
    <>
      <Head
        title={m.indicators}
        name={m.indicators}
        crumb={[{ to: '/share', text: m.title }]}
        acts={
          mayExport ? (
            <>
              <button type="button" className="btn" onClick={() => setExporting(true)}>
                {m.file}
              </button>
              <button type="button" className="btn" onClick={() => setImporting(true)}>
                {p.import}
              </button>
            </>
          ) : undefined
        }
      />
      <Filters
        label={m.state}
        chosen={state}
        onChoose={(next) => change({ state: next })}
        of={[
          [undefined, m.all],
          ['draft', m.states.draft],
          ['pending', m.states.pending],
          ['shared', m.states.shared],
          ['received', m.states.received],
          ['refused', m.states.refused],
        ]}
      />
      <QueryBar
        value={q}
        onChange={(next) => change({ q: next })}
        fields={FIELDS}
        example={language === 'vi' ? 'giatri:example' : 'value:example'}
      />
      <IndicatorList state={state} q={asked['value']} role={asked['role']} source={asked['source']} />
      <FailureTable of={failures} />
      <ExportDialog open={exporting} onClose={() => setExporting(false)} />
      <ImportFileDialog open={importing} onClose={() => setImporting(false)} onFailures={setFailures} />
    </>
  )
}

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

export function Transfers() {
  const m = useWords(shareWords)
  const f = useFormats()
  const [{ state }, change] = useListState()
  const held = state === 'withheld'
  const transfers = useMemo(
    (): readonly Column<Transfer>[] => [
      { id: 'started', head: m.at, sorted: 'descending', cell: ({ startedAt }) => f.when(startedAt) },
      { id: 'peer', head: m.peer, fold: 'end', cell: ({ name }) => name },
      { id: 'way', head: m.way, cell: ({ way }) => m.ways[way] },
      { id: 'objects', head: m.objects, num: true, cell: ({ objects }) => f.n(objects) },
      { id: 'accepted', head: m.accepted, num: true, fold: 'lo', cell: ({ accepted }) => f.n(accepted) },
      { id: 'failed', head: m.failed, num: true, fold: 'lo', cell: ({ failed }) => f.n(failed) },
      { id: 'bytes', head: m.size, num: true, fold: 'lo', cell: ({ bytes }) => f.bytes(bytes) },
      {
        id: 'took',
        head: m.took,
        fold: 'lo',
        off: true,
        cell: ({ startedAt, endedAt }) =>
          endedAt === null ? m.running : `${f.n(Date.parse(endedAt) - Date.parse(startedAt))} ms`,
      },
      {
        id: 'error',
        head: m.error,
        fold: 'm',
        wrap: true,
        cell: ({ error, errorSentence }) =>
          error === null ? (
            ''
          ) : (
            <Status shape="look">
              <span className="tok">{error}</span> <span className="soft">{errorSentence}</span>
            </Status>
          ),
      },
    ],
    [m, f],
  )
  const refusals = useMemo(
    (): readonly Column<Refusal>[] => [
      { id: 'last', head: m.at, sorted: 'descending', cell: ({ lastAt }) => f.when(lastAt) },
      { id: 'peer', head: m.peer, fold: 'end', cell: ({ name }) => name },
      { id: 'reason', head: m.reason, wrap: true, cell: ({ reason }) => m.refusalReasons[reason] },
      {
        id: 'tlp',
        head: m.tlp,
        cell: ({ tlp }) => <span className="tag">{tlp === null ? '?' : `TLP:${tlp.toUpperCase()}`}</span>,
      },
      {
        id: 'ceiling',
        head: m.ceiling,
        fold: 'lo',
        cell: ({ ceiling }) => <span className="tag">TLP:{ceiling.toUpperCase()}</span>,
      },
      { id: 'object', head: m.object, fold: 'm', cell: ({ objectId }) => <span className="tok cut">{objectId}</span> },
      { id: 'times', head: m.times, num: true, fold: 'lo', cell: ({ times }) => f.n(times) },
    ],
    [m, f],
  )
  return (
    <>
      <Head title={m.transfers} name={m.transfers} crumb={[{ to: '/share', text: m.title }]} />
      <Filters
        label={m.transfers}
        chosen={held ? 'withheld' : undefined}
        onChoose={(next) => change({ state: next })}
        of={[
          [undefined, m.transfers],
          ['withheld', m.refusals],
        ]}
      />
      {held ? (
        <List
          route={exchangeRoutes.refusals}
          sent={{ query: { limit: 50 } }}
          name="withheld"
          caption={m.refusals}
          columns={refusals}
          idOf={({ id }: Refusal) => id}
          none={{ title: m.refusals, lead: m.refusalsNone }}
        />
      ) : (
        <List
          route={exchangeRoutes.transfers}
          sent={{ query: { limit: 50 } }}
          name="transfers"
          caption={m.transfers}
          columns={transfers}
          idOf={({ id }: Transfer) => id}
          none={{ title: m.transfers, lead: m.transfersNone }}
          every={15_000}
        />
      )}
    </>
  )
}

export function Blocks() {
  const m = useWords(shareWords)
  const f = useFormats()
  const [{ state }, change] = useListState()
  const columns = useMemo(
    (): readonly Column<Block>[] => [
      {
        id: 'address',
        head: m.address,
        cell: ({ address, port }) => <span className="tok">{port === null ? address : `${address}:${port}`}</span>,
      },
      {
        id: 'state',
        head: m.state,
        fold: 'end',
        cell: (one) => (
          <Status shape={one.state === 'expired' ? 'stop' : one.state === 'queued' ? 'run' : 'ok'}>
            {m.blockStates[one.state]}
          </Status>
        ),
      },
      { id: 'way', head: m.direction, cell: ({ way }) => m.directions[way] },
      { id: 'peer', head: m.peer, cell: ({ name }) => name },
      { id: 'seen', head: m.seenAt, fold: 'lo', sorted: 'descending', cell: ({ seenAt }) => f.when(seenAt) },
      { id: 'expires', head: m.expires, fold: 'm', cell: ({ expiresAt }) => f.full(expiresAt) },
      {
        id: 'case',
        head: m.case,
        fold: 'lo',
        cell: ({ caseId, way }) =>
          caseId === null ? (
            ''
          ) : way === 'out' ? (
            <Link to="/detect/cases/$id" params={{ id: caseId }}>
              <span className="tok">{caseId}</span>
            </Link>
          ) : (
            <span className="tok">{caseId}</span>
          ),
      },
    ],
    [m, f],
  )
  return (
    <>
      <Head
        title={m.blocksTitle}
        name={m.blocksTitle}
        crumb={[{ to: '/share', text: m.title }]}
        meta={<span>{m.blocksLead}</span>}
      />
      <Filters
        label={m.direction}
        chosen={state}
        onChoose={(next) => change({ state: next })}
        of={[
          [undefined, m.all],
          ['in', m.directions.in],
          ['out', m.directions.out],
        ]}
      />
      <List
        route={exchangeRoutes.blocks}
        sent={{ query: { limit: 50, way: state as 'in' } }}
        name="blocks"
        caption={m.blocksTitle}
        columns={columns}
        idOf={({ id }: Block) => id}
        none={{ title: m.blocksTitle, lead: m.blocksNone }}
      />
    </>
  )
}
