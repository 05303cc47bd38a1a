import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { caseRoutes, type Case } from '../../../../src/cases/contract.ts'
import { useAct, useCall } from '../api.ts'
import { Choices, AskDialog, Field } from '../components/dialog.tsx'
import { Filters } from '../components/filters.tsx'
import { Severity, Status } from '../components/marks.tsx'
import { Head } from '../components/page.tsx'
import { Shown } from '../components/states.tsx'
import { useToast } from '../components/toast.tsx'
import { useSpeech, useWords } from '../language.tsx'
import { useListState } from '../search.ts'
import { useMay } from '../shell/me.tsx'
import { caseWords } from '../words/cases.ts'
import { partWords } from '../words/parts.ts'
import { CaseList } from './case-list.tsx'
import { useTitle } from './case-title.ts'
import { CasePage } from './case-page.tsx'

const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const

export function Cases() {
  const m = useWords(caseWords)
  const parts = useWords(partWords)
  const navigate = useNavigate()
  const mayOpen = useMay(caseRoutes.open)
  const open = useAct(caseRoutes.open, ['cases.'])
  const [asking, setAsking] = useState(false)
  const [{ state, by }, change] = useListState()
  const chosen = by === 'me' || by === 'nobody' ? by : state
  return (
    <>
      <Head
        title={m.title}
        name={m.title}
        crumb={[{ to: '/detect', text: m.detect }]}
        meta={<span>{m.lead}</span>}
        acts={
          mayOpen ? (
            <button type="button" className="btn go" onClick={() => setAsking(true)}>
              {m.newCase}
            </button>
          ) : undefined
        }
      />
      <Filters
        label={m.state}
        chosen={chosen}
        onChoose={(next) =>
          change(next === 'me' || next === 'nobody' ? { by: next, state: 'open' } : { by: undefined, state: next })
        }
        of={[
          [undefined, m.all],
          ['open', m.states.open],
          ['me', m.mine],
          ['nobody', m.unowned],
          ['closed', m.states.closed],
        ]}
      />
      <CaseList state={state} owner={by} />
      <AskDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={m.newCase.replace('…', '')}
        act={m.openIt}
        onAct={async (form) => {
          const made = await open.mutateAsync({
            body: { title: String(form.get('title')), severity: String(form.get('severity')) as 'low' },
          })
          void navigate({ to: '/detect/cases/$id', params: { id: made.id } })
        }}
      >
        <Field label={m.newTitle} hint={m.newHint}>
          <input className="in" name="title" required minLength={3} maxLength={200} />
        </Field>
        <Choices
          name="severity"
          label={m.severity}
          first="medium"
          of={SEVERITIES.map((one) => [one, parts.severity[one]])}
        />
      </AskDialog>
    </>
  )
}

type Asking = 'serious' | 'reported' | 'close' | 'severity' | undefined

export function OneCase() {
  const m = useWords(caseWords)
  const { id } = useParams({ strict: false }) as { id: string }
  const one = useCall(caseRoutes.one, { params: { id } }, { every: 15_000 })
  const [asking, setAsking] = useState<Asking>()
  const titleOf = useTitle()
  const name = one.data ? titleOf(one.data.title) : id
  return (
    <>
      <Head
        title={name}
        name={name === id ? id : `${id} ${name}`}
        crumb={[
          { to: '/detect', text: m.detect },
          { to: '/detect/cases', text: m.title },
        ]}
        meta={
          one.data ? (
            <>
              <span className="tok">{id}</span>
              <Severity level={one.data.severity} live={one.data.serious && one.data.state === 'open'} />
              <Status shape={one.data.state === 'open' ? 'run' : 'ok'}>
                {m.states[one.data.state]}
                {one.data.outcome === null ? '' : `, ${m.outcomes[one.data.outcome]}`}
              </Status>
              <span>
                {m.owner}: {one.data.ownerName ?? m.nobody}
              </span>
            </>
          ) : null
        }
        {...useActs(one.data, setAsking)}
      />
      <Shown of={one}>{(data) => <CasePage of={data} />}</Shown>
      {one.data ? <Dialogs of={one.data} asking={asking} onClose={() => setAsking(undefined)} /> : null}
    </>
  )
}

