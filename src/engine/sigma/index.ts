export type { Placeholders } from './change.ts'
export { compileRule } from './compile.ts'
export type { CompileOptions } from './detection.ts'
export { SigmaError, type SigmaErrorCode } from './error.ts'
export { EventView, type FieldMapping, type SigmaEvent } from './event.ts'
export { matchRule, type Verdict } from './match.ts'
export { type Level, LEVELS, type LogSource, type SigmaRule } from './rule.ts'
export { compileCorrelation } from './correlation/compile.ts'
export {
  type CorrelationAlert,
  correlator,
  type Correlator,
  type CorrelatorCounts,
  type CorrelatorOptions,
} from './correlation/correlator.ts'
export type { CorrelationRule, CorrelationType, Criteria } from './correlation/rule.ts'
export { type Detected, type Detector, detector, type DetectorRules, isCorrelation } from './detector.ts'
