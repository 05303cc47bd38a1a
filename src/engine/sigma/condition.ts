import { SigmaError } from './error.ts'
import type { Condition } from './rule.ts'

const CONDITION_LIMIT = 10_000
const DEPTH_LIMIT = 100
const WORD = /[A-Za-z0-9_.*?-]/
const RESERVED = new Set(['and', 'or', 'not', 'of', 'them'])

/**
 * A condition over search identifiers (rules specification, Condition), binding from least to most: `or`, `and`, `not`,
 * `1 of` / `all of`, brackets. Throws SigmaError `condition/…`; the old aggregations behind a pipe are refused by name.
 */
export function parseCondition(text: string, names: readonly string[]): Condition {
  if (text.length > CONDITION_LIMIT) throw new SigmaError('condition/syntax', '', 'the condition is too long')
  return new ConditionParser(words(text), names).whole()
}

function words(text: string): string[] {
  const out: string[] = []
  let at = 0
  while (at < text.length) {
    const char = text[at]!
    if (char === '|') {
      throw new SigmaError(
        'condition/aggregation',
        '',
        'aggregations behind | are deprecated: write a correlation rule',
      )
    }
    if (/\s/.test(char)) at++
    else if (char === '(' || char === ')') {
      out.push(char)
      at++
    } else {
      const from = at
      while (at < text.length && WORD.test(text[at]!)) at++
      if (at === from) throw new SigmaError('condition/syntax', '', `unexpected ${JSON.stringify(char)}`)
      out.push(text.slice(from, at))
    }
  }
  return out
}

class ConditionParser {
  readonly #words: readonly string[]
  readonly #names: readonly string[]
  #at = 0
  #depth = 0

  constructor(words: readonly string[], names: readonly string[]) {
    this.#words = words
    this.#names = names
  }

  whole(): Condition {
    const condition = this.#or()
    if (this.#at < this.#words.length) throw wrong(`unexpected ${JSON.stringify(this.#words[this.#at])}`)
    return condition
  }

  #or(): Condition {
    if (++this.#depth > DEPTH_LIMIT) throw wrong('nested too deeply')
    const parts = [this.#and()]
    while (this.#take('or')) parts.push(this.#and())
    this.#depth--
    return join('any', parts)
  }

  #and(): Condition {
    const parts = [this.#not()]
    while (this.#take('and')) parts.push(this.#not())
    return join('all', parts)
  }

  #not(): Condition {
    if (!this.#take('not')) return this.#operand()
    if (++this.#depth > DEPTH_LIMIT) throw wrong('nested too deeply')
    const part = this.#not()
    this.#depth--
    return { kind: 'not', part }
  }

  #operand(): Condition {
    const word = this.#words[this.#at++]
    if (word === undefined) throw wrong('a search identifier is missing at the end')
    if (word === '(') {
      const inner = this.#or()
      if (!this.#take(')')) throw wrong('expected )')
      return inner
    }
    if (this.#words[this.#at] === 'of') {
      this.#at++
      if (word !== '1' && word !== 'all' && word !== 'any') throw wrong(`expected 1 of or all of, got ${word} of`)
      return this.#of(word === 'all' ? 'all' : 'any')
    }
    if (word === ')' || RESERVED.has(word)) throw wrong(`unexpected ${word}`)
    if (!this.#names.includes(word)) throw unknown(word)
    return { kind: 'selection', name: word }
  }

  #of(kind: 'all' | 'any'): Condition {
    const pattern = this.#words[this.#at++]
    if (pattern === undefined || pattern === '(' || pattern === ')')
      throw wrong('a search identifier is missing behind of')
    // An identifier that begins with _ is for other identifiers' use, not for `them`.
    const found =
      pattern === 'them'
        ? this.#names.filter((name) => !name.startsWith('_'))
        : this.#names.filter((name) => fits(pattern.split('*'), name))
    if (found.length === 0) throw unknown(pattern)
    return join(
      kind,
      found.map((name) => ({ kind: 'selection', name })),
    )
  }

  #take(word: string): boolean {
    if (this.#words[this.#at] !== word) return false
    this.#at++
    return true
  }
}

/** Only `*` is a wildcard here, and case counts. */
function fits(pieces: readonly string[], name: string): boolean {
  const [first, last] = [pieces[0]!, pieces.at(-1)!]
  if (pieces.length === 1) return name === first
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return at <= name.length - last.length
}

const join = (kind: 'all' | 'any', parts: Condition[]): Condition => (parts.length === 1 ? parts[0]! : { kind, parts })
const wrong = (what: string): SigmaError => new SigmaError('condition/syntax', '', what)
const unknown = (name: string): SigmaError =>
  new SigmaError('condition/unknown-selection', '', `no search identifier ${JSON.stringify(name.slice(0, 100))}`)

/** The search identifiers a condition mentions, each once. */
export function namesIn(condition: Condition): string[] {
  const names = new Set<string>()
  const walk = (part: Condition): void => {
    if (part.kind === 'selection') names.add(part.name)
    else if (part.kind === 'not') walk(part.part)
    else part.parts.forEach(walk)
  }
  walk(condition)
  return [...names]
}
