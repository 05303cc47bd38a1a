import { exchangeRoutes, type IndicatorView } from '../../../../src/exchange/contract.ts'
import { useCall } from '../api.ts'
import { NeedsNow, type Need } from '../components/needs-now.tsx'
import { Head, Sec } from '../components/page.tsx'
import { Shown } from '../components/states.tsx'
import { Stat, Stats } from '../components/stat.tsx'
import { useFormats, useWords } from '../language.tsx'
import { shareWords } from '../words/share.ts'
import { IndicatorList } from './indicator-list.tsx'

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
