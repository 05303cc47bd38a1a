export { countSubjects } from './count.ts'
export { findPersonalData, type FindOptions } from './find.ts'
export { KINDS, type Finding, type Kind } from './kinds.ts'
