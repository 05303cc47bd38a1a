import type {
  Comparison,
  ExistsTest,
  Literal,
  ObjectPath,
  Order,
  PathStep,
  Pattern,
  PropertyTest,
  Qualifier,
} from './ast.ts'
import { PatternError, type PatternErrorCode } from './error.ts'
import { checkHashes } from './hash-constants.ts'
import { type Token, type TokenKind, tokens } from './lexer.ts'

/** Parentheses and qualifiers deeper than this are refused; the parser and all that walk its result recurse. */
export const DEPTH_LIMIT = 100

const ORDERS: readonly string[] = ['=', '!=', '>', '<', '>=', '<='] satisfies Order[]
const PRIMITIVES: ReadonlySet<TokenKind> = new Set(['int', 'float', 'string', 'hex', 'binary', 'timestamp'])

/**
 * STIX 2.1 §9 pattern text to its tree; throws PatternError with the place. AND binds tighter than OR, OR tighter than
 * FOLLOWEDBY; a qualifier belongs to the `[…]` or parentheses directly before it.
 */
export function parsePattern(text: string): Pattern {
  const parser = new Parser(text)
  const pattern = parser.observations()
  parser.end()
  return pattern
}

class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokens(text)
  }

  // FOLLOWEDBY of ORs of ANDs of qualified observations
  observations(): Pattern {
    return this.#chain('FOLLOWEDBY', 'followedby', () =>
      this.#chain('OR', 'or', () => this.#chain('AND', 'and', () => this.#observation())),
    )
  }

  #observation(): Pattern {
    const bare = this.#peek('[')
    let pattern: Pattern
    if (this.#take('[')) {
      pattern = { kind: 'observation', test: this.#comparison() }
      this.#expect(']')
    } else if (this.#take('(')) {
      pattern = this.#deeper(() => this.observations())
      this.#expect(')')
    } else throw this.#wrong('expected [ or (')
    const seen = new Set<string>()
    for (;;) {
      const { at } = this.#next
      const qualifier = this.#qualifier()
      if (qualifier === undefined) return pattern
      // `[…] WITHIN 5 SECONDS WITHIN 6 SECONDS` is refused, `([…]) WITHIN 5 SECONDS WITHIN 6 SECONDS` is not.
      if (bare && seen.has(qualifier.kind)) {
        throw this.#fault('pattern/duplicate-qualifier', `${qualifier.kind.toUpperCase()} is given twice`, at)
      }
      seen.add(qualifier.kind)
      pattern = { kind: 'qualified', of: pattern, qualifier }
      if (++this.#qualifiers > DEPTH_LIMIT) throw this.#fault('pattern/too-large', 'too many qualifiers', at)
    }
  }
  #qualifiers = 0

  #qualifier(): Qualifier | undefined {
    if (this.#take('WITHIN')) {
      const seconds = this.#number(['int', 'float'])
      this.#expect('SECONDS')
      return { kind: 'within', seconds }
    }
    if (this.#take('REPEATS')) {
      const times = this.#number(['int'])
      this.#expect('TIMES')
      return { kind: 'repeats', times }
    }
    if (!this.#take('START')) return undefined
    const start = this.#kind('timestamp', "a time stamp such as t'2026-01-01T00:00:00Z'").text
    this.#expect('STOP')
    return { kind: 'startstop', start, stop: this.#kind('timestamp', 'a time stamp').text }
  }

  #comparison(): Comparison {
    return this.#chain('OR', 'or', () => this.#chain('AND', 'and', () => this.#propertyTest()))
  }

  #propertyTest(): Comparison {
    if (this.#take('(')) {
      const inner = this.#deeper(() => this.#comparison())
      this.#expect(')')
      return inner
    }
    if (this.#take('EXISTS')) return this.#exists(false)
    if (this.#take('NOT')) {
      this.#expect('EXISTS')
      return this.#exists(true)
    }
    const path = this.#path()
    const negated = this.#take('NOT')
    const { at } = this.#next
    const test = this.#operator(path, negated)
    const wrong = checkHashes(test)
    if (wrong !== undefined) throw this.#fault('pattern/hash', wrong, at)
    return test
  }

  #exists(negated: boolean): ExistsTest {
    return { kind: 'exists', path: this.#path(), negated }
  }

  #operator(path: ObjectPath, negated: boolean): PropertyTest {
    const { kind, text } = this.#next
    const base = { kind: 'test', path, negated } as const
    if (kind === 'sign' && ORDERS.includes(text)) {
      this.#at++
      const operator = text as Order
      return { ...base, operator, value: this.#literal(operator === '=' || operator === '!=') }
    }
    if (this.#take('IN')) return { ...base, operator: 'IN', value: this.#set() }
    for (const operator of ['LIKE', 'MATCHES', 'ISSUBSET', 'ISSUPERSET'] as const) {
      if (!this.#take(operator)) continue
      return { ...base, operator, value: { type: 'string', value: this.#kind('string', 'a quoted text').text } }
    }
    throw this.#wrong('expected a comparison: = != > < >= <= IN LIKE MATCHES ISSUBSET ISSUPERSET')
  }

  #set(): Literal[] {
    this.#expect('(')
    const out: Literal[] = []
    if (this.#take(')')) return out
    do out.push(this.#literal(true))
    while (this.#take(','))
    this.#expect(')')
    return out
  }

  /** Booleans have no order, so `>` and its like take none. */
  #literal(booleans: boolean): Literal {
    const token = this.#next
    if (booleans && token.kind === 'keyword' && (token.text === 'true' || token.text === 'false')) {
      this.#at++
      return { type: 'boolean', value: token.text === 'true' }
    }
    if (!PRIMITIVES.has(token.kind)) throw this.#wrong('expected a constant')
    if (token.kind === 'int' || token.kind === 'float') {
      return { type: token.kind, value: this.#signedNumber([token.kind]) }
    }
    this.#at++
    return { type: token.kind as 'string' | 'hex' | 'binary' | 'timestamp', value: token.text }
  }

  #path(): ObjectPath {
    const type = this.#next
    if (type.kind !== 'word' && type.kind !== 'hyphenated') throw this.#wrong('expected an object path (type:property)')
    this.#at++
    this.#expect(':')
    const steps: PathStep[] = [this.#key()]
    for (;;) {
      if (this.#take('.')) steps.push(this.#key())
      else if (this.#take('[')) {
        steps.push(this.#take('*') ? { kind: 'any' } : { kind: 'index', index: this.#signedNumber(['int']) })
        this.#expect(']')
      } else return { objectType: type.text, steps }
    }
  }

  #key(): PathStep {
    const token = this.#next
    if (token.kind !== 'word' && token.kind !== 'string') {
      throw this.#wrong(token.kind === 'hyphenated' ? 'a name with a hyphen needs quotes' : 'expected a property name')
    }
    this.#at++
    return { kind: 'key', name: token.text }
  }

  #number(kinds: readonly TokenKind[]): number {
    if (this.#next.text.startsWith('-')) throw this.#wrong('expected a positive number')
    return this.#signedNumber(kinds)
  }

  #signedNumber(kinds: readonly TokenKind[]): number {
    const token = this.#next
    if (!kinds.includes(token.kind))
      throw this.#wrong(kinds.length > 1 ? 'expected a number' : 'expected a whole number')
    const value = Number(token.text)
    // Beyond 2^53 two different constants would compare as one (§2.10).
    if (!Number.isFinite(value) || (token.kind === 'int' && !Number.isSafeInteger(value))) {
      throw this.#fault('pattern/token', 'the number is too large', token.at)
    }
    this.#at++
    // There is one zero.
    return value === 0 ? 0 : value
  }

  #chain<K extends 'and' | 'or' | 'followedby', P>(
    word: string,
    kind: K,
    operand: () => P,
  ): P | { kind: K; parts: P[] } {
    const first = operand()
    if (!this.#peek(word)) return first
    const parts = [first]
    while (this.#take(word)) parts.push(operand())
    return { kind, parts }
  }

  #deeper<T>(inner: () => T): T {
    if (++this.#depth > DEPTH_LIMIT) throw this.#fault('pattern/too-large', 'nested too deeply', this.#next.at)
    const result = inner()
    this.#depth--
    return result
  }

  get #next(): Token {
    return this.#tokens[this.#at]!
  }

  #peek(text: string): boolean {
    const { kind, text: here } = this.#next
    return (kind === 'sign' || kind === 'keyword') && here === text
  }

  #take(text: string): boolean {
    const here = this.#peek(text)
    if (here) this.#at++
    return here
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#wrong(`expected ${text}`)
  }

  #kind(kind: TokenKind, what: string): Token {
    const token = this.#next
    if (token.kind !== kind) throw this.#wrong(`expected ${what}`)
    this.#at++
    return token
  }

  end(): void {
    if (this.#next.kind !== 'end') throw this.#wrong('expected the end of the pattern')
  }

  #wrong(expected: string): PatternError {
    const { kind, text, at } = this.#next
    return this.#fault('pattern/syntax', `${expected}, found ${kind === 'end' ? 'the end' : JSON.stringify(text)}`, at)
  }

  #fault(code: PatternErrorCode, detail: string, at: number): PatternError {
    return new PatternError(code, detail, this.#text, at)
  }
}
