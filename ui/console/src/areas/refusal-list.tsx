import { Link, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { caseRoutes } from '../../../../src/cases/contract.ts'
import { gatewayRoutes, type RefusalView } from '../../../../src/gateway/contract.ts'
import { gatewayMessages } from '../../../../src/gateway/messages.ts'
import { call, usePages } from '../api.ts'
import { DataTable, type Column } from '../components/data-table.tsx'
import { Filters } from '../components/filters.tsx'
import { Masked, Severity, Status } from '../components/marks.tsx'
import { QueryBar, valuesOf, withTerm, type QueryField } from '../components/query-bar.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { useToast } from '../components/toast.tsx'
import { useFormats, useSpeech, useWords } from '../language.tsx'
import { useListState } from '../search.ts'
import { useMay } from '../shell/me.tsx'
import { protectWords } from '../words/protect.ts'

const FIELDS: readonly QueryField[] = [
  { name: 'rule', vi: 'luat' },
  { name: 'source', vi: 'nguon' },
  {
    name: 'severity',
    vi: 'muc',
    values: { low: 'thap', medium: 'vua', high: 'cao', critical: 'nghiem-trong' },
  },
  { name: 'path', vi: 'duongdan' },
  { name: 'site', vi: 'trang' },
  { name: 'mode', vi: 'chedo', values: { block: 'chan', detect: 'ghi-nhan' } },
]

/** Stopped, or only recorded while the request went its way: never alike. */
export function Outcome({ mode, whole = false }: { readonly mode: RefusalView['mode']; readonly whole?: boolean }) {
  const m = useWords(protectWords)
  const watched = mode === 'detect'
  return (
    <Status shape={watched ? 'run' : 'stop'}>{whole ? (watched ? m.watchedOnly : m.stopped) : m.ends[mode]}</Status>
  )
}

/** The kind of attack in the reader's language; a rule's own message is in the language of its author. */
export function useFamily(): (match: { readonly tags: readonly string[]; readonly message: string }) => string {
  const { language } = useSpeech()
  const names = gatewayMessages[language].families
  return ({ tags, message }) => names[tags.find((tag) => tag in names) ?? ''] ?? message
}

/** Refusals by the query and span of the address; live when nothing narrows the end. */
export function RefusalList({ name, first = 50 }: { readonly name: string; readonly first?: number }) {
  const m = useWords(protectWords)
  const f = useFormats()
  const { language } = useSpeech()
  const family = useFamily()
  const navigate = useNavigate()
  const say = useToast()
  const mayOpen = useMay(caseRoutes.open)
  const [{ q = '', from, to }, change] = useListState()
  const query = useMemo(() => ({ ...valuesOf(q), ...(from ? { from } : {}), ...(to ? { to } : {}) }), [q, from, to])
  const { mode } = valuesOf(q)
  const pages = usePages(gatewayRoutes.refusals, { query: { ...(query as object), limit: first } })
  const columns = useMemo(
    (): readonly Column<RefusalView>[] => [
      {
        id: 'at',
        head: m.time,
        sorted: 'descending',
        cell: ({ id, at }) => (
          <Link to="/protect/refusals/$id" params={{ id }}>
            {f.when(at)}
          </Link>
        ),
      },
      { id: 'outcome', head: m.ended, fold: 'end', cell: ({ mode }) => <Outcome mode={mode} /> },
      {
        id: 'severity',
        head: m.severity,
        fold: 'm',
        cell: ({ matches }) => <Severity level={matches[0]?.severity ?? 'medium'} />,
      },
      {
        id: 'rule',
        head: m.rule,
        fold: 'full',
        cell: ({ matches }) => (
          <>
            <span className="tok">{matches[0]?.ruleId}</span> {matches[0] ? family(matches[0]) : ''}
          </>
        ),
      },
      {
        id: 'place',
        head: m.place,
        fold: 'lo',
        cell: ({ matches }) => <span className="tok">{matches[0]?.place}</span>,
      },
      {
        id: 'match',
        head: m.match,
        fold: 'm',
        cell: ({ matches }) => (
          <span className="cut">
            <Masked text={matches[0]?.masked ?? ''} />
          </span>
        ),
      },
      {
        id: 'path',
        head: m.path,
        fold: 'lo',
        cell: ({ method, path }) => <span className="tok cut">{`${method} ${path}`}</span>,
      },
      { id: 'host', head: m.host, fold: 'lo', off: true, cell: ({ host }) => <span className="tok">{host}</span> },
      {
        id: 'source',
        head: m.source,
        fold: 'm',
        cell: ({ clientAddress, clientPort }) => <span className="tok">{`${clientAddress}:${clientPort}`}</span>,
      },
      { id: 'site', head: m.site, fold: 'lo', off: true, cell: ({ site }) => site ?? '–' },
      { id: 'score', head: m.score, num: true, fold: 'lo', cell: ({ score }) => f.n(score) },
    ],
    [m, f, family],
  )
  const rows = useMemo(() => pages.data?.pages.flatMap(({ items }) => items) ?? [], [pages.data])
  const last = pages.data?.pages.at(-1)

  async function openCase(source: string): Promise<void> {
    const opened = await call(caseRoutes.open, { body: { title: m.caseTitle(source), severity: 'medium' } })
    await call(caseRoutes.observe, {
      params: { id: opened.id },
      body: { kind: 'address', value: source, role: 'attacker' },
    })
    say(m.caseOpened)
    void navigate({ to: '/detect/cases/$id', params: { id: opened.id } })
  }
  return (
    <>
      <QueryBar
        value={q}
        onChange={(next) => change({ q: next })}
        fields={FIELDS}
        example={language === 'vi' ? 'luat:942100' : 'rule:942100'}
        trouble={pages.error}
      />
      <Filters
        label={m.ended}
        of={[
          [undefined, m.every],
          ['block', m.ends.block],
          ['detect', m.ends.detect],
        ]}
        chosen={mode}
        onChoose={(next) => change({ q: withTerm(q, 'mode', next) })}
      />
      <Shown of={pages}>
        {() =>
          rows.length === 0 && !pages.hasNextPage ? (
            <Empty title={m.nothingFound}>{m.nothingFoundLead}</Empty>
          ) : (
            <DataTable
              name={name}
              caption={m.refusals}
              columns={columns}
              rows={rows}
              idOf={({ id }) => id}
              onOpen={({ id }) => void navigate({ to: '/protect/refusals/$id', params: { id } })}
              {...(mayOpen
                ? {
                    bulk: (chosen: readonly RefusalView[]) => {
                      const [source, ...others] = new Set(chosen.map(({ clientAddress }) => clientAddress))
                      return others.length > 0 || source === undefined ? (
                        <span className="soft">{m.manySources}</span>
                      ) : (
                        <button type="button" className="btn" onClick={() => void openCase(source)}>
                          {m.sameSource(source)}
                        </button>
                      )
                    },
                    onAct: ({ clientAddress }: RefusalView) => void openCase(clientAddress),
                  }
                : {})}
              more={{ has: pages.hasNextPage, busy: pages.isFetching, fetch: pages.fetchNextPage }}
            />
          )
        }
      </Shown>
      {last && last.next !== null && last.reached !== null && last.items.length < first ? (
        <p className="tf">{m.looked(f.n(last.looked), f.when(last.reached))}</p>
      ) : null}
    </>
  )
}
