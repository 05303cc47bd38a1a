import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { figuresRoutes } from '../../../../../src/gateway/figures/contract.ts'
import { useCall } from '../../api.ts'
import type { Need } from '../../components/needs-now.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { rateWords } from '../../words/rates.ts'
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
  const behind = workers.filter((one) => one.version < version && one.errors > 0).length
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
            more: m.needStoppedMore(`${worst.site} ${worst.route ?? ''}`.trim()),
            to: '/protect/outgoing',
            act: m.needStoppedAct,
          },
        ]
      : []),
    ...(behind > 0
      ? [
          {
            ...plain,
            key: 'behind',
            what: m.needBehind(f.n(behind), f.n(version)),
            more: m.needBehindMore,
            to: '/protect/sites',
            act: m.needBehindAct,
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
        more: m.needWatchMore(f.n(observed)),
        to: '/protect/refusals',
        search: { q: `site:${name} mode:detect` },
        act: m.needWatchAct,
      })),
  ]
}
