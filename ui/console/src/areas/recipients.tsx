import { useMemo, useState } from 'react'
import { peopleRoutes } from '../../../../src/cases/people/contract.ts'
import { useAct, useCall, type Got } from '../api.ts'
import { DataTable, type Column } from '../components/data-table.tsx'
import { AskDialog, Choices, Field } from '../components/dialog.tsx'
import { Masked, Severity, Status } from '../components/marks.tsx'
import { Head } from '../components/page.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { useToast } from '../components/toast.tsx'
import { useFormats, useWords } from '../language.tsx'
import { useMay } from '../shell/me.tsx'
import { detectWords } from '../words/detect.ts'
import { partWords } from '../words/parts.ts'
import { partnerWords } from '../words/partners.ts'

type Recipient = Got<typeof peopleRoutes.list>['items'][number]
const LEVELS = ['low', 'medium', 'high', 'critical'] as const

/** Our own people who are told of new alerts; where to is masked. */
export function Recipients() {
  const m = useWords(partnerWords)
  const d = useWords(detectWords)
  const parts = useWords(partWords)
  const f = useFormats()
  const say = useToast()
  const list = useCall(peopleRoutes.list, {}, { every: 15_000 })
  const maySet = useMay(peopleRoutes.add)
  const add = useAct(peopleRoutes.add, ['people.'])
  const remove = useAct(peopleRoutes.remove, ['people.'])
  const [adding, setAdding] = useState(false)
  const columns = useMemo(
    (): readonly Column<Recipient>[] => [
      { id: 'target', head: m.target, cell: ({ target }) => <Masked text={target} /> },
      {
        id: 'state',
        head: m.state,
        fold: 'end',
        cell: ({ failing }) => <Status shape={failing ? 'look' : 'ok'}>{failing ? m.failing : m.working}</Status>,
      },
      { id: 'kind', head: m.channel, cell: ({ kind }) => m.channels[kind] },
      { id: 'from', head: m.from, cell: ({ from }) => <Severity level={from} /> },
      { id: 'told', head: m.told, num: true, fold: 'lo', by: ({ told }) => told, cell: ({ told }) => f.n(told) },
      { id: 'last', head: m.last, fold: 'lo', cell: ({ lastAt }) => (lastAt === null ? m.never : f.when(lastAt)) },
      ...(maySet
        ? [
            {
              id: 'remove',
              head: m.remove,
              cell: ({ id }: Recipient) => (
                <button type="button" className="btn" onClick={() => remove.mutate({ params: { id }, body: {} })}>
                  {m.remove}
                </button>
              ),
            },
          ]
        : []),
    ],
    [m, f, maySet, remove],
  )
  return (
    <>
      <Head
        title={m.recipients}
        name={m.recipients}
        crumb={[{ to: '/detect', text: d.title }]}
        meta={<span>{m.recipientsLead}</span>}
        acts={
          maySet ? (
            <button type="button" className="btn" onClick={() => setAdding(true)}>
              {m.addRecipient}
            </button>
          ) : undefined
        }
      />
      <Shown of={list}>
        {({ items, mail }) => (
          <>
            {mail ? null : <p className="soft">{m.noMail}</p>}
            {items.length === 0 ? (
              <Empty title={m.noRecipients}>{m.noRecipientsLead}</Empty>
            ) : (
              <DataTable
                name="recipients"
                caption={m.recipients}
                columns={columns}
                rows={items}
                idOf={({ id }) => id}
              />
            )}
          </>
        )}
      </Shown>
      <AskDialog
        open={adding}
        onClose={() => setAdding(false)}
        title={m.addRecipient.replace('…', '')}
        note={m.addRecipientNote}
        act={m.addAct}
        onAct={async (form) => {
          const target = String(form.get('target')).trim()
          const from = String(form.get('from')) as 'high'
          await add.mutateAsync({
            body:
              form.get('kind') === 'email'
                ? { kind: 'email', target, from, language: String(form.get('language')) as 'vi' }
                : { kind: 'webhook', target, from },
          })
          say(m.done)
        }}
      >
        <Choices
          name="kind"
          label={m.channel}
          first={list.data?.mail === false ? 'webhook' : 'email'}
          of={Object.entries(m.channels) as [string, string][]}
        />
        <Field label={m.target} hint={m.targetHint}>
          <input className="in mono" name="target" required maxLength={500} spellCheck={false} autoComplete="off" />
        </Field>
        <Choices name="from" label={m.from} first="high" of={LEVELS.map((level) => [level, parts.severity[level]])} />
        <Choices name="language" label={m.language} of={Object.entries(m.languages) as [string, string][]} />
      </AskDialog>
    </>
  )
}
