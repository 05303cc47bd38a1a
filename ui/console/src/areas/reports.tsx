import { Link, useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { leakwatchRoutes } from '../../../../src/leakwatch/contract.ts'
import { leakwatchMessages } from '../../../../src/leakwatch/messages.ts'
import { useAct, useCall, type Got } from '../api.ts'
import { Clock, nearest } from '../components/clock.tsx'
import type { Column } from '../components/data-table.tsx'
import { AskDialog, Choices, Field } from '../components/dialog.tsx'
import { Filters } from '../components/filters.tsx'
import { List } from '../components/list.tsx'
import { Status, type Shape } from '../components/marks.tsx'
import { NeedsNow } from '../components/needs-now.tsx'
import { Facts, Head, Sec } from '../components/page.tsx'
import { Shown } from '../components/states.tsx'
import { Timeline } from '../components/timeline.tsx'
import { useToast } from '../components/toast.tsx'
import { useFormats, useSpeech, useWords } from '../language.tsx'
import { useListState } from '../search.ts'
import { useMay } from '../shell/me.tsx'
import { reportWords } from '../words/reports.ts'

type Report = Got<typeof leakwatchRoutes.list>['items'][number]
const SHAPE: Readonly<Record<Report['state'], Shape>> = {
  received: 'new',
  'in-work': 'run',
  question: 'run',
  answered: 'look',
  closed: 'ok',
}
const useWhat = (): ((what: Report['what']) => string) => {
  const { language } = useSpeech()
  return (what) => leakwatchMessages[language].whats[what]
}

export function Reports() {
  const m = useWords(reportWords)
  const f = useFormats()
  const whatOf = useWhat()
  const mayOpen = useMay(leakwatchRoutes.one)
  const [{ state }, change] = useListState()
  const open = useCall(leakwatchRoutes.list, { query: { limit: 50 } }, { every: 30_000 })
  const waiting = (open.data?.items ?? []).filter(
    (one) => one.state !== 'closed' && (nearest(one.clocks) !== null || one.unread),
  )
  const columns = useMemo(
    (): readonly Column<Report>[] => [
      {
        id: 'received',
        head: m.received,
        cell: ({ id, receivedAt }) =>
          mayOpen ? (
            <Link to="/reports/$id" params={{ id }}>
              {f.when(receivedAt)}
            </Link>
          ) : (
            f.when(receivedAt)
          ),
      },
      {
        id: 'state',
        head: m.state,
        fold: 'end',
        cell: (one) => <Status shape={SHAPE[one.state]}>{m.states[one.state]}</Status>,
      },
      { id: 'what', head: m.what, wrap: true, fold: 'full', cell: ({ what }) => whatOf(what) },
      { id: 'about', head: m.about, wrap: true, fold: 'm', cell: ({ about }) => about },
      { id: 'deadline', head: m.deadline, fold: 'm', cell: ({ clocks }) => <Clock deadline={nearest(clocks)} /> },
      { id: 'officer', head: m.officer, cell: ({ officer }) => officer ?? m.nobody },
      {
        id: 'unread',
        head: m.unread,
        fold: 'lo',
        cell: ({ unread }) => (unread ? <Status shape="look">{m.unread}</Status> : ''),
      },
    ],
    [m, f, whatOf, mayOpen],
  )
  return (
    <>
      <Head title={m.title} name={m.title} meta={<span>{m.lead}</span>} />
      <NeedsNow
        nothing={m.nothing}
        needs={waiting.slice(0, 6).map((one) => ({
          key: one.id,
          deadline: nearest(one.clocks),
          what: `${whatOf(one.what)}: ${one.about}`,
          more: one.unread ? m.unread : m.states[one.state],
          to: mayOpen ? `/reports/${one.id}` : '/reports',
          act: m.open,
        }))}
      />
      <Sec title={m.title}>
        <Filters
          label={m.state}
          chosen={state}
          onChoose={(next) => change({ state: next })}
          of={[[undefined, m.all], ...(Object.entries(m.states) as [string, string][])]}
        />
        <List
          route={leakwatchRoutes.list}
          sent={{ query: { state: state as 'closed', limit: 50 } }}
          name="reports"
          caption={m.title}
          columns={columns}
          idOf={({ id }: Report) => id}
          {...(mayOpen ? { pageOf: ({ id }: Report) => `/reports/${id}` } : {})}
          none={{ title: m.noneTitle, lead: m.none }}
          every={15_000}
        />
      </Sec>
    </>
  )
}

export function OneReport() {
  const m = useWords(reportWords)
  const whatOf = useWhat()
  const say = useToast()
  const { id } = useParams({ strict: false }) as { id: string }
  const one = useCall(leakwatchRoutes.one, { params: { id } })
  const mayWork = useMay(leakwatchRoutes.take)
  const take = useAct(leakwatchRoutes.take, ['leakwatch.'])
  const ask = useAct(leakwatchRoutes.ask, ['leakwatch.'])
  const close = useAct(leakwatchRoutes.close, ['leakwatch.'])
  const [asking, setAsking] = useState<'ask' | 'close'>()
  const params = { id }
  const end = (): void => setAsking(undefined)
  const name = one.data ? whatOf(one.data.what) : m.report
  return (
    <>
      <Head
        title={name}
        name={name}
        crumb={[{ to: '/reports', text: m.title }]}
        meta={
          one.data ? (
            <>
              <Status shape={SHAPE[one.data.state]}>{m.states[one.data.state]}</Status>
              <span>
                {m.officer}: {one.data.officer ?? m.nobody}
              </span>
              <span>{m.opened}</span>
            </>
          ) : null
        }
        acts={
          one.data && mayWork && one.data.state !== 'closed' ? (
            <>
              {one.data.officer === null ? (
                <button type="button" className="btn go" onClick={() => take.mutate({ params })}>
                  {m.take}
                </button>
              ) : (
                <>
                  <button type="button" className="btn go" onClick={() => setAsking('ask')}>
                    {m.ask}
                  </button>
                  <button type="button" className="btn" onClick={() => setAsking('close')}>
                    {m.close}
                  </button>
                </>
              )}
            </>
          ) : undefined
        }
      />
      <Shown of={one}>{(data) => <ReportPage of={data} />}</Shown>
      <AskDialog
        open={asking === 'ask'}
        onClose={end}
        title={m.ask.replace('…', '')}
        act={m.askAct}
        onAct={async (form) => {
          await ask.mutateAsync({ params, body: { text: String(form.get('text')) } })
          say(m.done)
        }}
      >
        <Field label={m.askText} hint={m.askHint}>
          <textarea className="in" name="text" required maxLength={4_000} />
        </Field>
      </AskDialog>
      <AskDialog
        open={asking === 'close'}
        onClose={end}
        title={m.close.replace('…', '')}
        act={m.closeAct}
        onAct={async (form) => {
          await close.mutateAsync({
            params,
            body: { outcome: String(form.get('outcome')) as 'passed-on', text: String(form.get('text')) },
          })
          say(m.done)
        }}
      >
        <Choices name="outcome" label={m.outcome} of={Object.entries(m.outcomes) as [string, string][]} />
        <Field label={m.closeText}>
          <textarea className="in" name="text" required maxLength={4_000} />
        </Field>
      </AskDialog>
    </>
  )
}

function ReportPage({ of }: { readonly of: Got<typeof leakwatchRoutes.one> }) {
  const m = useWords(reportWords)
  const f = useFormats()
  return (
    <div className="two">
      <div>
        <Sec title={m.story}>
          <p className="prose">{of.story}</p>
          <Facts
            of={[[m.about, of.about], of.when !== '' && [m.since, of.when], [m.received, f.full(of.receivedAt)]]}
          />
        </Sec>
      </div>
      <div>
        {of.clocks.length > 0 ? (
          <Sec title={m.clocks}>
            <ul className="leads">
              {of.clocks.map((clock) => (
                <li key={clock.kind}>
                  {m.clockNames[clock.kind] ?? clock.kind}: <Clock deadline={clock} />
                </li>
              ))}
            </ul>
          </Sec>
        ) : null}
        <Sec title={m.talk} lead={f.n(of.messages.length)}>
          {of.messages.length === 0 ? (
            <p className="soft">{m.talkNone}</p>
          ) : (
            <Timeline
              of={of.messages.map((message, i) => ({
                key: `${message.at} ${i}`,
                at: message.at,
                who: message.from === 'officer' ? 'me' : 'plt',
                what: <b>{m.from[message.from]}</b>,
                more: <span className="prose">{message.text}</span>,
              }))}
            />
          )}
        </Sec>
      </div>
    </div>
  )
}
