import { useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { caseRoutes } from '../../../../src/cases/contract.ts'
import { detectionRoutes, type Alert } from '../../../../src/detection/contract.ts'
import { detectionMessages } from '../../../../src/detection/messages.ts'
import { useCall, type Got } from '../api.ts'
import { DataTable, type Column } from '../components/data-table.tsx'
import { Filters } from '../components/filters.tsx'
import { Severity, Status } from '../components/marks.tsx'
import { NeedsNow, type Need } from '../components/needs-now.tsx'
import { Facts, Head, Sec } from '../components/page.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { Stat, Stats } from '../components/stat.tsx'
import { useFormats, useSpeech, useWords } from '../language.tsx'
import { useLive } from '../live.ts'
import { useListState } from '../search.ts'
import { useMay, useMe } from '../shell/me.tsx'
import { caseWords } from '../words/cases.ts'
import { detectWords } from '../words/detect.ts'
import { partWords } from '../words/parts.ts'
import { ALERT_SHAPE, AlertList, DismissDialog, useOpenCase, useRuleName } from './alert-list.tsx'
import { useCaseNeeds } from './case-needs.tsx'
import { CaseList } from './case-list.tsx'

function LiveMark() {
  const parts = useWords(partWords)
  const client = useQueryClient()
  const state = useLive('/api/detection/live', 'alert', () => {
    void client.invalidateQueries({ predicate: ({ queryKey }) => /^(?:detection|cases)\./.test(String(queryKey[0])) })
  })
  return (
    <Status shape={state === 'live' ? 'run' : state === 'lost' ? 'look' : 'new'}>
      {state === 'live' ? parts.live : state === 'lost' ? parts.lost : parts.joining}
    </Status>
  )
}

/** The area: clocks of cases first, then alerts that wait, then how detection itself is. */
export function Detect() {
  const m = useWords(detectWords)
  const f = useFormats()
  const ruleName = useRuleName()
  const clocks = useCaseNeeds()
  const fresh = useCall(detectionRoutes.list, { query: { state: 'new', limit: 100 } }, { every: 15_000 })
  const rules = useCall(detectionRoutes.rules, {}, { every: 15_000 })
  const cases = useCall(caseRoutes.list, { query: { state: 'open', limit: 100 } }, { every: 30_000 })
  const urgent = (fresh.data?.items ?? []).filter(({ level }) => level === 'high' || level === 'critical').slice(0, 5)
  const watch = rules.data
  const needs: Need[] = [
    ...clocks,
    ...urgent.map((alert) => ({
      key: alert.id,
      deadline: null,
      what: ruleName(alert),
      more: `${Object.values(alert.group).join(' ')} · ${m.times(f.n(alert.count))} · ${f.when(alert.last)}`,
      to: `/detect/alerts/${alert.id}`,
      act: m.seeAlert,
    })),
    ...(watch && watch.groupsDropped > 0
      ? [
          {
            key: 'groups',
            deadline: null,
            what: m.dropped(f.n(watch.groupsDropped)),
            more: m.droppedMore,
            to: '/detect/rules',
            act: m.seeRules,
          },
        ]
      : []),
  ]
  const open = cases.data?.items ?? []
  return (
    <>
      <Head title={m.title} name={m.title} meta={<LiveMark />} />
      <Shown of={fresh}>
        {(alerts) => (
          <>
            <NeedsNow needs={needs} nothing={m.nothing} />
            <Stats count={watch ? 3 : 2}>
              <Stat
                label={m.newAlerts}
                value={countOf(alerts, f.n)}
                than={m.newThan}
                to="/detect/alerts"
                search={{ state: 'new' }}
              />
              <Stat
                label={m.cases}
                value={cases.data ? countOf(cases.data, f.n) : '…'}
                than={m.serious(f.n(open.filter(({ serious }) => serious).length))}
                to="/detect/cases"
                search={{ state: 'open' }}
              />
              {watch ? (
                <Stat
                  label={m.rules}
                  value={f.n(watch.items.length)}
                  than={m.rulesThan(f.n(watch.seen))}
                  to="/detect/rules"
                />
              ) : null}
            </Stats>
          </>
        )}
      </Shown>
      <Sec title={m.alerts} lead={m.alertsLead}>
        <AlertList state="new" limit={20} />
      </Sec>
      <Sec title={m.openCases}>
        <CaseList state="open" />
      </Sec>
    </>
  )
}

/** The whole count where the server tells it; else what came, and a plus when there is more. */
const countOf = (
  page: { items: readonly unknown[]; next: string | null; total: number | null },
  n: (value: number) => string,
): string => (page.total === null ? `${n(page.items.length)}${page.next === null ? '' : '+'}` : n(page.total))

export function Alerts() {
  const m = useWords(detectWords)
  const [{ state, by }, change] = useListState()
  return (
    <>
      <Head title={m.alerts} name={m.alerts} crumb={[{ to: '/detect', text: m.title }]} meta={<LiveMark />} />
      <Filters
        label={m.state}
        chosen={state}
        onChoose={(next) => change({ state: next })}
        of={[
          [undefined, m.all],
          ['new', m.states.new],
          ['case', m.states.case],
          ['dismissed', m.states.dismissed],
        ]}
      />
      <AlertList state={state} rule={by} />
    </>
  )
}

export function OneAlert() {
  const m = useWords(detectWords)
  const f = useFormats()
  const ruleName = useRuleName()
  const { id } = useParams({ strict: false }) as { id: string }
  const one = useCall(detectionRoutes.one, { params: { id } })
  const mayWork = useMay(caseRoutes.open)
  const openCase = useOpenCase()
  const [aside, setAside] = useState<readonly string[]>([])
  const fresh = one.data?.state === 'new'
  const name = one.data ? ruleName(one.data) : m.alert
  return (
    <>
      <Head
        title={name}
        name={name}
        crumb={[
          { to: '/detect', text: m.title },
          { to: '/detect/alerts', text: m.alerts },
        ]}
        meta={
          one.data ? (
            <>
              <Severity level={one.data.level} live={fresh} />
              <Status shape={ALERT_SHAPE[one.data.state]}>{m.states[one.data.state]}</Status>
              <span>{m.times(f.n(one.data.count))}</span>
            </>
          ) : null
        }
        acts={
          fresh && mayWork ? (
            <>
              <button type="button" className="btn go" onClick={() => void openCase(id)}>
                {m.openCase}
              </button>
              <button type="button" className="btn" onClick={() => setAside([id])}>
                {m.dismiss}
              </button>
            </>
          ) : undefined
        }
      />
      <Shown of={one}>{(alert) => <AlertPage of={alert} />}</Shown>
      <DismissDialog alerts={aside} onClose={() => setAside([])} />
    </>
  )
}

function AlertPage({ of: alert }: { readonly of: Alert }) {
  const m = useWords(detectWords)
  const c = useWords(caseWords)
  const f = useFormats()
  const me = useMe()
  const place = me.node.role === 'telecom' ? '/detect/events' : '/protect/events'
  return (
    <div className="two">
      <div>
        <Sec title={m.known}>
          <Facts
            of={[
              [m.when, m.whenText(f.full(alert.first), f.full(alert.last))],
              [
                m.group,
                <span key="g">
                  {Object.entries(alert.group).map(([field, value]) => (
                    <Link key={field} to={place} search={{ q: `${field}:${/\s/.test(value) ? `"${value}"` : value}` }}>
                      <span className="tok">{`${field} ${value}`}</span>{' '}
                    </Link>
                  ))}
                </span>,
              ],
              [
                m.what,
                <span key="r" className="tok">
                  {alert.rule}
                </span>,
              ],
              [m.from, alert.from ?? m.own],
              alert.case !== null && [
                m.inCase,
                <Link key="c" to="/detect/cases/$id" params={{ id: alert.case }}>
                  <span className="tok">{alert.case}</span>
                </Link>,
              ],
            ]}
          />
        </Sec>
        <Sec title={m.observables} lead={f.n(alert.observables.length)}>
          {alert.observables.length === 0 ? (
            <p className="soft">{m.noObservables}</p>
          ) : (
            <div className="tw" tabIndex={0} role="region" aria-label={m.observables}>
              <table className="t fold">
                <caption className="vh">{m.observables}</caption>
                <thead>
                  <tr>
                    <th scope="col">{c.kind}</th>
                    <th scope="col">{c.value}</th>
                    <th scope="col">{c.role}</th>
                  </tr>
                </thead>
                <tbody>
                  {alert.observables.map((one) => (
                    <tr key={`${one.kind} ${one.value} ${one.role}`}>
                      <th scope="row">{c.kinds[one.kind]}</th>
                      <td className="tok full">{one.port === null ? one.value : `${one.value}:${one.port}`}</td>
                      <td>{c.roles[one.role]}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Sec>
      </div>
      <Sec title={m.events} lead={m.eventsLead(f.n(alert.events.length))}>
        <ul className="leads">
          {alert.events.map((id) => (
            <li key={id}>
              <span className="tok">{id}</span>
            </li>
          ))}
        </ul>
        <p className="acts-row">
          <Link
            className="btn"
            to={place}
            search={{
              from: new Date(Date.parse(alert.first) - 1000).toISOString(),
              to: new Date(Date.parse(alert.last) + 1000).toISOString(),
              q: Object.entries(alert.group)
                .map(([field, value]) => `${field}:${value}`)
                .join(' '),
            }}
          >
            {m.seeEvents}
          </Link>
        </p>
      </Sec>
    </div>
  )
}

type Rule = Got<typeof detectionRoutes.rules>['items'][number]
/** A rule from elsewhere says what it is for in its author's language. */
function RuleText({ of }: { readonly of: Rule }) {
  const { language } = useSpeech()
  const own = language === 'vi' ? detectionMessages.vi.descriptions[of.id] : undefined
  return (
    <span className="sub" {...(own === undefined && language === 'vi' ? { lang: 'en' } : {})}>
      {own ?? of.description}
    </span>
  )
}
export function Rules() {
  const m = useWords(detectWords)
  const f = useFormats()
  const ruleName = useRuleName()
  const rules = useCall(detectionRoutes.rules, {}, { every: 15_000 })
  const columns = useMemo(
    (): readonly Column<Rule>[] => [
      {
        id: 'name',
        head: m.name,
        wrap: true,
        fold: 'full',
        by: ruleName,
        cell: (rule) => (
          <>
            {ruleName(rule)}
            <RuleText of={rule} />
          </>
        ),
      },
      { id: 'level', head: m.level, fold: 'end', cell: (rule) => <Severity level={rule.level} /> },
      { id: 'kind', head: m.kind, wrap: true, cell: (rule) => (rule.counted ? m.counted : m.kinds[rule.kind]) },
      {
        id: 'alerts',
        head: m.found,
        num: true,
        by: (rule) => rule.alerts,
        cell: (rule) => (
          <Link to="/detect/alerts" search={{ by: rule.id }}>
            {f.n(rule.alerts)}
          </Link>
        ),
      },
      {
        id: 'last',
        head: m.last,
        fold: 'lo',
        by: (rule) => rule.last ?? '',
        cell: (rule) => (rule.last === null ? m.never : f.when(rule.last)),
      },
      { id: 'file', head: m.file, fold: 'lo', cell: (rule) => <span className="tok">{rule.file}</span> },
    ],
    [m, f, ruleName],
  )
  return (
    <>
      <Head
        title={m.rulesTitle}
        name={m.rulesTitle}
        crumb={[{ to: '/detect', text: m.title }]}
        meta={
          <>
            <span>{m.rulesLead}</span>
            {rules.data ? (
              <span>
                {m.rulesThan(f.n(rules.data.seen))},{' '}
                {rules.data.until === null
                  ? m.notYet
                  : m.reached(f.when(rules.data.until), f.span(rules.data.behindMs ?? 0))}
              </span>
            ) : null}
          </>
        }
      />
      <Shown of={rules}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={m.noneTitle} />
          ) : (
            <DataTable name="rules" caption={m.rulesTitle} columns={columns} rows={items} idOf={({ id }) => id} />
          )
        }
      </Shown>
    </>
  )
}
