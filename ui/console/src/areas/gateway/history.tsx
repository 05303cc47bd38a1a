import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { settingsRoutes, type VersionView } from '../../../../../src/gateway/settings/contract.ts'
import { useCall } from '../../api.ts'
import type { Column } from '../../components/data-table.tsx'
import { List } from '../../components/list.tsx'
import { Head, Sec } from '../../components/page.tsx'
import { Shown } from '../../components/states.tsx'
import { Timeline } from '../../components/timeline.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useListState } from '../../search.ts'
import { protectWords } from '../../words/protect.ts'
import { siteWords } from '../../words/sites.ts'
import { Actor, ChangeList, useReason } from './change-list.tsx'

/** What the person asked for, before what changed beside it. */
function ofSiteFirst(changes: VersionView['changes'], site: string | undefined): VersionView['changes'] {
  const own = ({ en }: VersionView['changes'][number]): boolean =>
    en.startsWith(`Site ${site}:`) || en.startsWith(`Site ${site},`)
  return site === undefined ? changes : changes.toSorted((a, b) => Number(own(b)) - Number(own(a)))
}

/** Every version of the settings: who, when, why, and what changed. */
export function History() {
  const m = useWords(siteWords)
  const p = useWords(protectWords)
  const f = useFormats()
  const why = useReason()
  const [{ site }, change] = useListState()
  const sites = useCall(settingsRoutes.sites, { query: { limit: 200 } })
  const names = sites.data?.items.map(({ name }) => name) ?? []
  const columns = useMemo(
    (): readonly Column<VersionView>[] => [
      {
        id: 'version',
        head: m.when,
        sorted: 'descending',
        cell: ({ version, at }) => (
          <>
            <Link to="/protect/history/$id" params={{ id: String(version) }}>
              {m.versionTitle(f.n(version))}
            </Link>
            <span className="sub">{f.when(at)}</span>
          </>
        ),
      },
      { id: 'who', head: m.who, fold: 'end', cell: ({ by }) => <Actor id={by} /> },
      {
        id: 'what',
        head: m.what,
        fold: 'full',
        wrap: true,
        cell: ({ changes, more }) => (
          <ChangeList of={ofSiteFirst(changes, site).slice(0, 3)} more={more + Math.max(0, changes.length - 3)} />
        ),
      },
      { id: 'why', head: m.why, fold: 'm', wrap: true, cell: why },
    ],
    [m, f, why, site],
  )
  return (
    <>
      <Head
        title={m.history}
        name={m.history}
        crumb={[
          { to: '/protect', text: p.title },
          { to: '/protect/sites', text: m.title },
        ]}
        meta={<span>{m.historyLead}</span>}
      />
      <p className="filter-line">
        <label className="tick">
          {m.site}
          <select
            className="in"
            aria-label={m.site}
            value={site ?? ''}
            onChange={(event) => change({ site: event.target.value })}
          >
            <option value="">{m.everySite}</option>
            {[...new Set([...(site ? [site] : []), ...names])].map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </p>
      <List
        route={settingsRoutes.history}
        sent={{ query: { limit: 50, ...(site ? { site } : {}) } }}
        name="settings-history"
        caption={m.history}
        columns={columns}
        idOf={({ version }) => String(version)}
        pageOf={({ version }) => `/protect/history/${version}`}
        none={
          site
            ? { title: m.historyNoneOf(site), lead: m.historyNoneOfLead }
            : { title: m.historyNone, lead: m.historyNoneLead }
        }
      />
    </>
  )
}

/** The last few of a site, beside it. */
export function LatestVersions({ site }: { readonly site: string }) {
  const m = useWords(siteWords)
  const f = useFormats()
  const why = useReason()
  const latest = useCall(settingsRoutes.history, { query: { limit: 6, site } })
  return (
    <Sec
      title={m.latest}
      right={
        <Link to="/protect/history" search={{ site }}>
          {m.history}
        </Link>
      }
    >
      <Shown of={latest}>
        {({ items }) => (
          <Timeline
            of={items.map((one) => ({
              key: String(one.version),
              at: one.at,
              who: one.by === 'node' ? 'sys' : 'me',
              what: (
                <Link to="/protect/history/$id" params={{ id: String(one.version) }}>
                  {m.versionTitle(f.n(one.version))}
                </Link>
              ),
              more: (
                <>
                  <Actor id={one.by} plain />: {why(one)}
                </>
              ),
            }))}
          />
        )}
      </Shown>
    </Sec>
  )
}
