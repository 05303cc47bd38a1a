import { Link, useNavigate } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { usePages, type Got } from '../../api.ts'
import { DataTable, type Column } from '../../components/data-table.tsx'
import { Status, type Shape } from '../../components/marks.tsx'
import { Head } from '../../components/page.tsx'
import { Empty, Shown } from '../../components/states.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useListState } from '../../search.ts'
import { useMay } from '../../shell/me.tsx'
import { protectWords } from '../../words/protect.ts'
import { siteWords } from '../../words/sites.ts'
import { AddSiteDialog } from './add-site.tsx'
import { FindBox } from './find-box.tsx'
import { ImportDialog, useExport } from './settings-file.tsx'

export type SiteRow = Got<typeof settingsRoutes.sites>['items'][number]
export const MODE_SHAPE: Readonly<Record<SiteRow['mode'], Shape>> = { block: 'ok', detect: 'run', off: 'stop' }

/** Every site, what it does and what it refused. */
export function Sites() {
  const m = useWords(siteWords)
  const p = useWords(protectWords)
  const navigate = useNavigate()
  const [adding, setAdding] = useState(false)
  const [importing, setImporting] = useState(false)
  const mayPut = useMay(settingsRoutes.putSite)
  const mayRead = useMay(settingsRoutes.site)
  const exportFile = useExport()
  const columns = useColumns(mayRead)
  const [{ q = '' }] = useListState()
  const pages = usePages(settingsRoutes.sites, { query: { limit: 50 } }, { every: 10_000 })
  const first = pages.data?.pages[0]
  const all = useMemo(() => pages.data?.pages.flatMap(({ items }) => items) ?? [], [pages.data])
  const rows = useMemo(() => all.filter((one) => fits(one, q)), [all, q])
  // Looked for by name: all pages are needed, at most twenty.
  const { hasNextPage, isFetching, fetchNextPage } = pages
  useEffect(() => {
    if (q !== '' && hasNextPage && !isFetching) void fetchNextPage()
  }, [q, hasNextPage, isFetching, fetchNextPage])
  const add = (
    <button type="button" className="btn go" onClick={() => setAdding(true)}>
      {m.add}
    </button>
  )
  return (
    <>
      <Head
        title={m.title}
        name={m.title}
        crumb={[{ to: '/protect', text: p.title }]}
        meta={first ? <Workers of={first} /> : null}
        acts={
          <>
            {mayRead ? (
              <>
                <Link className="btn" to="/protect/history">
                  {m.history}
                </Link>
                <button type="button" className="btn" onClick={exportFile}>
                  {m.export}
                </button>
              </>
            ) : null}
            {mayPut ? (
              <>
                <button type="button" className="btn" onClick={() => setImporting(true)}>
                  {m.import}
                </button>
                {add}
              </>
            ) : null}
          </>
        }
      />
      <Shown of={pages}>
        {() =>
          all.length === 0 ? (
            <Empty title={m.none} acts={mayPut ? add : undefined}>
              {m.noneLead}
            </Empty>
          ) : (
            <DataTable
              name="sites"
              caption={m.title}
              columns={columns}
              rows={rows}
              idOf={({ name }) => name}
              {...(mayRead
                ? { onOpen: ({ name }: SiteRow) => void navigate({ to: '/protect/sites/$id', params: { id: name } }) }
                : {})}
              tools={<FindBox label={m.find} />}
              total={q === '' ? (first?.total ?? null) : rows.length}
              more={{ has: pages.hasNextPage, busy: pages.isFetching, fetch: pages.fetchNextPage }}
            />
          )
        }
      </Shown>
      {first && mayPut ? (
        <>
          <AddSiteDialog open={adding} onClose={() => setAdding(false)} version={first.version} />
          <ImportDialog open={importing} onClose={() => setImporting(false)} version={first.version} />
        </>
      ) : null}
    </>
  )
}

/** Which version the workers run, and who of them has not taken it. */
export function Workers({
  of: { version, workers },
}: {
  readonly of: Pick<Got<typeof settingsRoutes.sites>, 'version' | 'workers'>
}) {
  const m = useWords(siteWords)
  const f = useFormats()
  const taken = workers.filter((one) => one.version === version).length
  const behind = workers.length - taken
  if (workers.length === 0) return <Status shape="look">{m.noWorkers}</Status>
  return (
    <>
      {taken > 0 ? <Status shape="ok">{m.workers(f.n(taken), f.n(version))}</Status> : null}
      {behind > 0 ? <Status shape="look">{m.workersBehind(f.n(behind), f.n(version))}</Status> : null}
    </>
  )
}

function useColumns(mayRead: boolean): readonly Column<SiteRow>[] {
  const m = useWords(siteWords)
  const f = useFormats()
  return useMemo(
    () => [
      {
        id: 'name',
        head: m.site,
        wrap: true,
        cell: ({ name, hosts }) => (
          <>
            {mayRead ? (
              <Link to="/protect/sites/$id" params={{ id: name }}>
                {name}
              </Link>
            ) : (
              name
            )}
            <span className="sub mono">{some(hosts)}</span>
          </>
        ),
      },
      {
        id: 'mode',
        head: m.mode,
        fold: 'end',
        cell: ({ mode, maintenance }) =>
          maintenance ? (
            <Status shape="look">{m.closed}</Status>
          ) : (
            <Status shape={MODE_SHAPE[mode]}>{m.modes[mode]}</Status>
          ),
      },
      {
        id: 'upstreams',
        head: m.upstream,
        fold: 'm',
        wrap: true,
        cell: ({ upstreams }) => <span className="tok">{some(upstreams)}</span>,
      },
      { id: 'placement', head: m.placement, fold: 'lo', cell: ({ placement }) => m.placements[placement] },
      { id: 'tls', head: m.tls, fold: 'lo', off: true, cell: ({ tls }) => m.tlsKinds[tls] },
      {
        id: 'rules',
        head: m.ruleSet,
        fold: 'lo',
        off: true,
        cell: ({ ruleSet }) => <span className="tok">{ruleSet}</span>,
      },
      { id: 'keeps', head: m.keeps, fold: 'lo', off: true, cell: ({ keeps }) => (keeps ? m.yes : m.no) },
      {
        id: 'exclusions',
        head: m.exclusions,
        num: true,
        fold: 'lo',
        cell: ({ name, exclusions }) => (
          <Link to="/protect/rules" search={{ site: name }}>
            {f.n(exclusions)}
          </Link>
        ),
      },
      { id: 'watched', head: m.watched, num: true, fold: 'lo', off: true, cell: ({ watched }) => f.n(watched) },
      {
        id: 'observed',
        head: m.observed,
        num: true,
        fold: 'lo',
        cell: ({ name, observed }) => (
          <Link to="/protect/refusals" search={{ q: `site:${name} mode:detect` }}>
            {f.n(observed)}
          </Link>
        ),
      },
      {
        id: 'refused',
        head: m.refused,
        num: true,
        cell: ({ name, refused }) => (
          <Link to="/protect/refusals" search={{ q: `site:${name} mode:block` }}>
            {f.n(refused)}
          </Link>
        ),
      },
    ],
    [m, f, mayRead],
  )
}

/** By name, host, or application. */
const fits = ({ name, hosts, upstreams }: SiteRow, q: string): boolean =>
  q === '' || [name, ...hosts, ...upstreams].some((text) => text.includes(q.toLowerCase()))
const some = (list: readonly string[]): string =>
  list.length <= 2 ? list.join(', ') : `${list.slice(0, 2).join(', ')} +${list.length - 2}`
