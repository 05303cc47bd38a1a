import type { Bound, Frame } from '../http/index.ts'
import { gatewayApi } from './api.ts'
import { gatewayPages as pages } from './pages.ts'
import type { RefusalStore } from './refusals.ts'

export { gatewayRoutes } from './contract.ts'
export { gatewayMessages } from './messages.ts'
export { refusalStore, type RefusalStore } from './refusals.ts'
export { gatewayMigrations } from './store.ts'
export { safeHost, safePath } from './worker/refusal.ts'

/** Refusals on the internal listener: as pages, and as data for the console. `alive` tells whether a session is open. */
export const gatewayPages = (
  store: RefusalStore,
  frame: Frame,
  alive: (session: string) => Promise<boolean>,
): readonly Bound[] => [...pages(store, frame, alive), ...gatewayApi(store, alive)]
