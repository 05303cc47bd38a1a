export { countSubjects } from './count.ts'
export { findPersonalData, type FindOptions } from './find.ts'
export { ALL_KINDS, type Confidence, type Finding, type Kind, KINDS } from './kinds.ts'
export { recognise, type RecogniseOptions } from './recognise.ts'
