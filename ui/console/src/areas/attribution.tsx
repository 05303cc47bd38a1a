import { useQueryClient } from '@tanstack/react-query'
import { useMemo, useState, type FormEvent } from 'react'
import { subscriberRoutes } from '../../../../src/subscribers/contract.ts'
import { ApiError, useAct, useCall, type Got } from '../api.ts'
import { DataTable, type Column } from '../components/data-table.tsx'
import { AskDialog, Field } from '../components/dialog.tsx'
import { Facts, Head, Sec } from '../components/page.tsx'
import { Empty, Failed, Shown } from '../components/states.tsx'
import { useToast } from '../components/toast.tsx'
import { useFormats, useWords } from '../language.tsx'
import { useMay } from '../shell/me.tsx'
import { warnWords } from '../words/warn.ts'

type Imported = Got<typeof subscriberRoutes.importPortLog>
type PortLog = Got<typeof subscriberRoutes.portLogs>['items'][number]

/** Who held an address and port at a time; and the logs that can say it, with their gaps. */
export function Attribution() {
  const m = useWords(warnWords)
  const f = useFormats()
  const logs = useCall(subscriberRoutes.portLogs, {})
  const mayAsk = useMay(subscriberRoutes.attribute)
  const [importing, setImporting] = useState(false)
  const [wrong, setWrong] = useState<Imported['errors']>([])
  const columns = useMemo(
    (): readonly Column<PortLog>[] => [
      { id: 'name', head: m.name, wrap: true, fold: 'full', cell: ({ name }) => <span className="tok">{name}</span> },
      {
        id: 'imported',
        head: m.imported,
        fold: 'end',
        by: ({ importedAt }) => importedAt,
        cell: ({ importedAt }) => f.when(importedAt),
      },
      { id: 'rows', head: m.rows, num: true, by: ({ rows }) => rows, cell: ({ rows }) => f.n(rows) },
      {
        id: 'refused',
        head: m.refused,
        num: true,
        fold: 'lo',
        by: ({ refused }) => refused,
        cell: ({ refused }) => f.n(refused),
      },
      {
        id: 'covers',
        head: m.covers,
        fold: 'm',
        cell: ({ from, to }) => (from === null || to === null ? '–' : `${f.short(from)} – ${f.short(to)}`),
      },
      {
        id: 'gaps',
        head: m.gaps,
        fold: 'm',
        wrap: true,
        cell: ({ gaps }) =>
          gaps.length === 0
            ? '–'
            : gaps.map((gap) => m.gapText(gap.device, f.short(gap.from), f.short(gap.to))).join('; '),
      },
    ],
    [m, f],
  )
  return (
    <>
      <Head
        title={m.attributionTitle}
        name={m.attributionTitle}
        crumb={[{ to: '/warn', text: m.title }]}
        meta={<span>{m.attributionLead}</span>}
        acts={
          mayAsk ? (
            <button type="button" className="btn" onClick={() => setImporting(true)}>
              {m.import}
            </button>
          ) : undefined
        }
      />
      {mayAsk ? <Ask /> : null}
      <Sec title={m.logs} lead={logs.data ? m.logsLead(f.n(logs.data.rows)) : undefined}>
        <Shown of={logs}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title={m.logs}>{m.logsNone}</Empty>
            ) : (
              <DataTable name="port-logs" caption={m.logs} columns={columns} rows={items} idOf={({ id }) => id} />
            )
          }
        </Shown>
        {wrong.length > 0 ? (
          <div className="tw" tabIndex={0} role="region" aria-label={m.wrongLines}>
            <table className="t">
              <caption>{m.wrongLines}</caption>
              <thead>
                <tr>
                  <th scope="col" className="num">
                    {m.line}
                  </th>
                  <th scope="col">{m.field}</th>
                  <th scope="col">{m.detail}</th>
                </tr>
              </thead>
              <tbody>
                {wrong.map((one) => (
                  <tr key={`${one.line} ${one.field}`}>
                    <td className="num">{f.n(one.line)}</td>
                    <th scope="row" className="tok">
                      {one.field}
                    </th>
                    <td lang="en">{one.detail}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : null}
      </Sec>
      <ImportDialog open={importing} onClose={() => setImporting(false)} onWrong={setWrong} />
    </>
  )
}

/** `datetime-local` knows no zone; it is Vietnam's here. */
const inVietnam = (local: string): string =>
  new Date(`${local.length === 16 ? `${local}:00` : local}+07:00`).toISOString()

function Ask() {
  const m = useWords(warnWords)
  const f = useFormats()
  const ask = useAct(subscriberRoutes.attribute, ['audit.'])
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const port = String(form.get('port'))
    ask.mutate({
      body: {
        address: String(form.get('address')).trim(),
        port: port === '' ? null : Number(port),
        at: inVietnam(String(form.get('at'))),
        reason: String(form.get('reason')).trim(),
      },
    })
  }
  return (
    <Sec title={m.ask}>
      <form className="find-one" onSubmit={submit}>
        <Field label={m.address}>
          <input className="in mono" name="address" required maxLength={45} spellCheck={false} />
        </Field>
        <Field label={m.port}>
          <input className="in mono" name="port" type="number" min={0} max={65_535} />
        </Field>
        <Field label={m.at}>
          <input className="in when" name="at" type="datetime-local" step={1} required />
        </Field>
        <Field label={m.askReason}>
          <input className="in" name="reason" required maxLength={80} />
        </Field>
        <button className="btn go" disabled={ask.isPending}>
          {m.ask}
        </button>
      </form>
      <div aria-live="polite">
        {ask.error ? <Failed error={ask.error} /> : null}
        {ask.data ? (
          <Facts
            of={[
              [m.answer, m.results[ask.data.result]],
              [
                m.subscriber,
                ask.data.subscriber === null ? (
                  '–'
                ) : (
                  <span key="s" className="tok">
                    {ask.data.subscriber}
                  </span>
                ),
              ],
              ask.data.why !== null && [m.reason, m.why[ask.data.why] ?? ask.data.why],
              ask.data.result === 'ambiguous' && [m.attribution, m.candidates(f.n(ask.data.candidates))],
            ]}
          />
        ) : null}
      </div>
    </Sec>
  )
}

function ImportDialog({
  open,
  onClose,
  onWrong,
}: {
  open: boolean
  onClose: () => void
  onWrong: (errors: Imported['errors']) => void
}) {
  const m = useWords(warnWords)
  const f = useFormats()
  const say = useToast()
  const client = useQueryClient()
  return (
    <AskDialog
      open={open}
      onClose={onClose}
      title={m.import.replace('…', '')}
      note={m.importNote}
      act={m.importAct}
      onAct={async (form) => {
        const file = form.get('file') as File
        const { path, method } = subscriberRoutes.importPortLog
        const response = await fetch(path, { method, headers: { 'content-type': 'text/csv' }, body: file })
        const answer = (await response.json()) as Imported
        if (!response.ok) throw new ApiError(response.status, answer as object)
        onWrong(answer.errors)
        say(m.importDone(f.n(answer.rows), f.n(answer.refused)))
        await client.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith('subscribers.') })
      }}
    >
      <Field label={m.importFile}>
        <input className="in" name="file" type="file" accept=".csv,text/csv" required />
      </Field>
    </AskDialog>
  )
}
