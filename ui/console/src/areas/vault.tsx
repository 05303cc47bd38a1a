import { useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { consentRoutes } from '../../../../src/consent/contract.ts'
import { vaultRoutes } from '../../../../src/vault/contract.ts'
import { call, useCall, type Got } from '../api.ts'
import { tailOf, useCallers } from '../caller-names.ts'
import { DataTable, type Column } from '../components/data-table.tsx'
import { AskDialog, Field } from '../components/dialog.tsx'
import { ClassChip } from '../components/marks.tsx'
import { NeedsNow } from '../components/needs-now.tsx'
import { Head, Sec } from '../components/page.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { useNames } from '../field-names.ts'
import { useFormats, useSpeech, useWords } from '../language.tsx'
import { useMay } from '../shell/me.tsx'
import { peopleWords } from '../words/people.ts'
import { vaultWords } from '../words/vault.ts'

type Known = Got<typeof vaultRoutes.collections>['fields'][number]
type Refused = Got<typeof vaultRoutes.enforcement>['counts'][number]
type Recipient = Got<typeof vaultRoutes.recipients>['recipients'][number]
const EVERYBODY = '*'

/** What the vault takes and how it is found, whom it only watches, whom it calls. */
export function Vault() {
  const m = useWords(vaultWords)
  const p = useWords(peopleWords)
  const f = useFormats()
  const fields = useCall(vaultRoutes.collections, {}, { every: 30_000 })
  const mayWatch = useMay(vaultRoutes.enforcement)
  const maySeeRecipients = useMay(vaultRoutes.recipients)
  const version = fields.data?.version
  return (
    <>
      <Head
        title={m.title}
        name={m.title}
        crumb={[{ to: '/people', text: p.title }]}
        meta={version === undefined ? null : <span>{version === 0 ? m.builtInOnly : m.lead(f.n(version))}</span>}
      />
      {mayWatch ? <Watching /> : null}
      <Sec title={m.fields} lead={fields.data ? m.fieldsLead(f.n(fields.data.fields.length)) : undefined}>
        <Shown of={fields}>{(data) => <FieldTable of={data.fields} />}</Shown>
      </Sec>
      {maySeeRecipients ? <Recipients /> : null}
    </>
  )
}

/** Purposes that are only watched come first: each day of it people's data is given out without a ground. */
function Watching() {
  const m = useWords(vaultWords)
  const p = useWords(peopleWords)
  const f = useFormats()
  const { language } = useSpeech()
  const client = useQueryClient()
  const enforcement = useCall(vaultRoutes.enforcement, {}, { every: 30_000 })
  const processing = useCall(consentRoutes.processing, {})
  const maySet = useMay(vaultRoutes.setEnforcement)
  const callers = useCallers()
  // Only reading is watched.
  const readers = callers.all.filter((one) => one.revokedAt === null && one.scopes.includes('vault:read'))
  const [asking, setAsking] = useState(false)
  const purposes = processing.data?.purposes.map(({ purpose }) => purpose) ?? []
  const titleOf = (id: string): string => purposes.find((one) => one.id === id)?.title[language] ?? id
  const set = async (purpose: string, caller: string, mode: 'observe' | 'enforce'): Promise<void> => {
    await call(vaultRoutes.setEnforcement, { body: { purpose, caller, mode } })
    await client.invalidateQueries({ queryKey: [vaultRoutes.enforcement.id] })
  }
  const watched = enforcement.data?.watched ?? []
  const counts = enforcement.data?.counts ?? []
  return (
    <>
      <NeedsNow
        nothing={m.nothing}
        needs={watched.map(({ purpose, caller, since }) => ({
          key: `${purpose} ${caller}`,
          deadline: null,
          what: m.watchedNeed(titleOf(purpose)),
          more: `${caller === EVERYBODY ? m.everybody : (callers.nameOf(caller) ?? caller)}; ${m.watchedMore(
            f.date(since),
            f.n(counts.filter((one) => one.purpose === purpose).reduce((sum, one) => sum + one.count, 0)),
          )}`,
          to: '/people/reads',
          act: p.seeReads,
          acts: maySet ? (
            <button type="button" className="btn" onClick={() => void set(purpose, caller, 'enforce')}>
              {m.enforce}
            </button>
          ) : null,
        }))}
      />
      <Sec
        title={m.wouldRefuse}
        right={
          maySet ? (
            <button type="button" className="btn" onClick={() => setAsking(true)}>
              {m.observe}
            </button>
          ) : null
        }
      >
        <Shown of={enforcement}>
          {({ counts: of }) =>
            of.length === 0 ? (
              <Empty title={m.noneRefused}>{m.noneRefusedLead}</Empty>
            ) : (
              <RefusedTable of={of} titleOf={titleOf} />
            )
          }
        </Shown>
      </Sec>
      <AskDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={m.observeTitle}
        note={m.observeNote}
        act={m.observeAct}
        onAct={(form) => set(String(form.get('purpose')), String(form.get('caller')), 'observe')}
      >
        <Field label={m.purpose}>
          <select className="in" name="purpose" required>
            {purposes.map(({ id, title }) => (
              <option key={id} value={id}>
                {title[language]}
              </option>
            ))}
          </select>
        </Field>
        <Field label={m.caller} hint={m.callerHint}>
          <select className="in" name="caller" required defaultValue={EVERYBODY}>
            <option value={EVERYBODY}>{m.everybody}</option>
            {readers.map(({ caller, name }) => (
              <option key={caller} value={caller}>
                {name} ({tailOf(caller)})
              </option>
            ))}
          </select>
        </Field>
      </AskDialog>
    </>
  )
}

function RefusedTable({ of, titleOf }: { readonly of: readonly Refused[]; readonly titleOf: (id: string) => string }) {
  const m = useWords(vaultWords)
  const f = useFormats()
  const names = useNames()
  const callers = useCallers()
  const columns = useMemo(
    (): readonly Column<Refused>[] => [
      {
        id: 'purpose',
        head: m.purpose,
        wrap: true,
        fold: 'full',
        by: (one) => titleOf(one.purpose),
        cell: (one) => titleOf(one.purpose),
      },
      {
        id: 'caller',
        head: m.caller,
        fold: 'm',
        by: (one) => callers.nameOf(one.caller) ?? one.caller,
        cell: (one) => {
          const name = callers.nameOf(one.caller)
          if (name === undefined) return <span className="mono">{one.caller}</span>
          return (
            <>
              {name}
              <span className="sub mono">{tailOf(one.caller)}</span>
            </>
          )
        },
      },
      {
        id: 'field',
        head: m.field,
        wrap: true,
        by: (one) => names.field(one.field),
        cell: (one) => names.titled(one.field) ?? <span className="mono">{one.field}</span>,
      },
      {
        id: 'code',
        head: m.code,
        wrap: true,
        fold: 'm',
        by: (one) => one.code,
        cell: (one) => {
          const why: Readonly<Record<string, string>> = m.why
          return why[one.code] ?? <span className="mono">{one.code}</span>
        },
      },
      { id: 'count', head: m.count, num: true, fold: 'end', by: (one) => one.count, cell: (one) => f.n(one.count) },
    ],
    [m, f, names, callers, titleOf],
  )
  return (
    <DataTable
      name="watched"
      caption={m.wouldRefuse}
      columns={columns}
      rows={of}
      idOf={(one) => `${one.purpose} ${one.caller} ${one.field} ${one.code}`}
    />
  )
}

function FieldTable({ of }: { readonly of: readonly Known[] }) {
  const m = useWords(vaultWords)
  const f = useFormats()
  const names = useNames()
  const columns = useMemo((): readonly Column<Known>[] => {
    const index: Readonly<Record<string, string>> = m.index
    const tokens: Readonly<Record<string, string>> = m.tokens
    return [
      {
        id: 'field',
        head: m.field,
        wrap: true,
        fold: 'full',
        by: (one) => `${one.collection}.${one.field}`,
        cell: (one) => {
          const id = `${one.collection}.${one.field}`
          const title = names.titled(id)
          if (title === undefined) return <span className="mono">{id}</span>
          return (
            <>
              {title}
              <span className="sub mono">{id}</span>
            </>
          )
        },
      },
      {
        id: 'collection',
        head: m.collection,
        wrap: true,
        fold: 'lo',
        by: (one) => names.collection(one.collection),
        cell: (one) => names.collection(one.collection),
      },
      {
        id: 'class',
        head: m.class,
        by: (one) => one.class,
        cell: (one) => <ClassChip sensitive={one.class === 'sensitive'} />,
      },
      {
        id: 'found',
        head: m.found,
        wrap: true,
        named: true,
        fold: 'm',
        cell: (one) =>
          one.writeOnly
            ? m.writeOnly
            : `${one.index.map((kind) => index[kind] ?? kind).join(', ') || '–'}${one.indexing ? ` (${m.indexing})` : ''}`,
      },
      {
        id: 'token',
        head: m.token,
        fold: 'lo',
        cell: (one) => (one.token === null ? '–' : <span className="mono">{tokens[one.token] ?? one.token}</span>),
      },
      {
        id: 'keep',
        head: m.keep,
        fold: 'end',
        by: (one) => one.keepDays ?? Infinity,
        cell: (one) => (one.keepDays === null ? m.untilErased : m.days(f.n(one.keepDays))),
      },
    ]
  }, [m, f, names])
  return (
    <DataTable
      name="vault-fields"
      caption={m.fields}
      columns={columns}
      rows={of}
      idOf={(one) => `${one.collection}.${one.field}`}
    />
  )
}

function Recipients() {
  const m = useWords(vaultWords)
  const f = useFormats()
  const client = useQueryClient()
  const recipients = useCall(vaultRoutes.recipients, {}, { every: 60_000 })
  const mayDrop = useMay(vaultRoutes.dropRecipient)
  const [dropping, setDropping] = useState<Recipient>()
  const columns = useMemo(
    (): readonly Column<Recipient>[] => [
      { id: 'name', head: m.recipient, wrap: true, fold: 'full', by: (one) => one.name, cell: (one) => (<>{one.name}<span className="sub mono">{one.id}</span></>) },
      { id: 'url', head: m.address, wrap: true, fold: 'm', cell: (one) => <span className="mono">{one.url}</span> },
      { id: 'pass', head: m.passes, fold: 'm', cell: (one) => <span className="mono">{one.pass.join(' ') || '–'}</span> },
      { id: 'since', head: m.since, by: (one) => one.since, cell: (one) => f.date(one.since) },
      ...(mayDrop
        ? [{ id: 'act', head: '', fold: 'end' as const, cell: (one: Recipient) => <button type="button" className="btn bare" onClick={() => setDropping(one)}>{m.drop}</button> }]
        : []),
    ],
    [m, f, mayDrop],
  ) // prettier-ignore
  return (
    <Sec title={m.recipients} lead={m.recipientsLead}>
      <Shown of={recipients}>
        {(data) =>
          data.recipients.length === 0 ? (
            <Empty title={m.noRecipients}>{m.noRecipientsLead}</Empty>
          ) : (
            <DataTable
              name="recipients"
              caption={m.recipients}
              columns={columns}
              rows={data.recipients}
              idOf={(one) => one.id}
            />
          )
        }
      </Shown>
      <AskDialog
        open={dropping !== undefined}
        onClose={() => setDropping(undefined)}
        title={m.dropTitle(dropping?.name ?? '')}
        note={m.dropNote}
        act={m.drop}
        onAct={async () => {
          await call(vaultRoutes.dropRecipient, { params: { recipient: dropping!.id } })
          await client.invalidateQueries({ queryKey: [vaultRoutes.recipients.id] })
        }}
      />
    </Sec>
  )
}
