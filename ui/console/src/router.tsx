import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  redirect,
  type RouteComponent,
} from '@tanstack/react-router'
import { takeBack } from './api.ts'
import { Empty, Failed } from './components/states.tsx'
import { Head } from './components/page.tsx'
import { useWords } from './language.tsx'
import { Start } from './shell/start.tsx'
import { Shell } from './shell/shell.tsx'
import { shellWords } from './words/shell.ts'

/** The state of a list lives in the address: its query, span and choice. */
export type Search = {
  readonly q?: string
  readonly from?: string
  readonly to?: string
  readonly state?: string
  readonly by?: string
  readonly site?: string
  readonly rule?: string
}
const NAMES = ['q', 'from', 'to', 'state', 'by', 'site', 'rule'] as const
function validateSearch(raw: Record<string, unknown>): Search {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = raw[name]
      return typeof value === 'string' || typeof value === 'number' ? [[name, String(value).slice(0, 600)]] : []
    }),
  )
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, validateSearch })
const at = (path: string, component: RouteComponent) =>
  createRoute({ getParentRoute: () => root, path, component, validateSearch })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: Start,
  beforeLoad: () => {
    const back = takeBack()
    // eslint-disable-next-line typescript/only-throw-error -- the router's own way
    if (back !== undefined) throw redirect({ to: back })
  },
})

const protect = () => import('./areas/protect.tsx')
const refusals = () => import('./areas/gateway/refusals.tsx')
const sites = () => import('./areas/gateway/sites.tsx')
const dryRuns = () => import('./areas/gateway/dry-runs.tsx')
const people = () => import('./areas/people.tsx')
const detect = () => import('./areas/detect.tsx')
const cases = () => import('./areas/cases.tsx')
const warn = () => import('./areas/warn.tsx')
const peers = () => import('./areas/peers.tsx')
const reports = () => import('./areas/reports.tsx')
const evidence = () => import('./areas/evidence.tsx')

const tree = root.addChildren([
  home,
  at('/protect', lazyRouteComponent(protect, 'Protect')),
  at('/protect/refusals', lazyRouteComponent(refusals, 'Refusals')),
  at('/protect/refusals/$id', lazyRouteComponent(refusals, 'OneRefusal')),
  at('/protect/sites', lazyRouteComponent(sites, 'Sites')),
  at(
    '/protect/sites/$id',
    lazyRouteComponent(() => import('./areas/gateway/site-page.tsx'), 'OneSite'),
  ),
  at(
    '/protect/history',
    lazyRouteComponent(() => import('./areas/gateway/history.tsx'), 'History'),
  ),
  at(
    '/protect/history/$id',
    lazyRouteComponent(() => import('./areas/gateway/version-page.tsx'), 'OneVersion'),
  ),
  at(
    '/protect/rules',
    lazyRouteComponent(() => import('./areas/gateway/rules.tsx'), 'Rules'),
  ),
  at('/protect/dry-runs', lazyRouteComponent(dryRuns, 'DryRuns')),
  at(
    '/protect/dry-runs/$id',
    lazyRouteComponent(() => import('./areas/gateway/dry-run-page.tsx'), 'OneDryRun'),
  ),
  at(
    '/protect/rates',
    lazyRouteComponent(() => import('./areas/gateway/rates.tsx'), 'Rates'),
  ),
  at(
    '/protect/outgoing',
    lazyRouteComponent(() => import('./areas/gateway/outgoing.tsx'), 'Outgoing'),
  ),
  at(
    '/protect/events',
    lazyRouteComponent(() => import('./areas/events.tsx'), 'Events'),
  ),
  at('/people', lazyRouteComponent(people, 'Purposes')),
  at('/people/reads', lazyRouteComponent(people, 'Reads')),
  at(
    '/people/find',
    lazyRouteComponent(() => import('./areas/people-find.tsx'), 'Find'),
  ),
  at(
    '/people/vault',
    lazyRouteComponent(() => import('./areas/vault.tsx'), 'Vault'),
  ),
  at(
    '/people/backups',
    lazyRouteComponent(() => import('./areas/backups.tsx'), 'Backups'),
  ),
  at(
    '/people/$id',
    lazyRouteComponent(() => import('./areas/person.tsx'), 'OnePerson'),
  ),
  at('/detect', lazyRouteComponent(detect, 'Detect')),
  at('/detect/alerts', lazyRouteComponent(detect, 'Alerts')),
  at('/detect/alerts/$id', lazyRouteComponent(detect, 'OneAlert')),
  at(
    '/detect/recipients',
    lazyRouteComponent(() => import('./areas/recipients.tsx'), 'Recipients'),
  ),
  at('/detect/rules', lazyRouteComponent(detect, 'Rules')),
  at('/detect/cases', lazyRouteComponent(cases, 'Cases')),
  at('/detect/cases/$id', lazyRouteComponent(cases, 'OneCase')),
  at(
    '/detect/events',
    lazyRouteComponent(() => import('./areas/events.tsx'), 'Events'),
  ),
  at(
    '/share',
    lazyRouteComponent(() => import('./areas/share.tsx'), 'Share'),
  ),
  at(
    '/share/indicators',
    lazyRouteComponent(() => import('./areas/indicators.tsx'), 'Indicators'),
  ),
  at(
    '/share/indicators/$id',
    lazyRouteComponent(() => import('./areas/indicator-page.tsx'), 'OneIndicator'),
  ),
  at(
    '/share/centre',
    lazyRouteComponent(() => import('./areas/centre.tsx'), 'Centre'),
  ),
  at('/share/peers', lazyRouteComponent(peers, 'Peers')),
  at(
    '/share/transfers',
    lazyRouteComponent(() => import('./areas/transfers.tsx'), 'Transfers'),
  ),
  at(
    '/share/blocks',
    lazyRouteComponent(() => import('./areas/blocks.tsx'), 'Blocks'),
  ),
  at('/warn', lazyRouteComponent(warn, 'Warn')),
  at('/warn/infections', lazyRouteComponent(warn, 'Infections')),
  at('/warn/infections/$id', lazyRouteComponent(warn, 'OneInfection')),
  at('/warn/notices', lazyRouteComponent(warn, 'Notices')),
  at('/warn/attribution', lazyRouteComponent(warn, 'Attribution')),
  at('/reports', lazyRouteComponent(reports, 'Reports')),
  at('/reports/$id', lazyRouteComponent(reports, 'OneReport')),
  at('/evidence', lazyRouteComponent(evidence, 'Evidence')),
  at('/evidence/$id', lazyRouteComponent(evidence, 'OneAct')),
])

export const router = createRouter({
  routeTree: tree,
  defaultPreload: 'intent',
  defaultErrorComponent: ({ error }) => <Failed error={error as Error} />,
})

function NotFound() {
  const m = useWords(shellWords)
  return (
    <>
      <Head title={m.notFound} name={m.notFound} />
      <Empty
        title={m.notFound}
        acts={
          <Link className="btn" to="/">
            {m.home}
          </Link>
        }
      >
        {m.notFoundLead}
      </Empty>
    </>
  )
}
