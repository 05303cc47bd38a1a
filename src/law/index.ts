export { clockAt, deadline, deadlineOf, type ClockKind, type LegalClock } from './clocks.ts'
export { dayInVietnam, holds, inForce, type Dated } from './dated.ts'
export { GROUNDS, groundAt, type GroundKind } from './grounds.ts'
export { classOf, DATA_KINDS, type DataClass, type DataKind } from './classes.ts'
