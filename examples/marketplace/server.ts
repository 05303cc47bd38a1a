import { runChild } from '../../src/app/child.ts'
import { startShop, type ShopConfig } from './shop.ts'

/** The process that `khien start` forks beside the gateway: told by IPC, ends with its parent, drains on SIGTERM. */
runChild((config) => startShop(config as ShopConfig))
