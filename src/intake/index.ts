export { accountToken } from './account-token.ts'
export { intakeApi } from './api.ts'
export {
  canonicalAddress,
  EVENT_KINDS,
  intakeRoutes,
  type BatchAnswer,
  type EventInput,
  type EventKind,
  type IntakeEvent,
  type Ledger,
  type StoredEvent,
} from './contract.ts'
export { parseQuery } from './query.ts'
export { openIntake, type Intake, type IntakeContext } from './service.ts'
