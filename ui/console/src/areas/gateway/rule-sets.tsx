import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { useAct, useCall, type Got } from '../../api.ts'
import { DataTable, type Column } from '../../components/data-table.tsx'
import { Field } from '../../components/dialog.tsx'
import { Empty, Shown } from '../../components/states.tsx'
import { useToast } from '../../components/toast.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { tuningWords } from '../../words/tuning.ts'
import { ReasonDialog } from './reason-dialog.tsx'

type Sets = Got<typeof settingsRoutes.ruleSets>
type RuleSet = Sets['items'][number]
const lines = (text: unknown): string[] =>
  String(text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** Which files rules come from, and which sites use them. */
export function RuleSets() {
  const t = useWords(tuningWords)
  const may = useMay(settingsRoutes.putRuleSet)
  const sets = useCall(settingsRoutes.ruleSets, { query: {} })
  const [changing, setChanging] = useState<RuleSet | 'new'>()
  const [removing, setRemoving] = useState<RuleSet>()
  const columns = useMemo(
    (): readonly Column<RuleSet>[] => [
      { id: 'name', head: t.setName, cell: ({ name }) => <span className="tok">{name}</span> },
      { id: 'setup', head: t.setup, fold: 'lo', wrap: true, cell: ({ setup }) => <Files of={setup} /> },
      { id: 'rules', head: t.ruleSetFiles, fold: 'full', wrap: true, cell: ({ rules }) => <Files of={rules} /> },
      { id: 'sites', head: t.usedBy, fold: 'm', wrap: true, cell: ({ sites }) => <Users of={sites} /> },
      ...(may
        ? [
            {
              id: 'acts',
              head: t.setTitle,
              cell: (one: RuleSet) => (
                <>
                  <button type="button" className="btn" onClick={() => setChanging(one)}>
                    {t.change} <span className="vh">{one.name}</span>
                  </button>{' '}
                  {one.sites.length === 0 ? (
                    <button type="button" className="btn" onClick={() => setRemoving(one)}>
                      {t.removeSet} <span className="vh">{one.name}</span>
                    </button>
                  ) : null}
                </>
              ),
            },
          ]
        : []),
    ],
    [t, may],
  )
  return (
    <Shown of={sets}>
      {({ items, version }) => (
        <>
          {items.length === 0 ? (
            <Empty title={t.ruleSets} />
          ) : (
            <DataTable name="rule-sets" caption={t.ruleSets} columns={columns} rows={items} idOf={({ name }) => name} />
          )}
          {may ? (
            <p className="acts-row">
              <button type="button" className="btn" onClick={() => setChanging('new')}>
                {t.addSet}
              </button>
            </p>
          ) : null}
          <ChangeDialog of={changing} version={version} onClose={() => setChanging(undefined)} />
          <RemoveDialog of={removing} version={version} onClose={() => setRemoving(undefined)} />
        </>
      )}
    </Shown>
  )
}

const MOST_USERS = 6
/** The first few by name; the rest are in the list of sites. */
function Users({ of }: { readonly of: readonly string[] }) {
  const t = useWords(tuningWords)
  const f = useFormats()
  if (of.length === 0) return <>–</>
  const rest = of.length - MOST_USERS
  return (
    <>
      {of.slice(0, MOST_USERS).join(', ')}
      {rest > 0 ? (
        <>
          {', '}
          <Link to="/protect/sites">{t.otherSites(f.n(rest))}</Link>
        </>
      ) : null}
    </>
  )
}

const Files = ({ of }: { readonly of: readonly string[] }) => (
  <>
    {of.length === 0 ? '–' : null}
    {of.map((path) => (
      <span key={path} className="tok file">
        {path}
      </span>
    ))}
  </>
)

type DialogProps<T> = { readonly of: T | undefined; readonly version: number; readonly onClose: () => void }
function ChangeDialog({ of, version, onClose }: DialogProps<RuleSet | 'new'>) {
  const t = useWords(tuningWords)
  const f = useFormats()
  const say = useToast()
  const put = useAct(settingsRoutes.putRuleSet, ['gateway.'])
  const was = of === undefined || of === 'new' ? undefined : of
  return (
    <ReasonDialog
      open={of !== undefined}
      onClose={onClose}
      title={was ? `${t.setTitle} ${was.name}` : t.addSet.replace('…', '')}
      note={t.setNote}
      act={t.setAct}
      onAct={async (reason, form) => {
        const name = was?.name ?? String(form.get('name')).trim()
        const ruleSet = { name, setup: lines(form.get('setup')), rules: lines(form.get('rules')) }
        const made = await put.mutateAsync({ params: { name }, body: { ruleSet, reason, version } })
        say(t.setSaved(f.n(made.version)))
      }}
    >
      {was ? null : (
        <Field label={t.setName}>
          <input className="in mono" name="name" required maxLength={40} spellCheck={false} autoComplete="off" />
        </Field>
      )}
      <Field label={t.setup}>
        <textarea className="in mono" name="setup" spellCheck={false} defaultValue={was?.setup.join('\n') ?? ''} />
      </Field>
      <Field label={t.ruleSetFiles}>
        <textarea
          className="in mono"
          name="rules"
          required
          spellCheck={false}
          defaultValue={was?.rules.join('\n') ?? ''}
        />
      </Field>
    </ReasonDialog>
  )
}

function RemoveDialog({ of, version, onClose }: DialogProps<RuleSet>) {
  const t = useWords(tuningWords)
  const f = useFormats()
  const say = useToast()
  const remove = useAct(settingsRoutes.removeRuleSet, ['gateway.'])
  return (
    <ReasonDialog
      open={of !== undefined}
      onClose={onClose}
      title={of ? t.removeSetTitle(of.name) : ''}
      act={t.removeSetAct}
      onAct={async (reason) => {
        const made = await remove.mutateAsync({ params: { name: of!.name }, body: { reason, version } })
        say(t.setSaved(f.n(made.version)))
      }}
    />
  )
}
