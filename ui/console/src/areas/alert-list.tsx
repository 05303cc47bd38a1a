import { Link, useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { caseRoutes } from '../../../../src/cases/contract.ts'
import { detectionRoutes, type Alert } from '../../../../src/detection/contract.ts'
import { detectionMessages } from '../../../../src/detection/messages.ts'
import { call, useAct } from '../api.ts'
import type { Column } from '../components/data-table.tsx'
import { AskDialog, Choices } from '../components/dialog.tsx'
import { List } from '../components/list.tsx'
import { Severity, Status, type Shape } from '../components/marks.tsx'
import { useToast } from '../components/toast.tsx'
import { useFormats, useSpeech, useWords } from '../language.tsx'
import { useMay } from '../shell/me.tsx'
import { detectWords } from '../words/detect.ts'
import { useOwnTitle } from './gateway/sudden-title.ts'

export const ALERT_SHAPE: Readonly<Record<Alert['state'], Shape>> = { new: 'new', case: 'run', dismissed: 'stop' }

/** Our own rules in the reader's language; a rule from elsewhere keeps its title. */
export function useRuleName(): (rule: {
  readonly rule?: string
  readonly id?: string
  readonly title: string
}) => string {
  const { language } = useSpeech()
  const own = useOwnTitle()
  return ({ rule, id, title }) => detectionMessages[language].rules[rule ?? id ?? ''] ?? own(title)
}

/** Opens a case from an alert and goes there. */
export function useOpenCase(): (alert: string) => Promise<void> {
  const m = useWords(detectWords)
  const navigate = useNavigate()
  const say = useToast()
  return async (alert) => {
    const opened = await call(caseRoutes.open, { body: { alert } })
    say(m.caseOpened)
    void navigate({ to: '/detect/cases/$id', params: { id: opened.id } })
  }
}

export function DismissDialog({
  alerts,
  onClose,
}: {
  readonly alerts: readonly string[]
  readonly onClose: () => void
}) {
  const m = useWords(detectWords)
  const say = useToast()
  const dismiss = useAct(detectionRoutes.dismiss, ['detection.'])
  return (
    <AskDialog
      open={alerts.length > 0}
      onClose={onClose}
      title={m.dismiss.replace('…', '')}
      note={m.dismissNote}
      act={m.dismissAct}
      onAct={async (form) => {
        const reason = String(form.get('reason')) as keyof typeof m.reasons
        for (const id of alerts) await dismiss.mutateAsync({ params: { id }, body: { reason } })
        say(m.dismissed)
      }}
    >
      <Choices name="reason" label={m.reason} of={Object.entries(m.reasons) as [string, string][]} />
    </AskDialog>
  )
}

/** Alerts as a table; those whose state is asked for, or all. */
export function AlertList({
  state,
  level,
  rule,
  limit,
}: {
  state?: string | undefined
  level?: string | undefined
  rule?: string | undefined
  limit?: number
}) {
  const m = useWords(detectWords)
  const f = useFormats()
  const ruleName = useRuleName()
  const mayWork = useMay(caseRoutes.open)
  const openCase = useOpenCase()
  const [aside, setAside] = useState<readonly string[]>([])
  const columns = useMemo(
    (): readonly Column<Alert>[] => [
      {
        id: 'last',
        head: m.time,
        sorted: 'descending',
        cell: ({ id, last }) => (
          <Link to="/detect/alerts/$id" params={{ id }}>
            {f.when(last)}
          </Link>
        ),
      },
      { id: 'level', head: m.level, fold: 'end', cell: (one) => <Severity level={one.level} /> },
      { id: 'rule', head: m.rule, fold: 'full', wrap: true, cell: ruleName },
      {
        id: 'group',
        head: m.group,
        fold: 'm',
        wrap: true,
        cell: ({ group }) => <span className="tok">{Object.values(group).join(' ')}</span>,
      },
      { id: 'count', head: m.count, num: true, fold: 'lo', cell: ({ count }) => f.n(count) },
      {
        id: 'state',
        head: m.state,
        cell: (one) => <Status shape={ALERT_SHAPE[one.state]}>{m.states[one.state]}</Status>,
      },
      {
        id: 'case',
        head: m.inCase,
        fold: 'lo',
        cell: (one) =>
          one.case === null ? (
            ''
          ) : (
            <Link to="/detect/cases/$id" params={{ id: one.case }}>
              <span className="tok">{one.case}</span>
            </Link>
          ),
      },
      { id: 'from', head: m.from, fold: 'lo', off: true, cell: ({ from }) => from ?? m.own },
      { id: 'first', head: m.first, fold: 'lo', off: true, cell: ({ first }) => f.when(first) },
    ],
    [m, f, ruleName],
  )
  return (
    <>
      <List
        route={detectionRoutes.list}
        sent={{ query: { state, level, rule, limit: limit ?? 50 } as never }}
        name="alerts"
        caption={m.alerts}
        columns={columns}
        idOf={({ id }: Alert) => id}
        pageOf={({ id }) => `/detect/alerts/${id}`}
        none={{ title: m.noneTitle, lead: m.none }}
        {...(mayWork
          ? {
              onAct: ({ id, state: now }: Alert) => (now === 'new' ? void openCase(id) : undefined),
              bulk: (chosen: readonly Alert[]) => {
                const fresh = chosen.filter((one) => one.state === 'new').map(({ id }) => id)
                return (
                  <>
                    {fresh.length === 1 ? (
                      <button type="button" className="btn" onClick={() => void openCase(fresh[0]!)}>
                        {m.openCase}
                      </button>
                    ) : null}
                    {fresh.length > 0 ? (
                      <button type="button" className="btn" onClick={() => setAside(fresh)}>
                        {m.dismiss}
                      </button>
                    ) : null}
                  </>
                )
              },
            }
          : {})}
      />
      <DismissDialog alerts={aside} onClose={() => setAside([])} />
    </>
  )
}
