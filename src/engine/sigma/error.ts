export type SigmaErrorCode =
  /** The document or one of its attributes is missing, of a wrong type or of a kind this engine does not take. */
  | 'rule/shape'
  | 'rule/kind'
  | 'rule/taxonomy'
  /** A search identifier that is no map, no list, or holds nothing. */
  | 'detection/shape'
  | 'detection/empty'
  /** `timeframe` belonged to the aggregations that correlation rules replaced. */
  | 'detection/timeframe'
  | 'modifier/unknown'
  /** In the specification, not in this engine. */
  | 'modifier/unsupported'
  /** Known modifiers in an order or a company that has no meaning. */
  | 'modifier/combination'
  | 'modifier/placeholder'
  | 'value/type'
  | 'value/regex'
  | 'value/cidr'
  | 'value/too-large'
  | 'condition/syntax'
  | 'condition/unknown-selection'
  /** `| count()` and its like. */
  | 'condition/aggregation'
  | 'correlation/shape'
  | 'correlation/type'
  | 'correlation/condition'
  | 'correlation/reference'
  | 'correlation/too-large'
  /** At matching time: an event or a regular expression that would take too long. */
  | 'match/too-complex'

/** A rule says something this engine does not do, or says it wrongly. `path` names the place: `detection.sel.Image|re`. */
export class SigmaError extends Error {
  override readonly name = 'SigmaError'
  readonly code: SigmaErrorCode
  readonly path: string

  constructor(code: SigmaErrorCode, path: string, message: string) {
    super(message)
    this.code = code
    this.path = path
  }
}

/** Runs `make`; a SigmaError that does not know its place is given `path`. */
export function at<T>(path: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof SigmaError && error.path === '') throw new SigmaError(error.code, path, error.message)
    throw error
  }
}
