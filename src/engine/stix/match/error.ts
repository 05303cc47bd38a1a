export type MatchErrorCode =
  /** A constant that has no meaning: WITHIN 0, a set of mixed types, a bad address range. */
  | 'match/constant'
  /** A regular expression outside the supported part of PCRE, or too large. */
  | 'match/regex'
  /** Data that must be a time stamp and is not, or an observation without its times. */
  | 'match/data'
  /** The bounds on work were reached before there was an answer. */
  | 'match/too-complex'

/** A well-formed pattern that cannot be decided on this data. */
export class MatchError extends Error {
  override readonly name = 'MatchError'
  readonly code: MatchErrorCode

  constructor(code: MatchErrorCode, detail: string) {
    super(detail)
    this.code = code
  }
}
