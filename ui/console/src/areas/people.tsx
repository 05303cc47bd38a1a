import { useMemo } from 'react'
import { auditRoutes } from '../../../../src/audit/contract.ts'
import { consentRoutes } from '../../../../src/consent/contract.ts'
import { vaultRoutes } from '../../../../src/vault/contract.ts'
import { useCall, type Got } from '../api.ts'
import { DataTable, type Column } from '../components/data-table.tsx'
import { Filters } from '../components/filters.tsx'
import { NeedsNow } from '../components/needs-now.tsx'
import { Head, Sec } from '../components/page.tsx'
import { QueryBar, valuesOf } from '../components/query-bar.tsx'
import { Empty, Failed, Loading } from '../components/states.tsx'
import { ApiError } from '../api.ts'
import { useNames } from '../field-names.ts'
import { useFormats, useSpeech, useWords } from '../language.tsx'
import { useListState } from '../search.ts'
import { useMay } from '../shell/me.tsx'
import { peopleWords } from '../words/people.ts'
import { ActList } from './act-list.tsx'
import { Holdings } from './people-find.tsx'

type Declared = Got<typeof consentRoutes.processing>['purposes'][number]
/** Refusals are looked for among so many of the newest reads. */
const LATEST = 100

/** On what each use of personal data rests, and what people have decided. */
export function Purposes() {
  const m = useWords(peopleWords)
  const f = useFormats()
  const processing = useCall(consentRoutes.processing, {})
  const reads = useCall(auditRoutes.list, { query: { kind: 'vault.read', limit: LATEST } }, { every: 30_000 })
  const mayCount = useMay(vaultRoutes.figures)
  const refused = (reads.data?.items ?? []).filter(({ result }) => result === 'refused').length
  const undeclared = processing.error instanceof ApiError && processing.error.code === 'consent/nothing-declared'
  return (
    <>
      <Head
        title={m.title}
        name={m.title}
        meta={processing.data ? <span>{m.notice(f.n(processing.data.notice.version))}</span> : null}
      />
      <NeedsNow
        nothing={m.nothing}
        needs={
          refused > 0
            ? [
                {
                  key: 'refused',
                  deadline: null,
                  what: m.refusedNeed(f.n(refused)),
                  more: m.refusedMore,
                  to: '/people/reads',
                  act: m.seeReads,
                },
              ]
            : []
        }
      />
      <Sec title={m.purposes} lead={processing.data ? m.purposesLead(f.n(processing.data.purposes.length)) : undefined}>
        {processing.data ? (
          <PurposeTable of={processing.data.purposes} />
        ) : undeclared ? (
          <Empty title={m.noneTitle}>{m.none}</Empty>
        ) : processing.error ? (
          <Failed error={processing.error} again={() => void processing.refetch()} />
        ) : (
          <Loading />
        )}
      </Sec>
      {mayCount ? <Holdings /> : null}
      <Sec title={m.withdrawals}>
        <ActList
          name="withdrawals"
          wish={{ kind: 'consent.withdrawn', limit: 20 }}
          none={{ title: m.noWithdrawals, lead: m.noWithdrawalsLead }}
        />
      </Sec>
      <Sec title={m.told}>
        <ActList
          name="told"
          wish={{ kind: 'consent.recipient-confirmed', limit: 20 }}
          none={{ title: m.noTold, lead: m.noToldLead }}
        />
      </Sec>
    </>
  )
}

function PurposeTable({ of }: { readonly of: readonly Declared[] }) {
  const m = useWords(peopleWords)
  const f = useFormats()
  const { language } = useSpeech()
  const names = useNames()
  const columns = useMemo((): readonly Column<Declared>[] => {
    return [
      {
        id: 'title',
        head: m.purpose,
        wrap: true,
        fold: 'full',
        by: ({ purpose }) => purpose.title[language],
        cell: ({ purpose }) => (
          <>
            {purpose.title[language]}
            <span className="sub">{purpose.what[language]}</span>
          </>
        ),
      },
      {
        id: 'ground',
        head: m.ground,
        by: ({ purpose }) => m.grounds[purpose.ground],
        cell: ({ purpose }) => m.grounds[purpose.ground],
      },
      {
        id: 'fields',
        head: m.fields,
        wrap: true,
        fold: 'm',
        cell: ({ purpose }) => purpose.fields.map(names.field).join(', '),
      },
      {
        id: 'recipients',
        head: m.recipients,
        wrap: true,
        fold: 'm',
        cell: ({ purpose }) =>
          purpose.recipients.length === 0 ? m.noRecipients : purpose.recipients.map(({ name }) => name).join(', '),
      },
      {
        id: 'if',
        head: m.ifWithdrawn,
        wrap: true,
        off: true,
        fold: 'lo',
        cell: ({ purpose }) => purpose.ifWithdrawn?.[language] ?? '–',
      },
      { id: 'version', head: m.version, num: true, fold: 'end', cell: ({ version }) => f.n(version) },
    ]
  }, [m, f, language, names])
  return (
    <DataTable name="purposes" caption={m.purposes} columns={columns} rows={of} idOf={({ purpose }) => purpose.id} />
  )
}

/** Every read, search and write of the vault, from the evidence log. */
export function Reads() {
  const m = useWords(peopleWords)
  const { language } = useSpeech()
  const [{ q = '', by = 'vault.read' }, change] = useListState()
  const asked = valuesOf(q)
  const kinds = Object.entries(m.kinds) as [string, string][]
  return (
    <>
      <Head
        title={m.reads}
        name={m.reads}
        crumb={[{ to: '/people', text: m.title }]}
        meta={<span>{m.readsLead}</span>}
      />
      <Filters label={m.which} chosen={by} onChoose={(next) => change({ by: next })} of={kinds} />
      <QueryBar
        value={q}
        onChange={(next) => change({ q: next })}
        fields={[
          { name: 'subject', vi: 'nguoi' },
          { name: 'actor', vi: 'ai' },
        ]}
        example={language === 'vi' ? 'nguoi:7Q4K-2MXB-9D0R-HT5W' : 'subject:7Q4K-2MXB-9D0R-HT5W'}
      />
      <ActList name="reads" wish={{ kind: by, subject: asked['subject'], actor: asked['actor'] }} />
    </>
  )
}
