import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { caseRoutes, type Case, type Entry } from '../../../../src/cases/contract.ts'
import { exchangeRoutes } from '../../../../src/exchange/contract.ts'
import { useAct, useCall } from '../api.ts'
import { AskDialog, Choices, Field } from '../components/dialog.tsx'
import { Facts, Sec } from '../components/page.tsx'
import { Playbook } from '../components/playbook.tsx'
import { Ruler } from '../components/ruler.tsx'
import { Timeline, type Happening } from '../components/timeline.tsx'
import { useToast } from '../components/toast.tsx'
import { useFormats, useWords } from '../language.tsx'
import { may, useMay, useMe } from '../shell/me.tsx'
import { caseWords } from '../words/cases.ts'
import { partWords } from '../words/parts.ts'
import { brief } from './act-list.tsx'
import { useTitle } from './case-title.ts'
import { IncidentGraph } from './incident-graph.tsx'
import { ProposeDialog } from './propose.tsx'

type Seen = Case['observables'][number]

/** One case: its clocks, what is known, what was seen and where it went; tasks and timeline right. */
export function CasePage({ of: one }: { readonly of: Case }) {
  const m = useWords(caseWords)
  const f = useFormats()
  const me = useMe()
  const titleOf = useTitle()
  const shared = useCall(
    exchangeRoutes.indicators,
    { query: { caseId: one.id, limit: 100 } },
    { enabled: may(me, exchangeRoutes.indicators) },
  )
  return (
    <>
      {one.clocks.length > 0 ? (
        <Sec title={m.clocks} lead={m.clocksLead}>
          <Ruler clocks={one.clocks} name={(kind) => m.need[kind as keyof typeof m.need] ?? kind} />
        </Sec>
      ) : null}
      <div className="two">
        <div>
          <Sec title={m.known}>
            <Facts
              of={[
                [m.what, titleOf(one.title)],
                [
                  m.since,
                  `${m.sinceText(f.full(one.openedAt))}${one.closedAt === null ? '' : `, ${m.closedAt(f.full(one.closedAt))}`}`,
                ],
                [m.from, one.from ?? m.own],
                one.alertIds.length > 0 && [
                  m.alertsOf,
                  <span key="a">
                    {one.alertIds.map((id) => (
                      <span key={id}>
                        <Link to="/detect/alerts/$id" params={{ id }}>
                          <span className="tok">{`alr_…${id.slice(-6)}`}</span>
                        </Link>{' '}
                      </span>
                    ))}
                  </span>,
                ],
              ]}
            />
          </Sec>
          <Observables of={one} />
          <Sec title={m.graph} lead={m.graphLead}>
            <IncidentGraph one={one} shared={shared.data?.items ?? []} />
          </Sec>
        </div>
        <div>
          <Tasks of={one} />
          <Story of={one} />
        </div>
      </div>
    </>
  )
}

