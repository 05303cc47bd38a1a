import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { figuresRoutes, type OutgoingAnswer } from '../../../../../src/gateway/figures/contract.ts'
import { useCall, type Got } from '../../api.ts'
import type { Column } from '../../components/data-table.tsx'
import { Filters } from '../../components/filters.tsx'
import { List } from '../../components/list.tsx'
import { Head, Sec } from '../../components/page.tsx'
import { Empty, Shown } from '../../components/states.tsx'
import { TimeChart } from '../../components/time-chart.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useListState } from '../../search.ts'
import { protectWords } from '../../words/protect.ts'
import { rateWords } from '../../words/rates.ts'
import { addedUp, SpanFilter, useSpan } from './span.tsx'

/** Decree 356/2025, article 4: what is known of a person through these is sensitive. */
const SENSITIVE: ReadonlySet<string> = new Set(['payment-card', 'bank-account'])

type Row = Got<typeof figuresRoutes.outgoing>['items'][number]
const most = (subjects: Readonly<Record<string, number>>): number => Math.max(0, ...Object.values(subjects))

/** Whose data goes out with answers: how many people, by kind and place; never a value. */
export function Outgoing() {
  const m = useWords(rateWords)
  const p = useWords(protectWords)
  return (
    <>
      <Head title={m.out} name={m.out} crumb={[{ to: '/protect', text: p.title }]} meta={<span>{m.outLead}</span>} />
      <SpanFilter />
      <Series />
      <Sec title={m.byRoute} lead={m.byRouteLead}>
        <RouteTable />
      </Sec>
      <Sec title={m.list} lead={m.listLead}>
        <AnswerTable />
      </Sec>
    </>
  )
}

function Series() {
  const m = useWords(rateWords)
  const p = useWords(protectWords)
  const [{ site, from: chosenFrom, to: chosenTo }, change] = useListState()
  const { from, to } = useSpan()
  const series = useCall(
    figuresRoutes.outgoingSeries,
    { query: { from, to, ...(site ? { site } : {}) } },
    { every: 30_000 },
  )
  return (
    <Shown of={series}>
      {(of) => {
        const subjects = addedUp(Object.values(of.subjects), of.answers.length)
        if (of.answers.every((n) => n === 0)) return <Empty title={m.noOut}>{m.noOutLead}</Empty>
        return (
          <TimeChart
            caption={m.outChart}
            from={Date.parse(of.from)}
            bucketMs={of.hourMs}
            bands={[
              { label: m.outAnswers, values: of.answers, tone: 'flow' },
              { label: m.outSubjects, values: subjects, tone: 'ours' },
            ]}
            span={chosenFrom && chosenTo ? { from: Date.parse(chosenFrom), to: Date.parse(chosenTo) } : undefined}
            note={chosenFrom ? '' : p.choose}
            onSpan={(next) =>
              change({ from: next && new Date(next.from).toISOString(), to: next && new Date(next.to).toISOString() })
            }
          />
        )
      }}
    </Shown>
  )
}

function RouteTable() {
  const m = useWords(rateWords)
  const f = useFormats()
  const [{ site, from: chosenFrom, to: chosenTo }] = useListState()
  const span = useSpan()
  const columns = useMemo(
    (): readonly Column<Row>[] => [
      {
        id: 'route',
        head: m.route,
        wrap: true,
        cell: (one) => (
          <>
            <Link to="/protect/sites/$id" params={{ id: one.site }}>
              {one.site}
            </Link>{' '}
            {one.route === null ? m.wholeSite : <span className="tok">{one.route}</span>}
          </>
        ),
      },
      { id: 'kinds', head: m.kinds, fold: 'full', wrap: true, cell: ({ subjects }) => <Kinds of={subjects} /> },
      { id: 'answers', head: m.answers, num: true, fold: 'lo', cell: ({ answers }) => f.n(answers) },
      {
        id: 'flagged',
        head: m.flagged,
        num: true,
        fold: 'lo',
        cell: (one) => <Answers of={one} state="flag" n={one.flagged} />,
      },
      {
        id: 'stopped',
        head: m.stopped,
        num: true,
        fold: 'end',
        cell: (one) => <Answers of={one} state="stop" n={one.stopped} />,
      },
    ],
    [m, f],
  )
  const [from, to] = [chosenFrom ?? span.from, chosenTo ?? span.to]
  return (
    <List
      route={figuresRoutes.outgoing}
      sent={{ query: { from, to, limit: 50, ...(site ? { site } : {}) } }}
      name="outgoing"
      caption={m.byRoute}
      columns={columns}
      idOf={(one) => `${one.site} ${one.route}`}
      none={{ title: m.noOut, lead: m.noOutLead }}
      tall
      every={30_000}
    />
  )
}

const Answers = ({ of, state, n }: { readonly of: Row; readonly state: string; readonly n: number }) => {
  const f = useFormats()
  return (
    <Link to="/protect/outgoing" search={{ site: of.site, state }} hash="answers">
      {f.n(n)}
    </Link>
  )
}

/** How many people by kind of data, most first; what the law calls sensitive stands heavier. */
export function Kinds({ of }: { readonly of: Readonly<Record<string, number>> }) {
  const m = useWords(rateWords)
  const f = useFormats()
  return (
    <span className="kinds">
      {Object.entries(of)
        .toSorted(([, a], [, b]) => b - a)
        .map(([kind, n]) => (
          <span key={kind} className={`cls${SENSITIVE.has(kind) ? ' sens' : ''}`}>
            {m.kindNames[kind] ?? kind} {f.n(n)}
          </span>
        ))}
    </span>
  )
}

function AnswerTable() {
  const m = useWords(rateWords)
  const f = useFormats()
  const [{ site, state }, change] = useListState()
  const decision = state === 'flag' || state === 'stop' ? state : undefined
  const columns = useMemo(
    (): readonly Column<OutgoingAnswer>[] => [
      { id: 'at', head: m.time, sorted: 'descending', cell: ({ at }) => f.when(at) },
      {
        id: 'decision',
        head: m.decision,
        fold: 'end',
        wrap: true,
        cell: (one) => (one.decision === 'stop' && one.mode === 'detect' ? m.wentOut : m.decisions[one.decision]),
      },
      { id: 'site', head: m.site, fold: 'm', cell: (one) => one.site },
      { id: 'path', head: m.path, fold: 'm', wrap: true, cell: ({ path }) => <span className="tok">{path}</span> },
      { id: 'kinds', head: m.kinds, fold: 'full', wrap: true, cell: ({ subjects }) => <Kinds of={subjects} /> },
      { id: 'people', head: m.people, num: true, fold: 'lo', cell: ({ subjects }) => f.n(most(subjects)) },
    ],
    [m, f],
  )
  return (
    <div id="answers">
      <Filters
        label={m.decision}
        of={[
          [undefined, m.decisions.all],
          ['flag', m.decisions.flag],
          ['stop', m.decisions.stop],
        ]}
        chosen={decision}
        onChoose={(next) => change({ state: next })}
      />
      <List
        route={figuresRoutes.outgoingAnswers}
        sent={{ query: { limit: 50, ...(site ? { site } : {}), ...(decision ? { decision } : {}) } }}
        name="outgoing-answers"
        caption={m.list}
        columns={columns}
        idOf={({ id }) => id}
        none={{ title: m.noList, lead: m.noListLead }}
        every={30_000}
      />
    </div>
  )
}
