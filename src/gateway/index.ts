import { gatewayRoutes as refusalRoutes } from './contract.ts'
import { settingsRoutes } from './settings/contract.ts'
import { figuresRoutes } from './figures/contract.ts'
import { trafficRoutes } from './traffic/contract.ts'
import { tuningRoutes } from './tuning/contract.ts'

export const gatewayRoutes = {
  ...refusalRoutes,
  ...settingsRoutes,
  ...tuningRoutes,
  ...trafficRoutes,
  ...figuresRoutes,
} as const
export { gatewayMessages } from './messages.ts'
export { refusalStore, type RefusalStore } from './refusals.ts'
export { gatewayMigrations } from './store.ts'
export { trafficKeyMigrations } from './traffic/store.ts'
export { openGateway, type GatewayControl } from './gateway.ts'
export { currentSettings, type CurrentSettings } from './settings/current.ts'
export { suddenFiring } from './tuning/firing.ts'
