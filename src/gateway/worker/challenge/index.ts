export { challenges, type Challenges, type Counted, type Demand, type Permit } from './clients.ts'
export { demandCheck, sendScript } from './demand.ts'
export { SCRIPT_PATH } from './page.ts'
export { challengeSecret } from './secret.ts'