function Observables({ of: one }: { readonly of: Case }) {
  const m = useWords(caseWords)
  const f = useFormats()
  const mayWork = useMay(caseRoutes.observe) && one.state === 'open'
  const mayPropose = useMay(exchangeRoutes.propose) && one.state === 'open'
  const observe = useAct(caseRoutes.observe, ['cases.'])
  const [adding, setAdding] = useState(false)
  const [proposing, setProposing] = useState<Seen>()
  return (
    <Sec
      title={m.observables}
      lead={f.n(one.observables.length)}
      right={
        mayWork ? (
          <button type="button" className="btn bare" onClick={() => setAdding(true)}>
            {m.addObservable}
          </button>
        ) : undefined
      }
    >
      {one.observables.length === 0 ? (
        <p className="soft">{m.noObservables}</p>
      ) : (
        <div className="tw" tabIndex={0} role="region" aria-label={m.observables}>
          <table className="t fold">
            <caption className="vh">{m.observables}</caption>
            <thead>
              <tr>
                <th scope="col">{m.kind}</th>
                <th scope="col">{m.value}</th>
                <th scope="col">{m.role}</th>
                <th scope="col">{m.added}</th>
                <th scope="col">{m.indicator}</th>
              </tr>
            </thead>
            <tbody>
              {one.observables.map((seen) => (
                <tr key={seen.id}>
                  <th scope="row">{m.kinds[seen.kind]}</th>
                  <td className="tok full">{seen.port === null ? seen.value : `${seen.value}:${seen.port}`}</td>
                  <td>{m.roles[seen.role]}</td>
                  <td className="lo nw">{f.when(seen.addedAt)}</td>
                  <td className="end">
                    {seen.indicator !== null ? (
                      <Link to="/share/indicators/$id" params={{ id: seen.indicator }}>
                        <span className="tok">{`ind_…${seen.indicator.slice(-6)}`}</span>
                      </Link>
                    ) : mayPropose && ['address', 'domain', 'url', 'sha256'].includes(seen.kind) ? (
                      <button type="button" className="btn" onClick={() => setProposing(seen)}>
                        {m.propose}
                      </button>
                    ) : (
                      '–'
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {one.observables.some(({ role }) => role === 'attacker') ? <p className="tf">{m.attackerNote}</p> : null}
      <AskDialog
        open={adding}
        onClose={() => setAdding(false)}
        title={m.addObservable.replace('…', '')}
        act={m.addObservableAct}
        onAct={(form) =>
          observe.mutateAsync({
            params: { id: one.id },
            body: {
              kind: String(form.get('kind')) as Seen['kind'],
              value: String(form.get('value')),
              role: String(form.get('role')) as Seen['role'],
            },
          })
        }
      >
        <Choices name="kind" label={m.kind} of={Object.entries(m.kinds) as [string, string][]} />
        <Field label={m.value}>
          <input className="in" name="value" required maxLength={300} spellCheck={false} />
        </Field>
        <Choices name="role" label={m.role} first="seen" of={Object.entries(m.roles) as [string, string][]} />
      </AskDialog>
      <ProposeDialog seen={proposing} caseId={one.id} onClose={() => setProposing(undefined)} />
    </Sec>
  )
}

function Tasks({ of: one }: { readonly of: Case }) {
  const m = useWords(caseWords)
  const f = useFormats()
  const mayWork = useMay(caseRoutes.task) && one.state === 'open'
  const add = useAct(caseRoutes.task, ['cases.'])
  const tick = useAct(caseRoutes.done, ['cases.'])
  const [adding, setAdding] = useState(false)
  const done = one.tasks.filter(({ doneAt }) => doneAt !== null).length
  const next = one.tasks.find(({ doneAt }) => doneAt === null)?.id
  return (
    <Sec
      title={m.tasks}
      lead={m.tasksOf(f.n(done), f.n(one.tasks.length))}
      right={
        mayWork ? (
          <button type="button" className="btn bare" onClick={() => setAdding(true)}>
            {m.addTask}
          </button>
        ) : undefined
      }
    >
      {one.tasks.length === 0 ? (
        <p className="soft">{m.noTasks}</p>
      ) : (
        <Playbook
          steps={one.tasks.map((task) => ({
            key: task.id,
            title: task.title,
            state: task.doneAt !== null ? 'done' : task.id === next ? 'now' : 'later',
            right:
              task.doneAt !== null ? (
                `${task.doneBy ?? ''} · ${f.when(task.doneAt)}`
              ) : mayWork ? (
                <button
                  type="button"
                  className="btn"
                  onClick={() => tick.mutate({ params: { id: one.id, task: task.id } })}
                >
                  {m.tick}
                </button>
              ) : null,
          }))}
        />
      )}
      <AskDialog
        open={adding}
        onClose={() => setAdding(false)}
        title={m.addTask.replace('…', '')}
        act={m.taskAct}
        onAct={(form) => add.mutateAsync({ params: { id: one.id }, body: { title: String(form.get('title')) } })}
      >
        <Field label={m.taskTitle}>
          <input className="in" name="title" required minLength={3} maxLength={200} />
        </Field>
      </AskDialog>
    </Sec>
  )
}

const WHO: Readonly<Record<Entry['who'], Happening['who']>> = {
  person: 'me',
  system: 'sys',
  platform: 'plt',
  telecom: 'plt',
  authority: 'aut',
}
function Story({ of: one }: { readonly of: Case }) {
  const m = useWords(caseWords)
  const parts = useWords(partWords)
  const say = useToast()
  const mayWork = useMay(caseRoutes.note) && one.state === 'open'
  const note = useAct(caseRoutes.note, ['cases.'])
  const [writing, setWriting] = useState(false)
  const titleOf = useTitle()
  const textOf = (entry: Entry): string => {
    if (entry.kind === 'opened') return titleOf(entry.text)
    if (entry.kind === 'alert' || entry.kind === 'shared') return brief(entry.text)
    if (entry.kind === 'severity') return parts.severity[entry.text as 'low'] ?? entry.text
    // Only these carry codes of ours; all else is what somebody wrote.
    if (['closed', 'reported', 'serious'].includes(entry.kind)) return wordsOf(entry.text, { ...m.outcomes, ...m.need })
    return entry.text
  }
  return (
    <Sec
      title={m.timeline}
      right={
        mayWork ? (
          <button type="button" className="btn bare" onClick={() => setWriting(true)}>
            {m.note}
          </button>
        ) : undefined
      }
    >
      <Timeline
        of={one.timeline.map((entry, i) => ({
          key: `${entry.at} ${i}`,
          at: entry.at,
          who: WHO[entry.who],
          what: <b>{m.entries[entry.kind]}</b>,
          more: textOf(entry),
        }))}
      />
      <AskDialog
        open={writing}
        onClose={() => setWriting(false)}
        title={m.note.replace('…', '')}
        act={m.noteAct}
        onAct={async (form) => {
          await note.mutateAsync({ params: { id: one.id }, body: { text: String(form.get('text')) } })
          say(m.done)
        }}
      >
        <Field label={m.noteText}>
          <textarea className="in" name="text" required maxLength={4_000} />
        </Field>
      </AskDialog>
    </Sec>
  )
}

/** Codes that stand alone or first in an entry, in words. */
function wordsOf(text: string, known: Readonly<Record<string, string>>): string {
  const code = Object.keys(known).find((one) => text === one || text.startsWith(`${one} `))
  return code === undefined ? text : `${known[code]}${text.slice(code.length)}`
}
