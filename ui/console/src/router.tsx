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
}
const NAMES = ['q', 'from', 'to', 'state', 'by'] as const
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

const console_ = createRoute({
  getParentRoute: () => root,
  path: '/console',
  component: Start,
  beforeLoad: () => {
    const back = takeBack()
    // eslint-disable-next-line typescript/only-throw-error -- the router's own way
    if (back !== undefined) throw redirect({ to: back })
  },
})
const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: console_.options.beforeLoad!,
  component: Start,
})

const protect = () => import('./areas/protect.tsx')

const tree = root.addChildren([
  home,
  console_,
  at('/protect', lazyRouteComponent(protect, 'Protect')),
  at('/protect/refusals', lazyRouteComponent(protect, 'Refusals')),
  at('/protect/refusals/$id', lazyRouteComponent(protect, 'OneRefusal')),
  at(
    '/protect/events',
    lazyRouteComponent(() => import('./areas/events.tsx'), 'Events'),
  ),
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
          <Link className="btn" to="/console">
            {m.home}
          </Link>
        }
      >
        {m.notFoundLead}
      </Empty>
    </>
  )
}
