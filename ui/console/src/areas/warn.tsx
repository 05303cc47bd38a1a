import { Link, useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { z } from 'zod'
import { subscriberRoutes, type Notice } from '../../../../src/subscribers/contract.ts'
import { useAct, useCall, type Got } from '../api.ts'
import type { Column } from '../components/data-table.tsx'
import { AskDialog, Choices, Field } from '../components/dialog.tsx'
import { Filters } from '../components/filters.tsx'
import { List } from '../components/list.tsx'
import { Status, type Shape } from '../components/marks.tsx'
import { NeedsNow, type Need } from '../components/needs-now.tsx'
import { Facts, Head, Sec } from '../components/page.tsx'
import { ShareBar } from '../components/share-bar.tsx'
import { Shown } from '../components/states.tsx'
import { Stat, Stats } from '../components/stat.tsx'
import { useToast } from '../components/toast.tsx'
import { useFormats, useWords } from '../language.tsx'
import { useListState } from '../search.ts'
import { useMay } from '../shell/me.tsx'
import { warnWords } from '../words/warn.ts'
import { INFECTION_SHAPE, InfectionList } from './infection-list.tsx'

export { Attribution } from './attribution.tsx'

type OneNotice = z.output<typeof Notice>
type Summary = Got<typeof subscriberRoutes.summary>
const NOTICE_SHAPE: Readonly<Record<OneNotice['state'], Shape>> = {
  waiting: 'new',
  sending: 'run',
  sent: 'ok',
  failed: 'look',
  held: 'look',
  'dry-run': 'stop',
}

export function Warn() {
  const m = useWords(warnWords)
  const f = useFormats()
  const summary = useCall(subscriberRoutes.summary, {}, { every: 10_000 })
  const failed = useCall(subscriberRoutes.notices, { query: { state: 'failed', limit: 100 } }, { every: 30_000 })
  const maySwitch = useMay(subscriberRoutes.warning)
  const [switching, setSwitching] = useState(false)
  const of = summary.data
  return (
    <>
      <Head
        title={m.title}
        name={m.title}
        meta={
          of ? (
            <>
              <Status shape={of.warning.mode === 'on' ? 'ok' : 'look'}>{m.modeState[of.warning.mode]}</Status>
              <span>{m.matcher(f.n(of.matcher.indicators), f.n(of.matcher.eventsSeen))}</span>
              {of.matcher.waiting > 0 ? <span>{m.searching(f.n(of.matcher.waiting))}</span> : null}
            </>
          ) : null
        }
        acts={
          maySwitch && of ? (
            <button type="button" className="btn" onClick={() => setSwitching(true)}>
              {m.switch}
            </button>
          ) : undefined
        }
      />
      <Shown of={summary}>
        {(data) => (
          <>
            <NeedsNow needs={needsOf(data, failed.data?.items.length ?? 0, m, f.n)} nothing={m.nothing} />
            <Stats count={4}>
              <Stat label={m.found} value={f.n(data.found)} to="/warn/infections" />
              <Stat
                label={m.warned}
                value={f.n(data.states['warned'] ?? 0)}
                to="/warn/infections"
                search={{ state: 'warned' }}
              />
              <Stat
                label={m.today}
                value={f.n(data.noticesToday)}
                than={m.todayThan(f.n(data.warning.cap))}
                to="/warn/notices"
              />
              <Stat label={m.confirmed} value={f.n(data.confirmed)} to="/warn/notices" search={{ state: 'sent' }} />
            </Stats>
            <Sec title={m.shareTitle} lead={m.shareLead}>
              <ShareBar
                parts={(['attributed', 'ambiguous', 'not-attributable', 'outside'] as const).map((result) => ({
                  key: result,
                  count: data.attribution[result] ?? 0,
                  label: (
                    <Link to="/warn/infections" search={{ by: result }}>
                      {f.n(data.attribution[result] ?? 0)} {m.results[result]}
                    </Link>
                  ),
                }))}
              />
            </Sec>
            <SwitchDialog
              key={JSON.stringify(data.warning)}
              of={data.warning}
              open={switching}
              onClose={() => setSwitching(false)}
            />
          </>
        )}
      </Shown>
      <Sec title={m.infections} lead={m.infectionsLead}>
        <InfectionList limit={20} />
      </Sec>
    </>
  )
}

type Words = ReturnType<typeof useWords<typeof warnWords.vi>>
function needsOf(of: Summary, failed: number, m: Words, n: (value: number) => string): Need[] {
  const need = (key: string, what: string, more: string, to: string, state?: string): Need => ({
    key,
    deadline: null,
    what,
    more,
    to,
    ...(state === undefined ? {} : { search: { state } }),
    act: m.see,
  })
  const [held, theirs] = [of.states['held'] ?? 0, of.states['not-theirs'] ?? 0]
  return [
    ...(theirs > 0 ? [need('theirs', m.theirsNeed(n(theirs)), m.theirsMore, '/warn/infections', 'not-theirs')] : []),
    ...(failed > 0 ? [need('failed', m.failedNeed(n(failed)), m.failedMore, '/warn/notices', 'failed')] : []),
    ...(held > 0 ? [need('held', m.heldNeed(n(held)), m.heldMore, '/warn/infections', 'held')] : []),
    ...(of.matcher.dropped > 0
      ? [need('dropped', m.droppedNeed(n(of.matcher.dropped)), m.droppedMore, '/warn/infections')]
      : []),
    ...(of.matcher.cut > 0 ? [need('cut', m.cutNeed(n(of.matcher.cut)), m.cutMore, '/warn/infections')] : []),
    ...(of.warning.mode === 'on'
      ? []
      : [need('mode', of.warning.mode === 'off' ? m.modeOff : m.modeDry, m.modeMore, '/warn/notices')]),
  ]
}

function SwitchDialog({
  of,
  open,
  onClose,
}: {
  readonly of: Summary['warning']
  readonly open: boolean
  readonly onClose: () => void
}) {
  const m = useWords(warnWords)
  const say = useToast()
  const set = useAct(subscriberRoutes.warning, ['subscribers.'])
  return (
    <AskDialog
      open={open}
      onClose={onClose}
      title={m.switch.replace('…', '')}
      note={m.switchNote}
      act={m.switchAct}
      onAct={async (form) => {
        await set.mutateAsync({
          body: {
            mode: String(form.get('mode')) as 'on',
            cap: Number(form.get('cap')),
            cleanAfterDays: Number(form.get('clean')),
          },
        })
        say(m.done)
      }}
    >
      <Choices name="mode" label={m.mode} first={of.mode} of={Object.entries(m.modes) as [string, string][]} />
      <Field label={m.cap}>
        <input className="in" name="cap" type="number" min={0} max={1_000_000} defaultValue={of.cap} required />
      </Field>
      <Field label={m.clean}>
        <input className="in" name="clean" type="number" min={1} max={90} defaultValue={of.cleanAfterDays} required />
      </Field>
    </AskDialog>
  )
}

export function Infections() {
  const m = useWords(warnWords)
  const [{ state, by }, change] = useListState()
  return (
    <>
      <Head
        title={m.infections}
        name={m.infections}
        crumb={[{ to: '/warn', text: m.title }]}
        meta={<span>{m.infectionsLead}</span>}
      />
      <Filters
        label={m.state}
        chosen={state}
        onChoose={(next) => change({ state: next })}
        of={[[undefined, m.all], ...(Object.entries(m.states) as [string, string][])]}
      />
      <Filters
        label={m.attribution}
        chosen={by}
        onChoose={(next) => change({ by: next })}
        of={[[undefined, m.all], ...(Object.entries(m.results) as [string, string][])]}
      />
      <InfectionList state={state} result={by} />
    </>
  )
}

export function OneInfection() {
  const m = useWords(warnWords)
  const { id } = useParams({ strict: false }) as { id: string }
  const one = useCall(subscriberRoutes.infection, { params: { id } }, { every: 15_000 })
  return (
    <>
      <Head
        title={<span className="tok">{one.data?.contacted ?? id}</span>}
        name={one.data?.contacted ?? id}
        crumb={[
          { to: '/warn', text: m.title },
          { to: '/warn/infections', text: m.infections },
        ]}
        meta={
          one.data ? (
            <>
              <Status shape={INFECTION_SHAPE[one.data.state]}>{m.states[one.data.state]}</Status>
              <span>{m.results[one.data.attribution.result]}</span>
            </>
          ) : null
        }
      />
      <Shown of={one}>{(data) => <InfectionPage of={data} />}</Shown>
    </>
  )
}

function InfectionPage({ of }: { readonly of: Got<typeof subscriberRoutes.infection> }) {
  const m = useWords(warnWords)
  const f = useFormats()
  const { result, candidates, why } = of.attribution
  const preview = useCall(subscriberRoutes.preview, { params: { id: of.id } }, { enabled: of.subscriber !== null })
  return (
    <div className="two">
      <div>
        <Sec title={m.known}>
          <Facts
            of={[
              [
                m.contacted,
                <span key="c" className="tok">
                  {of.contacted}
                </span>,
              ],
              [
                m.indicator,
                <Link key="i" to="/share/indicators/$id" params={{ id: of.indicator }}>
                  <span className="tok">{of.indicator}</span>
                </Link>,
              ],
              [
                m.subscriber,
                of.subscriber === null ? (
                  '–'
                ) : (
                  <span key="s" className="tok">
                    {of.subscriber}
                  </span>
                ),
              ],
              [
                m.attribution,
                `${m.results[result]}${result === 'ambiguous' ? `, ${m.candidates(f.n(candidates))}` : ''}${why === null ? '' : `: ${m.why[why] ?? why}`}`,
              ],
              [m.sightings, `${f.n(of.sightings)}, ${m.between(f.full(of.first), f.full(of.last))}`],
            ]}
          />
        </Sec>
        <Sec title={m.seen} lead={f.n(of.seen.length)}>
          <div className="tw" tabIndex={0} role="region" aria-label={m.seen}>
            <table className="t fold">
              <caption className="vh">{m.seen}</caption>
              <thead>
                <tr>
                  <th scope="col">{m.time}</th>
                  <th scope="col">{m.kind}</th>
                  <th scope="col">{m.address}</th>
                  <th scope="col">{m.attribution}</th>
                </tr>
              </thead>
              <tbody>
                {of.seen.map((one) => (
                  <tr key={one.event}>
                    <th scope="row" className="nw">
                      {f.when(one.at)}
                    </th>
                    <td>{m.kinds[one.kind] ?? one.kind}</td>
                    <td className="tok full">{one.port === null ? one.address : `${one.address}:${one.port}`}</td>
                    <td>{m.results[one.result]}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Sec>
      </div>
      <div>
        <Sec title={m.notices} lead={f.n(of.notices.length)}>
          {of.notices.length === 0 ? (
            <p className="soft">{m.noticesNone}</p>
          ) : (
            <ul className="leads">
              {of.notices.map((one) => (
                <li key={one.id}>
                  <Status shape={NOTICE_SHAPE[one.state]}>
                    {m.noticeStates[one.state]}
                    {one.why === null ? '' : `: ${m.noticeWhy[one.why] ?? one.why}`}
                  </Status>{' '}
                  <span className="soft">
                    {m.channels[one.channel]}, {f.when(one.sentAt ?? one.at)}
                    {one.confirmedAt === null ? '' : `, ${m.confirmedAt} ${f.when(one.confirmedAt)}`}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Sec>
        {preview.data ? (
          <Sec title={m.preview} lead={m.previewLead}>
            <h3>{preview.data.subject}</h3>
            <p className="letter">{preview.data.text}</p>
          </Sec>
        ) : null}
      </div>
    </div>
  )
}

export function Notices() {
  const m = useWords(warnWords)
  const f = useFormats()
  const [{ state }, change] = useListState()
  const columns = useMemo(
    (): readonly Column<OneNotice>[] => [
      {
        id: 'at',
        head: m.time,
        sorted: 'descending',
        cell: ({ infection, at }) => (
          <Link to="/warn/infections/$id" params={{ id: infection }}>
            {f.when(at)}
          </Link>
        ),
      },
      {
        id: 'state',
        head: m.state,
        fold: 'end',
        cell: (one) => <Status shape={NOTICE_SHAPE[one.state]}>{m.noticeStates[one.state]}</Status>,
      },
      { id: 'subscriber', head: m.subscriber, cell: ({ subscriber }) => <span className="tok">{subscriber}</span> },
      { id: 'channel', head: m.channel, cell: ({ channel }) => m.channels[channel] },
      {
        id: 'why',
        head: m.reason,
        fold: 'm',
        wrap: true,
        cell: ({ why }) => (why === null ? '' : (m.noticeWhy[why] ?? why)),
      },
      { id: 'sent', head: m.sentAt, fold: 'lo', cell: ({ sentAt }) => (sentAt === null ? '–' : f.when(sentAt)) },
      { id: 'tries', head: m.tries, num: true, fold: 'lo', cell: ({ tries }) => f.n(tries) },
      {
        id: 'confirmed',
        head: m.confirmedAt,
        fold: 'lo',
        cell: ({ confirmedAt }) => (confirmedAt === null ? '–' : f.when(confirmedAt)),
      },
    ],
    [m, f],
  )
  return (
    <>
      <Head title={m.notices} name={m.notices} crumb={[{ to: '/warn', text: m.title }]} />
      <Filters
        label={m.state}
        chosen={state}
        onChoose={(next) => change({ state: next })}
        of={[[undefined, m.all], ...(Object.entries(m.noticeStates) as [string, string][])]}
      />
      <List
        route={subscriberRoutes.notices}
        sent={{ query: { state: state as 'sent', limit: 50 } }}
        name="notices"
        caption={m.notices}
        columns={columns}
        idOf={({ id }: OneNotice) => id}
        none={{ title: m.notices, lead: m.noticesNone }}
        every={10_000}
      />
    </>
  )
}
