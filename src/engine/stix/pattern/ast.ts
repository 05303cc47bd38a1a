/**
 * A pattern as plain data (STIX 2.1 §9). `and`, `or` and `followedby` hold their operands in order, at least two: chains
 * of one operator are flat, `a OP b OP c` meaning `(a OP b) OP c`; an operand in parentheses is a node of its own.
 */
export type Pattern =
  | ObservationTest
  | { readonly kind: 'and' | 'or' | 'followedby'; readonly parts: readonly Pattern[] }
  | Qualified

/** `[…]`: one observation whose objects pass. */
export type ObservationTest = { readonly kind: 'observation'; readonly test: Comparison }
export type Qualified = { readonly kind: 'qualified'; readonly of: Pattern; readonly qualifier: Qualifier }

export type Qualifier =
  | { readonly kind: 'within'; readonly seconds: number }
  | { readonly kind: 'repeats'; readonly times: number }
  /** Time stamps without the quotes: `2016-06-01T00:00:00Z`. */
  | { readonly kind: 'startstop'; readonly start: string; readonly stop: string }

export type Comparison =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Comparison[] }
  | PropertyTest
  | ExistsTest

export type Order = '=' | '!=' | '>' | '<' | '>=' | '<='
export type TextOperator = 'LIKE' | 'MATCHES' | 'ISSUBSET' | 'ISSUPERSET'
/** `path NOT? operator constant`. */
export type PropertyTest = { readonly kind: 'test'; readonly path: ObjectPath; readonly negated: boolean } & (
  | { readonly operator: Order; readonly value: Literal }
  | { readonly operator: 'IN'; readonly value: readonly Literal[] }
  | { readonly operator: TextOperator; readonly value: Literal & { readonly type: 'string' } }
)
export type ExistsTest = { readonly kind: 'exists'; readonly path: ObjectPath; readonly negated: boolean }

export type Literal =
  | { readonly type: 'string' | 'timestamp' | 'hex' | 'binary'; readonly value: string }
  | { readonly type: 'int' | 'float'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }

/** `file:hashes.'SHA-256'`: type `file`, steps `hashes`, `SHA-256`. The first step is always a key. */
export type ObjectPath = { readonly objectType: string; readonly steps: readonly PathStep[] }
export type PathStep =
  | { readonly kind: 'key'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'any' }
