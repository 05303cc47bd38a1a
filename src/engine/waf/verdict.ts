/** What came before the body. Strings are latin1: one character is one byte as received. */
export type RequestHead = {
  readonly method: string
  /** As on the request line: `/a?b=1`. */
  readonly target: string
  /** `1.1`, `2` */
  readonly httpVersion: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly clientAddress: string
  readonly clientPort: number
  readonly serverAddress?: string
  readonly serverPort?: number
  /** UNIQUE_ID; rules that sample by it need it to differ from request to request. */
  readonly uniqueId?: string
}

/** `protocol` as in the status line: `HTTP/1.1`. Strings are latin1. */
export type ResponseHead = {
  readonly status: number
  readonly protocol: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

export type RuleMatch = {
  readonly ruleId: number
  readonly message: string
  readonly severity: string
  readonly tags: string[]
  readonly place: string
  /** What matched, made safe to keep and show: see `maskMatch`. */
  readonly masked: string
  /** Added to the anomaly score by this match. */
  readonly score: number
}

export type Action = 'pass' | 'deny' | 'drop' | 'redirect'

export type Verdict = {
  /** True when `action` is not `pass`. */
  readonly refused: boolean
  readonly action: Action
  readonly status: number
  /** Where to, when `action` is `redirect`; latin1. */
  readonly redirect?: string
  /** The anomaly score of the rules and their threshold; 0 when the rules keep none. */
  readonly score: number
  readonly threshold: number
  /** At most 32, three of one rule; `ruleIds` goes on to 1,000. */
  readonly matches: readonly RuleMatch[]
  /** Every rule that matched and logs, in order, each once a match, as ModSecurity writes them to its error log. */
  readonly ruleIds: readonly number[]
}

/**
 * One request under one plan: the phases in order, each once. Each gives the verdict so far; after a refusal later phases change nothing
 * but `finish`. Nothing throws, whatever the bytes.
 */
export type Transaction = {
  /** Phase 1. */
  inspectHead(): Verdict
  /** Phase 2; for a request without a body too, with an empty one. */
  inspectBody(body: Uint8Array): Verdict
  /** Phase 3. */
  inspectResponseHead(head: ResponseHead): Verdict
  /** After phase 3: whether phase 4 looks at a body of this media type. When not, give phase 4 an empty one. */
  wantsResponseBody(): boolean
  /** Phase 4. The body decoded (no Content-Encoding), at most `responseBodyLimit` bytes of it. */
  inspectResponseBody(body: Uint8Array): Verdict
  /** Phase 5, the last: rules that only record. Its rules refuse nothing. */
  finish(): Verdict
  /** A variable of TX as the rules left it, latin1; undefined when they never set it. */
  variable(name: string): string | undefined
}
