export { MatchError, type MatchErrorCode } from './match/error.ts'
export { compilePattern, type Match, type Matcher, matchPattern } from './match/match.ts'
export { type Observation, OBSERVATIONS_LIMIT, readObservations } from './match/observation.ts'
export type {
  Comparison,
  Literal,
  ObjectPath,
  ObservationTest,
  PathStep,
  Pattern,
  PropertyTest,
  Qualifier,
} from './pattern/ast.ts'
export { PatternError, type PatternErrorCode } from './pattern/error.ts'
export { PATTERN_LIMIT } from './pattern/lexer.ts'
export { parsePattern } from './pattern/parse.ts'
export { printPath, printPattern } from './pattern/print.ts'
export { validateBundle } from './rules/bundle.ts'
export type { StixFault, StixFaultCode } from './rules/fault.ts'
export { observableId, type Sha1 } from './rules/identity.ts'
export { TLP_MARKINGS } from './rules/tlp.ts'
export { validateObject, type ValidateOptions } from './rules/validate.ts'
