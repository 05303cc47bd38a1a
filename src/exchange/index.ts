export { exchangeRoutes } from './contract.ts'
export { exchangeMigrations, type ExchangeTables } from './store.ts'
export { serveFile } from './serve-file.ts'
