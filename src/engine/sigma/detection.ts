import type { Placeholders } from './change.ts'
import { at, SigmaError } from './error.ts'
import type { FieldMapping } from './event.ts'
import { type Modifiers, readModifiers } from './modifiers.ts'
import type { FieldComparison, Search, ValueTest } from './rule.ts'
import { compileValue, describe } from './value.ts'

export type CompileOptions = {
  /** Field names of the rule to those of the event; a field that is not listed keeps its name. */
  readonly mapping?: FieldMapping
  /** Values for `expand`; without them a rule with placeholders is refused. */
  readonly placeholders?: Placeholders
  /**
   * `field: null` also matches an absent field. Off by default: absent, null and "" are three things; rule sets written
   * for stores that cannot tell the first two apart may need it.
   */
  readonly absentIsNull?: boolean
}

const ITEMS_LIMIT = 20_000
const DEPTH_LIMIT = 10

/**
 * A search identifier to what it demands (rules specification, Detection): a map joins its fields with AND, a list its
 * items with OR; strings and numbers in a list are keywords. Throws SigmaError with the path of the fault.
 */
export function compileSearch(data: unknown, path: string, options: CompileOptions, depth = 0): Search {
  if (depth > DEPTH_LIMIT) throw new SigmaError('detection/shape', path, 'nested too deeply')
  if (Array.isArray(data)) {
    size(data.length, path)
    return { kind: 'any', parts: data.map((item, i) => listItem(item, `${path}.${i}`, options, depth)) }
  }
  if (typeof data === 'object' && data !== null) {
    const entries = Object.entries(data)
    size(entries.length, path)
    return { kind: 'all', parts: entries.map(([key, value]) => field(key, value, `${path}.${key}`, options)) }
  }
  if (typeof data === 'string' && data !== '') return listItem(data, path, options, depth)
  throw new SigmaError('detection/shape', path, `expected a map or a list, got ${describe(data)}`)
}

function size(length: number, path: string): void {
  if (length === 0) throw new SigmaError('detection/empty', path, 'holds nothing to look for')
  if (length > ITEMS_LIMIT) throw new SigmaError('value/too-large', path, `more than ${ITEMS_LIMIT} items`)
}

function listItem(item: unknown, path: string, options: CompileOptions, depth: number): Search {
  if (typeof item === 'object' && item !== null && !Array.isArray(item)) {
    return compileSearch(item, path, options, depth + 1)
  }
  if (item === '') throw new SigmaError('detection/empty', path, 'an empty keyword matches everything')
  const modifiers = readModifiers([])
  return { kind: 'keyword', test: at(path, () => compileValue(item, modifiers, { keyword: true })) }
}

function field(key: string, data: unknown, path: string, options: CompileOptions): Search {
  const [name = '', ...names] = key.split('|')
  const modifiers = at(path, () => readModifiers(names))
  if (name === '' && names.length === 0) throw new SigmaError('detection/shape', path, 'a field without a name')
  if (Array.isArray(data)) size(data.length, path)
  else if (modifiers.all) throw new SigmaError('modifier/combination', path, 'all needs a list of values')
  const values: readonly unknown[] = Array.isArray(data) ? data : [data]
  const parts = values.map((value, i) =>
    at(Array.isArray(data) ? `${path}.${i}` : path, () => one(name, value, modifiers, options)),
  )
  const joined = modifiers.all ? join('all', parts) : join('any', oneTest(parts))
  return modifiers.neq ? { kind: 'not', part: joined } : joined
}

const join = (kind: 'all' | 'any', parts: readonly Search[]): Search =>
  parts.length === 1 ? parts[0]! : { kind, parts }

/** A list of values of one field as one test: the field is looked up once. Keywords likewise. */
function oneTest(parts: readonly Search[]): readonly Search[] {
  const [first] = parts
  if (first?.kind !== 'field' && first?.kind !== 'keyword') return parts
  const tests: ValueTest[] = []
  for (const part of parts) {
    if (part.kind !== first.kind) return parts
    tests.push(part.test)
  }
  return tests.length === 1 ? parts : [{ ...first, test: (value, view) => tests.some((test) => test(value, view)) }]
}

function one(name: string, value: unknown, modifiers: Modifiers, options: CompileOptions): Search {
  const { type, changes } = modifiers
  const { placeholders } = options
  if (name === '') {
    if (type === 'exists' || type === 'fieldref')
      throw new SigmaError('modifier/combination', '', `${type} needs a field`)
    if (value === '') throw new SigmaError('detection/empty', '', 'an empty keyword matches everything')
    return { kind: 'keyword', test: compileValue(value, modifiers, { placeholders, keyword: true }) }
  }
  const fields = namesOf(name, options.mapping)
  if (type === 'exists') {
    if (typeof value !== 'boolean') throw new SigmaError('value/type', '', `exists takes true or false`)
    return { kind: 'exists', fields, wanted: value }
  }
  if (type === 'fieldref') {
    if (typeof value !== 'string' || value === '') throw new SigmaError('value/type', '', 'fieldref takes a field name')
    const as = (changes[0] ?? 'equal') as FieldComparison['as']
    return { kind: 'compare', fields, other: namesOf(value, options.mapping), how: { cased: modifiers.cased, as } }
  }
  if (value === null && type === 'text' && changes.length === 0) {
    const isNull: Search = { kind: 'null', fields }
    return options.absentIsNull ? { kind: 'any', parts: [isNull, { kind: 'exists', fields, wanted: false }] } : isNull
  }
  return { kind: 'field', fields, test: compileValue(value, modifiers, { placeholders, keyword: false }) }
}

function namesOf(field: string, mapping: FieldMapping | undefined): readonly string[] {
  const mapped = mapping !== undefined && Object.hasOwn(mapping, field) ? mapping[field] : undefined
  return mapped === undefined ? [field] : typeof mapped === 'string' ? [mapped] : mapped
}
