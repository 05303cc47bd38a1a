import { fromBase64 } from '../../bytes/base64.ts'
import { toLatin1 } from '../../bytes/latin1.ts'
import type { Comparison, Literal, Order, PropertyTest } from '../pattern/ast.ts'
import { readInstant } from '../time.ts'
import { readBlock, within } from './address.ts'
import { MatchError } from './error.ts'
import type { Observation, StixLike } from './observation.ts'
import { encodingOf, valuesAt } from './path.ts'
import { compileRegex } from './regex.ts'
import { compareText, likeTest } from './text.ts'

/** Whether one object of an observation passes the inside of `[…]`. AND asks both of the same object (STIX 2.1 §9.5). */
export type ObjectTest = (root: StixLike, observation: Observation) => boolean

/** Bytes are kept as texts of characters below 0x100, so that they compare, LIKE and MATCH as texts do. */
type Value =
  | { readonly kind: 'bytes' | 'text'; readonly text: string }
  | { readonly kind: 'other'; readonly raw: unknown }
type ValueTest = (value: Value) => boolean

/** Throws MatchError for constants without a meaning and regular expressions outside the supported part. */
export function compileTest(test: Comparison): ObjectTest {
  if (test.kind === 'exists') {
    const { path, negated } = test
    return (root, observation) =>
      root['type'] === path.objectType && valuesAt(path, root, observation).length > 0 !== negated
  }
  if (test.kind === 'test') return propertyTest(test)
  const parts = test.parts.map((part) => compileTest(part))
  return test.kind === 'and'
    ? (root, observation) => parts.every((part) => part(root, observation))
    : (root, observation) => parts.some((part) => part(root, observation))
}

/** True when any value at the path passes; `NOT` negates each value's answer, so no value means false. */
function propertyTest(test: PropertyTest): ObjectTest {
  const passes = valueTest(test)
  const encoding = encodingOf(test.path)
  const { path, negated } = test
  return (root, observation) =>
    valuesAt(path, root, observation).some((raw) => passes(readValue(raw, encoding)) !== negated)
}

function readValue(raw: unknown, encoding: 'hex' | 'binary' | undefined): Value {
  if (typeof raw !== 'string') return { kind: 'other', raw }
  const bytes = encoding === 'hex' ? hexText(raw) : encoding === 'binary' ? base64Text(raw) : undefined
  return bytes === undefined ? { kind: 'text', text: raw } : { kind: 'bytes', text: bytes }
}

function valueTest(test: PropertyTest): ValueTest {
  switch (test.operator) {
    case 'IN':
      return inSet(test.value)
    case 'LIKE':
      return textTest(test.value.value, likeTest)
    case 'MATCHES':
      return textTest(test.value.value, compileRegex)
    case 'ISSUBSET':
    case 'ISSUPERSET':
      return rangeTest(test.value.value, test.operator === 'ISSUBSET')
    default:
      return orderTest(test.operator, test.value)
  }
}

/** Constants of one type, whole and other numbers counting as one (§9.2 "sets"). */
function inSet(set: readonly Literal[]): ValueTest {
  const types = new Set(set.map(({ type }) => (type === 'float' ? 'int' : type)))
  if (types.size > 1) throw new MatchError('match/constant', 'the constants of a set must have one type')
  const tests = set.map((each) => orderTest('=', each))
  return (value) => tests.some((each) => each(value))
}

const HOLDS: Readonly<Record<Order, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '>': (order) => order > 0,
  '<': (order) => order < 0,
  '>=': (order) => order >= 0,
  '<=': (order) => order <= 0,
}

/** Values that cannot be compared with the constant are unequal to it and neither above nor below. */
function orderTest(operator: Order, constant: Literal): ValueTest {
  const compare = comparer(constant)
  const holds = HOLDS[operator]
  return (value) => {
    const order = compare(value)
    return order === undefined ? operator === '!=' : holds(order)
  }
}

function comparer(constant: Literal): (value: Value) => number | undefined {
  switch (constant.type) {
    case 'int':
    case 'float':
      return (value) =>
        value.kind === 'other' && typeof value.raw === 'number' ? value.raw - constant.value : undefined
    case 'boolean':
      return (value) =>
        value.kind === 'other' && typeof value.raw === 'boolean'
          ? Number(value.raw) - Number(constant.value)
          : undefined
    case 'timestamp':
      return timeComparer(constant.value)
    case 'string': {
      const narrow = isLatin1(constant.value)
      return (value) =>
        value.kind === 'text' || (value.kind === 'bytes' && narrow)
          ? compareText(value.text, constant.value)
          : undefined
    }
    default: {
      const bytes = (constant.type === 'hex' ? hexText(constant.value) : base64Text(constant.value)) ?? ''
      return (value) =>
        value.kind === 'bytes' || (value.kind === 'text' && isLatin1(value.text))
          ? compareText(value.text, bytes)
          : undefined
    }
  }
}

/** A text met where a time is asked must be one: an answer either way would be a guess (§9.2). */
function timeComparer(constant: string): (value: Value) => number | undefined {
  const wanted = readInstant(constant)
  if (wanted === undefined) throw new MatchError('match/constant', `${constant} is not a time stamp`)
  return (value) => {
    if (value.kind !== 'text') return undefined
    const instant = readInstant(value.text)
    if (instant === undefined) throw new MatchError('match/data', `${value.text.slice(0, 80)} is not a time stamp`)
    return compareText(instant.text, wanted.text)
  }
}

/** LIKE and MATCHES compare texts after NFC; bytes have no normal form. */
function textTest(pattern: string, compile: (pattern: string) => (text: string) => boolean): ValueTest {
  const onText = compile(pattern.normalize('NFC'))
  const onBytes = compile(pattern)
  return (value) =>
    value.kind === 'text' ? onText(value.text.normalize('NFC')) : value.kind === 'bytes' && onBytes(value.text)
}

function rangeTest(constant: string, isSubset: boolean): ValueTest {
  const wanted = readBlock(constant)
  if (wanted === undefined) {
    throw new MatchError('match/constant', `${constant.slice(0, 80)} is not an address or address range`)
  }
  return (value) => {
    const block = value.kind === 'text' ? readBlock(value.text) : undefined
    return block !== undefined && (isSubset ? within(block, wanted) : within(wanted, block))
  }
}

function hexText(hex: string): string | undefined {
  if (hex.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(hex)) return undefined
  return toLatin1(
    Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16)),
  )
}

function base64Text(base64: string): string | undefined {
  const bytes = fromBase64(base64)
  return bytes === undefined ? undefined : toLatin1(bytes)
}

/** Characters above U+00FF are no bytes, so such a text has no place among binary values. */
const isLatin1 = (text: string): boolean => !/[^\u0000-\u00ff]/.test(text)
