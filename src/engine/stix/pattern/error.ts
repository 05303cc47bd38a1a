export type PatternErrorCode =
  /** Longer than `PATTERN_LIMIT`, or nested deeper than `DEPTH_LIMIT`. */
  | 'pattern/too-large'
  /** A character or literal that the language does not have. */
  | 'pattern/token'
  /** Known words in an order that the grammar does not allow. */
  | 'pattern/syntax'
  /** One qualifier twice on one `[…]`. */
  | 'pattern/duplicate-qualifier'
  /** A hash whose length or alphabet does not fit its algorithm. */
  | 'pattern/hash'

/** The pattern is not STIX patterning. `at` is the offset in UTF-16 units, `line` and `column` count from 1. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
  readonly code: PatternErrorCode
  readonly at: number
  readonly line: number
  readonly column: number

  constructor(code: PatternErrorCode, detail: string, text: string, at: number) {
    const before = text.slice(0, at).split('\n')
    const line = before.length
    const column = before.at(-1)!.length + 1
    super(`${line}:${column}: ${detail}`)
    this.code = code
    this.at = at
    this.line = line
    this.column = column
  }
}
