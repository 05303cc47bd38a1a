import type { Comparison, Literal, ObjectPath, PathStep, Pattern, Qualifier } from './ast.ts'

/** The text of a pattern; `parsePattern(printPattern(p))` equals `p` (STIX 2.1 §9). */
export function printPattern(pattern: Pattern): string {
  switch (pattern.kind) {
    case 'observation':
      return `[${printComparison(pattern.test)}]`
    case 'qualified': {
      const inner = printPattern(pattern.of)
      return `${isPlain(pattern) ? inner : `(${inner})`} ${printQualifier(pattern.qualifier)}`
    }
    default:
      return pattern.parts.map((part) => operand(part)).join(` ${pattern.kind.toUpperCase()} `)
  }
}

const operand = (part: Pattern): string =>
  part.kind === 'observation' || part.kind === 'qualified' ? printPattern(part) : `(${printPattern(part)})`

/** Qualifiers follow each other without parentheses, except a second of one kind on a bare `[…]`. */
function isPlain(pattern: Pattern & { kind: 'qualified' }): boolean {
  if (pattern.of.kind !== 'qualified') return pattern.of.kind === 'observation'
  const seen = new Set<string>()
  let at: Pattern = pattern
  let twice = false
  for (; at.kind === 'qualified'; at = at.of) {
    twice ||= seen.has(at.qualifier.kind)
    seen.add(at.qualifier.kind)
  }
  return !twice || at.kind !== 'observation'
}

function printQualifier(qualifier: Qualifier): string {
  if (qualifier.kind === 'within') {
    const seconds = decimal(qualifier.seconds)
    // A whole number is read exactly or not at all; past 2^53 it is written as the other kind.
    return `WITHIN ${Number.isSafeInteger(qualifier.seconds) ? seconds : withPoint(seconds)} SECONDS`
  }
  if (qualifier.kind === 'repeats') return `REPEATS ${qualifier.times} TIMES`
  return `START t'${qualifier.start}' STOP t'${qualifier.stop}'`
}

/** The inside of `[…]`. */
export function printComparison(test: Comparison): string {
  if (test.kind === 'exists') return `${test.negated ? 'NOT ' : ''}EXISTS ${printPath(test.path)}`
  if (test.kind === 'test') {
    const constant =
      test.operator === 'IN' ? `(${test.value.map((each) => printLiteral(each)).join(', ')})` : printLiteral(test.value)
    return `${printPath(test.path)} ${test.negated ? 'NOT ' : ''}${test.operator} ${constant}`
  }
  return test.parts
    .map((part) => (part.kind === 'and' || part.kind === 'or' ? `(${printComparison(part)})` : printComparison(part)))
    .join(` ${test.kind.toUpperCase()} `)
}

/** `file:hashes.'SHA-256'`, `x:list[*].name`. */
export function printPath(path: ObjectPath): string {
  const [first, ...rest] = path.steps
  return `${path.objectType}:${first === undefined ? '' : printKey(first)}${rest.map((step) => printStep(step)).join('')}`
}

function printStep(step: PathStep): string {
  if (step.kind === 'key') return `.${printKey(step)}`
  return step.kind === 'any' ? '[*]' : `[${step.index}]`
}

const RESERVED =
  /^(?:AND|OR|NOT|FOLLOWEDBY|LIKE|MATCHES|ISSUPERSET|ISSUBSET|EXISTS|LAST|IN|START|STOP|SECONDS|true|false|WITHIN|REPEATS|TIMES)$/

function printKey(step: PathStep): string {
  if (step.kind !== 'key') return printStep(step)
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(step.name) && !RESERVED.test(step.name) ? step.name : quote(step.name)
}

function printLiteral(literal: Literal): string {
  switch (literal.type) {
    case 'string':
      return quote(literal.value)
    case 'timestamp':
      return `t'${literal.value}'`
    case 'hex':
      return `h'${literal.value}'`
    case 'binary':
      return `b'${literal.value}'`
    case 'float':
      return withPoint(decimal(literal.value))
    default:
      return String(literal.value)
  }
}

const quote = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`
const withPoint = (text: string): string => (text.includes('.') ? text : `${text}.0`)

/** The shortest decimal that reads back as the number, without an exponent: the language has none. */
function decimal(value: number): string {
  const [digits = '', power] = String(value).split('e')
  if (power === undefined) return digits
  const sign = digits.startsWith('-') ? '-' : ''
  const [whole = '', part = ''] = digits.slice(sign.length).split('.')
  const point = whole.length + Number(power)
  const all = whole + part
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${all}`
  return `${sign}${all.padEnd(point, '0').slice(0, point)}${all.length > point ? `.${all.slice(point)}` : ''}`
}