/** What may be done with the case now; what the law does not allow yet stands dashed with its reason. */
function useActs(one: Case | undefined, ask: (what: Asking) => void) {
  const m = useWords(caseWords)
  const { language } = useSpeech()
  const mayWork = useMay(caseRoutes.take)
  const take = useAct(caseRoutes.take, ['cases.'])
  const reopen = useAct(caseRoutes.reopen, ['cases.'])
  if (!one || !mayWork) return {}
  const params = { id: one.id }
  if (one.state === 'closed')
    return {
      acts: (
        <button type="button" className="btn" onClick={() => reopen.mutate({ params })}>
          {m.reopen}
        </button>
      ),
    }
  const barred = one.barred.find(({ act }) => act === 'close')
  const unmet = one.clocks.some(({ metAt }) => metAt === null)
  return {
    acts: (
      <>
        {one.owner === null ? (
          <button type="button" className="btn go" onClick={() => take.mutate({ params })}>
            {m.take}
          </button>
        ) : null}
        {unmet ? (
          <button type="button" className={`btn${one.owner === null ? '' : ' go'}`} onClick={() => ask('reported')}>
            {m.reported}
          </button>
        ) : null}
        {one.serious ? null : (
          <button type="button" className="btn" onClick={() => ask('serious')}>
            {m.serious}
          </button>
        )}
        <button type="button" className="btn" onClick={() => ask('severity')}>
          {m.judge}
        </button>
        <button
          type="button"
          className="btn"
          aria-disabled={barred !== undefined}
          onClick={() => (barred ? undefined : ask('close'))}
        >
          {m.closeCase}
        </button>
      </>
    ),
    barred: barred?.why[language],
  }
}

function Dialogs({
  of: one,
  asking,
  onClose,
}: {
  readonly of: Case
  readonly asking: Asking
  readonly onClose: () => void
}) {
  const m = useWords(caseWords)
  const parts = useWords(partWords)
  const say = useToast()
  const serious = useAct(caseRoutes.serious, ['cases.'])
  const reported = useAct(caseRoutes.reported, ['cases.'])
  const close = useAct(caseRoutes.close, ['cases.', 'detection.'])
  const severity = useAct(caseRoutes.severity, ['cases.'])
  const params = { id: one.id }
  const unmet = one.clocks.filter(({ metAt }) => metAt === null)
  const done = (): void => say(m.done)
  return (
    <>
      <AskDialog
        open={asking === 'serious'}
        onClose={onClose}
        title={m.serious.replace('…', '')}
        note={m.seriousNote}
        act={m.seriousAct}
        onAct={async () => {
          await serious.mutateAsync({ params, body: {} })
          done()
        }}
      />
      <AskDialog
        open={asking === 'reported'}
        onClose={onClose}
        title={m.reported.replace('…', '')}
        act={m.reportedAct}
        onAct={async (form) => {
          await reported.mutateAsync({
            params,
            body: { which: String(form.get('which')) as 'incident.first', reference: String(form.get('reference')) },
          })
          done()
        }}
      >
        <Choices
          name="which"
          label={m.which}
          of={unmet.map(({ kind }) => [kind, m.need[kind as keyof typeof m.need] ?? kind])}
        />
        <Field label={m.reference}>
          <input className="in" name="reference" required maxLength={80} />
        </Field>
      </AskDialog>
      <AskDialog
        open={asking === 'close'}
        onClose={onClose}
        title={m.closeCase.replace('…', '')}
        act={m.closeAct}
        onAct={async (form) => {
          await close.mutateAsync({ params, body: { outcome: String(form.get('outcome')) as 'duplicate' } })
          done()
        }}
      >
        <Choices name="outcome" label={m.outcome} of={Object.entries(m.outcomes) as [string, string][]} />
      </AskDialog>
      <AskDialog
        open={asking === 'severity'}
        onClose={onClose}
        title={m.judge.replace('…', '')}
        act={m.judgeAct}
        onAct={async (form) => {
          await severity.mutateAsync({ params, body: { severity: String(form.get('severity')) as 'low' } })
          done()
        }}
      >
        <Choices
          name="severity"
          label={m.severity}
          first={one.severity}
          of={SEVERITIES.map((level) => [level, parts.severity[level]])}
        />
      </AskDialog>
    </>
  )
}
