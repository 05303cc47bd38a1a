import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { gatewayRoutes } from '../../../../../src/gateway/contract.ts'
import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { figuresRoutes } from '../../../../../src/gateway/figures/contract.ts'
import { useCall } from '../../api.ts'
import type { Need } from '../../components/needs-now.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { rateWords } from '../../words/rates.ts'
import { siteWords } from '../../words/sites.ts'
import { useFamily } from '../refusal-list.tsx'
import { Actor, ChangeList, useReason } from './change-list.tsx'
import { useSuddenNeeds } from './sudden.tsx'

const EVERY = { every: 15_000 } as const
/** Sites that only watch are named one by one up to here. */
const MOST_SITES = 3

/** What of the gateway waits for a person: rules that turned themselves, people's data going out, sites that only watch. */
export function useGatewayNeeds(): readonly Need[] {
  const m = useWords(rateWords)
  const f = useFormats()
  const sudden = useSuddenNeeds()
  const mayOut = useMay(figuresRoutes.outgoing)
  const maySites = useMay(settingsRoutes.sites)
  const outgoing = useCall(figuresRoutes.outgoing, { query: { limit: 20 } }, { ...EVERY, enabled: mayOut })
  const sites = useCall(settingsRoutes.sites, { query: { limit: 200 } }, { ...EVERY, enabled: maySites })

  const told = (outgoing.data?.items ?? []).map((one) => ({ ...one, over: one.flagged + one.stopped }))
  const worst = told.toSorted((a, b) => b.over - a.over)[0]
  const over = told.reduce((sum, one) => sum + one.over, 0)
  const { version = 0, workers = [], items = [] } = sites.data ?? {}
  // A worker takes a new version within seconds; only one that could not says so.
  const behind = workers.filter((one) => one.version < version && one.errors > 0)
  const watching = items.filter(({ mode, observed }) => mode === 'detect' && observed > 0)
  const plain = { deadline: null } as const
  return [
    ...sudden,
    ...(over > 0 && worst
      ? [
          {
            ...plain,
            key: 'outgoing',
            what: m.needStopped(f.n(over)),
            more: <OutCause where={`${worst.site} ${worst.route ?? ''}`.trim()} site={worst.site} />,
            to: '/protect/outgoing',
            search: { site: worst.site, ...(worst.stopped > 0 ? { state: 'stop' } : {}) },
            act: m.needStoppedAct,
            acts: <OpenSite name={worst.site} />,
          },
        ]
      : []),
    ...(behind.length > 0
      ? [
          {
            ...plain,
            key: 'behind',
            what: m.needBehind(f.n(behind.length), f.n(version)),
            more: <BehindCause />,
            to: `/protect/history/${Math.max(...behind.map((one) => one.version))}`,
            act: m.needBehindAct(f.n(Math.max(...behind.map((one) => one.version)))),
          },
        ]
      : []),
    ...watching
      .toSorted((a, b) => b.observed - a.observed)
      .slice(0, MOST_SITES)
      .map(({ name, observed }) => ({
        ...plain,
        key: `watch ${name}`,
        what: m.needWatch(name),
        more: <WatchCause name={name} observed={observed} />,
        to: '/protect/refusals',
        search: { q: `site:${name} mode:detect` },
        act: m.needWatchAct,
        acts: <OpenSite name={name} />,
      })),
  ]
}

const OpenSite = ({ name }: { readonly name: string }): ReactNode => {
  const m = useWords(rateWords)
  const may = useMay(settingsRoutes.site)
  return may ? (
    <Link className="btn" to="/protect/sites/$id" params={{ id: name }}>
      {m.needOpenSite}
    </Link>
  ) : null
}

/** Where most people were told of, and when it last happened. */
function OutCause({ where, site }: { readonly where: string; readonly site: string }) {
  const m = useWords(rateWords)
  const f = useFormats()
  const last = useCall(figuresRoutes.outgoingAnswers, { query: { limit: 1, site } }, EVERY)
  const at = last.data?.items[0]?.at
  return (
    <>
      {m.needStoppedMore(where)} {at === undefined ? '' : m.needLast(f.when(at))}
    </>
  )
}

const LOOKED = 50
const MOST_RULES = 3
/** How many went through that would not have, for which rules, and since when. */
function WatchCause({ name, observed }: { readonly name: string; readonly observed: number }) {
  const m = useWords(rateWords)
  const f = useFormats()
  const family = useFamily()
  const query = { site: name, mode: 'detect', limit: LOOKED } as const
  const latest = useCall(gatewayRoutes.refusals, { query }, EVERY)
  const items = latest.data?.items ?? []
  const rules = new Map(
    items.flatMap(({ matches: [first] }) => (first ? [[first.ruleId, family(first)] as const] : [])),
  )
  const named = [...rules].slice(0, MOST_RULES)
  return (
    <>
      {m.needWatchMore(f.n(observed))}{' '}
      {items[0] === undefined || named.length === 0 ? null : (
        <>
          {m.needWatchRules(f.when(items[0].at))}{' '}
          {named.map(([rule, kind], i) => (
            <span key={rule}>
              {i > 0 ? ', ' : ''}
              <Link to="/protect/refusals" search={{ q: `site:${name} mode:detect rule:${rule}` }}>
                <span className="tok">{rule}</span>
              </Link>{' '}
              {kind}
            </span>
          ))}
          {rules.size > MOST_RULES ? ` ${m.needWatchOthers(f.n(rules.size - MOST_RULES))}` : ''}.
        </>
      )}
    </>
  )
}

/** The change that the workers could not take: whose, when, and what it was. */
function BehindCause() {
  const m = useWords(rateWords)
  const s = useWords(siteWords)
  const f = useFormats()
  const why = useReason()
  const latest = useCall(settingsRoutes.history, { query: { limit: 1 } }, { enabled: useMay(settingsRoutes.history) })
  const one = latest.data?.items[0]
  return (
    <>
      {m.needBehindMore}
      {one ? (
        <>
          {' '}
          {s.versionTitle(f.n(one.version))}, {f.when(one.at)}, <Actor id={one.by} />: {why(one)}
          <ChangeList of={one.changes.slice(0, 2)} more={one.more + Math.max(0, one.changes.length - 2)} />
        </>
      ) : null}
    </>
  )
}
