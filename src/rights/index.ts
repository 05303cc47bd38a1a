export { rightsRoutes } from './contract.ts'
export { rightsPages } from './pages.ts'
